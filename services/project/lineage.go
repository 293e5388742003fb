package project

import (
	"time"

	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/services/pipeline"
)

// lineageMaxBackoff is the longest pause before a ClickHouse that does not answer is asked
// again: nothing waits for it.
const lineageMaxBackoff = 30 * time.Second

func (s *Service) lineage(o *pipeline.Open, shard int, reporter *projections.Reporter) (*projections.Runner, error) {
	c := lineageConfig(o, shard)
	c.Configured = o.InForce
	l, err := lineage.New(c, o.Journal, o.Incarnation, o.ConfigSeq, reporter, s.log)
	if err != nil {
		return nil, err
	}
	r := s.runner(o, reporter, l)
	r.MaxBackoff = lineageMaxBackoff
	return r, nil
}

// lineageConfig is a shard's lineage leg as hefu.yaml and the journal say.
func lineageConfig(o *pipeline.Open, shard int) lineage.Config {
	c := o.Config.Lineage
	return lineage.Config{
		Pipeline: o.Configured, Shard: shard, Doris: o.Config.Doris != nil, Conn: c.Conn(), Database: c.Database, Table: c.Table,
		Batch: lineage.Limits{Rows: c.Batch.Rows, Age: c.Batch.Age},
	}
}
