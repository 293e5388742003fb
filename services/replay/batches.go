package replay

import (
	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/file"
	"github.com/hefu-io/hefu/projections/hub"
)

// batches says what running the plan comes to: how many loads or transactions, under which names,
// and how long its limits make it take.
func (p *planning) batches() {
	e, t := &p.plan.Expect, &p.plan.Target
	if t.Mode == domain.ModeDeleteDuplicates {
		return
	}
	rows := int64(0)
	switch {
	case t.Kind == domain.TargetTable:
		rows = int64(p.o.Config.Doris.Batch.Rows)
	case t.Kind == domain.TargetTopic:
		rows = int64(p.o.Config.Hub.Batch.Rows)
	}
	if limit := p.plan.Limits.Rows; limit > 0 && rows > limit {
		rows = limit
	}
	if e.Batches = int64(len(p.plan.Lanes)); rows > 0 {
		e.Batches = max(e.Batches, (e.Rows+rows-1)/rows)
	}
	if t.Kind == domain.TargetTopic && t.Mode == domain.ModeFillMissing {
		e.Batches = 0 // its rows are in no transaction
	}
	e.Seconds = max(parts(e.Rows, p.plan.Limits.Rows), parts(e.Bytes, p.plan.Limits.Bytes))
	e.Names = nil
	for _, l := range p.plan.Lanes {
		switch t.Kind {
		case domain.TargetTable:
			e.Names = append(e.Names, domain.LabelPrefix(p.plan.Stream(l.Shard)))
		case domain.TargetTopic:
			e.Names = append(e.Names, hub.ReplayTransactionalID(p.plan, l.Shard))
		case domain.TargetFile:
			e.Names = append(e.Names, file.Name(p.plan.ID, l.Shard))
		case domain.TargetNull:
		}
	}
}

// parts is how often a limit goes into something, the last part counting as one; 0 for no limit.
func parts(n, limit int64) int64 {
	if limit <= 0 {
		return 0
	}
	return (n + limit - 1) / limit
}
