package services_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// TestInnocent does to a pipeline what is nobody's fault, and demands that nothing is found, and
// that what cannot be said is not called verified.
func TestInnocent(t *testing.T) {
	if testing.Short() {
		t.Skip("the plain run does this")
	}
	s := newScene(t, 12_000)
	for _, c := range []struct {
		name  string
		do    func() (undo func())
		proof domain.Proof
		state domain.WindowState // of a window of it; empty: all is verified that was
	}{
		{"retention in a city", func() func() { return s.cut("north", 0, 3000) }, report.CityJournal, domain.WindowUnverifiable},
		{"retention in the hub", func() func() { return s.cut("ODS", 0, 3000) }, domain.ProofCityHub, domain.WindowUnverifiable},
		{"retention in the hub, and the table", func() func() { return s.cut("ODS", 0, 3000) }, domain.ProofHubDoris, domain.WindowUnverifiable},
		{"an open transaction in a city", func() func() { return s.held("north", 0, 4000) }, report.CityJournal, domain.WindowBlocked},
		{"others' transactions that were aborted in the hub", s.othersAborted, "", ""},
		{"others' transaction that is open in the hub", s.othersOpen, "", ""},
		{"a compacted city", s.compacted, report.CityJournal, domain.WindowUnverifiable},
	} {
		t.Run(c.name, func(t *testing.T) {
			undo := c.do()
			defer undo()
			r := s.look(reconcile.Scope{Deep: true})
			if len(r.Findings) > 0 || r.Verdict == domain.Diverged {
				t.Errorf("%s: %s: %v", r.Verdict, r.Why, found(r))
			}
			has := false
			for i := range r.Windows {
				has = has || r.Windows[i].Proof == c.proof && r.Windows[i].State == c.state
			}
			if c.state != "" && !has {
				t.Errorf("no window of %s is %s: %s: %s", c.proof, c.state, r.Verdict, r.Why)
			}
		})
	}
}

// cut takes the first offsets of a partition away.
func (s *scene) cut(topic string, partition int32, offsets int64) (undo func()) {
	p := *s.get(topic, partition)
	p.start += offsets
	return s.play(&p)
}

// held is a partition whose last offsets are of an open transaction.
func (s *scene) held(topic string, partition int32, offsets int64) (undo func()) {
	p := *s.get(topic, partition)
	p.stable = p.batches[p.batchOf(p.end-offsets)].first
	return s.play(&p)
}

func (s *scene) othersAborted() (undo func()) {
	p := s.get("ODS", 1)
	first := p.end
	p = p.transaction(s.t, first, []byte("nobody's"), 0)
	p.aborted = append(p.aborted[:len(p.aborted):len(p.aborted)], abortedTxn{producer: 777, first: first, marker: first + 1})
	return s.play(p)
}

func (s *scene) othersOpen() (undo func()) {
	p := s.get("ODS", 1)
	stable := p.end
	p = p.transaction(s.t, stable, []byte("nobody's"), 1)
	p.stable = stable
	return s.play(p)
}

// transaction is the tape with one row of a transaction behind its end, and its marker: 0 aborts
// it, 1 commits it.
func (p *tape) transaction(t *testing.T, at int64, value []byte, how byte) *tape {
	t.Helper()
	of := func(attributes int16) func(*kmsg.RecordBatch, []kmsg.Record) []kmsg.Record {
		return func(h *kmsg.RecordBatch, list []kmsg.Record) []kmsg.Record {
			h.ProducerID, h.ProducerEpoch, h.Attributes = 777, 0, attributes
			if attributes&0x20 != 0 {
				list[0].Key, list[0].Value = []byte{0, 0, 0, how}, []byte{0, 0, 0, 0, 0, 0}
			}
			return list
		}
	}
	p = p.put(at, 1_790_000_000_000, value).with(t, at, of(0x10))
	return p.put(at+1, 1_790_000_000_000, nil).with(t, at+1, of(0x30))
}

// compacted lets a city's topic throw rows away.
func (s *scene) compacted() (undo func()) {
	set := func(policy string) {
		s.admin(func(a *kadm.Client) error {
			_, err := a.AlterTopicConfigs(s.t.Context(), []kadm.AlterConfig{{Name: "cleanup.policy", Value: &policy}}, "north")
			return err
		})
	}
	set("compact")
	p := s.get("north", 0)
	for i := int64(100); i < 4000; i += 700 {
		if b := p.batches[p.batchOf(p.start+i)]; p.data(&b) {
			p = p.alter(s.t, p.start+i, func(*kmsg.Record) bool { return false })
		}
	}
	back := s.play(p)
	return func() { back(); set("delete") }
}

// TestInFlight: rows that are on their way, to the hub or to the table, are nowhere called lost.
func TestInFlight(t *testing.T) {
	for _, legs := range [][]domain.Leg{{domain.LegIngest}, {domain.LegIngest, domain.LegHub}} {
		w := newWorld(t)
		w.start()
		w.feed("north", 0, 200)
		w.untilRows(400)
		w.end()
		w.startLegs(legs...)
		w.feed("north", 200, 100)
		w.feed("south", 0, 100)
		w.untilMoved(400, legs[len(legs)-1])
		w.end()
		r := prove(t, w.cfg, &w.cfg.Pipelines[0])
		all := sum(r, "")
		if len(r.Findings) > 0 || r.Verdict == domain.Diverged || all.Rows != 800 || all.Pending+all.PendingDoris != 400 {
			t.Errorf("%v: %s: %s: %+v %v", legs, r.Verdict, r.Why, all, found(r))
		}
	}
}

// startLegs starts a process that has only some of the legs.
func (w *world) startLegs(legs ...domain.Leg) {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop, w.done = cancel, make(chan error, 1)
	go func() {
		w.done <- services.Run(ctx, w.cfg, pipeline.Role{Version: "test", Legs: legs}, slog.New(slog.DiscardHandler))
	}()
}

// untilMoved waits until the sources, or the hub's leg, moved so many rows in this process.
func (w *world) untilMoved(n int64, leg domain.Leg) {
	w.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		r, _ := w.report()
		moved := int64(0)
		for _, p := range r.Pipelines {
			for _, s := range p.Sources {
				if leg == domain.LegIngest {
					moved += s.Rows
				}
			}
			for _, l := range p.Legs {
				if leg == domain.LegHub && l.Leg == string(leg) {
					moved += l.Rows
				}
			}
		}
		if moved >= n && w.settled() {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d rows moved of %d: %+v", moved, n, r)
		}
	}
}
