package pipeline

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/services/config"
)

// readBack is how much of the end of each stream is read at every start, bytes: what the legs
// go on from, and whatever was written last before the power went.
const readBack = 64 << 20

// read reads the events in the store along the chain, as journal.check_at_start says: all, or
// those that a projection still has to carry and the end of each stream. Control was read
// whole by whoever opened it, and what is in the archive alone is checked by who reads it.
func (v *voucher) read(ctx context.Context) error {
	o := audit.Options{}
	v.control.State(func(s *domain.ControlState) { o.After = audit.Dropped(s) })
	streams := slices.SortedFunc(maps.Keys(v.streams), func(a, b domain.Stream) int { return strings.Compare(a.String(), b.String()) })
	streams = slices.DeleteFunc(streams, func(s domain.Stream) bool { return s.Leg == domain.LegControl })
	if v.c.Journal.CheckAtStart == config.CheckCarried {
		for _, s := range streams {
			if err := v.carried(ctx, s, o.After); err != nil {
				return journal.Damaged(err)
			}
		}
	}
	o.Progress = saying(ctx, v.log, v.p.Name, sayEvery)
	r, err := audit.Run(ctx, v.j, streams, o)
	if err != nil {
		return err
	}
	return r.Wrong()
}

// carried puts off where the audit of a stream begins, and says so.
func (v *voucher) carried(ctx context.Context, s domain.Stream, after map[domain.Stream]domain.Ref) error {
	from, err := v.j.Back(ctx, s, readBack)
	if err != nil {
		return err
	}
	reached, err := v.reached(ctx, s)
	if err != nil {
		return err
	}
	for _, at := range reached {
		if at.Seq < from.Seq {
			from = at
		}
	}
	if from.Seq <= after[s].Seq {
		return nil
	}
	v.log.InfoContext(ctx, "carried events are not read at this start, hefu journal verify reads them", "stream", s.String(), "first", uint64(after[s].Seq+1), "last", uint64(from.Seq))
	after[s] = from
	return nil
}

// reached is how far those have come in a stream that need it: the legs behind it, and the
// replays that read it and have not ended.
func (v *voucher) reached(ctx context.Context, s domain.Stream) (out []domain.Ref, err error) {
	for _, leg := range v.readers(s.Leg) {
		r, err := ReachOf(ctx, v.j, domain.Stream{Pipeline: s.Pipeline, Shard: s.Shard, Leg: leg})
		if err != nil {
			return nil, err
		}
		out = append(out, r[s.Leg])
	}
	var plans []*domain.Plan
	v.control.State(func(c *domain.ControlState) {
		for _, id := range c.Planned {
			if r := c.Replays[id]; r.Approved > 0 && !r.State.Ended() && r.Plan != nil {
				plans = append(plans, r.Plan)
			}
		}
	})
	for _, p := range plans {
		for _, l := range p.Lanes {
			if l.Shard != s.Shard {
				continue
			}
			r, err := reachOfLane(ctx, v.j, p, l)
			if err != nil {
				return nil, err
			}
			if at, reads := r[s.Leg]; reads {
				out = append(out, at)
			}
		}
	}
	return out, nil
}

// readers are the legs of the pipeline that need a stream, all that come after it. Nobody needs
// that of a replay.
func (v *voucher) readers(leg domain.Leg) (legs []domain.Leg) {
	if _, is := leg.Plan(); is {
		return nil
	}
	if v.p.Lineage != nil {
		legs = append(legs, domain.LegLineage)
	}
	if v.p.Doris != nil {
		legs = append(legs, domain.LegDoris)
	}
	if v.p.ReadHub == nil {
		legs = append(legs, domain.LegHub)
	}
	if i := slices.Index(legs, leg); i >= 0 {
		return legs[:i]
	}
	return legs
}

// sayEvery is how often a start that takes long says how far it is.
const sayEvery = 5 * time.Second

// saying gives what is told the bytes read, from one goroutine at a time, and logs them.
func saying(ctx context.Context, log *slog.Logger, pipeline string, every time.Duration) func(int64) {
	began := time.Now()
	said := began
	return func(bytes int64) {
		now := time.Now()
		if now.Sub(said) < every {
			return
		}
		said = now
		log.InfoContext(ctx, "journal is read before anything moves", "pipeline", pipeline, "bytes", bytes,
			"bytes_per_second", int64(float64(bytes)/now.Sub(began).Seconds()))
	}
}
