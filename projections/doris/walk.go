package doris

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// walk reads the ingest events of committed hub transactions, one at a time, and calls
// do for each ingest run in the order of the hub.
func (d *Doris) walk(ctx context.Context, commits []*domain.HubCommitted, do func(*projections.Pieces) error) error {
	w := projections.NewWalker(d.j, d.cfg.Shard, d.cfg.Pipeline.Direct)
	defer w.Close()
	for _, c := range commits {
		if err := w.Walk(ctx, c, do); err != nil {
			return err
		}
	}
	return nil
}
