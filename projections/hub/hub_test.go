package hub_test

import (
	"errors"
	"testing"

	"github.com/hefu-io/hefu/journal"
)

func TestMoves(t *testing.T) {
	w := newWorld(t)
	h := w.process()
	leg := open(w, h)
	if !leg.Cursor().IsZero() {
		t.Errorf("new leg at %s", leg.Cursor())
	}
	to := w.mixed()
	w.moved(leg, to)
	w.tally()

	leg = open(w, w.process())
	if leg.Cursor() != to {
		t.Errorf("opened again at %s, want %s", leg.Cursor(), to)
	}
	to = w.mixed()
	w.moved(leg, to)
	w.tally()
	var fenced *journal.FencedError
	if _, err := h.Open(w.ctx); !errors.As(err, &fenced) {
		t.Errorf("the process before opened again: %v", err)
	}
}
