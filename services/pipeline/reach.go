package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Reach is how far a leg has come in the streams before it: of each the last event that its
// target holds, none where it holds none.
type Reach map[domain.Leg]domain.Ref

// ReachOf follows the cursor of a leg's last commit down to the beginning: what Doris holds
// of the hub's stream names, by the hub's commits, what it holds of ingest.
func ReachOf(ctx context.Context, j *journal.Journal, s domain.Stream) (Reach, error) {
	out := Reach{}
	tail, err := j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	return out, out.follow(ctx, j, tail)
}

// follow takes in how far a stream had come at one of its events.
func (r Reach) follow(ctx context.Context, j *journal.Journal, e *journal.Entry) (err error) {
	for e.Stream.Leg != domain.LegIngest {
		commit := domain.TrailOf(e.Event).After(e.Seq, e.Event).Commit
		if commit == 0 {
			return nil
		}
		if e, err = j.Get(ctx, e.Stream, commit); err != nil {
			return err
		}
		cursor, err := cursorOf(e)
		if err != nil {
			return err
		}
		r[cursor.Stream.Leg] = cursor
		if e, err = j.Get(ctx, cursor.Stream, cursor.Seq); err != nil {
			return err
		}
	}
	return nil
}

// reachOfLane is how far a replay has come in a lane, in the streams that it reads: before its
// first commit, to where the lane begins.
func reachOfLane(ctx context.Context, j *journal.Journal, p *domain.Plan, l domain.PlanLane) (Reach, error) {
	out, err := ReachOf(ctx, j, p.Stream(l.Shard))
	if err != nil || len(out) > 0 {
		return out, err
	}
	out[l.Last.Stream.Leg], out[domain.LegIngest] = domain.Ref{}, domain.Ref{}
	if l.First <= 1 {
		return out, nil
	}
	e, err := j.Get(ctx, l.Last.Stream, l.First-1)
	if err != nil {
		return nil, err
	}
	out[e.Stream.Leg] = e.Ref()
	return out, out.follow(ctx, j, e)
}

func cursorOf(e *journal.Entry) (domain.Cursor, error) {
	switch ev := e.Event.(type) {
	case *domain.HubCommitted:
		return ev.Cursor, nil
	case *domain.DorisCommitted:
		return ev.Cursor, nil
	case *domain.LineageCommitted:
		return ev.Cursor, nil
	default:
		return domain.Cursor{}, &journal.IntegrityError{Stream: e.Stream, Seq: e.Seq, What: fmt.Sprintf("is %s, a trail calls it a commit", e.Event.Kind())}
	}
}
