// Package config is hefu.yaml: the structs it is read into, the defaults, and one strict check of all of it. Reading is
// strict because a configuration decides what is written where: a key that nobody knows, a key given twice, a key without
// a value, a number in place of a size is an error that names file, line, column and key, and says what is allowed. The
// meaning of each key, and the reason for each default, is in deploy/hefu.yaml.
//
// The package opens nothing but the file itself: certificate and password files are named here and read by whoever
// connects.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// Config is one hefu.yaml: one process, its journal, and its pipelines.
type Config struct {
	Instance  string     `yaml:"instance"` // names this process in Started events; the host's name by default
	DataDir   string     `yaml:"data_dir"` // embedded journal, its lock and manifest; key, checkpoints, reports
	Journal   Journal    `yaml:"journal"`
	API       API        `yaml:"api"`
	Log       Log        `yaml:"log"`
	Pipelines []Pipeline `yaml:"pipelines"`

	Path string `yaml:"-"` // where Load read it; empty for one that was made otherwise
}

// Journal says which JetStream holds the journal, and how large it may grow.
type Journal struct {
	Mode            string   `yaml:"mode"` // ModeEmbedded or ModeExternal
	Servers         []string `yaml:"servers,omitempty"`
	CredentialsFile string   `yaml:"credentials_file,omitempty"`
	CAFile          string   `yaml:"ca_file,omitempty"`
	Replicas        int      `yaml:"replicas"`
	SegmentBytes    Bytes    `yaml:"segment_bytes"` // a segment is rolled at this size
	MaxBytes        Bytes    `yaml:"max_bytes"`     // ingest stops here
	ReserveBytes    Bytes    `yaml:"reserve_bytes"` // disk kept free for outcomes

	CheckAtStart string `yaml:"check_at_start"` // CheckAll or CheckCarried

	Checkpoint Checkpoint `yaml:"checkpoint"`
	Archive    *Archive   `yaml:"archive,omitempty"` // nil: segments stay in the store
}

// API is the HTTP listener of status, metrics and the operator commands.
type API struct {
	Listen string `yaml:"listen"` // host:port, loopback only; port 0 takes a free one
}

// Log is what goes to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text or json
}

// Pipeline is one hub topic and one Doris table, fed by sources.
type Pipeline struct {
	Name     string   `yaml:"name"`     // [a-z0-9-]{1,32}; part of stream names, labels and transactional ids
	Timezone string   `yaml:"timezone"` // formats the columns without a zone; nothing else
	Shards   int      `yaml:"shards"`
	Ingest   Ingest   `yaml:"ingest"`
	Hub      Hub      `yaml:"hub"`
	Doris    *Doris   `yaml:"doris,omitempty"` // nil: the pipeline ends at the hub topic
	Sources  []Source `yaml:"sources"`
	ReadHub  *ReadHub `yaml:"read_hub,omitempty"` // in place of sources: the hub topic itself is read

	Lineage   *Lineage  `yaml:"lineage,omitempty"` // nil: questions are answered from the journal
	Reconcile Reconcile `yaml:"reconcile"`
	Replay    Replay    `yaml:"replay"`
}

// Ingest bounds what one shard holds between the city clusters and the journal.
type Ingest struct {
	EventBytes Bytes         `yaml:"event_bytes"` // an Ingested event is cut at this size …
	Linger     time.Duration `yaml:"linger"`      // … or when its first batch has waited this long
	QueueBytes Bytes         `yaml:"queue_bytes"` // fetched, not yet in the journal
	FetchBytes Bytes         `yaml:"fetch_bytes"` // asked of one partition at once
	MaxWait    time.Duration `yaml:"max_wait"`    // how long a broker may hold an empty fetch
}

// Hub is the cluster and the topic in the middle.
type Hub struct {
	kafkaconn.Config   `yaml:",inline"`
	Properties         map[string]string `yaml:"properties,omitempty"` // in Kafka's names; Parse turns them into the keys of Config
	Topic              string            `yaml:"topic"`
	ProgressTopic      string            `yaml:"progress_topic,omitempty"` // hefu-progress-<pipeline> by default
	Batch              HubBatch          `yaml:"batch"`
	TransactionTimeout time.Duration     `yaml:"transaction_timeout"`
	Semantic           string            `yaml:"semantic"` // domain.None, AtLeastOnce or ExactlyOnce
	Format             HubFormat         `yaml:"format"`
	BacklogGroup       string            `yaml:"backlog_group,omitempty"` // the first start demands that this group has taken all rows of the topic
}

// HubBatch bounds one hub transaction; the first bound reached cuts it.
type HubBatch struct {
	Rows  int           `yaml:"rows"`
	Bytes Bytes         `yaml:"bytes"`
	Age   time.Duration `yaml:"age"`
	Runs  int           `yaml:"runs"` // runs of offsets, each of which takes room in the outcome event
}

// Doris is the front ends and the table.
type Doris struct {
	dorisconn.Config `yaml:",inline"`
	Database         string            `yaml:"database"`
	Table            string            `yaml:"table"`
	Model            string            `yaml:"model"`                // ModelUnique or ModelDuplicate
	Semantic         string            `yaml:"semantic"`             // domain.None, AtLeastOnce or ExactlyOnce
	Properties       map[string]string `yaml:"properties,omitempty"` // headers of Stream Load, the original's sink.properties.*
	MaxRecordBytes   Bytes             `yaml:"max_record_bytes"`     // a longer record is excluded
	Batch            DorisBatch        `yaml:"batch"`
}

// DorisBatch bounds one load; the first bound reached cuts it.
type DorisBatch struct {
	Rows     int           `yaml:"rows"`
	Bytes    Bytes         `yaml:"bytes"`
	Age      time.Duration `yaml:"age"`
	Interval time.Duration `yaml:"interval"` // between two loads of all shards into the table
}

// Source is one city's topic, or several of them, on its own cluster.
type Source struct {
	ID               string `yaml:"id"`   // [a-z0-9-]{1,32}, unique in its pipeline, the same for ever
	City             string `yaml:"city"` // sscsdm
	kafkaconn.Config `yaml:",inline"`
	Properties       map[string]string `yaml:"properties,omitempty"`    // in Kafka's names; Parse turns them into the keys of Config
	Topic            string            `yaml:"topic,omitempty"`         // one of the three
	Topics           []string          `yaml:"topics,omitempty"`        // a list
	TopicPattern     string            `yaml:"topic_pattern,omitempty"` // a regular expression (RE2) that whole names match
	Reading          `yaml:",inline"`
	Records          `yaml:",inline"`
}

// The words that some keys are limited to.
const (
	ModeEmbedded      = "embedded"
	ModeExternal      = "external"
	CheckAll          = "all"
	CheckCarried      = "carried"
	ModelUnique       = "unique"
	ModelDuplicate    = "duplicate"
	MissingEarliest   = string(domain.MissingEarliest)
	MissingLatest     = string(domain.MissingLatest)
	MissingFail       = string(domain.MissingFail)
	StartEarliest     = string(domain.StartEarliest)
	StartGroupOffsets = string(domain.StartGroupOffsets)
)

// Load reads and checks the file at path. Errors about its content are *Error and name the file by its base name.
func Load(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, err := Parse(filepath.Base(path), text)
	if err != nil {
		return nil, err
	}
	c.Path = path
	return c, nil
}

// Parse reads and checks the text of a configuration; name stands for the file in errors, which are all *Error. What it
// returns has every default filled in and passes Validate.
func Parse(name string, text []byte) (*Config, error) {
	d := decoder{file: name, at: map[string]position{}}
	c := new(Config)
	if err := d.document(text, c); err != nil {
		return nil, err
	}
	c.derive()
	if err := c.Validate(); err != nil {
		return nil, d.locate(err)
	}
	return c, nil
}
