package services_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/checkpoint"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/status"
)

// scene is a pipeline that has moved everything and stands still: three cities, their hub, a
// table that can have a row twice, and the journal. Everything Kafka says of it is played from
// tapes, so that a fault is a moment's work, and so is putting it right.
//
// north is one partition over several windows, and so is its hub partition: what they had before
// is deleted. south has many transactions that were aborted,
// and the topic of west was made anew on the way.
type scene struct {
	*world
	*player
	db      *sql.DB
	journal *journal.Journal
	signing *checkpoint.Still
	anew    map[int32]int64 // by hub partition: rows of west from here on are of generation 2
}

const duplicateDDL = `CREATE TABLE ods.ODS_QL_JC_SSJC (
 hw_partition_id BIGINT NOT NULL, hw_offset_id BIGINT NOT NULL, sscsdm VARCHAR(16) NOT NULL, extract_time DATETIME(6) NOT NULL,
 record STRING NULL, city_partition_id BIGINT NOT NULL, city_offset_id BIGINT NOT NULL, city_ts DATETIME(3) NOT NULL, hw_ts DATETIME(3) NOT NULL
) DUPLICATE KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id, hw_offset_id) BUCKETS 8 PROPERTIES ("replication_num"="1")`

// newScene moves rows of north, and some thousands of the others.
func newScene(t *testing.T, rows int) *scene {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "ODS"), kfake.SeedTopics(1, "north"), kfake.SeedTopics(2, "south", "west"))
	must(t, err)
	t.Cleanup(k.Close)
	s := &scene{world: worldOn(t, k.ListenAddrs()), player: playFor(k), anew: map[int32]int64{}}
	p := &s.cfg.Pipelines[0]
	s.db, err = sql.Open("mysql", "root@tcp("+p.Doris.MySQL[0]+")/ods?interpolateParams=true")
	must(t, err)
	t.Cleanup(func() { _ = s.db.Close() })
	s.exec("DROP TABLE ods.ODS_QL_JC_SSJC")
	s.exec(duplicateDDL)
	p.Doris.Model = config.ModelDuplicate
	west := config.DefaultSource()
	west.ID, west.City, west.Topic, west.Brokers = "west", "320300", "west", s.kafka
	p.Sources = append(p.Sources, west)
	p.Reconcile = config.Reconcile{}
	s.begin("north", 0, domain.WindowSize-5000)
	s.begin("ODS", 0, domain.WindowSize-9000)
	s.start()
	s.tell("north", 1, rows, 1500, 0)
	s.tell("south", 2, 2400, 6, 3)
	s.tell("west", 2, 900, 50, 0)
	have := rows + 2400 + 900
	s.untilRows(have)
	s.recreated()
	s.tell("west", 2, 600, 50, 0)
	s.untilRows(have + 600)
	s.end()
	s.load(t, s.kafka, "ODS", "north", "south", "west")
	s.still()
	return s
}

func (s *scene) exec(q string, args ...any) {
	s.t.Helper()
	if _, err := s.db.ExecContext(s.t.Context(), q, args...); err != nil {
		s.t.Fatalf("%s: %v", q, err)
	}
}

// begin makes a partition's log begin at an offset.
func (s *scene) begin(topic string, partition int32, at int) {
	s.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(s.t, err)
	defer cl.Close()
	for range at {
		cl.Produce(s.t.Context(), &kgo.Record{Topic: topic, Partition: partition}, nil)
	}
	must(s.t, cl.Flush(s.t.Context()))
	s.admin(func(a *kadm.Client) error {
		var to kadm.Offsets
		to.Add(kadm.Offset{Topic: topic, Partition: partition, At: int64(at)})
		all, err := a.DeleteRecords(s.t.Context(), to)
		return errors.Join(err, all.Error())
	})
}

// tell sends rows to a topic in transactions of so many rows; after each of them, where aborted
// is not 0, comes one of so many rows that is aborted.
func (s *scene) tell(topic string, partitions, rows, each, aborted int) {
	s.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("tell-"+topic))
	must(s.t, err)
	defer cl.Close()
	send := func(from, n int, commit kgo.TransactionEndTry) {
		must(s.t, cl.BeginTransaction())
		for i := from; i < from+n; i++ {
			cl.Produce(s.t.Context(), &kgo.Record{
				Topic: topic, Partition: int32(i % partitions), Timestamp: time.UnixMilli(1_790_000_000_000 + int64(i)*37),
				Value: fmt.Appendf(nil, `{"bridge":"%s-%d","sensor":%d,"value":%d.%03d,"kept":%t}`, topic, i%61, i%977, i, i*7%1000, bool(commit)),
			}, nil)
		}
		must(s.t, cl.Flush(s.t.Context()))
		must(s.t, kafkaconn.EndTransaction(s.t.Context(), cl, commit, &kgo.Record{Topic: topic}))
	}
	for from := 0; from < rows; from += each {
		send(from, min(each, rows-from), kgo.TryCommit)
		if aborted > 0 {
			send(from, aborted, kgo.TryAbort)
		}
	}
}

// recreated deletes the topic of west, makes it anew, and says to read it as a new generation.
func (s *scene) recreated() {
	s.t.Helper()
	s.end()
	for h := range int32(4) {
		s.anew[h] = s.tableEnd(h)
	}
	s.deleteTopic("west")
	s.makeTopic("west", 2)
	s.start()
	s.isNewGeneration()
}

// isNewGeneration says of a topic that was made anew to read it as a new generation.
func (w *world) isNewGeneration() {
	w.t.Helper()
	in := w.incident(string(domain.IncidentSourceRecreated))
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, status.AddressFile))
	must(w.t, err)
	choice, err := json.Marshal(status.Resolution{Choice: string(domain.ChoiceNewGeneration), Who: "wang", Why: "it was made anew"})
	must(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+string(address)+"/v1/incidents/"+in.ID+"/resolve", bytes.NewReader(choice))
	must(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	must(w.t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("incident %s: %s", in.ID, resp.Status)
	}
}

// tableEnd is behind the last row of a hub partition in the table.
func (s *scene) tableEnd(h int32) int64 {
	s.t.Helper()
	var last sql.NullInt64
	must(s.t, s.db.QueryRowContext(s.t.Context(), "SELECT max(hw_offset_id) FROM ods.ODS_QL_JC_SSJC WHERE hw_partition_id = ?", h).Scan(&last))
	if !last.Valid {
		return 0
	}
	return last.Int64 + 1
}

// still opens the journal of the process that has ended.
func (s *scene) still() {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(s.t.Context(), s.cfg, log)
	must(s.t, err)
	s.t.Cleanup(func() { store.Close() })
	s.journal, err = store.OpenJournal(s.t.Context(), s.cfg, "bridge", log)
	must(s.t, err)
	s.signing, err = checkpoint.OpenStill(s.t.Context(), s.journal, s.cfg.DataDir, s.cfg.KeyFile())
	must(s.t, err)
	s.t.Cleanup(func() { s.signing.Close() })
}

// look proves everything once more, as hefu reconcile does, without its pauses.
func (s *scene) look(scope reconcile.Scope) *report.Report {
	s.t.Helper()
	prover := reconcile.New(&s.cfg.Pipelines[0], s.journal, scope, nil)
	defer prover.Close()
	for range 4 {
		must(s.t, prover.Look(s.t.Context()))
	}
	r, _, err := reconcile.Prove(s.t.Context(), prover, s.signing, reconcile.Maker{Version: "test", Sync: "always"})
	must(s.t, err)
	return r
}

// found are the findings of a report as text, sorted.
func found(r *report.Report) (out []string) {
	for i := range r.Findings {
		f := r.Findings[i].Domain()
		out = append(out, said(&f))
	}
	slices.Sort(out)
	return out
}

// said is all of a finding that a test demands.
func said(f *domain.Finding) string {
	at := func(c domain.Coord) string { return fmt.Sprintf("%d/%d", c.Partition, c.Offset) }
	return strings.TrimSpace(fmt.Sprintf("%s in %s: %s/%d, city %s %s, hub %s %s",
		f.Class, f.Where, f.Source, f.Generation, f.City, at(f.Row.City), at(f.Row.Hub), f.Column))
}

// chance is where a fault is: the seed decides.
type chance struct {
	*scene
	r    *rand.Rand
	used map[domain.Coord]bool // places of the hub, and of cities by negative partitions
}

// detectRow is a row of the hub, as its record and its place say.
type detectRow struct {
	hub, city  domain.Coord
	source     domain.SourceID
	generation domain.Generation
	code       domain.City
	hubTime    int64
	value      []byte // of the hub's record
}

func sourceCode(code domain.City) domain.SourceID {
	return map[domain.City]domain.SourceID{"320100": "north", "320200": "south", "320300": "west"}[code]
}

// rowAt is the row of a record of the hub.
func (s *scene) rowAt(h int32, offset, ms int64, value []byte) detectRow {
	s.t.Helper()
	var says struct {
		City      domain.City `json:"sscsdm"`
		Partition int32       `json:"city_partition_id"`
		Offset    int64       `json:"city_offset_id"`
	}
	must(s.t, json.Unmarshal(value, &says))
	r := detectRow{
		hub: domain.Coord{Partition: h, Offset: offset}, city: domain.Coord{Partition: says.Partition, Offset: says.Offset},
		source: sourceCode(says.City), generation: 1, code: says.City, hubTime: ms, value: value,
	}
	if r.source == "west" && offset >= s.anew[h] {
		r.generation = 2
	}
	return r
}

// some picks a row of the hub that keep agrees to.
func (c *chance) some(keep func(*detectRow) bool) detectRow {
	for {
		p := c.was("ODS", c.r.Int32N(4))
		if len(p.batches) == 0 {
			continue
		}
		b := p.batches[c.r.IntN(len(p.batches))]
		if !p.data(&b) {
			continue
		}
		h, list := b.records(c.t)
		one := list[c.r.IntN(len(list))]
		r := c.rowAt(p.partition, b.first+int64(one.OffsetDelta), h.FirstTimestamp+one.TimestampDelta64, one.Value)
		if !c.used[r.hub] && (keep == nil || keep(&r)) {
			c.used[r.hub] = true
			return r
		}
	}
}

// finding is what is to be said of a row.
func (r *detectRow) finding(class domain.Class, where, column string) string {
	f := domain.Finding{Class: class, Where: where, Source: r.source, Generation: r.generation, City: r.code, Column: column}
	f.Row = domain.Lineage{City: r.city, Hub: r.hub}
	if where == "journal" {
		f.Row.Hub = domain.Coord{Partition: -1, Offset: -1}
	}
	return said(&f)
}

// marker is an offset of a partition, below the end, that only a marker has.
func (c *chance) marker(topic string, partition int32) (offset int64, ok bool) {
	p := c.get(topic, partition)
	var all []int64
	for i := range p.batches {
		if b := &p.batches[i]; b.header().Attributes&0x20 != 0 && b.next < c.was(topic, partition).end && !c.used[domain.Coord{Partition: partition, Offset: b.first}] {
			all = append(all, p.batches[i].first)
		}
	}
	if len(all) == 0 {
		return -1, false
	}
	at := all[c.r.IntN(len(all))]
	c.used[domain.Coord{Partition: partition, Offset: at}] = true
	return at, true
}

// hubMarker is a marker's place in a partition of the hub that fits, to which nothing was done.
func (c *chance) hubMarker(fits func(partition int32) bool) (at domain.Coord, ok bool) {
	for _, h := range c.r.Perm(4) {
		if !fits(int32(h)) {
			continue
		}
		if offset, ok := c.marker("ODS", int32(h)); ok {
			return domain.Coord{Partition: int32(h), Offset: offset}, true
		}
	}
	return at, false
}
