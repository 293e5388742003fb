package doris

import (
	"context"
	"io"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// Refuses is for tests of the bounds.
func Refuses(zone *time.Location, text int, r *batch.Record) string {
	b := newBounds(zone, text)
	return b.refuses(r.Timestamp, r.Value)
}

// Render writes the body of a load of commits.
func (d *Doris) Render(ctx context.Context, commits []*domain.HubCommitted, w io.Writer) error {
	return (&leg{Doris: d}).render(ctx, &draft{commits: commits}, nil, w)
}

// Look looks once for orphans of a database.
func (d *Doris) Look(ctx context.Context, database string) {
	conn, err := dorisconn.Open(d.cfg.Conn)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	before := d.cfg.Database
	d.cfg.Database = database
	(&leg{Doris: d, conn: conn}).lookForOrphans(ctx)
	d.cfg.Database = before
}

// LookEvery sets how often a leg looks for orphans.
func (d *Doris) LookEvery(interval time.Duration) { d.lookEvery = interval }

// Pauses are what loads wait for after so many aborted ones, and after a committed one.
func Pauses(aborts int) (out []time.Duration) {
	var p pace
	for range aborts {
		p.aborted()
		out = append(out, p.pause(p.last))
	}
	p.committed()
	return append(out, p.pause(p.last))
}

// Hurry makes the pauses between probes short.
func (d *Doris) Hurry() { d.probePause = time.Millisecond }

// Loads is a load of the table that is under way until the returned function is called.
func (c *Cadence) Loads() (ends func()) {
	if err := c.enter(context.Background(), func() {}); err != nil {
		panic(err)
	}
	return c.leave
}
