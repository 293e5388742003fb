package doris

import (
	"context"
	"io"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
)

// Refuses is for tests of the bounds.
func Refuses(zone *time.Location, text int, r *batch.Record) string {
	b := newBounds(zone, text)
	return b.refuses(r)
}

// Render writes the body of a load of commits.
func (d *Doris) Render(ctx context.Context, commits []*domain.HubCommitted, w io.Writer) error {
	return (&leg{Doris: d}).render(ctx, &draft{commits: commits}, w)
}
