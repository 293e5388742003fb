package project

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// TestDorisConfig: what hefu.yaml says reaches the leg, key by key.
func TestDorisConfig(t *testing.T) {
	conn := dorisconn.Config{
		FE: []string{"http://fe:8030"}, MySQL: []string{"fe:9030"}, User: "hefu", UserFile: "/u", PasswordFile: "/p",
		TLS: &dorisconn.TLS{CAFile: "/c", MySQL: true}, BEMap: map[string]string{"a:1": "b:1"},
		Timeouts: dorisconn.Timeouts{Dial: time.Second, Ask: time.Minute, Load: time.Hour},
	}
	o := &pipeline.Open{
		Configured: domain.PipelineConfig{Timezone: "UTC", Shards: 4},
		Config: config.Pipeline{Doris: &config.Doris{
			Config: conn, Database: "ods", Table: "T", Model: config.ModelDuplicate, Semantic: "at-least-once",
			Properties: map[string]string{"comment": "x"}, MaxRecordBytes: 5,
			Batch: config.DorisBatch{Rows: 1, Bytes: 2, Age: 3, Interval: 4},
		}},
	}
	want := doris.Config{
		Pipeline: o.Configured, Shard: 3, Conn: conn, Database: "ods", Table: "T", Model: "duplicate", Semantic: domain.AtLeastOnce,
		Properties: map[string]string{"comment": "x"}, Batch: doris.Limits{Rows: 1, Bytes: 2, Age: 3}, MaxRecordBytes: 5,
	}
	if diff := cmp.Diff(want, dorisConfig(o, 3)); diff != "" {
		t.Error(diff)
	}
}
