package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// mostRounds bounds the looks at a target that does not stand still: the plan's rows are behind
// everything that is under way, so that somebody else changes it all the time.
const mostRounds = 20

// settle looks again at the windows that differ, until the target said the same of each as often
// as a window's life demands (proof.Looks). One of which it says something else is compared anew.
func (c *comparison) settle(ctx context.Context) error {
	same := map[domain.Window]int{}
	wait := pause
	for range mostRounds {
		var list []*judged
		for _, w := range c.judged {
			if w.differs() && same[w.id] < proof.Looks {
				list = append(list, w)
			}
		}
		if len(list) == 0 {
			return nil
		}
		c.say(fmt.Sprintf("looking again at %d windows that differ", len(list)))
		if err := rest(ctx, &wait); err != nil {
			return err
		}
		again, err := c.moved(ctx, list, same)
		if err != nil || len(again) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		c.only = again
		err = c.pass(ctx, c.rows)
		c.only = nil
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%s does not stand still: somebody changes rows there that were loaded long ago", placeName(c.side.Name()))
}

// rest waits, each time longer: long enough for what is being written.
func rest(ctx context.Context, wait *time.Duration) error {
	timer := time.NewTimer(*wait)
	defer timer.Stop()
	*wait = min(2**wait, time.Second)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// moved asks for the vectors of windows again, neighbours together, and gives those of which
// they are others.
func (c *comparison) moved(ctx context.Context, list []*judged, same map[domain.Window]int) (map[domain.Window]domain.Span, error) {
	slices.SortFunc(list, func(a, b *judged) int {
		return cmp.Or(cmp.Compare(a.id.Partition, b.id.Partition), cmp.Compare(a.id.Index, b.id.Index))
	})
	again := map[domain.Window]domain.Span{}
	for len(list) > 0 {
		n := 1
		for n < len(list) && n < ask && list[n].id.Partition == list[0].id.Partition && list[n].in.First == list[n-1].in.Next {
			n++
		}
		in := proof.Range{Window: list[0].id, Span: domain.Span{First: list[0].in.First, Next: list[n-1].in.Next}}
		got, err := c.side.Vectors(ctx, in, domain.WindowSize, c.mask)
		if err != nil {
			return nil, err
		}
		for _, w := range list[:n] {
			if proof.Equal(got[w.id.Span().First], w.seen) {
				same[w.id]++
			} else {
				same[w.id], again[w.id] = 0, w.in
			}
		}
		list = list[n:]
	}
	return again, nil
}

// confirm looks again at the rows that the journal has nowhere: those that are gone, or that the
// journal has by now, were on their way.
func (c *comparison) confirm(ctx context.Context) error {
	wait := pause
	for range proof.Looks {
		if len(c.strays) == 0 {
			return nil
		}
		if err := rest(ctx, &wait); err != nil {
			return err
		}
		there := map[domain.RowKey]bool{}
		for h, in := range c.strayPlaces() {
			err := c.side.RowsAt(ctx, h, in, func(r *proof.Row) error {
				there[domain.RowKey{Partition: h, Offset: r.Offset}] = true
				return nil
			})
			if err != nil {
				return err
			}
		}
		for key := range c.strays {
			if key.Partition >= 0 && !there[key] {
				delete(c.strays, key)
			}
		}
		if !c.whole {
			if err := c.unknown(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// strayPlaces are the places of the strays, by hub partition.
func (c *comparison) strayPlaces() map[int32]domain.Spans {
	out := map[int32]domain.Spans{}
	for _, key := range c.strayKeys() {
		if key.Partition >= 0 {
			out[key.Partition] = with(out[key.Partition], key.Offset)
		}
	}
	return out
}

// strayKeys are the keys of the strays, in order.
func (c *comparison) strayKeys() []domain.RowKey {
	return slices.SortedFunc(maps.Keys(c.strays), func(a, b domain.RowKey) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
}
