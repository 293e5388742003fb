package explain_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/explain"
)

// incident is one of a leg, told from others by its evidence.
func incident(leg domain.Leg, source domain.SourceID, found string) *domain.Incident {
	return domain.NewIncident(domain.IncidentHubRefused, stream(leg), source, nil, domain.Fact{Key: "found", Value: found})
}

func (s *scroll) resolved(in *domain.Incident) {
	s.control(&domain.Resolved{ID: in.ID, Choice: domain.ChoiceRetry, Who: "lin", Why: "disk was full"})
}

// What touched the shard or the source in the row's time is told: incidents that stood when it came,
// those that came after, pauses; and nothing of before and behind, of another source or shard.
func TestTroubles(t *testing.T) {
	s := newScroll(t, journal.NewMemory(), usual())
	s.process("host-0", domain.LegIngest)
	ended := incident(domain.LegHub, "", "ended before the process that fetched it began")
	stood := incident(domain.LegDoris, "", "stood when it came")
	s.control(ended)
	s.resolved(ended)
	s.control(stood)
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegDoris)
	s.source("nanjing", 1, 0, 90, 100)
	waits := incident(domain.LegDoris, "", "found by the process that fetched it, before it came")
	s.control(waits)
	early := incident(domain.LegIngest, "nanjing", "looked at before it came")
	s.control(early)
	s.resolved(early)
	s.control(&domain.Reconciled{Done: s.tick(1)})
	s.control(&domain.Operator{Action: domain.OperatorPause, Target: "nanjing", Who: "lin", Why: "night"})
	s.control(&domain.Operator{Action: domain.OperatorPause, Target: "suzhou", Who: "lin", Why: "night"})
	in := s.ingested(rows("nanjing", 1, 0, 100, 110))
	refused := incident(domain.LegHub, "", "a batch of this one event failed again and again")
	s.hubAborted(s.hubBegun(in, in), "disk is full", domain.FoundBySelf)
	s.control(refused)
	s.control(incident(domain.LegIngest, "suzhou", "another source"))
	other := stream(domain.LegHub)
	other.Shard = 1
	s.control(domain.NewIncident(domain.IncidentHubRefused, other, "", nil, domain.Fact{Key: "found", Value: "another shard"}))
	s.resolved(refused)
	s.resolved(stood)
	s.control(incident(domain.LegHub, "", "stands yet"))
	if got := kinds(s.ask(at(105))); strings.Count(got, "Incident") != 4 || strings.Count(got, "Resolved") != 2 {
		t.Errorf("while it waits: %s", got)
	}
	s.resolved(waits)
	one := s.carried(in, in, domain.HubRun{Ingest: in.Seq, N: 10, Offset: 500})
	load := s.dorisBegun(one, one, nil)
	s.visible(load, one, 1017, 10, domain.FoundBySelf)
	s.control(incident(domain.LegHub, "", "later"))
	golden(t, "troubles", text(t, s.ask(at(105))))

	// So has a later process.
	s = stored(t)
	restart(s)
	s.control(incident(domain.LegHub, "", "of another life"))
	if got := text(t, s.ask(at(105))); strings.Contains(got, "of another life") {
		t.Errorf("an incident of a later process:\n%s", got)
	}
}

// A leg's process may be older than the one that fetched the row: what stands in its way is in the row's
// time all the same, until the row is where it belongs.
func TestTroublesOfSeveralProcesses(t *testing.T) {
	s := newScroll(t, journal.NewMemory(), usual())
	s.process("doris-host", domain.LegDoris)
	older := s.owner
	s.process("host-1", domain.LegIngest, domain.LegHub)
	s.source("nanjing", 1, 0, 90, 100)
	in := s.ingested(rows("nanjing", 1, 0, 100, 110))
	one := s.carried(in, in, domain.HubRun{Ingest: in.Seq, N: 10, Offset: 500})
	s.control(incident(domain.LegDoris, "", "the table is gone"))
	s.control(incident(domain.ReplayLeg(domain.PlanID{7}), "", "a replay alone waits"))
	s.owner = older
	load := s.dorisBegun(one, one, nil)
	s.visible(load, one, 1017, 10, domain.FoundBySelf)
	s.process("host-2", domain.LegDoris)
	s.control(incident(domain.LegDoris, "", "of another life"))
	got := text(t, s.ask(at(105)))
	if !strings.Contains(got, "the table is gone") || strings.Contains(got, "of another life") || strings.Contains(got, "a replay alone waits") {
		t.Errorf("incidents:\n%s", got)
	}
}

// What the reconciler found of the row, who took it as it is, and which windows with it were compared.
func TestFindings(t *testing.T) {
	s := stored(t)
	usualLife(s)
	lost := domain.Finding{Class: domain.Lost, Where: "doris", Source: "nanjing", Generation: 1, City: "320100", Detail: "not in the table", Row: domain.Lineage{
		City: domain.Coord{Partition: 0, Offset: 105}, Hub: domain.Coord{Partition: 0, Offset: 505},
	}}
	altered := domain.Finding{Class: domain.Altered, Where: "doris", Column: "record", Row: domain.Lineage{City: domain.Coord{Partition: -1}, Hub: domain.Coord{Partition: 0, Offset: 505}}}
	neighbour := lost
	neighbour.Row.City.Offset, neighbour.Row.Hub.Offset = 106, 506
	elsewhere := lost
	elsewhere.Source, elsewhere.City, elsewhere.Row.Hub.Partition = "suzhou", "320500", 2
	former := lost
	former.Generation, former.Row.Hub.Partition = 2, 3
	city := domain.WindowResult{Window: domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1}, State: domain.WindowVerified, Through: 105}
	hub := domain.WindowResult{Window: domain.Window{Proof: domain.ProofHubDoris}, State: domain.WindowDiverged, Through: 521, Why: "count is 19 and 20"}
	s.control(&domain.Reconciled{Done: s.tick(1000), Windows: []domain.WindowResult{city}, Findings: []domain.Finding{lost, neighbour, elsewhere, former}})
	city.Through = 110
	s.control(&domain.Reconciled{Done: s.tick(1000), Windows: []domain.WindowResult{city, hub}, Findings: []domain.Finding{lost, altered}})
	s.control(&domain.Accepted{Finding: lost.ID(), Who: "lin", Why: "deleted by hand, ticket 4712"})
	a := s.ask(at(105))
	golden(t, "findings", text(t, a))
	if n := strings.Count(text(t, a), "the reconciler finds"); n != 2 {
		t.Errorf("%d findings, want 2", n)
	}
	if got := text(t, s.ask(at(115))); strings.Contains(got, "city and hub are compared") {
		t.Errorf("the comparison came up to offset 110:\n%s", got)
	}
}

// A pipeline that reads the hub itself: a row is asked for by its place there, and the load names
// ingest events.
func TestDirect(t *testing.T) {
	c := usual()
	c.Direct, c.Sources = true, []domain.SourceConfig{{ID: "hub", Topic: "ODS"}}
	s := newScroll(t, journal.NewMemory(), c)
	s.process("host-1", domain.LegIngest, domain.LegDoris)
	s.source("hub", 1, 3, 0, 0)
	run := rows("hub", 1, 3, 0, 10)
	run.Next, run.Gaps = 11, []domain.Gap{{Span: domain.Span{First: 10, Next: 11}, Reason: domain.ReasonCommitMarker}}
	in := s.ingested(run)
	load := s.dorisBegun(in, in, nil)
	s.prepared(load, 1017, 10)
	s.visible(load, in, 1017, 10, domain.FoundBySelf)
	q := none()
	q.Hub = "3:7"
	golden(t, "direct", text(t, s.ask(q)))
	if a := s.ask(explain.Question{Source: "hub", Partition: 3, Offset: 7}); !a.Found || a.Doris == nil {
		t.Errorf("asked for as a source: %+v", a)
	}
	q.Hub = "3:10"
	if a := s.ask(q); a.Found || a.State != "offset 10 holds no row: it lies in the gap [10,11) with reason commit_marker" {
		t.Errorf("a marker of the hub: %q", a.State)
	}
	if a := s.ask(of(func(q *explain.Question) { q.Txn = 1017 })); a.Batch.Rows != 10 || a.Batch.Ranges[0].HubLast != 9 {
		t.Errorf("the load: %+v", a.Batch)
	}
}

// Several pipelines in one file: the one that has the row answers.
func TestPipelines(t *testing.T) {
	s := stored(t)
	usualLife(s)
	other, err := journal.Open(t.Context(), "other", journal.Options{Store: journal.NewMemory()})
	must(t, err)
	ask := func(q explain.Question, asked ...explain.Pipeline) (*explain.Answer, error) {
		a, _, err := explain.Explain(t.Context(), asked, &q)
		return a, err
	}
	mine := explain.Pipeline{Journal: s.open(t.Context())}
	if a, err := ask(at(105), explain.Pipeline{Journal: other}, mine); err != nil || !a.Found || a.Pipeline != "bridge" {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := ask(at(105), mine, mine); err == nil || !strings.Contains(err.Error(), "name one with --pipeline") {
		t.Errorf("two that have it: %v", err)
	}
	q := at(105)
	q.Pipeline = "other"
	if a, err := ask(q, explain.Pipeline{Journal: other}, mine); err != nil || a.Found || a.State != "the journal is empty: no configuration was ever in force" {
		t.Errorf("%+v %v", a, err)
	}
}

// The record's text comes only when it is asked for, and not as other bytes.
func TestRecord(t *testing.T) {
	s := stored(t)
	usualLife(s)
	q := at(105)
	q.Record = true
	with, without := s.ask(q), s.ask(at(105))
	if text(t, with) != text(t, without)+"\n"+`{"cjbh":"105","xm":"Wang"}`+"\n" {
		t.Errorf("with the record:\n%s", text(t, with))
	}
	if without.Row.Record.Text != nil || without.Row.Record.Bytes != len(*with.Row.Record.Text) {
		t.Errorf("%+v", without.Row.Record)
	}
}
