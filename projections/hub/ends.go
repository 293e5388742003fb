package hub

import (
	"context"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// lookBack is how many commits, from the last one on, are asked for the ends of the hub's
// partitions: each is two events to read before a leg is open.
const lookBack = 64

// remember keeps where partitions end behind the last commit, for the opens of this process that come: by then
// it may be further back than is looked.
func (h *Hub) remember(c *domain.HubCommitted, promised domain.Semantic) {
	for _, e := range domain.CommittedEndsOf(c, promised) {
		h.ends[e.Partition] = e
	}
}

// committedEnds are where the hub partitions of the shard end at least. The last commit has rows in
// some of them only: those before it are asked for the others, until each has one or there have been
// enough, and then what this process remembers.
func (h *Hub) committedEnds(ctx context.Context, last domain.Seq) (ends []domain.CommittedEnd, err error) {
	left := map[int32]bool{}
	for p := range h.cfg.Pipeline.HubPartitions {
		if domain.ShardOf(p, h.cfg.Pipeline.Shards) == h.cfg.Shard {
			left[p] = true
		}
	}
	for n := 0; n < lookBack && last != 0 && len(left) > 0; n++ {
		c, semantic, err := h.commit(ctx, last)
		if err != nil {
			return nil, err
		}
		last = c.Trail.Commit
		for _, e := range domain.CommittedEndsOf(c, semantic) {
			if left[e.Partition] {
				delete(left, e.Partition)
				h.ends[e.Partition] = e
			}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(h.ends)) {
		ends = append(ends, h.ends[p])
	}
	return ends, nil
}

// commit reads an outcome and what its intent promised.
func (h *Hub) commit(ctx context.Context, seq domain.Seq) (*domain.HubCommitted, domain.Semantic, error) {
	e, err := h.j.Get(ctx, h.stream, seq)
	if err != nil {
		return nil, "", err
	}
	c, ok := e.Event.(*domain.HubCommitted)
	if !ok {
		return nil, "", h.notThat(seq, domain.KindHubCommitted, e)
	}
	b, _, err := h.intent(ctx, c.Begun.Seq)
	if err != nil {
		return nil, "", err
	}
	return c, b.Semantic, nil
}
