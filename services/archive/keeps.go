package archive

import (
	"context"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// onward are the legs that read a stream, and those behind them, in the order of the way of
// a row. Replays are not among them: they read as well what is in the archive alone.
func onward(leg domain.Leg) []domain.Leg {
	way := domain.Legs()
	at := slices.Index(way, leg)
	if at < 0 {
		return nil // nobody reads what a replay did
	}
	return way[at+1:]
}

// reached is how far each leg that is to pass over a stream has come in it.
func (j *Job) reached(ctx context.Context, s domain.Stream) (map[domain.Leg]domain.Seq, error) {
	out := map[domain.Leg]domain.Seq{}
	if s.Leg == domain.LegControl {
		return out, nil
	}
	for _, leg := range onward(s.Leg) {
		if !j.Has(leg) {
			continue
		}
		r, err := pipeline.ReachOf(ctx, j.Journal, domain.Stream{Pipeline: s.Pipeline, Shard: s.Shard, Leg: leg})
		if err != nil {
			return nil, fmt.Errorf("how far %s has come: %w", leg, err)
		}
		out[leg] = r[s.Leg].Seq
	}
	return out, nil
}

// keeps lists, for people, what keeps a segment in the store; nothing when it may be
// dropped. The Rolled at its end says nothing that a leg or the reconciler must have seen.
func (j *Job) keeps(seg *segment, reached map[domain.Leg]domain.Seq) (why []string) {
	if seg.stream.Leg == domain.LegControl {
		return []string{"control is never dropped: a journal opens from it"}
	}
	if seg.archived == nil {
		return []string{"it is not archived yet"}
	}
	if seg.said {
		return nil // decided: only the deletion did not come to be
	}
	last := seg.last - 1
	for _, leg := range onward(seg.stream.Leg) {
		if at, counts := reached[leg]; counts && at < last {
			why = append(why, fmt.Sprintf("%s has come to %d of %d", leg, at, last))
		}
	}
	j.Control.State(func(c *domain.ControlState) {
		if through := c.Dropped[seg.stream]; through+1 != seg.first {
			why = append(why, fmt.Sprintf("the segment before it is there: dropped is all up to %d", through))
		}
		if id, replay := seg.stream.Leg.Plan(); replay {
			if r := c.Replays[id]; r == nil || !r.State.Ended() {
				why = append(why, fmt.Sprintf("replay %s is neither done nor cancelled", id))
			}
			return // what it carried is proven by a report of its own
		}
		if seg.stream.Leg == domain.LegLineage {
			return // it says where rows went, and is no part of a proof
		}
		if through := c.Through[seg.stream].Seq; through < last {
			why = append(why, fmt.Sprintf("the reconciler has come to %d of %d", through, last))
		}
		open := slices.DeleteFunc(openFindings(c), func(f *domain.Finding) bool { return !mayHold(f, j.Shards, seg) })
		if len(open) > 0 {
			slices.SortFunc(open, func(a, b *domain.Finding) int { x, y := a.ID(), b.ID(); return slices.Compare(x[:], y[:]) })
			why = append(why, fmt.Sprintf("%d findings are open about its rows, such as %s %s (%s): accept them or mend what they name", len(open), open[0].ID(), open[0].Class, open[0].Where))
		}
	})
	return why
}
