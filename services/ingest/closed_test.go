package ingest_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// A source that the configuration ended is closed once, and leaves the position map;
// the others go on.
func TestEndedSourceIsClosed(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	stays, goes := source(c, newTopic(ctx, t, cl, 1, nil)), source(c, newTopic(ctx, t, cl, 2, nil))
	goes.ID, goes.City, goes.Base = "goes", "320999", 3
	produce(ctx, t, cl, stays.Topic, 0, 3)
	produce(ctx, t, cl, goes.Topic, 1, 4)
	r := newRig(ctx, t)
	p := r.start(config(stays, goes))
	r.reaches(p, 0, cl, stays.Topic)
	r.reaches(p, 1, cl, goes.Topic)
	_ = p.stop()
	for range 2 {
		produce(ctx, t, cl, stays.Topic, 0, 2)
		p = r.start(config(stays))
		r.reaches(p, 0, cl, stays.Topic)
		_ = p.stop()
	}
	var closed []domain.SourceID
	events := r.events()
	for _, e := range events {
		if ev, ok := e.Event.(*domain.SourceClosed); ok {
			closed = append(closed, ev.Source)
		}
	}
	if len(closed) != 1 || closed[0] != goes.ID {
		t.Errorf("closed %v, want %s once", closed, goes.ID)
	}
	for _, at := range domain.PositionsOf(events[len(events)-1].Event) {
		if at.Source != stays.ID || at.Next != 7 {
			t.Errorf("position %+v", at)
		}
	}
}
