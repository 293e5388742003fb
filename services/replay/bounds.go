package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/pipeline"
)

// input is the leg whose events a replay reads: those of the hub, or of ingest where the hub
// topic itself is the source.
func input(o *pipeline.Open) domain.Leg {
	if o.Configured.Direct {
		return domain.LegIngest
	}
	return domain.LegHub
}

// follows is the leg that says what was there at a time: what the table had, or the topic.
func follows(o *pipeline.Open, kind domain.TargetKind) domain.Leg {
	if kind != domain.TargetTopic && o.Has(domain.LegDoris) {
		return domain.LegDoris
	}
	return input(o)
}

// view is what a leg's stream says at one of its events.
type view struct {
	at   domain.Ref    // the event
	last domain.Cursor // the input that is carried by then, zero for none
	open domain.Seq    // the intent without an outcome, 0 for none
}

// viewAt reads what a stream says at one of its events.
func viewAt(ctx context.Context, j *journal.Journal, s domain.Stream, seq domain.Seq) (view, error) {
	e, err := j.Get(ctx, s, seq)
	if err != nil {
		return view{}, err
	}
	v := view{at: e.Ref()}
	if s.Leg == domain.LegIngest {
		v.last = e.Ref()
		return v, nil
	}
	trail := domain.TrailOf(e.Event).After(seq, e.Event)
	if trail.Open() {
		v.open = trail.Begun
	}
	if trail.Commit > 0 {
		v.last, err = carried(ctx, j, s, trail.Commit)
	}
	return v, err
}

// carried is the input that is carried once a commit stands: of the hub, which is an input
// itself, the commit.
func carried(ctx context.Context, j *journal.Journal, s domain.Stream, commit domain.Seq) (domain.Cursor, error) {
	e, err := j.Get(ctx, s, commit)
	if err != nil {
		return domain.Cursor{}, err
	}
	switch ev := e.Event.(type) {
	case *domain.HubCommitted:
		return e.Ref(), nil
	case *domain.DorisCommitted:
		return ev.Cursor, nil
	default:
		return domain.Cursor{}, &journal.IntegrityError{Stream: s, Seq: commit, What: fmt.Sprintf("is a %s, the trail calls it a commit", e.Event.Kind())}
	}
}

// now is what a stream says at its end, zero where it has nothing yet.
func now(ctx context.Context, j *journal.Journal, s domain.Stream) (view, error) {
	tail, err := j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return view{}, nil
	}
	if err != nil {
		return view{}, err
	}
	return viewAt(ctx, j, s, tail.Seq)
}

// before is the event before the first one of which something holds that then holds of all
// later ones; the tail where it holds of none.
func before(ctx context.Context, j *journal.Journal, s domain.Stream, holds func(*journal.Entry) bool) (domain.Seq, error) {
	tail, err := j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	e, err := j.Search(ctx, s, 1, tail.Seq, func(e *journal.Entry) (bool, error) { return holds(e), nil })
	if err != nil || e == nil {
		return tail.Seq, err
	}
	return e.Seq - 1, nil
}

// broughtBetween are the ingest events of a shard that brought rows in [from, to).
func broughtBetween(ctx context.Context, j *journal.Journal, shard int, from, to *domain.Micros) (domain.SeqSpan, error) {
	s := domain.Stream{Pipeline: j.Pipeline(), Shard: shard, Leg: domain.LegIngest}
	out := domain.SeqSpan{Shard: shard, First: 1}
	// What brings no rows counts as made with the next event that does.
	at := func(limit domain.Micros) (domain.Seq, error) {
		var failed error
		seq, err := before(ctx, j, s, func(e *journal.Entry) bool {
			for {
				if in, is := e.Event.(*domain.Ingested); is {
					return in.ExtractTime >= limit
				}
				next, err := j.Get(ctx, s, e.Seq+1)
				if errors.Is(err, journal.ErrNotFound) {
					return true
				}
				if err != nil {
					failed = err
					return true
				}
				e = next
			}
		})
		return seq, errors.Join(err, failed)
	}
	tail, err := j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Last = tail.Seq
	if from != nil {
		seq, err := at(*from)
		if err != nil {
			return out, err
		}
		out.First = seq + 1
	}
	if to != nil {
		if out.Last, err = at(*to); err != nil {
			return out, err
		}
	}
	return out, nil
}
