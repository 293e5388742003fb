package explain

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// throughLineage tells of the block that carries the lineage of a batch to ClickHouse, if the
// pipeline has a leg for that: outcome is what the block is made of, the end of a load, or of a
// hub transaction where there is no table. Where a row is does not depend on it.
func (a *asking) throughLineage(ctx context.Context, t *telling, shard int, outcome *journal.Entry) error {
	if outcome.Stream.Leg == domain.LegIngest {
		return nil // of a pipeline that reads the hub and has no table: there is nothing to follow
	}
	p, err := a.passage(ctx, a.stream(shard, domain.LegLineage), outcome, 0, 0)
	if err != nil {
		return err
	}
	if p.intent != nil { // it began when the last of its outcomes was there
		if outcome, err = a.j.Get(ctx, p.intent.last.Stream, p.intent.last.Seq); err != nil {
			return err
		}
	}
	t.floor = timeOf(outcome)
	for _, e := range p.entries {
		t.event(e, words(e))
	}
	return nil
}

// withoutHub tells the same of a row that a hub transaction left out: its lineage is in the block of
// the load that took the others up. nil: the transaction has no end yet.
func (a *asking) withoutHub(ctx context.Context, t *telling, shard int, commit *journal.Entry) error {
	if commit != nil && a.c.Table != "" {
		load, err := a.commitOf(ctx, a.stream(shard, domain.LegDoris), commit.Seq, 0)
		if err != nil {
			return err
		}
		commit = load
	}
	if commit == nil {
		return nil
	}
	return a.throughLineage(ctx, t, shard, commit)
}

// lineageOf tells the same of a batch by the event that ended it: only what arrived has a lineage.
func (a *asking) lineageOf(ctx context.Context, t *telling, shard int, last *journal.Entry) error {
	if last == nil || !isCommit(last) {
		return nil
	}
	return a.throughLineage(ctx, t, shard, last)
}
