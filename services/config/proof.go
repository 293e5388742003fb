package config

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/tlsconn"
)

// Checkpoint says how often the journal's trees are signed, and with which key.
type Checkpoint struct {
	Events   int           `yaml:"events"`             // new events that make a checkpoint due …
	Interval time.Duration `yaml:"interval"`           // … or the time since the last one, if there is any new event
	KeyFile  string        `yaml:"key_file,omitempty"` // <data_dir>/hefu.key by default; made at the first start
}

// Archive is where sealed segments go: a folder, or a bucket of an S3-compatible store.
type Archive struct {
	Dir           string         `yaml:"dir,omitempty"`
	Bucket        string         `yaml:"bucket,omitempty"`
	Prefix        string         `yaml:"prefix,omitempty"`   // of the names in the bucket
	Endpoint      string         `yaml:"endpoint,omitempty"` // http://host[:port] or https://host[:port]
	Region        string         `yaml:"region,omitempty"`
	AccessKeyFile string         `yaml:"access_key_file,omitempty"` // a file that holds it, as all secrets
	SecretKeyFile string         `yaml:"secret_key_file,omitempty"`
	TLS           *tlsconn.Files `yaml:"tls,omitempty"`
	Drop          bool           `yaml:"drop"`     // take a segment from the store once it is archived, projected and reconciled
	Interval      time.Duration  `yaml:"interval"` // between two looks for sealed segments
}

// Lineage is the ClickHouse table that answers questions about single rows.
type Lineage struct {
	Addresses       []string       `yaml:"addresses"` // host:port of the native protocol; the first one that answers
	Database        string         `yaml:"database"`
	Table           string         `yaml:"table"`
	User            string         `yaml:"user"`
	PasswordFile    string         `yaml:"password_file,omitempty"`
	TLS             *tlsconn.Files `yaml:"tls,omitempty"`
	ProtocolVersion int            `yaml:"protocol_version,omitempty"` // 0: the newest that both sides know
	Batch           LineageBatch   `yaml:"batch"`
}

// LineageBatch bounds one block; the first bound reached cuts it.
type LineageBatch struct {
	Rows int           `yaml:"rows"`
	Age  time.Duration `yaml:"age"`
}

// Reconcile is the proof that goes on all the time.
type Reconcile struct {
	Interval   time.Duration `yaml:"interval"`    // between two looks; 0: only when asked
	CitySample int           `yaml:"city_sample"` // per cent of the cities' windows that are read again
	Report     time.Duration `yaml:"report"`      // between two written reports; 0: only when asked
	KafkaBytes Bytes         `yaml:"kafka_bytes"` // read from each cluster in a second at most; 0B: no limit
	DorisPause time.Duration `yaml:"doris_pause"` // between two questions to Doris
}

// DefaultArchive is an Archive with every default.
func DefaultArchive() Archive { return Archive{Interval: time.Minute} }

// DefaultLineage is a Lineage with every default.
func DefaultLineage() Lineage {
	return Lineage{Table: "hefu_lineage", User: "default", Batch: LineageBatch{Rows: 100_000, Age: 5 * time.Second}}
}

// DefaultReconcile is a Reconcile with every default.
func DefaultReconcile() Reconcile {
	return Reconcile{Interval: time.Minute, CitySample: 1, KafkaBytes: 32 << 20, DorisPause: 100 * time.Millisecond}
}

// KeyFile is where the key that signs lies.
func (c *Config) KeyFile() string {
	if c.Journal.Checkpoint.KeyFile != "" {
		return c.Journal.Checkpoint.KeyFile
	}
	return filepath.Join(c.DataDir, "hefu.key")
}

// Conn is how its server is reached.
func (l *Lineage) Conn() clickhouseconn.Config {
	return clickhouseconn.Config{
		Addresses: l.Addresses, User: l.User, PasswordFile: l.PasswordFile, TLS: l.TLS, ProtocolVersion: l.ProtocolVersion,
	}
}

func (c *Checkpoint) rules(at string) []rule {
	return []rule{
		between(at+".events", c.Events, 1, 1_000_000, "events that nobody signed yet"),
		between(at+".interval", c.Interval, 100*time.Millisecond, time.Hour, "what is lost without a trace in it cannot be proven"),
	}
}

func (a *Archive) rules(at string) []rule {
	const where = "a folder (dir), or a bucket with its endpoint"
	inBucket := a.Bucket != ""
	rules := []rule{
		{at, (a.Dir != "") != inBucket, "is to be in one place", where},
		only(at+".prefix", a.Prefix != "", inBucket, "bucket"),
		only(at+".endpoint", a.Endpoint != "", inBucket, "bucket"),
		only(at+".region", a.Region != "", inBucket, "bucket"),
		only(at+".access_key_file", a.AccessKeyFile != "", inBucket, "bucket"),
		only(at+".secret_key_file", a.SecretKeyFile != "", inBucket, "bucket"),
		only(at+".tls", a.TLS != nil, inBucket && isTLS(a.Endpoint), "an https:// endpoint"),
		{at + ".secret_key_file", (a.AccessKeyFile == "") == (a.SecretKeyFile == ""), "goes with access_key_file", "both or none"},
		between(at+".interval", a.Interval, time.Second, 24*time.Hour, "segments are sealed seldom"),
	}
	if inBucket {
		const allowed = "http://host[:port] or https://host[:port]"
		rules = append(rules,
			need(at+".bucket", a.Bucket, madeOf(a.Bucket, 63, lower+digits+".-"), "the name of a bucket: up to 63 of a-z, 0-9, . and -"),
			server(at+".endpoint", a.Endpoint, allowed, "http", "https"))
	}
	return append(rules, ofTLS(at, a.TLS)...)
}

func (l *Lineage) rules(at string) []rule {
	rules := slices.Concat(each(at+".addresses", l.Addresses, hostPort, "host:port"), []rule{
		tableName(at+".database", l.Database),
		tableName(at+".table", l.Table),
		need(at+".user", l.User, true, "a user of ClickHouse"),
		between(at+".protocol_version", l.ProtocolVersion, 0, 100_000, "0 for the newest"),
		between(at+".batch.rows", l.Batch.Rows, 1, 500_000, "rows of one block, which is what ClickHouse takes at once"),
		between(at+".batch.age", l.Batch.Age, 10*time.Millisecond, 10*time.Minute, "each block is a part of the table"),
	})
	return append(rules, ofTLS(at, l.TLS)...)
}

func (r *Reconcile) rules(at string) []rule {
	return []rule{
		{at + ".interval", r.Interval == 0 || r.Interval >= time.Second, "is below 1s", "0s for never, or 1s and more"},
		between(at+".city_sample", r.CitySample, 0, 100, "per cent"),
		{at + ".report", r.Report == 0 || r.Report >= time.Minute, "is below 1m", "0s for never, or 1m and more"},
		{at + ".report", r.Report == 0 || r.Interval > 0, "needs looks to report", "an interval above 0s, or no report"},
		{at + ".kafka_bytes", r.KafkaBytes == 0 || r.KafkaBytes >= 64<<10, "is below 64KiB", "0B for no limit, or 64KiB and more"},
		between(at+".doris_pause", r.DorisPause, 0, time.Minute, "a look asks a question a window that changed"),
	}
}

func ofTLS(at string, t *tlsconn.Files) []rule {
	if t == nil {
		return nil
	}
	return certificate(at+".tls", t.CertFile, t.KeyFile)
}
