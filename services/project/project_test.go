package project

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// TestDorisLeg: what hefu.yaml says reaches the leg, key by key.
func TestDorisLeg(t *testing.T) {
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
	legs := New(nil, nil, nil)
	got := legs.DorisLeg(o, 3)
	if got.Cadence == nil || got.Cadence != legs.DorisLeg(o, 2).Cadence {
		t.Error("two shards have two cadences of one table")
	}
	got.Configured, got.Cadence = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestHubLeg: what hefu.yaml says reaches the leg, key by key.
func TestHubLeg(t *testing.T) {
	kafka := kafkaconn.Config{Brokers: []string{"k:9092"}, ClientID: "x"}
	o := &pipeline.Open{
		Configured: domain.PipelineConfig{Timezone: "UTC", Shards: 4},
		Config: config.Pipeline{Hub: config.Hub{
			Config: kafka, Topic: "hub", ProgressTopic: "progress", Semantic: "at-least-once",
			Batch: config.HubBatch{Rows: 1, Bytes: 2, Age: 3, Runs: 4}, TransactionTimeout: 5 * time.Second,
		}},
	}
	want := hub.Config{
		Pipeline: o.Configured, Kafka: kafka, Shard: 3, ProgressTopic: "progress", Semantic: domain.AtLeastOnce,
		Batch: hub.Limits{Rows: 1, Bytes: 2, Age: 3, Runs: 4}, TransactionTimeout: 5 * time.Second,
	}
	got := New(nil, nil, nil).HubLeg(o, 3)
	got.Configured = nil // a function: what is in force while the leg runs
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
