package doris_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// TestOrphan: what a zombie loads after it lost its stream is never committed, since
// nobody has its DorisPrepared, and is aborted by the next look.
func TestOrphan(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	older := w.start()
	p := w.wire.pause("load")
	at := w.Feed()
	<-p.arrived
	orphan := domain.Label(w.history(domain.LegDoris)[2].Ref())
	newer := w.start()
	newer.until(at)
	close(p.release)
	var fenced *journal.FencedError
	if err := <-older.done; !errors.As(err, &fenced) {
		t.Errorf("the zombie ended with %v", err)
	}
	newer.until(w.Feed())
	newer.stop()
	w.until(orphan, "PRECOMMITTED")
	newer = w.start()
	newer.until(w.Feed())
	newer.stop()
	w.until(orphan, "ABORTED")
	w.Tally()
	if o := newer.reporter.Status().Orphans; o == nil || o.Aborted != 1 || len(o.Found) != 1 || o.Found[0].Label != orphan || o.Found[0].Done != "aborted" {
		t.Errorf("orphans: %+v", o)
	}
	if !strings.Contains(w.logged(), orphan) {
		t.Error("the log does not name it")
	}
}

// under loads the wanted rows under a label, with two phases.
func (w *world) under(label string) int64 {
	w.t.Helper()
	h := &byHand{world: w, ev: &domain.DorisBegun{}, label: label}
	h.loads(strings.NewReader(h.lines()))
	return h.txn
}

// TestWhoseOrphans: only what this journal settled as aborted is aborted; the rest under
// this shard's labels is told, and other shards' and pipelines' is nobody's business.
func TestWhoseOrphans(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	at := w.Feed()
	h := w.begins(at, at) // settled as aborted by the next owner
	p := w.start()
	p.until(at)
	p.stop()
	var done domain.Ref
	for _, e := range w.history(domain.LegDoris) {
		if e.Event.Kind() == begun {
			done = e.Ref() // the newest is committed
		}
	}
	foreign := h.begun
	foreign.Hash[0] ^= 1
	later := h.begun
	later.Seq = 1000
	opened := w.history(domain.LegDoris)[1].Ref()
	must(t, w.s.ForgetLabel(database, domain.Label(done)))
	txns := map[string]int64{}
	for _, label := range []string{
		domain.Label(h.begun), domain.Label(done), domain.Label(foreign), domain.Label(later), domain.Label(opened),
		"hefu-p-1-5-3-aabbccddeeff", "hefu-p-12-3-aabbccddeeff", "hefu-p-1-x", "hefu-p-1-3-AABBCCDDEEFF",
	} {
		txns[label] = w.under(label)
	}
	p = w.start()
	o := eventually(w, "a look", func() (*projections.Orphans, bool) {
		o := p.reporter.Status().Orphans
		return o, o != nil
	})
	p.stop()
	const pre, alone = "PRECOMMITTED", "left alone: no intent of this journal"
	found := func(ref domain.Ref, done string) projections.Orphan {
		return projections.Orphan{Label: domain.Label(ref), Txn: txns[domain.Label(ref)], State: pre, Done: done}
	}
	want := &projections.Orphans{Aborted: 1, Found: []projections.Orphan{
		found(opened, alone), found(later, alone), found(foreign, alone), found(done, "left alone: this journal has it as committed"), found(h.begun, "aborted"),
	}}
	if d := cmp.Diff(want, o, cmpopts.IgnoreFields(projections.Orphans{}, "Checked")); d != "" || time.Since(o.Checked) > time.Hour {
		t.Errorf("orphans: %s, looked at %s", d, o.Checked)
	}
	for label := range txns {
		if got, ours := w.state(label), label == domain.Label(h.begun); (got == "ABORTED") != ours {
			t.Errorf("%s is %s", label, got)
		}
	}
	w.Tally()
}

// TestOrphanUnderWay: the load that is under way is none, and many are counted.
func TestOrphanUnderWay(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	for i := range 23 {
		ref := domain.Ref{Stream: w.Stream(), Seq: domain.Seq(100 + i)}
		w.under(domain.Label(ref))
	}
	at := w.Feed()
	p := w.wire.pause("commit")
	older := w.start()
	<-p.arrived
	d, reporter := w.leg()
	d.Look(w.ctx, database)
	o := reporter.Status().Orphans
	if len(o.Found) != 20 || o.More != 3 || o.Aborted != 0 || o.Found[0].Label != domain.Label(domain.Ref{Stream: w.Stream(), Seq: 122}) {
		t.Errorf("orphans: %+v", o)
	}
	close(p.release)
	older.until(at)
	older.stop()
	w.Tally()
}

// TestOrphansUnchecked: a look without an answer is no error and says why it has none;
// what was known before stays.
func TestOrphansUnchecked(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	at := w.Feed()
	w.begins(at, at)
	w.under(domain.Label(domain.Ref{Stream: w.Stream(), Seq: 9}))
	d, reporter := w.leg()
	d.Look(w.ctx, database)
	before := reporter.Status().Orphans
	d.Look(w.ctx, "other")
	after := reporter.Status().Orphans
	if before.Unchecked != "" || len(before.Found) != 1 {
		t.Errorf("looked at: %+v", before)
	}
	if !contains(after.Unchecked, "ask for unfinished loads", "front end 127.0.0.1:", "other") || after.Checked != before.Checked || !cmp.Equal(after.Found, before.Found) {
		t.Errorf("not looked at: %+v", after)
	}
	d.Look(w.ctx, database)
	if again := reporter.Status().Orphans; again.Unchecked != "" || !again.Checked.After(before.Checked) {
		t.Errorf("looked at again: %+v", again)
	}
}

// TestOrphansWhileRunning: a leg looks again and again.
func TestOrphansWhileRunning(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	at := w.Feed()
	h := w.begins(at, at)
	d, reporter := w.leg()
	d.LookEvery(5 * time.Millisecond)
	p := w.launch(d, reporter)
	p.until(at)
	again := &byHand{world: w, ev: &domain.DorisBegun{}, label: h.label}
	again.sends(strings.NewReader(h.lines())) // a look may come before its last byte
	w.until(h.label, "ABORTED")
	p.until(w.Feed())
	p.stop()
	w.Tally()
}

// TestOrphanNotAborted: an abort that is not done is told, and tried at the next look.
func TestOrphanNotAborted(t *testing.T) {
	for f, done := range map[fate]string{lost: "not aborted", unheard: "aborted"} {
		w := newWorld(t, duplicate)
		w.opened()
		at := w.Feed()
		h := w.begins(at, at)
		p := w.start()
		p.until(at)
		p.stop()
		w.under(h.label)
		w.wire.arm("abort", f)
		d, reporter := w.leg()
		d.Look(w.ctx, database)
		if o := reporter.Status().Orphans; len(o.Found) != 1 || !strings.HasPrefix(o.Found[0].Done, done) {
			t.Errorf("orphans: %+v", o)
		}
		d.Look(w.ctx, database)
		if o := reporter.Status().Orphans; o.Aborted != 1 || w.state(h.label) != "ABORTED" {
			t.Errorf("then: %+v", o)
		}
		w.Tally()
	}
}
