package explain

import (
	"context"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/services/config"
)

// Bounds of what ClickHouse is asked: whatever it does not say at once the journal says too.
const (
	indexPatience = 5 * time.Second
	indexRows     = 100 // of one place: the generations of a source partition
)

// clickhouse is the Index of a pipeline with lineage.
type clickhouse struct{ c *config.Lineage }

// IndexOf is the Index that hefu.yaml gives a pipeline; nil for none. Nothing is connected before it
// is asked.
func IndexOf(p *config.Pipeline) Index {
	if p.Lineage == nil {
		return nil
	}
	return clickhouse{p.Lineage}
}

// Lookup implements Index.
func (i clickhouse) Lookup(ctx context.Context, id domain.JournalID, q lineage.Query) ([]lineage.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	conn, err := clickhouseconn.Open(ctx, i.c.Conn())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return lineage.Lookup(ctx, conn, lineage.Table{Database: i.c.Database, Table: i.c.Table, Journal: id}, q, indexRows)
}
