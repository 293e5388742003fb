package config

import (
	"os"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// The functions here are the only place where defaults are given. They fill a struct before the file is read over it, so
// a zero that somebody wrote stays a zero and is judged as one. Each default has its reason in deploy/hefu.yaml.

// Default is a Config with every default and no pipeline.
func Default() Config {
	host, err := os.Hostname()
	if err != nil {
		host = "" // then instance has to be given, and the check says so
	}
	return Config{
		Instance: host,
		DataDir:  "/var/lib/hefu",
		Journal: Journal{
			Mode:         ModeEmbedded,
			Replicas:     1,
			SegmentBytes: 1 << 30,
			MaxBytes:     100 << 30,
			ReserveBytes: 1 << 30,
			CheckAtStart: CheckAll,
			Checkpoint:   Checkpoint{Events: 1000, Interval: 10 * time.Second},
		},
		API: API{Listen: "127.0.0.1:8642"},
		Log: Log{Level: "info", Format: "text"},
	}
}

// DefaultPipeline is a Pipeline with every default, without Doris and without sources.
func DefaultPipeline() Pipeline {
	return Pipeline{
		Timezone: "Asia/Shanghai",
		Shards:   1,
		Ingest: Ingest{
			EventBytes: 1 << 20,
			Linger:     5 * time.Millisecond,
			QueueBytes: 8 << 20,
			FetchBytes: 1 << 20,
			MaxWait:    500 * time.Millisecond,
		},
		Hub: Hub{
			Batch:              HubBatch{Rows: 50_000, Bytes: 16 << 20, Age: 200 * time.Millisecond, Runs: 512},
			TransactionTimeout: 15 * time.Second,
			Semantic:           string(domain.ExactlyOnce),
			Format:             HubFormat{TimestampFormat: string(domain.TimestampSQL), Key: FormatNone, Headers: FormatNone},
		},
		Reconcile: DefaultReconcile(),
		Replay:    DefaultReplay(),
	}
}

// DefaultDoris is a Doris with every default.
func DefaultDoris() Doris {
	return Doris{
		Config:   dorisconn.Config{User: "root", Timeouts: dorisconn.Timeouts{}.WithDefaults()},
		Model:    ModelUnique,
		Semantic: string(domain.ExactlyOnce),
		Batch:    DorisBatch{Rows: 500_000, Bytes: 128 << 20, Age: 5 * time.Second, Interval: 5 * time.Second},

		MaxRecordBytes: 1 << 20,
	}
}

// DefaultSource is a Source with every default.
func DefaultSource() Source {
	return Source{Reading: DefaultReading(), Records: Records{Format: string(domain.FormatRaw)}}
}

// DefaultReading is a Reading with every default.
func DefaultReading() Reading { return Reading{Start: StartEarliest, Isolation: ReadCommitted} }

// derive fills in the defaults that follow from another key.
func (c *Config) derive() {
	for i := range c.Pipelines {
		p := &c.Pipelines[i]
		if p.Hub.ProgressTopic == "" {
			p.Hub.ProgressTopic = "hefu-progress-" + p.Name
		}
		applyProperties(&p.Hub.Config, &p.Hub.Properties)
		for j := range p.Sources {
			applyProperties(&p.Sources[j].Config, &p.Sources[j].Properties)
			p.Sources[j].derive()
		}
		if p.ReadHub != nil {
			p.ReadHub.derive()
		}
	}
}

func (r *Reading) derive() {
	if r.Start == StartGroupOffsets && r.OnMissingCursor == "" {
		r.OnMissingCursor = MissingFail
	}
}
