package project

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/projections/tlsconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// TestLineageConfig: what hefu.yaml says reaches the leg, key by key.
func TestLineageConfig(t *testing.T) {
	o := &pipeline.Open{
		Configured: domain.PipelineConfig{Timezone: "UTC", Shards: 4},
		Config: config.Pipeline{Lineage: &config.Lineage{
			Addresses: []string{"ch:9000"}, Database: "db", Table: "T", User: "u", PasswordFile: "/p", TLS: &tlsconn.Files{CAFile: "/c"},
			ProtocolVersion: 54031, Batch: config.LineageBatch{Rows: 1, Age: 2},
		}},
	}
	want := lineage.Config{
		Pipeline: o.Configured, Shard: 3, Database: "db", Table: "T", Batch: lineage.Limits{Rows: 1, Age: 2},
		Conn: clickhouseconn.Config{
			Addresses: []string{"ch:9000"}, User: "u", PasswordFile: "/p", TLS: &tlsconn.Files{CAFile: "/c"}, ProtocolVersion: 54031,
		},
	}
	if diff := cmp.Diff(want, lineageConfig(o, 3)); diff != "" {
		t.Error(diff)
	}
	o.Config.Doris = &config.Doris{}
	if !lineageConfig(o, 3).Doris {
		t.Error("the leg does not follow Doris, which the pipeline has")
	}
}
