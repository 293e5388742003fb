// Package reporttest makes a report as a busy pipeline of thirteen cities gives it, with
// everything in it that a report can have, for the tests of whatever shows or checks one.
package reporttest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/report"
)

// Pipeline is the example's.
const Pipeline = "jsc"

// Example is a report that was not sealed yet, and whose key seals it.
type Example struct {
	Report *report.Report
	Signer note.Signer
	Key    string // verifier key
	Trees  map[domain.Stream]*Tree

	t      testing.TB
	random *rand.Rand
	rich   bool
}

// Clean is the example of a pipeline with nothing wrong: verified, with open tails.
func Clean(t testing.TB) *Example { return CleanOf(t, 1) }

// CleanOf is Clean of another journal and with another key.
func CleanOf(t testing.TB, seed uint64) *Example {
	e := begin(t, seed)
	for i := range cities() {
		for partition := range int32(2) {
			e.source(i, partition, 90_000+int64(i)*6_000)
		}
	}
	e.hub()
	e.rest()
	return e
}

// Rich is the example of one with findings of every class, some accepted, windows in every
// state, gaps of many reasons, and places that could not be read.
func Rich(t testing.TB) *Example {
	e := begin(t, 2)
	e.rich = true
	for i := range cities() {
		for partition := range int32(3) {
			e.source(i, partition, 400_000+int64(i)*55_000)
		}
	}
	e.hub()
	e.rest()
	e.spoil()
	return e
}

// Large is an example of thousands of windows, in a city with more partitions than others.
func Large(t testing.TB) *Example {
	e := begin(t, 3)
	for i := range cities()[:3] {
		for partition := range int32(2 + 18*(i%2)) {
			e.source(i, partition, 6_000_000)
		}
	}
	e.hub()
	e.rest()
	return e
}

// Seal signs the example's report.
func (e *Example) Seal() []byte {
	e.t.Helper()
	file, err := report.Seal(e.Report, e.Signer)
	must(e.t, err)
	return file
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type city struct{ code, id, name string }

func cities() []city {
	return []city{
		{"320100", "nanjing", "南京"},
		{"320200", "wuxi", "无锡"},
		{"320300", "xuzhou", "徐州"},
		{"320400", "changzhou", "常州"},
		{"320500", "suzhou", "苏州"},
		{"320600", "nantong", "南通"},
		{"320700", "lianyungang", "连云港"},
		{"320800", "huaian", "淮安"},
		{"320900", "yancheng", "盐城"},
		{"321000", "yangzhou", "扬州"},
		{"321100", "zhenjiang", "镇江"},
		{"321200", "taizhou", "泰州"},
		{"321300", "suqian", "宿迁"},
	}
}

func hash(text string, args ...any) domain.Hash {
	return sha256.Sum256(fmt.Appendf(nil, text, args...))
}

func clock(hour, minute, second int) time.Time {
	return time.Date(2026, 11, 25, hour, minute, second, 0, time.UTC)
}

func begin(t testing.TB, seed uint64) *Example {
	signer, key := Key(t, seed)
	e := &Example{t: t, Signer: signer, Key: key, Trees: map[domain.Stream]*Tree{}, random: rand.New(rand.NewPCG(seed, 7))}
	columns := []string{"sscsdm", "city_partition_id", "city_offset_id", "city_ts", "hw_partition_id", "hw_offset_id", "hw_ts", "extract_time", "record"}
	id := hash("journal %d", seed)
	e.Report = &report.Report{
		Scope: report.Scope{
			Pipeline: Pipeline, Depth: "content", Sample: 1, Timezone: "Asia/Shanghai",
			Proofs: []domain.Proof{domain.ProofCityHub, domain.ProofHubDoris},
			Columns: map[domain.Proof][]string{
				report.CityJournal: {"city_ts", "extract_time", "record"}, domain.ProofCityHub: columns, domain.ProofHubDoris: columns,
			},
		},
		Began: clock(19, 0, 2), Done: clock(19, 3, 41),
		Software: report.Software{Version: "v0.6.0", Binary: hash("binary"), Config: hash("configuration"), Host: "hefu-1"},
		Journal:  report.Journal{ID: domain.JournalID(id[:16]), Created: clock(1, 12, 0), Key: key, Sync: "always"},
		Previous: &report.Previous{Name: "20261125T180341Z-jsc-verified", Digest: hash("previous"), Done: clock(18, 3, 41)},
	}
	return e
}

// rest is what does not depend on windows: the journal, positions, outcomes and questions.
func (e *Example) rest() {
	e.journal()
	r := e.Report
	for i := range r.Sources {
		s := &r.Sources[i]
		r.Evidence = append(r.Evidence, report.Position{
			Witness: "city", Source: s.Source, Cluster: "kafka-" + s.City, Topic: "QL_JC_SSJC_" + s.City, TopicID: hash("topic %s", s.City).String()[:32],
			Partition: s.Partition, LeaderEpoch: 4, LogStart: s.First, LastStable: s.Next + int64(i%4)*350, HighWater: s.Next + int64(i%4)*350,
		})
	}
	for _, h := range r.Hub {
		r.Evidence = append(r.Evidence, report.Position{
			Witness: "hub", Cluster: "kafka-hub", Topic: "QL_JC_SSJC", TopicID: hash("hub").String()[:32],
			Partition: h.Partition, LeaderEpoch: 11, LogStart: 0, LastStable: h.Next, HighWater: h.Next,
		})
		r.Queries = append(r.Queries, report.Query{
			Witness: "doris", Rows: h.Next/domain.WindowSize + 1, Took: 184 * time.Millisecond, Answer: hash("answer %d", h.Partition),
			Text: fmt.Sprintf("SELECT hw_offset_id DIV 65536, COUNT(*), COUNT(DISTINCT hw_offset_id), MIN(hw_offset_id), MAX(hw_offset_id), SUM(CAST(hw_offset_id AS LARGEINT)), SUM(CAST(xxhash_64(sscsdm, …) AS LARGEINT)) FROM ods.ql_jc_ssjc WHERE hw_partition_id = %d AND hw_offset_id >= 0 AND hw_offset_id < %d GROUP BY 1 ORDER BY 1", h.Partition, h.Next),
		})
	}
	hub, doris := domain.Stream{Pipeline: Pipeline, Leg: domain.LegHub}, domain.Stream{Pipeline: Pipeline, Leg: domain.LegDoris}
	r.Outcomes = []report.Outcome{
		{Ref: e.Trees[hub].Ref(300), Kind: "HubCommitted", Label: "hefu-jsc-0-hub", State: "committed", Rows: 20_000, Time: clock(18, 59, 55)},
		{Ref: e.Trees[hub].Ref(302), Kind: "HubAborted", Label: "hefu-jsc-0-hub", State: "aborted: the broker was killed", Time: clock(18, 59, 58)},
		{Ref: e.Trees[doris].Ref(98), Kind: "DorisCommitted", Label: "hefu_jsc_0_ab12cd34ef56", Txn: 412_207, State: "VISIBLE", Rows: 120_000, Time: clock(18, 59, 50)},
	}
}

// journal makes the trees of all streams, each of which grew during the look.
func (e *Example) journal() {
	streams := []domain.Stream{domain.ControlStream(Pipeline)}
	for shard := range 2 {
		for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} {
			streams = append(streams, domain.Stream{Pipeline: Pipeline, Shard: shard, Leg: leg})
		}
	}
	for i, s := range streams {
		t := NewTree(e.t, e.Report.Journal.ID, s, 320+17*i)
		e.Trees[s] = t
		e.Report.Journal.Streams = append(e.Report.Journal.Streams, e.Stream(t, 280, 300, t.Size()-2, t.Size()))
	}
}

// Rename makes the report one of another journal with the same events.
func (e *Example) Rename(seed uint64) {
	id := hash("journal %d", seed)
	e.Report.Journal.ID = domain.JournalID(id[:16])
	e.Report.Journal.Streams = nil
	e.journal()
}

// Stream is what a report says of a tree of which it saw these sizes.
func (e *Example) Stream(t *Tree, earlier, before, last, after int64) report.Stream {
	return report.Stream{
		Stream: t.Stream, Before: e.Note(t, before), After: e.Note(t, after), Proof: t.Consistency(before, after),
		Last: t.Ref(last), LastProof: t.Inclusion(last, after),
		Earlier: []report.Earlier{{Note: e.Note(t, earlier), Proof: t.Consistency(earlier, after)}},
	}
}

// Note is the signed checkpoint of the first size events.
func (e *Example) Note(t *Tree, size int64) string {
	text, err := checkpoint.Sign(e.Signer, t.ID, domain.Ref(t.Ref(size)), t.Root(size))
	must(e.t, err)
	return text
}
