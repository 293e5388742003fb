package projections

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// LaneReader reads the events of a replay's lane and cuts of each committed hub transaction
// what the plan takes. It belongs to one goroutine.
type LaneReader struct {
	lane   domain.PlanLane
	cutter *Cutter
	r      *journal.Reader // nil: nothing is to be read
	at     domain.Cursor
}

// Read makes a LaneReader of the lane's events after a cursor; the zero one is before them. A
// journal whose lane does not end as the plan says is an *journal.IntegrityError.
func (r *Replay) Read(ctx context.Context, j *journal.Journal, after domain.Cursor) (*LaneReader, error) {
	l := &LaneReader{lane: r.Lane, cutter: NewCutter(j, r.Lane.Shard, r.Plan.Rows), at: after}
	if l.Done() {
		return l, nil
	}
	end, err := j.Get(ctx, r.Lane.Last.Stream, r.Lane.Last.Seq)
	if err == nil && end.Ref() != r.Lane.Last {
		err = &journal.IntegrityError{Stream: end.Stream, Seq: end.Seq, What: fmt.Sprintf("hash is %s, plan %s says %s", end.Hash, r.Plan.ID, r.Lane.Last.Hash)}
	}
	if err != nil {
		return nil, fmt.Errorf("end of the lane of plan %s: %w", r.Plan.ID, err)
	}
	if after.IsZero() {
		l.r, err = j.ReadFrom(ctx, r.Lane.Last.Stream, r.Lane.First)
	} else {
		l.r, err = j.Read(ctx, r.Lane.Last.Stream, after)
	}
	if err != nil {
		return nil, fmt.Errorf("lane of plan %s: %w", r.Plan.ID, err)
	}
	return l, nil
}

// Done reports whether there is nothing behind At in the lane.
func (l *LaneReader) Done() bool {
	return l.lane.Last.Seq < l.lane.First || l.at.Seq >= l.lane.Last.Seq
}

// At is the last event that was read.
func (l *LaneReader) At() domain.Cursor { return l.at }

// Next reads one more event, when Done says that there is one: the committed hub transaction
// that it is, or stands for, as far as the plan takes it; nil where it is none.
func (l *LaneReader) Next(ctx context.Context) (*domain.HubCommitted, error) {
	e, err := l.r.Next(ctx)
	if err != nil {
		return nil, err
	}
	l.at = e.Ref()
	switch ev := e.Event.(type) {
	case *domain.HubCommitted:
		return l.cutter.Cut(ctx, ev)
	case *domain.Ingested:
		return l.cutter.Cut(ctx, domain.DirectCommit(e.Seq, ev))
	}
	return nil, nil
}

// Close gives the readers of the journal back.
func (l *LaneReader) Close() {
	l.cutter.Close()
	if l.r != nil {
		l.r.Close()
	}
}
