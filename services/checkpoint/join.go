package checkpoint

import (
	"context"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// The stream of a replay comes when the replay is approved. When that has ended and control has
// the head of the stream's end, the stream rests: the store is not asked for its end any more, and
// the hub is not told of it again, else the record there would hold all replays that ever were.
// The hub is told what control is, which has that head, and a start holds the stream against it.

// join opens the trees of the streams that have none yet: of all that there may be when the
// process begins, and of replays that are approved while it runs.
func (k *keeper) join(ctx context.Context) error {
	var streams []domain.Stream
	k.o.Control.State(func(c *domain.ControlState) {
		for _, s := range c.Streams(k.o.Config.Name, k.o.Configured.Shards) {
			if k.o.Has(s.Leg) && !k.joined[s] {
				streams = append(streams, s)
			}
		}
	})
	if len(streams) == 0 {
		return nil
	}
	heads := k.file.heads()
	for _, s := range streams {
		b, err := openBranch(ctx, k.o.Journal, s, k.dataDir, heads[s])
		if err != nil {
			return err
		}
		k.joined[s] = true
		if s.Leg == domain.LegControl || k.o.Writes(k.role, s) {
			k.branches = append(k.branches, b)
		} else {
			k.others.add(b)
		}
	}
	return nil
}

// awake are the branches that do not rest. The end of each is looked at once, whoever wrote it.
func (k *keeper) awake() (out []*branch) {
	k.o.Control.State(func(c *domain.ControlState) {
		for _, b := range k.branches {
			if !b.grown || !c.Ended(b.stream) || c.Heads[b.stream].Ref != b.last {
				out = append(out, b)
			}
		}
	})
	return out
}

// headsOf are the newest heads of some branches.
func headsOf(branches []*branch) (out []checkpoint.Kept) {
	for _, b := range branches {
		if b.signed.Ref.Seq > 0 {
			out = append(out, b.signed)
		}
	}
	return out
}

// branch finds the branch of a stream, this process's or another's; nil: there is none.
func (k *keeper) branch(s domain.Stream) *branch {
	k.mu.Lock()
	all := slices.Concat(k.branches, k.others.all())
	k.mu.Unlock()
	if i := slices.IndexFunc(all, func(b *branch) bool { return b.stream == s }); i >= 0 {
		return all[i]
	}
	return nil
}
