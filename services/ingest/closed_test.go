package ingest_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/ingest"
)

// closings are the SourceClosed events of the stream.
func (r *rig) closings() (closed []domain.SourceID) {
	r.t.Helper()
	for _, e := range r.events() {
		if ev, ok := e.Event.(*domain.SourceClosed); ok {
			closed = append(closed, ev.Source)
		}
	}
	return closed
}

// marked are the sources whose positions are closed now.
func (r *rig) marked() (out []domain.SourceID) {
	r.t.Helper()
	events := r.events()
	for _, at := range domain.PositionsOf(events[len(events)-1].Event) {
		if at.Closed && !slices.Contains(out, at.Source) {
			out = append(out, at.Source)
		}
	}
	return out
}

// failOnce makes the nth append to the ingest stream from now on fail.
func (r *rig) failOnce(fault journal.Fault, nth int64) {
	var n atomic.Int64
	r.store.OnPut = func(s domain.Stream, _ domain.Seq, _ [][]byte) journal.Fault {
		if s.Leg != domain.LegIngest || n.Add(1) != nth {
			return journal.FaultNone
		}
		return fault
	}
}

// A source that the configuration ended while nothing ran is closed once, whatever becomes
// of that append, and its positions stay; the others go on. When it is back it goes on where
// it was, and is no longer closed.
func TestEndedSourceIsClosed(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultNone, journal.FaultBefore, journal.FaultAfter} {
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
		r.failOnce(fault, 2) // the first append is Opened
		for range 2 {
			produce(ctx, t, cl, stays.Topic, 0, 2)
			p = r.start(config(stays))
			r.reaches(p, 0, cl, stays.Topic)
			_ = p.stop()
		}
		if got := r.closings(); !slices.Equal(got, []domain.SourceID{"goes"}) {
			t.Errorf("closed %v, want goes once", got)
		}
		if got := r.marked(); !slices.Equal(got, []domain.SourceID{"goes"}) {
			t.Errorf("closed positions of %v", got)
		}
		produce(ctx, t, cl, goes.Topic, 1, 4)
		p = r.start(config(stays, goes))
		r.reaches(p, 1, cl, goes.Topic)
		_ = p.stop()
		if got := r.marked(); len(got) > 0 {
			t.Errorf("%v is back, and closed", got)
		}
		books := r.books()
		r.matches(c, goes.Topic, place{"goes", 1, 1}, books[place{"goes", 1, 1}])
	}
}

// A source that is taken away while the leg runs is closed once, whether the append fails and
// did not happen, or fails and did, and also if the process ends with it.
func TestClosingFails(t *testing.T) {
	for _, c := range []struct {
		fault journal.Fault
		dies  bool
	}{{journal.FaultBefore, false}, {journal.FaultAfter, false}, {journal.FaultBefore, true}, {journal.FaultAfter, true}} {
		fault, dies := c.fault, c.dies
		ctx, c := deadline(t), kafka(t)
		cl := dial(t, c)
		stays, goes := source(c, newTopic(ctx, t, cl, 1, nil)), source(c, newTopic(ctx, t, cl, 1, nil))
		goes.ID, goes.City, goes.Base = "goes", "320999", 3
		produce(ctx, t, cl, goes.Topic, 0, 4)
		r := newRig(ctx, t)
		p := r.start(config(stays, goes))
		r.reaches(p, 1, cl, goes.Topic)
		p.status(ctx, "the other is read", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running && len(s.Partitions) == 1 })
		r.failOnce(fault, 1)
		if failing := r.store.OnPut; dies {
			r.store.OnPut = func(s domain.Stream, seq domain.Seq, parts [][]byte) journal.Fault {
				f := failing(s, seq, parts)
				if f != journal.FaultNone {
					p.cancel()
				}
				return f
			}
		}
		p.configure(2, stays)
		if dies {
			<-p.ended
			r.store.OnPut = nil
			p = r.start(config(stays))
		}
		r.shows(p, "a")
		produce(ctx, t, cl, stays.Topic, 0, 4)
		r.reaches(p, 0, cl, stays.Topic)
		_ = p.stop()
		if got := r.closings(); !slices.Equal(got, []domain.SourceID{"goes"}) {
			t.Errorf("fault %d, died %t: closed %v", fault, dies, got)
		}
		if got := r.marked(); !slices.Equal(got, []domain.SourceID{"goes"}) {
			t.Errorf("fault %d, died %t: closed positions of %v", fault, dies, got)
		}
		r.books()
	}
}
