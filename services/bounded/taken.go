package bounded

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/pipeline"
)

// taken reports whether the legs of a shard have taken every row of the journal: behind
// the cursor of the last commit of each lies no event with a row. The journal alone
// decides, so that it does not matter which process runs the legs. Events without a row
// (markers, takeovers, opened sources) go with the next rows, and may lie there for ever.
func taken(ctx context.Context, o *pipeline.Open, shard int) (bool, error) {
	input := domain.Stream{Pipeline: o.Config.Name, Shard: shard, Leg: domain.LegIngest}
	for _, leg := range []domain.Leg{domain.LegHub, domain.LegDoris} {
		if !o.Has(leg) {
			continue
		}
		own := input
		own.Leg = leg
		at, err := cursor(ctx, o.Journal, own)
		if err != nil {
			return false, err
		}
		if some, err := rowsBehind(ctx, o.Journal, input, at); some || err != nil {
			return false, err
		}
		input = own
	}
	return true, nil
}

// cursor is how far the last commit of a leg's stream came in its input, zero before the
// first one.
func cursor(ctx context.Context, j *journal.Journal, s domain.Stream) (domain.Cursor, error) {
	tail, err := j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return domain.Cursor{}, nil
	}
	if err != nil {
		return domain.Cursor{}, err
	}
	last := domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Commit
	if last == 0 {
		return domain.Cursor{}, nil
	}
	e, err := j.Get(ctx, s, last)
	if err != nil {
		return domain.Cursor{}, err
	}
	switch ev := e.Event.(type) {
	case *domain.HubCommitted:
		return ev.Cursor, nil
	case *domain.DorisCommitted:
		return ev.Cursor, nil
	default:
		return domain.Cursor{}, fmt.Errorf("last commit of %s is said to be %s, which is %s", s, e.Ref(), ev.Kind())
	}
}

// rowsBehind reports whether an event behind a cursor holds rows. It stops at the first.
func rowsBehind(ctx context.Context, j *journal.Journal, s domain.Stream, after domain.Cursor) (bool, error) {
	tail, err := j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) || err == nil && tail.Seq <= after.Seq {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r, err := j.Read(ctx, s, after)
	if err != nil {
		return false, err
	}
	defer r.Close()
	for seq := after.Seq; seq < tail.Seq; {
		e, err := r.Next(ctx)
		if err != nil {
			return false, err
		}
		if holdsRows(e.Event) {
			return true, nil
		}
		seq = e.Seq
	}
	return false, nil
}

// holdsRows reports whether the next leg has to do something with an event.
func holdsRows(e domain.Event) bool {
	switch e := e.(type) {
	case *domain.Ingested:
		for i := range e.Runs {
			if e.Runs[i].Rows > 0 {
				return true
			}
		}
	case *domain.HubCommitted:
		return e.Rows > 0
	}
	return false
}
