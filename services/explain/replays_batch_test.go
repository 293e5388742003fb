package explain_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/file"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/services/explain"
)

// moves lets a replay go on.
func (s *scroll) moves(p *domain.Plan, to domain.PlanState, who, why string) {
	s.t.Helper()
	s.tick(1000)
	s.control(&domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: to, Who: who, Why: why})
}

// twoCommits is a scroll with two hub transactions of ten rows each, loaded.
func twoCommits(t *testing.T) (s *scroll, one, two domain.Ref) {
	t.Helper()
	s = newScroll(t, journal.NewMemory(), usual())
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegDoris)
	s.source("nanjing", 1, 0, 90, 100)
	first := s.ingested(rows("nanjing", 1, 0, 100, 110))
	second := s.ingested(rows("nanjing", 1, 0, 110, 120))
	one = s.carried(first, first, domain.HubRun{Ingest: first.Seq, N: 10, Partition: 0, Offset: 500})
	two = s.carried(second, second, domain.HubRun{Ingest: second.Seq, N: 10, Partition: 0, Offset: 511})
	load := s.dorisBegun(one, two, nil)
	s.prepared(load, 1017, 20)
	s.visible(load, two, 1017, 20, domain.FoundBySelf)
	return s, one, two
}

// A load of a replay by its label, by its transaction and by its event: the plan, who approved it, what
// stood in its way, the rows that it takes of the events and no others, and how both ended.
func TestLoadOfAReplay(t *testing.T) {
	s, one, two := twoCommits(t)
	p := s.replay(7, domain.Selection{Hub: []domain.HubSpan{{Span: domain.Span{First: 504, Next: 506}}, {Span: domain.Span{First: 515, Next: 520}}}}, two)
	to := p.Stream(0)
	s.put(to, &domain.Opened{Owned: s.owned(), Config: s.conf})
	begun := s.put(to, &domain.DorisBegun{
		Owned: s.owned(), Trail: s.trail[to], Config: s.conf, First: one, Last: two, Time: s.tick(5000), Table: p.Target.Name, Semantic: domain.ExactlyOnce,
		Excluded: []domain.Exclusion{{Ingest: 4, Ordinal: 4, Count: 1, Offset: 104, Reason: domain.ExcludedPresent}},
	})
	s.put(to, &domain.DorisPrepared{Owned: s.owned(), Trail: s.trail[to], Begun: begun, Label: domain.Label(begun), Txn: 2044, Backend: "be-1:8040", Rows: 6})
	stop := domain.NewIncident(domain.IncidentDorisRefused, to, "", nil, domain.Fact{Key: "found", Value: "the table is gone"})
	s.control(stop)
	s.control(incident(domain.LegDoris, "", "of the live leg"))
	s.moves(p, domain.PlanPaused, "lin", "lunch")
	s.moves(p, domain.PlanCancelled+"?", "nobody", "no state")
	s.moves(p, domain.PlanRunning, "lin", "after lunch")
	s.moves(p, domain.PlanRunning, "lin", "slower")
	s.resolved(stop)
	s.put(to, &domain.DorisCommitted{
		Owned: s.owned(), Trail: s.trail[to], Begun: begun, Cursor: two, Txn: 2044, How: "transaction state", Rows: 6, Visible: s.tick(300), FoundBy: domain.FoundBySelf,
	})
	s.moves(p, domain.PlanVerifying, "", "every row is carried")
	s.moves(p, domain.PlanDone, "", "6 rows are in Doris")
	label := domain.Label(begun)
	if !strings.HasPrefix(label, "hefu-bridge-0-r07000000-3-") {
		t.Fatal(label)
	}
	a := s.ask(of(func(q *explain.Question) { q.Label = label }))
	golden(t, "replay-load", text(t, a))
	if b := a.Batch; !a.Found || b.Rows != 6 || b.Excluded != 1 || len(b.Ranges) != 1 || b.Ranges[0].Rows != 7 || b.Ranges[0].First != 104 || b.Ranges[0].Last != 118 || b.Replay.State != "done" {
		t.Errorf("%+v", b)
	}
	if got, want := kinds(a), "Started ReplayPlanned ReplayMoved DorisBegun DorisPrepared Incident ReplayMoved ReplayMoved ReplayMoved Resolved DorisCommitted ReplayMoved ReplayMoved"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	same := strings.SplitN(text(t, a), "\n", 2)[1]
	lie := index{rows: []lineage.Row{{Source: "nanjing", Generation: 1, Ingest: 5, Doris: 3}}}
	for _, q := range []explain.Question{of(func(q *explain.Question) { q.Txn = 2044 }), of(func(q *explain.Question) { q.Event = to.String() + "@4" })} {
		b, _, err := explain.Explain(t.Context(), []explain.Pipeline{{Journal: s.open(t.Context()), Index: lie}}, &q)
		if err != nil || strings.SplitN(text(t, b), "\n", 2)[1] != same {
			t.Errorf("%+v: %v\n%s", q, err, text(t, b))
		}
	}
	// A load of the pipeline itself is found as before, and has nothing of the replay.
	if a := s.ask(of(func(q *explain.Question) { q.Txn = 1017 })); a.Batch.Replay != nil || a.Batch.Rows != 20 || strings.Contains(text(t, a), "replay") {
		t.Errorf("the live load:\n%s", text(t, a))
	}
}

// A replay that Doris made a transaction for by itself, behind the live ones, is found by reading on.
func TestTxnOfAReplayOutOfOrder(t *testing.T) {
	s, one, two := twoCommits(t)
	p := s.replay(7, domain.Selection{}, two)
	s.fills(p, one, one, 10)
	s.put(p.Stream(0), &domain.DorisBegun{Owned: s.owned(), Trail: s.trail[p.Stream(0)], Config: s.conf, First: two, Last: two, Time: s.tick(1), Table: p.Target.Name, Semantic: domain.ExactlyOnce})
	begun := s.tails[p.Stream(0)]
	s.put(p.Stream(0), &domain.DorisCommitted{Owned: s.owned(), Trail: s.trail[p.Stream(0)], Begun: begun, Cursor: two, Txn: 12, How: "transaction state", Rows: 10, Visible: s.tick(1), FoundBy: domain.FoundBySelf})
	if a := s.ask(of(func(q *explain.Question) { q.Txn = 12 })); !a.Found || a.Batch.Event != begun.String() {
		t.Errorf("%t %+v", a.Found, a.Batch)
	}
	if a := s.ask(of(func(q *explain.Question) { q.Txn = 13 })); a.Found || !strings.HasPrefix(a.State, "no load with this transaction") {
		t.Errorf("%t %s", a.Found, a.State)
	}
}

// A transaction of a replay into a topic has places there and not in the hub, and none before it is
// committed; what comes of it goes nowhere.
func TestTransactionOfAReplay(t *testing.T) {
	s, one, two := twoCommits(t)
	p := &domain.Plan{
		ID: domain.PlanID{9}, Pipeline: "bridge", Created: s.tick(1000), Lanes: []domain.PlanLane{{First: 1, Last: two}},
		Rows:   domain.Selection{Cities: []domain.CitySpan{{Source: "nanjing", Partition: 0, Span: domain.Span{First: 105, Next: 115}}}},
		Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeShadow, Name: "ODS_at0210"},
	}
	s.control(&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text()), Who: "zhao", Why: "what did they see"})
	s.moves(p, domain.PlanRunning, "lin", "read")
	to := p.Stream(0)
	begin := func() domain.Ref {
		s.tick(100)
		return s.put(to, &domain.HubBegun{Owned: s.owned(), Trail: s.trail[to], Config: s.conf, First: one, Last: two, Time: began, Semantic: domain.ExactlyOnce})
	}
	s.put(to, &domain.Opened{Owned: s.owned(), Config: s.conf})
	vain := begin()
	s.put(to, &domain.HubAborted{Owned: s.owned(), Trail: s.trail[to], Begun: vain, Why: "time-out", FoundBy: domain.FoundBySelf})
	begun := begin()
	s.put(to, &domain.HubCommitted{
		Owned: s.owned(), Trail: s.trail[to], Begun: begun, Cursor: two, Time: began, ProgressOffset: 4, Rows: 10, Bytes: 600, FoundBy: domain.FoundBySelf,
		Runs: []domain.HubRun{{Ingest: 4, First: 5, N: 5}, {Ingest: 5, N: 5, Offset: 5}},
	})
	s.moves(p, domain.PlanFailed, "", "3 rows are not there")
	a := s.ask(of(func(q *explain.Question) { q.Event = begun.String() }))
	golden(t, "replay-transaction", text(t, a))
	if b := a.Batch; a.Doris != nil || b.Rows != 10 || len(b.Ranges) != 1 || b.Ranges[0].HubFirst != 0 || b.Ranges[0].HubLast != 9 {
		t.Errorf("%+v", b)
	}
	a = s.ask(of(func(q *explain.Question) { q.Event = vain.String() }))
	if b := a.Batch; a.State != "did not happen: time-out" || len(b.Ranges) != 1 || b.Ranges[0].Placed || b.Ranges[0].First != 105 || b.Ranges[0].Last != 114 || b.Rows != 10 {
		t.Errorf("%s %+v", a.State, b)
	}
}

// The lines of a file have no label that Doris knows. A plan that nobody can read is said to be one.
func TestFileOfAReplay(t *testing.T) {
	s, one, two := twoCommits(t)
	for i, kind := range []domain.TargetKind{domain.TargetFile, domain.TargetNull} {
		p := &domain.Plan{
			ID: domain.PlanID{byte(i + 1)}, Pipeline: "bridge", Created: s.tick(1000), Lanes: []domain.PlanLane{{First: 1, Last: two}}, Target: domain.PlanTarget{Kind: kind},
		}
		name := file.Name(p.ID, 0)
		if kind == domain.TargetNull {
			name = "null"
		}
		s.control(&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text()), Who: "zhao", Why: "an audit"})
		s.moves(p, domain.PlanRunning, "lin", "read")
		to := p.Stream(0)
		s.put(to, &domain.Opened{Owned: s.owned(), Config: s.conf})
		begun := s.put(to, &domain.DorisBegun{Owned: s.owned(), Trail: s.trail[to], Config: s.conf, First: one, Last: two, Time: s.tick(1), Table: name})
		s.put(to, &domain.DorisCommitted{
			Owned: s.owned(), Trail: s.trail[to], Begun: begun, Cursor: two, Rows: 20, Visible: s.tick(1), FoundBy: domain.FoundBySelf,
			How: "lines of 40 bytes, sha256 " + strings.Repeat("ab", 32) + " (left out, as no rows of the hub: 0)",
		})
		a := s.ask(of(func(q *explain.Question) { q.Event = begun.String() }))
		got := text(t, a)
		if !a.Found || a.Batch.Label != "" || a.Doris != nil || a.State != "carried into "+string(kind) || strings.Contains(got, "visible") ||
			!strings.Contains(got, "lines into "+name+" begin: hub@4 to hub@6\n") || !strings.Contains(got, "is done: 20 rows; lines of 40 bytes, sha256 abab") {
			t.Errorf("%s", got)
		}
	}
	for _, id := range []domain.PlanID{{0xee}, {0xef}} {
		to := domain.Stream{Pipeline: "bridge", Leg: domain.ReplayLeg(id)}
		if id[0] == 0xef {
			s.control(&domain.ReplayPlanned{ID: id, Text: `{"of":"a later release"}`, Who: "zhao", Why: "?"})
		}
		begun := s.put(to, &domain.DorisBegun{Owned: s.owned(), Config: s.conf, First: one, Last: two, Time: s.tick(1), Table: "t"})
		a := s.ask(of(func(q *explain.Question) { q.Label = domain.Label(begun) }))
		if a.Found || a.State != "replay "+id.String()+" is not planned in this journal, or by a release whose plans this one cannot read" {
			t.Errorf("%t %s", a.Found, a.State)
		}
	}
	if a := s.ask(of(func(q *explain.Question) { q.Label = "hefu-bridge-0-rabcdef01-3-ab01020304ff" })); a.Found || a.State != "the journal has no stream bridge.0.replay-abcdef01" {
		t.Errorf("%t %s", a.Found, a.State)
	}
}
