package doris_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// TestReachBeforeAProbe: a load that Doris committed by itself, and forgot, was settled as
// aborted. Its rows are this journal's, although the last intent is a probe, which has
// two phases.
func TestReachBeforeAProbe(t *testing.T) {
	w := newWorldWith(t, duplicate, domain.AtLeastOnce)
	at := w.Feed()
	h := w.begins(at, at)
	h.loads(strings.NewReader(h.lines()))
	h.forgets()
	_, err := h.w.Append(w.ctx, &domain.DorisAborted{Owned: h.w.Owned(), Trail: h.w.Trail(), Begun: h.begun, Why: "Doris says UNKNOWN"})
	must(t, err)
	w.beginsAs(at, at, func(ev *domain.DorisBegun) { ev.Probe = &domain.DorisProbe{Next: 5} })
	p := w.start()
	p.until(at)
	p.stop()
	if got := w.atLeast(); got != 5 {
		t.Errorf("%d rows are doubled, want 5", got)
	}
}
