package explain_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/explain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// began is when the journals of these tests begin: 2026-01-02 03:04:05 UTC.
const began domain.Micros = 1_767_323_045_000_000

// scroll is a journal written by hand, event by event: the same id, times and hashes each time.
type scroll struct {
	t     *testing.T
	store journal.Store
	id    domain.JournalID
	tails map[domain.Stream]domain.Ref
	trail map[domain.Stream]domain.Trail
	at    []domain.Position
	now   domain.Micros
	owner domain.Seq
	conf  domain.Seq
	began map[domain.Seq]domain.Seq // owners of hub intents
}

// usual is a pipeline of one shard with a hub of four partitions and two cities.
func usual() domain.PipelineConfig {
	return domain.PipelineConfig{
		Timezone: "Asia/Shanghai", HubTopic: "ODS", HubPartitions: 4, Shards: 1, Table: "ods.ODS_QL_JC_SSJC",
		Sources: []domain.SourceConfig{{ID: "nanjing", City: "320100", Topic: "QL_JC_SSJC", Base: 0}, {ID: "suzhou", City: "320500", Topic: "QL_JC_SSJC", Base: 2}},
	}
}

func newScroll(t *testing.T, store journal.Store, c domain.PipelineConfig) *scroll {
	t.Helper()
	s := &scroll{t: t, store: store, id: domain.JournalID{0x48, 0x65, 0x66, 0x75}, tails: map[domain.Stream]domain.Ref{}, trail: map[domain.Stream]domain.Trail{}, now: began, began: map[domain.Seq]domain.Seq{}}
	s.control(&domain.Genesis{Created: s.now, Pipeline: "bridge"})
	s.conf = s.control(&domain.PipelineConfigured{Config: c, Digest: journal.ConfigDigest(&c)}).Seq
	return s
}

// stored is a scroll in memory, with a process and the first generation of nanjing partition 0, whose
// log begins at 90 and which is read from 100 on.
func stored(t *testing.T) *scroll {
	t.Helper()
	s := newScroll(t, journal.NewMemory(), usual())
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegDoris)
	s.source("nanjing", 1, 0, 90, 100)
	return s
}

func stream(leg domain.Leg) domain.Stream { return domain.Stream{Pipeline: "bridge", Leg: leg} }

func (s *scroll) owned() domain.Owned { return domain.Owned{Incarnation: s.owner} }

// tick moves the clock on by some milliseconds.
func (s *scroll) tick(ms int) domain.Micros {
	s.now += domain.Micros(ms) * 1000
	return s.now
}

func (s *scroll) control(e domain.Event) domain.Ref {
	s.t.Helper()
	return s.put(domain.ControlStream("bridge"), e)
}

// put appends an event, a moment later.
func (s *scroll) put(to domain.Stream, e domain.Event) domain.Ref {
	s.t.Helper()
	ctx := s.t.Context()
	tail := s.tails[to]
	if tail.IsZero() {
		must(s.t, s.store.Create(ctx, to, 1))
		if _, genesis := e.(*domain.Genesis); !genesis {
			s.put(to, &domain.Genesis{Created: s.now, Pipeline: "bridge"})
			tail = s.tails[to]
		}
	}
	ref := domain.Ref{Stream: to, Seq: tail.Seq + 1}
	parts, hash := journal.Encode(s.id, to, ref.Seq, tail.Hash, s.tick(1), e)
	must(s.t, s.store.Put(ctx, to, 1, ref.Seq, parts))
	ref.Hash = hash
	s.tails[to], s.trail[to] = ref, s.trail[to].After(ref.Seq, e)
	return ref
}

// process begins a process that takes legs over.
func (s *scroll) process(instance string, legs ...domain.Leg) {
	s.t.Helper()
	start := &domain.Started{Instance: instance, Host: "box-" + instance, PID: 4711, Version: "1.6.0"}
	for _, leg := range legs {
		start.Claims = append(start.Claims, domain.Claim{Leg: leg})
	}
	s.owner = s.control(start).Seq
	for _, leg := range legs {
		s.put(stream(leg), &domain.Opened{Owned: s.owned(), Config: s.conf, Positions: positions(leg, s.at), Trail: s.trail[stream(leg)]})
	}
}

func positions(leg domain.Leg, at []domain.Position) []domain.Position {
	if leg != domain.LegIngest {
		return nil
	}
	return append([]domain.Position(nil), at...)
}

// source opens a generation of one partition.
func (s *scroll) source(id domain.SourceID, g domain.Generation, partition int32, logStart, first int64) domain.Ref {
	s.t.Helper()
	p := domain.Position{Source: id, Generation: g, Partition: partition, Next: first, LeaderEpoch: -1, LastBase: -1}
	found := false
	for i := range s.at {
		if s.at[i].Source == id && s.at[i].Partition == partition {
			s.at[i], found = p, true
		}
	}
	if !found {
		s.at = append(s.at, p)
	}
	return s.put(stream(domain.LegIngest), &domain.SourceOpened{
		Owned: s.owned(), Source: id, Generation: g, ClusterID: "city-" + string(id), Topic: "QL_JC_SSJC", StartPolicy: "latest", Config: s.conf,
		Starts: []domain.Start{{Partition: partition, LogStart: logStart, First: first, How: "log end"}}, Positions: positions(domain.LegIngest, s.at),
	})
}

// rows is a run of records without gaps.
func rows(id domain.SourceID, g domain.Generation, partition int32, first, next int64) domain.Run {
	return domain.Run{
		Source: id, Generation: g, Partition: partition, LeaderEpoch: 3, First: first, Next: next, Rows: next - first,
		Batches: [][]byte{recordBatch(first, int(next-first), 0)},
	}
}

// nothing is a run that is one gap.
func nothing(id domain.SourceID, g domain.Generation, first, next int64, why domain.Reason) domain.Run {
	return domain.Run{
		Source: id, Generation: g, LeaderEpoch: 3, First: first, Next: next,
		Gaps: []domain.Gap{{Span: domain.Span{First: first, Next: next}, Reason: why}},
	}
}

// ingested journals runs.
func (s *scroll) ingested(runs ...domain.Run) domain.Ref {
	return s.passed(domain.IncidentID{}, runs...)
}

func (s *scroll) passed(incident domain.IncidentID, runs ...domain.Run) domain.Ref {
	s.t.Helper()
	for _, r := range runs {
		for i := range s.at {
			if p := &s.at[i]; p.Source == r.Source && p.Partition == r.Partition {
				p.Next = r.Next
			}
		}
	}
	return s.put(stream(domain.LegIngest), &domain.Ingested{
		Owned: s.owned(), ExtractTime: s.tick(100), Runs: runs, Incident: incident, Positions: positions(domain.LegIngest, s.at),
	})
}

func (s *scroll) hubBegun(first, last domain.Ref) domain.Ref {
	s.t.Helper()
	hub := stream(domain.LegHub)
	ref := s.put(hub, &domain.HubBegun{Owned: s.owned(), Trail: s.trail[hub], Config: s.conf, First: first, Last: last, Time: s.tick(20), Semantic: domain.ExactlyOnce})
	s.began[ref.Seq] = s.owner
	return ref
}

func (s *scroll) hubCommitted(begun, last domain.Ref, at domain.Micros, runs []domain.HubRun, excluded ...domain.Exclusion) domain.Ref {
	s.t.Helper()
	hub := stream(domain.LegHub)
	c := &domain.HubCommitted{
		Owned: s.owned(), Trail: s.trail[hub], Begun: begun, Cursor: last, Runs: runs, Time: at, ProgressOffset: int64(begun.Seq),
		Excluded: excluded, FoundBy: domain.FoundBySelf,
	}
	if s.began[begun.Seq] != s.owner {
		c.FoundBy = domain.FoundByNextOwner
	}
	for _, r := range runs {
		c.Rows += r.N
		c.Bytes += 60 * r.N
	}
	return s.put(hub, c)
}

func (s *scroll) hubAborted(begun domain.Ref, why string, by domain.Finder) domain.Ref {
	s.t.Helper()
	hub := stream(domain.LegHub)
	return s.put(hub, &domain.HubAborted{Owned: s.owned(), Trail: s.trail[hub], Begun: begun, Why: why, FoundBy: by})
}

// carried takes ingest events into the hub at once.
func (s *scroll) carried(first, last domain.Ref, runs ...domain.HubRun) domain.Ref {
	s.t.Helper()
	begun := s.hubBegun(first, last)
	return s.hubCommitted(begun, last, s.now, runs)
}

func (s *scroll) dorisBegun(first, last domain.Ref, probe *domain.DorisProbe, excluded ...domain.Exclusion) domain.Ref {
	s.t.Helper()
	doris := stream(domain.LegDoris)
	return s.put(doris, &domain.DorisBegun{
		Owned: s.owned(), Trail: s.trail[doris], Config: s.conf, First: first, Last: last, Time: s.tick(5000), Table: "ods.ODS_QL_JC_SSJC",
		Semantic: domain.ExactlyOnce, Probe: probe, Excluded: excluded,
	})
}

func (s *scroll) prepared(begun domain.Ref, txn, n int64) domain.Ref {
	s.t.Helper()
	doris := stream(domain.LegDoris)
	return s.put(doris, &domain.DorisPrepared{
		Owned: s.owned(), Trail: s.trail[doris], Begun: begun, Label: domain.Label(begun), Txn: txn, Backend: "be-1:8040", Rows: n, Bytes: 200 * n,
	})
}

func (s *scroll) visible(begun, last domain.Ref, txn, n int64, by domain.Finder) domain.Ref {
	s.t.Helper()
	doris := stream(domain.LegDoris)
	return s.put(doris, &domain.DorisCommitted{
		Owned: s.owned(), Trail: s.trail[doris], Begun: begun, Cursor: last, Txn: txn, How: "transaction state", Rows: n, Visible: s.tick(300), FoundBy: by,
	})
}

func (s *scroll) dorisAborted(begun domain.Ref, why string) domain.Ref {
	s.t.Helper()
	doris := stream(domain.LegDoris)
	return s.put(doris, &domain.DorisAborted{Owned: s.owned(), Trail: s.trail[doris], Begun: begun, Why: why, FoundBy: domain.FoundBySelf})
}

func (s *scroll) lineageBegun(first, last domain.Ref, n int64) domain.Ref {
	s.t.Helper()
	to := stream(domain.LegLineage)
	return s.put(to, &domain.LineageBegun{Owned: s.owned(), Trail: s.trail[to], First: first, Last: last, Rows: n, Block: 1000})
}

func (s *scroll) lineageCommitted(begun, last domain.Ref, n int64, how string) domain.Ref {
	s.t.Helper()
	to := stream(domain.LegLineage)
	return s.put(to, &domain.LineageCommitted{Owned: s.owned(), Trail: s.trail[to], Begun: begun, Cursor: last, Rows: n, How: how})
}

// fixed is a Manifest that knows the id of the scroll.
type fixed struct{ id domain.JournalID }

func (f fixed) Journal(string) (domain.JournalID, bool)    { return f.id, true }
func (fixed) HasStream(domain.Stream) bool                 { return false }
func (fixed) Record(domain.JournalID, domain.Stream) error { return nil }
func (s *scroll) open(ctx context.Context) *journal.Journal {
	s.t.Helper()
	j, err := journal.Open(ctx, "bridge", journal.Options{Store: s.store, Manifest: fixed{s.id}})
	must(s.t, err)
	return j
}

// ask asks the scroll alone.
func (s *scroll) ask(q explain.Question) *explain.Answer {
	s.t.Helper()
	a, notes, err := explain.Explain(s.t.Context(), []explain.Pipeline{{Journal: s.open(s.t.Context())}}, &q)
	must(s.t, err)
	if len(notes) > 0 {
		s.t.Errorf("notes without an index: %q", notes)
	}
	return a
}

// at is the question about a row of nanjing partition 0.
func at(offset int64) explain.Question {
	return explain.Question{City: "320100", Offset: offset}
}

// none is a question without a row of a city.
func none() explain.Question { return explain.Question{Partition: -1, Offset: -1} }

// recordBatch is n records from an offset on, the codec of which is left as it is.
func recordBatch(base int64, n int, codec int16) []byte {
	var payload []byte
	for i := range n {
		rec := kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: int64(i), Value: fmt.Appendf(nil, `{"cjbh":"%d","xm":"Wang"}`, base+int64(i))}
		body := rec.AppendTo(nil)[1:]
		payload = append(binary.AppendVarint(payload, int64(len(body))), body...)
	}
	b := (&kmsg.RecordBatch{
		FirstOffset: base, Length: int32(49 + len(payload)), PartitionLeaderEpoch: 3, Magic: 2, Attributes: codec, LastOffsetDelta: int32(n - 1),
		FirstTimestamp: 1_767_323_000_123, MaxTimestamp: 1_767_323_000_123 + int64(n) - 1, ProducerID: -1, NumRecords: int32(n), Records: payload,
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}
