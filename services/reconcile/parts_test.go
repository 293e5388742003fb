package reconcile_test

import (
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// A topic that was made anew begins another generation: the windows of the one before end where
// it ended, verified, and nothing of them is held. A copy of one of its rows is of a former
// generation, whether the new one has come to its offset or not.
func TestGenerations(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.ingests(s, w.run(s, "nanjing", 0, 30, 1))
	old := s.fresh
	w.carries(s)
	w.loads(s)
	p := w.prover(reconcile.Scope{})
	verified(t, w.proves(p), 30)
	first := domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1}
	if got := p.States()[first]; got != domain.WindowOpen {
		t.Errorf("the window of the only generation is %s", got)
	}
	w.opens(s, "nanjing", 2, 0, 0, 1)
	w.ingests(s, w.run(s, "nanjing", 0, 10, 1))
	if r := w.proves(p); r.Verdict != domain.Verified || r.Coverage[1].Pending != 10 {
		t.Errorf("%s: %+v", r.Verdict, r.Coverage)
	}
	w.carries(s)
	w.loads(s)
	verified(t, w.proves(p), 40)
	second := first
	second.Generation = 2
	if got := p.States(); got[first] != domain.WindowVerified || got[second] != domain.WindowOpen {
		t.Errorf("%v", got)
	}
	if n := p.Held(); n != 2 { // of generation 2, and of the hub
		t.Errorf("%d windows are held", n)
	}
	verified(t, w.proved(), 40)
	w.puts(w.record(old[5], old[5].hubTime))
	finds(t, w.proves(p), domain.Former, "hub", 5)
	w.puts(w.record(old[25], old[25].hubTime))
	finds(t, w.proves(p), domain.Former, "hub", 5, 25)
}

// Partitions that are added, and a source that is, are compared like all others, also where a
// look began before them.
func TestAddedLater(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(20)
	p := w.prover(reconcile.Scope{})
	verified(t, w.proves(p), 60)
	w.opens(s, "wuxi", 1, 0, 1)
	w.ingests(s, w.run(s, "wuxi", 1, 7, 0))
	w.carries(s)
	w.config.Sources = append(w.config.Sources, domain.SourceConfig{ID: "suzhou", City: "320500", Topic: "sz", Base: 1})
	w.say(&domain.PipelineConfigured{Config: w.config})
	w.opens(s, "suzhou", 1, 100, 0)
	w.ingests(s, w.run(s, "suzhou", 0, 9, 0))
	w.carries(s)
	w.loads(s)
	verified(t, w.proves(p), 76)
	verified(t, w.proved(), 76)
}

// Two shards have streams of their own, and hub partitions of their own.
func TestShards(t *testing.T) {
	w := newWorld(t, func(c *domain.PipelineConfig) { c.Shards = 2 })
	for i, s := range w.shards {
		w.opens(s, "nanjing", 1, 0, int32(i))
		w.ingests(s, w.run(s, "nanjing", int32(i), 20, 0))
		w.carries(s)
		w.loads(s)
	}
	p := w.prover(reconcile.Scope{})
	r := w.proves(p)
	verified(t, r, 40)
	if n := len(r.Journal.Streams); n != 7 {
		t.Errorf("%d streams", n)
	}
	w.exec("DELETE FROM ods.t WHERE hw_partition_id = 1 AND hw_offset_id = 3")
	s := w.shards[1]
	w.ingests(s, w.run(s, "nanjing", 1, 5, 0))
	w.carries(s)
	w.loads(s)
	r = w.proves(p)
	finds(t, r, domain.Lost, "doris", 3)
	if c := r.Coverage[1]; c.Verified != 45 {
		t.Errorf("%+v", c)
	}
}

// A while whose rows are on their way when it is looked at: what is counted then adds up, in
// every look at it.
func TestWhileOnItsWay(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(20)
	from := time.UnixMicro(int64(w.now)).Add(time.Microsecond)
	w.ingests(s, w.run(s, "nanjing", 0, 10, 1))
	w.carries(s)
	w.loads(s)
	w.ingests(s, w.run(s, "nanjing", 0, 5, 1), w.run(s, "wuxi", 0, 5, 0))
	w.carries(s)
	w.ingests(s, w.run(s, "nanjing", 0, 3, 1))
	w.exec("DELETE FROM ods.t WHERE hw_partition_id = 0 AND hw_offset_id = 25") // so that there are several looks
	p := w.prover(reconcile.Scope{From: &from})
	for range 2 {
		finds(t, w.proves(p), domain.Lost, "doris", 26)
		r := w.proves(p)
		var rows, hub, doris, pending, pendingDoris int64
		for _, n := range r.Sources {
			rows, hub, doris, pending, pendingDoris = rows+n.Rows, hub+n.InHub, doris+n.InDoris, pending+n.Pending, pendingDoris+n.PendingDoris
		}
		if rows != 23 || hub != 20 || doris != 10 || pending != 3 || pendingDoris != 10 {
			t.Errorf("%d rows, %d in the hub, %d in Doris, %d and %d pending", rows, hub, doris, pending, pendingDoris)
		}
		w.carries(s)
		w.loads(s)
		w.ingests(s, w.run(s, "nanjing", 0, 1, 0))
	}
}
