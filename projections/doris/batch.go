package doris

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	recordbatch "github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// maxExcluded closes a batch: an intent that lists this many rows is well below the
// largest event.
const maxExcluded = 10_000

// draft is what one load will carry: the committed hub transactions of [first, last], or
// what stands for them (input).
type draft struct {
	first, last domain.Ref
	commits     []*domain.HubCommitted
	rows        int64 // without the excluded ones
	bytes       int64 // of the hub's values
	ends        map[int32]int64
	excluded    []domain.Exclusion
	fare        *fare // of a replay
}

func newDraft() *draft { return &draft{ends: map[int32]int64{}} }

// add takes one more event.
func (b *draft) add(a arrival) {
	if b.first.IsZero() {
		b.first = a.ref
	}
	b.last = a.ref
	c := a.commit
	if c == nil {
		return
	}
	b.commits = append(b.commits, c)
	b.rows += c.Rows
	b.bytes += c.Bytes
	for _, r := range c.Runs {
		b.ends[r.Partition] = max(b.ends[r.Partition], r.Offset+r.N)
	}
}

func (b *draft) full(l Limits) bool {
	return b.rows >= int64(l.Rows) || b.bytes >= int64(l.Bytes) || len(b.excluded) >= maxExcluded
}

// exclude lists the rows of a commit that the table cannot hold.
func (l *leg) exclude(ctx context.Context, b *draft, c *domain.HubCommitted) error {
	var dec recordbatch.Decoder
	var row batchRow
	reader := l.reader(l.bounds)
	leave := func(x domain.Exclusion) error {
		b.excluded = append(b.excluded, x)
		b.rows -= x.Count
		return nil
	}
	return l.walk(ctx, []*domain.HubCommitted{c}, func(p *projections.Pieces) error {
		if err := reader.begin(p, &row); err != nil {
			return err
		}
		return p.Rows(&dec, func(at *domain.HubRun, ordinal int64, r *recordbatch.Record) error {
			why := reader.read(&row, r)
			if why.reason == "" {
				return nil
			}
			return leave(exclusion(at, ordinal, r.Offset, r.Value, why))
		}, func(at *domain.HubRun, ordinal, n int64, _ recordbatch.Header, bytes []byte) error {
			x := exclusion(at, ordinal, at.Offset+ordinal-at.First, bytes, unfit{reason: domain.ExcludedUndecodable})
			x.Count = n
			return leave(x)
		})
	})
}

// endList is the ends once the load is visible, over those of the loads before.
func (b *draft) endList(before map[int32]int64) []domain.HubEnd {
	all := maps.Clone(before)
	maps.Copy(all, b.ends)
	out := make([]domain.HubEnd, 0, len(all))
	for h, n := range all {
		out = append(out, domain.HubEnd{Partition: h, Next: n})
	}
	slices.SortFunc(out, func(a, b domain.HubEnd) int { return cmp.Compare(a.Partition, b.Partition) })
	return out
}

// leaveOut lists more rows that the batch leaves out, so many of them, in the order of the
// hub.
func (b *draft) leaveOut(more []domain.Exclusion) {
	for i := range more {
		b.rows -= more[i].Count
	}
	b.excluded = slices.Concat(b.excluded, more)
	slices.SortFunc(b.excluded, func(x, y domain.Exclusion) int {
		return cmp.Or(cmp.Compare(x.Ingest, y.Ingest), cmp.Compare(x.Run, y.Run), cmp.Compare(x.Ordinal, y.Ordinal))
	})
}

// eachCommit reads the committed hub transactions of an intent from the journal, of a replay
// those of its rows.
func (l *leg) eachCommit(ctx context.Context, ev *domain.DorisBegun, do func(*domain.HubCommitted)) error {
	cut := l.cutter()
	defer cut.Close()
	r, err := l.j.ReadFrom(ctx, l.streamOf(l.input), ev.First.Seq)
	if err != nil {
		return err
	}
	defer r.Close()
	for seq := ev.First.Seq; seq <= ev.Last.Seq; seq++ {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if seq == ev.Last.Seq && e.Hash != ev.Last.Hash {
			return &journal.IntegrityError{Stream: e.Stream, Seq: seq, What: fmt.Sprintf("hash is %s, the intent says %s", e.Hash, ev.Last.Hash)}
		}
		c, err := l.taken(ctx, cut, e)
		if err != nil {
			return err
		}
		if c != nil {
			do(c)
		}
	}
	return nil
}
