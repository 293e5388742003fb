package services_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/status"
)

const ddl = `CREATE TABLE ods.ODS_QL_JC_SSJC (
 hw_partition_id BIGINT NOT NULL, hw_offset_id BIGINT NOT NULL, sscsdm VARCHAR(16) NOT NULL, extract_time DATETIME(6) NOT NULL,
 record STRING NULL, city_partition_id BIGINT NOT NULL, city_offset_id BIGINT NOT NULL, city_ts DATETIME(3) NOT NULL, hw_ts DATETIME(3) NOT NULL
) UNIQUE KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id, hw_offset_id) BUCKETS 8
PROPERTIES ("replication_num"="1","enable_unique_key_merge_on_write"="true")`

// world is two cities, a hub and a table, all stand-ins in this process.
type world struct {
	t     *testing.T
	kafka []string
	doris *standin.Server
	cfg   *config.Config
	done  chan error
	stop  context.CancelFunc
}

func newWorld(t *testing.T) *world {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "ODS"), kfake.SeedTopics(2, "north", "south"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return worldOn(t, k.ListenAddrs())
}

// worldOn is one on a cluster that has the topics ODS, north and south.
func worldOn(t *testing.T, kafka []string) *world {
	t.Helper()
	d, err := standin.Open(t.Context(), standin.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	db, err := sql.Open("mysql", "root@tcp("+d.MySQLAddr()+")/?interpolateParams=true")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{"CREATE DATABASE IF NOT EXISTS ods", ddl} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	c := config.Default()
	c.DataDir = t.TempDir()
	c.API.Listen = "127.0.0.1:0"
	p := config.DefaultPipeline()
	p.Reconcile.DorisPause = 0 // nobody else asks the stand-in
	p.Name, p.Timezone = "bridge", "Asia/Shanghai"
	p.Hub.Brokers, p.Hub.Topic, p.Hub.ProgressTopic = kafka, "ODS", "progress"
	t1 := config.DefaultDoris()
	t1.FE, t1.MySQL, t1.Database, t1.Table, t1.User, t1.Model = []string{d.FEURL()}, []string{d.MySQLAddr()}, "ods", "ODS_QL_JC_SSJC", "root", config.ModelUnique
	t1.Batch.Age, t1.Batch.Interval = 50*time.Millisecond, 0
	p.Doris = &t1
	for _, s := range []struct{ id, city, topic string }{{"north", "320100", "north"}, {"south", "320200", "south"}} {
		src := config.DefaultSource()
		src.ID, src.City, src.Topic, src.Brokers = s.id, s.city, s.topic, kafka
		p.Sources = append(p.Sources, src)
	}
	c.Pipelines = []config.Pipeline{p}
	return &world{t: t, kafka: kafka, doris: d, cfg: &c}
}

func (w *world) start() {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop, w.done = cancel, make(chan error, 1)
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	go func() { w.done <- services.Run(ctx, w.cfg, role, slog.New(slog.DiscardHandler)) }()
}

func (w *world) end() {
	w.t.Helper()
	w.stop()
	if err := <-w.done; err != nil {
		w.t.Fatalf("run: %v", err)
	}
}

// feed sends n rows to each partition of a topic, a transaction of which is aborted.
func (w *world) feed(topic string, from, n int) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("feed-"+topic))
	if err != nil {
		w.t.Fatal(err)
	}
	defer cl.Close()
	for _, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		if err := cl.BeginTransaction(); err != nil {
			w.t.Fatal(err)
		}
		for i := range n {
			r := &kgo.Record{Topic: topic, Partition: int32(i % 2), Value: fmt.Appendf(nil, `{"bridge":"%s","n":%d,"ok":%t}`, topic, from+i, bool(commit))}
			cl.Produce(w.t.Context(), r, nil)
		}
		if err := cl.Flush(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if err := kafkaconn.EndTransaction(w.t.Context(), cl, commit, &kgo.Record{Topic: topic}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// report asks the API.
func (w *world) report() (r status.Report, ok bool) {
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, status.AddressFile))
	if err != nil {
		return r, false
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+string(address)+"/v1/status", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return r, false
	}
	defer resp.Body.Close()
	return r, json.NewDecoder(resp.Body).Decode(&r) == nil
}

// untilRows waits until the table has n rows.
func (w *world) untilRows(n int) {
	w.t.Helper()
	db, err := sql.Open("mysql", "root@tcp("+w.cfg.Pipelines[0].Doris.MySQL[0]+")/ods?interpolateParams=true")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	deadline := time.Now().Add(60 * time.Second)
	for have := -1; have != n || !w.settled(); {
		if err := db.QueryRowContext(w.t.Context(), "SELECT count(*) FROM ods.ODS_QL_JC_SSJC").Scan(&have); err != nil {
			w.t.Fatal(err)
		}
		if time.Now().After(deadline) {
			r, _ := w.report()
			w.t.Fatalf("table has %d rows of %d; status %+v", have, n, r)
		}
	}
}

// settled reports whether no leg has an open intent.
func (w *world) settled() bool {
	r, ok := w.report()
	for _, p := range r.Pipelines {
		for _, l := range p.Legs {
			ok = ok && l.Open == 0
		}
	}
	return ok
}

func (w *world) books() *pipeline.Books {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(w.t.Context(), w.cfg, log)
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	j, err := store.OpenJournal(w.t.Context(), w.cfg, "bridge", log)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := pipeline.ReadBooks(w.t.Context(), j)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// Rows of two cities go through the journal into the hub and the table, over a clean
// restart, and the reconciler, the books and the status API agree about it.
func TestCitiesToTable(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.feed("north", 0, 500)
	w.feed("south", 0, 300)
	w.untilRows(1600)
	r, ok := w.report()
	if !ok || len(r.Pipelines) != 1 || len(r.Pipelines[0].Legs) != 3 || len(r.Pipelines[0].Sources) != 2 {
		t.Errorf("status: %t %+v", ok, r)
	}
	w.end()
	w.feed("north", 500, 100)
	w.start()
	w.untilRows(1800)
	w.end()
	b := w.books()
	if len(b.Findings) > 0 {
		t.Errorf("books: %v", b.Findings)
	}
	got := prove(t, w.cfg, &w.cfg.Pipelines[0])
	isVerified(t, got)
	if n := sum(got, "north"); n.Rows != 1200 || n.InHub != 1200 || n.InDoris != 1200 || n.Gaps["aborted"] != 600 {
		t.Errorf("north: %+v", n)
	}
	if c := covered(got, report.CityJournal); c.Verified != 1800 {
		t.Errorf("cities read again: %+v", c)
	}
}

// What a hand alters in one place is named as that row.
func TestReconcileNamesTheRow(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.feed("north", 0, 20)
	w.untilRows(40)
	w.end()
	db, err := sql.Open("mysql", "root@tcp("+w.cfg.Pipelines[0].Doris.MySQL[0]+")/ods?interpolateParams=true")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var h, o int64
	if err := db.QueryRowContext(t.Context(), "SELECT hw_partition_id, hw_offset_id FROM ods.ODS_QL_JC_SSJC ORDER BY hw_partition_id, hw_offset_id LIMIT 1").Scan(&h, &o); err != nil {
		t.Fatal(err)
	}
	where := fmt.Sprintf(" WHERE hw_partition_id = %d AND hw_offset_id = %d", h, o)
	for _, c := range []struct {
		name, hand string
		want       domain.Finding
	}{
		{"timestamp altered", "UPDATE ods.ODS_QL_JC_SSJC SET hw_ts = '2001-01-01 00:00:00.000'" + where, domain.Finding{Class: domain.Altered, Where: "doris", Column: "hw_ts"}},
		{"record altered", "UPDATE ods.ODS_QL_JC_SSJC SET record = 'x'" + where, domain.Finding{Class: domain.Altered, Where: "doris", Column: "record"}},
		{"row deleted", "DELETE FROM ods.ODS_QL_JC_SSJC" + where, domain.Finding{Class: domain.Lost, Where: "doris"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := db.ExecContext(t.Context(), c.hand); err != nil {
				t.Fatal(err)
			}
			got := prove(t, w.cfg, &w.cfg.Pipelines[0])
			if !named(got, c.want, h, o) {
				t.Errorf("findings %+v, want %+v at %d/%d", got.Findings, c.want, h, o)
			}
		})
	}
	w.double(t)
	doubled := 0
	for _, f := range prove(t, w.cfg, &w.cfg.Pipelines[0]).Findings {
		if f.Class == domain.Doubled {
			doubled++
		}
	}
	if doubled != 1 {
		t.Errorf("%d doubled in the hub", doubled)
	}
}

func named(r *report.Report, want domain.Finding, h, o int64) bool {
	for _, f := range r.Findings {
		if f.Class == want.Class && f.Where == want.Where && f.Column == want.Column && int64(f.HubPartition) == h && f.HubOffset == o {
			return r.Verdict == domain.Diverged
		}
	}
	return false
}

// double writes the hub's first row once more.
func (w *world) double(t *testing.T) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...), kgo.ConsumeTopics("ODS"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	f := cl.PollRecords(t.Context(), 1)
	if err := errors.Join(f.Err()); err != nil {
		t.Fatal(err)
	}
	r := f.Records()[0]
	again := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Value: r.Value}
	if err := cl.ProduceSync(t.Context(), again).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestMissingTableEndsTheProcess(t *testing.T) {
	w := newWorld(t)
	w.cfg.Pipelines[0].Doris.Table = "nowhere"
	w.start()
	select {
	case err := <-w.done:
		var ended *services.EndedError
		if !errors.As(err, &ended) || ended.Code != 2 {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("still running")
	}
	w.stop()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	topics, err := kadm.NewClient(cl).ListTopics(t.Context())
	if err != nil || !strings.Contains(fmt.Sprint(topics.Names()), "progress") {
		t.Logf("topics %v, %v", topics.Names(), err)
	}
}
