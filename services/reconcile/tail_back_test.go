package reconcile_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// putsBack gives a hub partition the rows again that it had from an offset on, by a log of before.
func (w *world) putsBack(log []*kgo.Record, h int32, from int64) {
	w.t.Helper()
	var back []*kgo.Record
	for _, r := range log {
		if r.Partition == h && r.Offset >= from {
			back = append(back, &kgo.Record{Partition: h, Value: r.Value, Timestamp: r.Timestamp})
		}
	}
	w.puts(back...)
}

// A window that was complete and verified, and of which the hub lost the end, is verified once more
// when the rows are back: by a Prover that saw it before, and by one that took it as it was said.
func TestTailComesBackToVerified(t *testing.T) {
	w := newWorld(t)
	w.opened()
	var before []*kgo.Record
	for range domain.WindowSize - 6 {
		before = append(before, &kgo.Record{Value: []byte("before these books")})
	}
	w.puts(before...)
	w.moves(20) // six rows of them are in the first window, and the others in the second
	first, second := domain.Window{Proof: domain.ProofHubDoris}, domain.Window{Proof: domain.ProofHubDoris, Index: 1}
	states := func(when string, p *reconcile.Prover, one, two domain.WindowState) {
		t.Helper()
		if got := p.States(); got[first] != one || got[second] != two {
			t.Errorf("%s: %s and %s, want %s and %s", when, got[first], got[second], one, two)
		}
	}
	saw, told := w.prover(reconcile.Scope{}), w.prover(reconcile.Scope{})
	verified(t, w.proves(saw), 60)
	var said domain.WindowResult
	for _, r := range saw.Results() {
		if r.Window == first {
			said = r
		}
	}
	told.Resume(map[domain.Window]domain.WindowResult{first: said})
	w.look(told)
	log := w.logOf()
	w.cuts(map[int32]int64{0: domain.WindowSize - 3})
	for name, p := range map[string]*reconcile.Prover{"saw": saw, "told": told} {
		states(name+", before", p, domain.WindowVerified, domain.WindowOpen)
		for range 5 {
			w.look(p)
		}
		states(name+", lost", p, domain.WindowUnverifiable, domain.WindowUnverifiable)
	}
	w.putsBack(log, 0, domain.WindowSize-3)
	for name, p := range map[string]*reconcile.Prover{"saw": saw, "told": told} {
		for deadline := time.Now().Add(time.Minute); p.States()[first] != domain.WindowVerified && time.Now().Before(deadline); {
			w.look(p)
		}
		states(name+", back", p, domain.WindowVerified, domain.WindowOpen)
		if n := len(p.Findings()); n != 1 {
			t.Errorf("%s: %d findings", name, n)
		}
	}
	verified(t, w.proved(), 60)
}
