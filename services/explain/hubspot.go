package explain

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// spot is a row by its place in the hub.
type spot struct {
	commit *journal.Entry // the HubCommitted that put it there
	entry  *journal.Entry // the Ingested that it comes from
	run    *domain.Run
	offset int64 // in the city
}

// inHub finds the row that a committed transaction put at a place of the hub. none says why there is
// none.
func (r *reading) inHub(ctx context.Context, shard int, at domain.Coord, hint domain.Seq) (found *spot, none string, err error) {
	s := r.stream(shard, domain.LegHub)
	tail, err := r.tail(ctx, s)
	if err != nil {
		return nil, "", err
	}
	if tail == nil {
		return nil, "the hub stream of the shard does not exist yet: nothing was put into the hub", nil
	}
	if hint > 0 && hint <= tail.Seq {
		e, err := r.j.Get(ctx, s, hint)
		if err != nil {
			return nil, "", err
		}
		if piece := pieceAt(e, at); piece != nil {
			found, err = r.spot(ctx, e, piece, at)
			return found, "", err
		}
	}
	return r.between(ctx, s, tail.Seq, at)
}

// between halves the stream: one writer fills a partition of the hub, so its offsets rise with the
// events. Not every commit has rows of the partition; of those without one the nearest before counts.
func (r *reading) between(ctx context.Context, s domain.Stream, tail domain.Seq, at domain.Coord) (*spot, string, error) {
	low, high := domain.Seq(1), tail+1
	below, above := int64(-1), int64(-1) // the offsets next to the place that are known to hold rows
	for low < high {
		mid := low + (high-low)/2
		e, first, next, err := r.nearest(ctx, s, low, mid, at.Partition)
		if err != nil {
			return nil, "", err
		}
		switch {
		case e == nil:
			low = mid + 1
		case at.Offset < first:
			high, above = e.Seq, first
		case at.Offset >= next:
			low, below = mid+1, next-1
		default:
			if piece := pieceAt(e, at); piece != nil {
				found, err := r.spot(ctx, e, piece, at)
				return found, "", err
			}
			return nil, fmt.Sprintf("hub %s holds no row of this journal: %s has rows on either side of it; what is there is an end marker or of another writer", at, e.Ref()), nil
		}
	}
	const strange = "what is there is an end marker, of a transaction that did not happen, or of another writer"
	switch {
	case below < 0 && above < 0:
		return nil, fmt.Sprintf("hub partition %d has no row of this journal", at.Partition), nil
	case below < 0:
		return nil, fmt.Sprintf("hub %s lies before offset %d, where the rows of this journal begin in that partition", at, above), nil
	case above < 0:
		return nil, fmt.Sprintf("hub %s lies beyond offset %d, the last one of that partition with a row of this journal", at, below), nil
	default:
		return nil, fmt.Sprintf("hub %s holds no row of this journal, which has rows at %d and at %d: %s", at, below, above, strange), nil
	}
}

// nearest finds the last commit from low to high with rows of a hub partition, and between which
// offsets they are; nil when there is none.
func (r *reading) nearest(ctx context.Context, s domain.Stream, low, high domain.Seq, partition int32) (found *journal.Entry, first, next int64, err error) {
	for seq := high; seq >= low; {
		e, err := r.j.Get(ctx, s, seq)
		if err != nil {
			return nil, 0, 0, err
		}
		if c, ok := e.Event.(*domain.HubCommitted); ok {
			for _, run := range c.Runs {
				if run.Partition != partition {
					continue
				}
				if found == nil || run.Offset < first {
					first = run.Offset
				}
				next, found = max(next, run.Offset+run.N), e
			}
			if found != nil {
				return found, first, next, nil
			}
		}
		seq = domain.TrailOf(e.Event).Commit // 0 before the first commit
		if seq == 0 {
			break
		}
	}
	return nil, 0, 0, nil
}

// pieceAt is the run of a commit that has a place of the hub, nil for none.
func pieceAt(e *journal.Entry, at domain.Coord) *domain.HubRun {
	c, ok := e.Event.(*domain.HubCommitted)
	if !ok {
		return nil
	}
	for i := range c.Runs {
		if run := &c.Runs[i]; run.Partition == at.Partition && run.Offset <= at.Offset && at.Offset < run.Offset+run.N {
			return run
		}
	}
	return nil
}

func (r *reading) spot(ctx context.Context, commit *journal.Entry, piece *domain.HubRun, at domain.Coord) (*spot, error) {
	e, run, err := r.runOf(ctx, commit, piece)
	if err != nil {
		return nil, err
	}
	return &spot{commit, e, run, offsetOf(run, piece.First+at.Offset-piece.Offset)}, nil
}

// runOf reads the ingest run that a hub run comes from.
func (r *reading) runOf(ctx context.Context, commit *journal.Entry, piece *domain.HubRun) (*journal.Entry, *domain.Run, error) {
	e, err := r.j.Get(ctx, r.stream(commit.Stream.Shard, domain.LegIngest), piece.Ingest)
	if err != nil {
		return nil, nil, err
	}
	ev, ok := e.Event.(*domain.Ingested)
	if !ok || piece.Run >= len(ev.Runs) {
		return nil, nil, contradiction(e, "has no run %d, of which the hub holds rows (%s)", piece.Run, commit.Ref())
	}
	return e, &ev.Runs[piece.Run], nil
}

// offsetOf is the city offset of a row by its place in the run: the gaps before it hold none.
func offsetOf(run *domain.Run, ordinal int64) int64 {
	at := run.First
	for _, g := range run.Gaps {
		rows := g.Span.First - at
		if ordinal < rows {
			break
		}
		ordinal, at = ordinal-rows, g.Span.Next
	}
	return at + ordinal
}
