package services_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/report"
)

// takeover is a hub topic that another job filled, a table that it filled half, and two
// cities of which it has carried a part of one.
type takeover struct {
	*world
	db      *sql.DB
	bridge  config.Pipeline
	backlog config.Pipeline
	loaded  int // rows of the hub that are in the table
	left    int // and that are not
	log     bytes.Buffer
}

// start is the world's, with its log kept, which is to be looked at after the end.
func (w *takeover) start() {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop, w.done = cancel, make(chan error, 1)
	w.log.Reset()
	log := slog.New(slog.NewTextHandler(&w.log, nil)) // its handler takes turns
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	go func() { w.done <- services.Run(ctx, w.cfg, role, log) }()
}

const (
	flinkCities = "flink-cities" // groups of the job that was there before
	flinkHub    = "flink-hub"
)

func newTakeover(t *testing.T) *takeover {
	w := &takeover{world: newWorld(t)}
	var err error
	w.db, err = sql.Open("mysql", "root@tcp("+w.cfg.Pipelines[0].Doris.MySQL[0]+")/ods?interpolateParams=true")
	must(t, err)
	t.Cleanup(func() { _ = w.db.Close() })
	w.exec("DROP TABLE ods.ODS_QL_JC_SSJC")
	w.exec(nullable())
	w.carriedByFlink(w.cityRows("north", 30, 20))
	w.cityRows("south", 5, 0)

	w.bridge = w.cfg.Pipelines[0]
	w.bridge.Hub.BacklogGroup = flinkHub
	north := &w.bridge.Sources[0]
	north.Start, north.Group, north.OnMissingCursor = config.StartGroupOffsets, flinkCities, config.MissingFail
	w.backlog = config.DefaultPipeline()
	w.backlog.Name, w.backlog.Timezone, w.backlog.Hub, w.backlog.Doris = "backlog", w.bridge.Timezone, w.bridge.Hub, w.bridge.Doris
	w.backlog.ReadHub = &config.ReadHub{Reading: config.DefaultReading()}
	w.backlog.ReadHub.Start, w.backlog.ReadHub.Group, w.backlog.ReadHub.OnMissingCursor = config.StartGroupOffsets, flinkHub, config.MissingEarliest
	w.backlog.ReadHub.Bounded = string(domain.StopLatest)
	return w
}

func (w *takeover) exec(q string, args ...any) {
	w.t.Helper()
	_, err := w.db.ExecContext(w.t.Context(), q, args...)
	must(w.t, err)
}

// cityRows writes n rows to each partition of a city's topic, and returns the first taken
// ones as the hub shows them; the group of the job before stands behind those.
func (w *takeover) cityRows(topic string, n, taken int) (values []string) {
	w.t.Helper()
	cl := w.client()
	defer cl.Close()
	zone, err := time.LoadLocation("Asia/Shanghai")
	must(w.t, err)
	format := flink.NewRowFormat(zone)
	for p := range int32(2) {
		for i := range n {
			r := &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, `{"%s":%d}`, topic, i)}
			must(w.t, cl.ProduceSync(w.t.Context(), r).FirstErr())
			if i < taken {
				values = append(values, string(format.AppendHubJSON(nil, &flink.Row{
					City: "320100", ExtractTime: time.Now().UnixMicro(), Record: r.Value, CityPartition: p, CityOffset: r.Offset, CityTimestamp: r.Timestamp.UnixMilli(),
				})))
			}
		}
	}
	if taken > 0 {
		must(w.t, kafkaconn.CommitGroup(w.t.Context(), cl, flinkCities, topic, map[int32]int64{0: int64(taken), 1: int64(taken)}))
	}
	return values
}

func (w *takeover) client(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(w.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	must(w.t, err)
	return cl
}

// carriedByFlink writes values to partitions 0 to 2 of the hub in transactions, one of them
// aborted, with rows without a city among them. Of each partition the table has the first
// half, and so has the job's group.
func (w *takeover) carriedByFlink(values []string) {
	w.t.Helper()
	for range 4 {
		values = append(values, `{"sscsdm":"320100","extract_time":"2024-05-01 12:00:00","record":"no lineage","city_partition_id":null,"city_offset_id":null,"city_ts":null}`)
	}
	cl := w.client(kgo.TransactionalID("flink-0-1"))
	defer cl.Close()
	at := map[int32][]int64{}
	for n, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		must(w.t, cl.BeginTransaction())
		for i := n / 2; i < len(values); i += 2 {
			r := &kgo.Record{Topic: "ODS", Partition: int32(i % 3), Value: []byte(values[i])}
			must(w.t, cl.ProduceSync(w.t.Context(), r).FirstErr())
			if end == kgo.TryCommit {
				at[r.Partition] = append(at[r.Partition], r.Offset)
			}
		}
		must(w.t, kafkaconn.EndTransaction(w.t.Context(), cl, end, &kgo.Record{Topic: "ODS"}))
	}
	group := map[int32]int64{}
	for p, offsets := range at {
		half := len(offsets) / 2
		for _, o := range offsets[:half] {
			w.exec("INSERT INTO ods.ODS_QL_JC_SSJC (hw_partition_id, hw_offset_id, hw_ts, record) VALUES (?, ?, '2024-05-01 12:00:00', 'by Flink')", p, o)
		}
		group[p] = offsets[half-1] + 1
		w.loaded, w.left = w.loaded+half, w.left+len(offsets)-half
	}
	must(w.t, kafkaconn.CommitGroup(w.t.Context(), cl, flinkHub, "ODS", group))
}

// ends waits for the process and returns its error.
func (w *takeover) ends() error {
	w.t.Helper()
	select {
	case err := <-w.done:
		w.stop()
		return err
	case <-time.After(60 * time.Second):
		r, _ := w.report()
		w.stop()
		<-w.done
		w.t.Fatalf("still running: %+v\n%s", r, &w.log)
		return nil
	}
}

// compare reads a journal and compares.
func (w *takeover) compare(p config.Pipeline) *report.Report {
	w.t.Helper()
	return prove(w.t, w.cfg, &p)
}

// TestTakeover: a hub and a table that another job filled are taken over: what it did not
// load is loaded from the hub, and only then does the bridge start, where that job stopped
// reading the cities. Nothing is missing, nothing is there twice, and the reconciler says
// so of both.
func TestTakeover(t *testing.T) {
	w := newTakeover(t)
	w.cfg.Pipelines = []config.Pipeline{w.bridge}
	w.start()
	err := w.ends()
	var ended *services.EndedError
	if !errors.As(err, &ended) || ended.Code != 2 || !strings.Contains(w.log.String(), fmt.Sprintf("has %d rows that group %s has not taken", w.left, flinkHub)) {
		t.Fatalf("with a backlog of %d rows the bridge ended with %v: %s", w.left, err, &w.log)
	}

	w.cfg.Pipelines = []config.Pipeline{w.backlog}
	w.start()
	if err := w.ends(); err != nil {
		t.Fatalf("the backlog ended with %v", err)
	}
	got := w.compare(w.backlog)
	if n := sum(got, ""); got.Verdict != domain.Verified || n.InHub != int64(w.left) || n.InDoris != int64(w.left) || n.Pending != 0 ||
		ofOthers(got) != int64(w.loaded) {
		t.Errorf("backlog of %d: %s: %s: %+v, others %+v, %+v", w.left, got.Verdict, got.Why, n, got.Others, got.Findings)
	}

	w.cfg.Pipelines = []config.Pipeline{w.bridge, w.backlog}
	w.start()
	before := w.loaded + w.left
	w.untilRows(before + 20 + 10)
	w.end()
	w.start() // what the bridge wrote itself is no backlog
	w.feed("south", 5, 10)
	w.untilRows(before + 20 + 10 + 20)
	w.end()
	got = w.compare(w.bridge)
	if got.Verdict != domain.Verified || sum(got, "north").InDoris != 20 || sum(got, "south").InDoris != 30 || ofOthers(got) != int64(before) {
		t.Errorf("bridge: %s: %s: %+v, others %+v, %+v", got.Verdict, got.Why, got.Sources, got.Others, got.Findings)
	}
	got = w.compare(w.backlog)
	if got.Verdict != domain.Verified || ofOthers(got) != int64(w.loaded)+50 || sum(got, "").InDoris != int64(w.left) {
		t.Errorf("backlog afterwards: %s: %s: %+v, others %+v, %+v", got.Verdict, got.Why, got.Sources, got.Others, got.Findings)
	}
	w.spoil()
}

// spoil alters what each of the two compares must find.
func (w *takeover) spoil() {
	w.t.Helper()
	one := func(where string) (h, o int64) {
		must(w.t, w.db.QueryRowContext(w.t.Context(), "SELECT hw_partition_id, hw_offset_id FROM ods.ODS_QL_JC_SSJC WHERE "+where+" ORDER BY hw_partition_id, hw_offset_id LIMIT 1").Scan(&h, &o))
		return h, o
	}
	h, o := one("record = 'no lineage'")
	w.exec("UPDATE ods.ODS_QL_JC_SSJC SET city_offset_id = 0 WHERE hw_partition_id = ? AND hw_offset_id = ?", h, o)
	if got := w.compare(w.backlog); count(got, domain.Altered) != 1 || !named(got, domain.Finding{Class: domain.Altered, Where: "doris", Column: "city_offset_id"}, h, o) {
		w.t.Errorf("a number for NULL: %+v", got.Findings)
	}
	w.exec("DELETE FROM ods.ODS_QL_JC_SSJC WHERE hw_partition_id = ? AND hw_offset_id = ?", h, o)
	if got := w.compare(w.backlog); count(got, domain.Lost) != 1 || !named(got, domain.Finding{Class: domain.Lost, Where: "doris"}, h, o) {
		w.t.Errorf("a row of the backlog is lost: %+v", got.Findings)
	}
	// Somebody writes to the hub inside of the bridge's range.
	cl := w.client()
	defer cl.Close()
	for p := range int32(3) {
		must(w.t, cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: "ODS", Partition: p, Value: []byte(`{"record":"of nobody"}`)}).FirstErr())
	}
	must(w.t, cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: "ODS", Partition: 0, Value: []byte(`no row`)}).FirstErr())
	if got := w.compare(w.bridge); count(got, domain.Strayed) != 4 {
		w.t.Errorf("rows of others in the bridge's range: %+v", got.Findings)
	}
}

// nullable is the table that takes what another job may have left out.
func nullable() string {
	q := ddl
	for _, column := range []string{"sscsdm VARCHAR(16)", "extract_time DATETIME(6)", "city_partition_id BIGINT", "city_offset_id BIGINT", "city_ts DATETIME(3)"} {
		q = strings.Replace(q, column+" NOT NULL", column+" NULL", 1)
	}
	return q
}
