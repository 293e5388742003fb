package services_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/devstack/realflink"
	"github.com/hefu-io/hefu/services/flinkimport"
	"github.com/hefu-io/hefu/services/pipeline"
)

// cutoverSQL is the original document's SQL with what it takes to run: six columns inserted, a transactional-id prefix, a
// checkpoint interval; two cities on one broker, whose address and topics are filled in.
const cutoverSQL = `
SET 'execution.checkpointing.interval' = '1s';
SET 'table.local-time-zone' = 'Asia/Shanghai';
CREATE TABLE NJ_QL_JC_SSJC_SOURCE (
  record string,
  city_partition_id bigint METADATA FROM 'partition' VIRTUAL,
  city_offset_id bigint METADATA FROM 'offset' VIRTUAL,
  city_ts timestamp METADATA FROM 'timestamp'
) WITH (
  'connector' = 'kafka', 'topic' = '${nj}', 'properties.bootstrap.servers' = '${kafka}',
  'properties.group.id' = '${nj}_GROUP', 'scan.startup.mode' = 'group-offsets', -- where the consumer begins
  'properties.isolation.level' = 'read_committed', 'properties.auto.offset.reset' = 'earliest', 'format' = 'raw'
);
CREATE TABLE WX_QL_JC_SSJC_SOURCE (
  record string,
  city_partition_id bigint METADATA FROM 'partition' VIRTUAL,
  city_offset_id bigint METADATA FROM 'offset' VIRTUAL,
  city_ts timestamp METADATA FROM 'timestamp'
) WITH (
  'connector' = 'kafka', 'topic' = '${wx}', 'properties.bootstrap.servers' = '${kafka}',
  'properties.group.id' = '${wx}_GROUP', 'scan.startup.mode' = 'group-offsets',
  'properties.isolation.level' = 'read_committed', 'properties.auto.offset.reset' = 'earliest', 'format' = 'raw'
);
CREATE TABLE ODS_QL_JC_SSJC_SOURCE (
  sscsdm string, extract_time TIMESTAMP, record string, city_partition_id bigint, city_offset_id bigint, city_ts timestamp,
  hw_partition_id bigint METADATA FROM 'partition' VIRTUAL,
  hw_offset_id bigint METADATA FROM 'offset' VIRTUAL,
  hw_ts timestamp METADATA FROM 'timestamp'
) WITH (
  'connector' = 'kafka', 'topic' = '${hub}', 'properties.bootstrap.servers' = '${kafka}',
  'properties.group.id' = '${hub}_GROUP', 'scan.startup.mode' = 'group-offsets',
  'properties.auto.offset.reset' = 'earliest', 'properties.isolation.level' = 'read_committed', 'format' = 'json'
);
CREATE TABLE KAFKA_ODS_QL_JC_SSJC_SINK (
  sscsdm string, extract_time TIMESTAMP, record string, city_partition_id bigint, city_offset_id bigint, city_ts timestamp
) WITH (
  'connector' = 'kafka', 'topic' = '${hub}', 'properties.bootstrap.servers' = '${kafka}', 'format' = 'json',
  'properties.transaction.timeout.ms' = '900000', 'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = '${hub}'
);
CREATE TABLE DORIS_ODS_QL_JC_SSJC_SINK (
  sscsdm STRING, extract_time TIMESTAMP(9), record STRING, city_partition_id BIGINT, city_offset_id BIGINT,
  city_ts TIMESTAMP(9), hw_partition_id BIGINT, hw_offset_id BIGINT, hw_ts TIMESTAMP(9)
) WITH (
  'connector' = 'doris', 'fenodes' = '${fe}', 'table.identifier' = 'ods.ODS_QL_JC_SSJC', 'username' = 'root', 'password' = '',
  'sink.label-prefix' = '${hub}', 'sink.properties.format' = 'json', 'sink.properties.read_json_by_line' = 'true'
);
INSERT INTO KAFKA_ODS_QL_JC_SSJC_SINK
SELECT '320100' AS sscsdm, CURRENT_TIMESTAMP AS extract_time, record, city_partition_id, city_offset_id, city_ts FROM NJ_QL_JC_SSJC_SOURCE
UNION ALL
SELECT '320200' AS sscsdm, CURRENT_TIMESTAMP AS extract_time, record, city_partition_id, city_offset_id, city_ts FROM WX_QL_JC_SSJC_SOURCE;
INSERT INTO DORIS_ODS_QL_JC_SSJC_SINK
SELECT sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_partition_id, hw_offset_id, hw_ts FROM ODS_QL_JC_SSJC_SOURCE;
`

// flinkWorld is a real Kafka with two cities and a hub, a stand-in of Doris, and the original job on a real Flink.
type flinkWorld struct {
	*testing.T
	kafka       string
	nj, wx, hub string
	doris       *standin.Server
	db          *sql.DB
	cl          *kgo.Client
	sent        map[string]int
	log         kept // of the last run
}

// kept is a log that can be looked at while it is written.
type kept struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (k *kept) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.Write(b)
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.String()
}

func (k *kept) Reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.b.Reset()
}

func newFlinkWorld(t *testing.T) *flinkWorld {
	t.Helper()
	w := &flinkWorld{T: t, kafka: os.Getenv("HEFU_TEST_KAFKA"), sent: map[string]int{}}
	if os.Getenv("HEFU_TEST_FLINK") == "" || w.kafka == "" {
		t.Skip("HEFU_TEST_FLINK and HEFU_TEST_KAFKA are not both set: not run on a real Flink")
	}
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not there: not run on a real Flink", tool)
		}
	}
	id := fmt.Sprintf("cut%d", time.Now().UnixNano())
	w.nj, w.wx, w.hub = id+"_NJ", id+"_WX", id+"_ODS"
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{w.kafka}}, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	w.cl = cl
	t.Cleanup(cl.Close)
	for topic, n := range map[string]int32{w.nj: 2, w.wx: 2, w.hub: 4} {
		must(t, kafkaconn.EnsureTopic(t.Context(), cl, topic, n, nil))
	}
	w.doris, err = standin.Open(t.Context(), standin.Config{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { _ = w.doris.Close() })
	w.db, err = sql.Open("mysql", "root@tcp("+w.doris.MySQLAddr()+")/?interpolateParams=true")
	must(t, err)
	t.Cleanup(func() { _ = w.db.Close() })
	for _, q := range []string{"CREATE DATABASE IF NOT EXISTS ods", nullable()} {
		_, err := w.db.ExecContext(t.Context(), q)
		must(t, err)
	}
	return w
}

func (w *flinkWorld) text() string {
	return strings.NewReplacer("${kafka}", w.kafka, "${nj}", w.nj, "${wx}", w.wx, "${hub}", w.hub,
		"${fe}", strings.TrimPrefix(w.doris.FEURL(), "http://")).Replace(cutoverSQL)
}

// feed sends n rows to each partition of both cities.
func (w *flinkWorld) feed(n int) {
	w.Helper()
	for _, topic := range []string{w.nj, w.wx} {
		for i := range n {
			for p := range int32(2) {
				w.cl.Produce(w.Context(), &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, "row %d of %s, 合符 😀", w.sent[topic]+i, topic)}, nil)
			}
		}
		w.sent[topic] += n
	}
	must(w.T, w.cl.Flush(w.Context()))
}

// inHub counts the committed rows of the hub that a read_committed consumer gets.
func (w *flinkWorld) inHub() int {
	w.Helper()
	ends, err := kadm.NewClient(w.cl).ListCommittedOffsets(w.Context(), w.hub)
	must(w.T, err)
	at := map[string]map[int32]kgo.Offset{w.hub: {}}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition], at[w.hub][o.Partition] = o.Offset, kgo.NewOffset().At(0)
		}
	})
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{w.kafka}}, kgo.ConsumePartitions(at),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	must(w.T, err)
	defer cl.Close()
	rows := 0
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	for len(left) > 0 && ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() && r.Offset < left[r.Partition] {
				rows++
			}
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	return rows
}

func (w *flinkWorld) inTable() (n int) {
	w.Helper()
	must(w.T, w.db.QueryRowContext(w.Context(), "SELECT count(*) FROM ods.ODS_QL_JC_SSJC").Scan(&n))
	return n
}

// until waits for a condition.
func (w *flinkWorld) until(what string, flink *realflink.SQL, done func() bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			said := w.log.String()
			if flink != nil {
				said = flink.Log()
			}
			w.Fatalf("waited for %s in vain: %d rows in the hub, %d in the table\n%s", what, w.inHub(), w.inTable(), said)
		}
	}
}

// TestFlinkCutover takes the original job over: it is stopped mid-way, its second job behind its first, and Hefu goes on.
func TestFlinkCutover(t *testing.T) {
	w := newFlinkWorld(t)
	w.feed(500)
	flink, err := realflink.StartSQL(t.Context(), t.TempDir(), w.text())
	must(t, err)
	defer flink.Kill()
	w.until("the first rows in the table", flink, func() bool { return w.inTable() == 2000 })
	// The second job is stopped first, so that the hub has rows that the table has not.
	_, err = flink.Stop(t.Context(), 1)
	must(t, err)
	w.feed(300)
	w.until("rows in the hub alone", flink, func() bool { return w.inHub() == 3200 })
	_, err = flink.Stop(t.Context(), 0)
	must(t, err)
	must(t, flink.End())
	for _, topic := range []string{w.nj, w.wx, w.hub} {
		told, err := kafkaconn.Committed(t.Context(), w.cl, topic+"_GROUP", topic)
		must(t, err)
		t.Logf("group of %s: %v", topic, told)
	}
	t.Logf("flink stopped: %d rows in the cities, %d in the hub, %d in the table", w.inCities(), w.inHub(), w.inTable())
	w.feed(400)

	// Its SQL becomes the configuration.
	imported := flinkimport.Import("job.sql", []byte(w.text()))
	if !imported.OK() {
		t.Fatalf("import: %+v", imported.Items)
	}
	c := imported.Config
	c.DataDir, c.API.Listen, c.Log = t.TempDir(), "127.0.0.1:0", config.Log{Level: "warn", Format: "text"}
	main := &c.Pipelines[0]
	main.Doris.MySQL = []string{w.doris.MySQLAddr()} // the SQL says nothing of it
	main.Doris.Batch.Age, main.Doris.Batch.Interval = 100*time.Millisecond, 0

	// What the second job has not loaded stands in the way, with its number.
	if err := w.run(c); err == nil || !strings.Contains(w.log.String(), "has 1200 rows that group "+w.hub+"_GROUP has not taken") {
		t.Fatalf("started over a backlog: %v\n%s", err, w.log.String())
	}
	backlog := config.Pipeline{
		Name: "backlog", Timezone: main.Timezone, Shards: 1, Ingest: main.Ingest, Hub: main.Hub, Doris: main.Doris,
		ReadHub: &config.ReadHub{Reading: config.DefaultReading()},
	}
	backlog.Hub.BacklogGroup = ""
	r := &backlog.ReadHub.Reading
	r.Start, r.Group, r.OnMissingCursor, r.Bounded = config.StartGroupOffsets, w.hub+"_GROUP", config.MissingEarliest, string(domain.StopLatest)
	first := *c
	first.DataDir, first.Pipelines = t.TempDir(), []config.Pipeline{backlog}
	// Flink told the groups less than it carried (its end does not wait for what tells them): nothing is carried twice for
	// that, and the offsets that are right are said.
	w.corrected(&first, func(at string) { first.Pipelines[0].ReadHub.Reading = beginning(*r, at) })
	if err := w.run(&first); err != nil { // it ends by itself
		t.Fatalf("load the backlog: %v\n%s", err, w.log.String())
	}
	if got := w.inTable(); got != 3200 {
		t.Fatalf("%d rows in the table after the backlog, want the hub's 3200", got)
	}
	for n := range main.Sources {
		w.corrected(c, func(at string) { main.Sources[n].Reading = beginning(main.Sources[n].Reading, at) })
	}
	w.goesOn(c)
}

// corrected runs a configuration until a source says that it begins at rows that the table has, and gives what it says to
// set. A source that Flink told all does not say so: then nothing is to be set.
func (w *flinkWorld) corrected(c *config.Config, set func(offsets string)) {
	w.Helper()
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	w.log.Reset()
	done := make(chan error, 1)
	go func() { done <- w.runUntil(ctx, c) }()
	said := regexp.MustCompile(`start_offsets: (partition:[^ ]*), and restart`)
	w.until("a start that is refused, or nothing that is left to carry", nil, func() bool {
		return len(done) > 0 || w.inTable() == w.inCities() || said.MatchString(w.log.String())
	})
	stop()
	must(w.T, <-done)
	if at := said.FindStringSubmatch(w.log.String()); at != nil {
		set(at[1])
	}
}

// goesOn starts the imported pipeline, and compares everything with everything.
func (w *flinkWorld) goesOn(c *config.Config) {
	w.Helper()
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- w.runUntil(ctx, c) }()
	w.feed(300)
	w.until("all rows in the table", nil, func() bool { return w.inTable() >= w.inCities() })
	stop()
	must(w.T, <-done)
	w.Logf("hefu went on: %d rows in the cities, %d in the hub, %d in the table", w.inCities(), w.inHub(), w.inTable())
	if hub := w.inHub(); hub != w.inCities() {
		w.Errorf("%d rows in the hub, %d in the cities", hub, w.inCities())
	}
	rows, err := w.db.QueryContext(w.Context(), "SELECT sscsdm, city_partition_id, city_offset_id FROM ods.ODS_QL_JC_SSJC")
	must(w.T, err)
	defer rows.Close()
	times := map[string]int{}
	for rows.Next() {
		var city, partition, offset string
		must(w.T, rows.Scan(&city, &partition, &offset))
		times[city+"/"+partition+"/"+offset]++
	}
	must(w.T, rows.Err())
	for row, n := range times {
		if n > 1 {
			w.Errorf("row %s is in the table %d times", row, n)
		}
	}
	if len(times) != w.inCities() {
		w.Errorf("%d different rows in the table, %d in the cities", len(times), w.inCities())
	}
	got := prove(w.T, c, &c.Pipelines[0])
	isVerified(w.T, got)
	w.Logf("%+v, before these books: %+v", got.Verdict, got.Others)
}

// run runs a configuration until it ends by itself.
func (w *flinkWorld) run(c *config.Config) error {
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	defer cancel()
	err := w.runUntil(ctx, c)
	if ctx.Err() != nil {
		return fmt.Errorf("still running: %w", ctx.Err())
	}
	return err
}

func (w *flinkWorld) runUntil(ctx context.Context, c *config.Config) error {
	w.log.Reset()
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	return services.Run(ctx, c, role, slog.New(slog.NewTextHandler(&w.log, nil)))
}

// inCities is how many rows the cities have.
func (w *flinkWorld) inCities() int { return 2 * (w.sent[w.nj] + w.sent[w.wx]) }
