package explain_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/explain"
)

const (
	live   = "ods.ODS_QL_JC_SSJC"
	shadow = live + "_shadow"
)

// quarantined is a scroll of ten rows, one of which the load left out.
func quarantined(t *testing.T) (s *scroll, hub domain.Ref) {
	t.Helper()
	s = stored(t)
	in := s.ingested(rows("nanjing", 1, 0, 100, 110))
	hub = s.carried(in, in, domain.HubRun{Ingest: in.Seq, N: 10, Partition: 0, Offset: 500})
	begun := s.dorisBegun(hub, hub, nil, domain.Exclusion{Ingest: in.Seq, Ordinal: 7, Count: 1, Offset: 107, Reason: domain.ExcludedByDoris, Detail: "a bad date"})
	s.visible(begun, hub, 1020, 9, domain.FoundBySelf)
	return s, hub
}

// loads has a replay load one commit, but for what it leaves out.
func (s *scroll) loads(p *domain.Plan, hub domain.Ref, excluded ...domain.Exclusion) domain.Ref {
	s.t.Helper()
	to := p.Stream(0)
	if s.tails[to].IsZero() {
		s.put(to, &domain.Opened{Owned: s.owned(), Config: s.conf})
	}
	begun := s.put(to, &domain.DorisBegun{
		Owned: s.owned(), Trail: s.trail[to], Config: s.conf, First: hub, Last: hub, Time: s.tick(5000), Table: p.Target.Name, Semantic: domain.ExactlyOnce, Excluded: excluded,
	})
	s.put(to, &domain.DorisCommitted{Owned: s.owned(), Trail: s.trail[to], Begun: begun, Cursor: hub, Txn: 2044, How: "transaction state", Rows: 1, Visible: s.tick(300), FoundBy: domain.FoundBySelf})
	return begun
}

// into is a plan of everything into a table, approved.
func (s *scroll) into(id byte, mode domain.TargetMode, table string, last domain.Ref) *domain.Plan {
	s.t.Helper()
	p := &domain.Plan{
		ID: domain.PlanID{id}, Pipeline: "bridge", Created: s.tick(1000), Lanes: []domain.PlanLane{{First: 1, Last: last}},
		Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: mode, Name: table},
	}
	s.control(&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text()), Who: "zhao", Why: "ticket 4720"})
	s.moves(p, domain.PlanRunning, "lin", "read")
	return p
}

// swap exchanges the live table with another one; moved is the name that the other one has then.
func (s *scroll) swap(p *domain.Plan, shadow, moved string, step domain.SwapStep) {
	s.t.Helper()
	s.tick(1000)
	s.control(&domain.TableSwap{Plan: p.ID, Live: live, Shadow: shadow, Step: domain.SwapBegun, Who: "wang", Why: "ticket 4721"})
	s.tick(1000)
	s.control(&domain.TableSwap{Plan: p.ID, Live: live, Shadow: moved, Step: step})
}

// A row that a load left out and a replay brought into the live table is there; one that the replay left
// out, too, or brought into another table, is not.
func TestRowThatAReplayBrought(t *testing.T) {
	const left = "in the hub; excluded from Doris: " + domain.ExcludedByDoris + ": a bad date"
	s, hub := quarantined(t)
	if a := s.ask(at(107)); a.Found || a.State != left {
		t.Errorf("%t %q", a.Found, a.State)
	}
	s.loads(s.into(6, domain.ModeShadow, shadow, hub), hub)
	if a := s.ask(at(107)); a.Found || a.State != left || !strings.Contains(text(t, a), "replay 06000000 into table "+shadow+" (shadow) is approved") {
		t.Errorf("beside the live table: %t %q", a.Found, a.State)
	}
	s.loads(s.into(7, domain.ModeFillMissing, live, hub), hub, domain.Exclusion{Ingest: 4, Ordinal: 6, Count: 2, Offset: 106, Reason: domain.ExcludedPresent})
	if a := s.ask(at(107)); a.Found || a.State != left || !strings.Contains(text(t, a), "; this row is left out: already in the table (one of 2 rows left out together)") {
		t.Errorf("left out again: %t %q\n%s", a.Found, a.State, text(t, a))
	}
	if a := s.ask(at(105)); a.State != "in the hub and in Doris, by replay 07000000" || strings.Contains(text(t, a), "this row is left out") {
		t.Errorf("its neighbour: %q", a.State)
	}
	begun := s.loads(s.into(8, domain.ModeFillMissing, live, hub), hub)
	a := s.ask(at(107))
	if !a.Found || a.State != "in the hub and in Doris, by replay 08000000; the load before that left it out" || a.Doris == nil || a.Doris.Label != domain.Label(begun) || a.Doris.Table != live {
		t.Errorf("%t %q %+v", a.Found, a.State, a.Doris)
	}
}

// After an exchange of tables a row is in the live one by the load of the replay that made it, and by the
// load of the pipeline again once the tables are exchanged back; what came since is there by its own.
func TestRowOfAnExchangedTable(t *testing.T) {
	s, hub := quarantined(t)
	own := s.tails[stream(domain.LegDoris)].Seq - 1
	p := s.into(6, domain.ModeShadow, shadow, hub)
	begun := s.loads(p, hub, domain.Exclusion{Ingest: 4, Ordinal: 2, Count: 1, Offset: 102, Reason: domain.ExcludedByDoris})
	check := func(what string, offset int64, found bool, state, table, label string) {
		t.Helper()
		a := s.ask(at(offset))
		if a.Found != found || !strings.HasPrefix(a.State, state) || (a.Doris == nil) != (table == "") || a.Doris != nil && (a.Doris.Table != table || !strings.Contains(a.Doris.Label, label)) {
			t.Errorf("%s, offset %d: %t %q %+v", what, offset, a.Found, a.State, a.Doris)
		}
	}
	const gone = "in the hub; in Doris in table ods.aside, which was " + live + " when it was loaded, and by no load in the one of that name now"
	s.swap(p, shadow, shadow, domain.SwapNot)
	check("not exchanged", 105, true, "in the hub and in Doris", live, "hefu-bridge-0-3-")
	s.swap(p, shadow, "ods.aside", domain.SwapDone)
	check("exchanged", 105, true, "in the hub and in Doris, by replay 06000000", live, domain.Label(begun))
	check("exchanged, a row that was left out before", 107, true, "in the hub and in Doris, by replay 06000000; the load", live, domain.Label(begun))
	check("exchanged, a row that the replay left out", 102, true, gone, "ods.aside", "hefu-bridge-0-3-")
	if got := kinds(s.ask(at(105))); !strings.HasSuffix(got, "DorisCommitted TableSwap") {
		t.Error(got)
	}
	a := s.ask(of(func(q *explain.Question) { q.Event = "bridge.0.doris@" + itoa(int64(own)) }))
	if a.Doris.Table != "ods.aside" || !strings.Contains(text(t, a), "of replay 06000000 are exchanged by wang: ticket 4721") {
		t.Errorf("the load:\n%s", text(t, a))
	}
	in := s.ingested(rows("nanjing", 1, 0, 110, 120))
	next := s.carried(in, in, domain.HubRun{Ingest: in.Seq, N: 10, Partition: 0, Offset: 511})
	s.visible(s.dorisBegun(next, next, nil), next, 1030, 10, domain.FoundBySelf)
	check("loaded since", 115, true, "in the hub and in Doris", live, "hefu-bridge-0-5-")
	if a := s.ask(at(115)); a.State != "in the hub and in Doris" || strings.Contains(kinds(a), "TableSwap") {
		t.Errorf("loaded since: %q %s", a.State, kinds(a))
	}
	s.swap(p, "ods.aside", "ods.aside", domain.SwapDone)
	check("back", 105, true, "in the hub and in Doris", live, "hefu-bridge-0-3-")
	check("back, a row that was left out", 107, false, "in the hub; excluded from Doris", "", "")
}

// A row of a generation of the hub topic that is over has nothing of what was found at its place in the
// next one, and is not said to be in the hub.
func TestDirectFormerGeneration(t *testing.T) {
	c := usual()
	c.Direct, c.Sources = true, []domain.SourceConfig{{ID: "hub", Topic: "ODS"}}
	s := newScroll(t, journal.NewMemory(), c)
	s.process("host-1", domain.LegIngest, domain.LegDoris)
	result := func(state domain.WindowState) *domain.Reconciled {
		w := domain.WindowResult{Window: domain.Window{Proof: domain.ProofHubDoris, Partition: 0}, State: state, Through: 10}
		f := domain.Finding{Class: domain.Altered, Where: "doris", Column: string(state), Row: domain.Lineage{City: domain.Coord{Partition: -1, Offset: -1}, Hub: domain.Coord{Offset: 7}}}
		return &domain.Reconciled{Done: s.tick(1000), Windows: []domain.WindowResult{w}, Findings: []domain.Finding{f}}
	}
	for g, state := range []domain.WindowState{domain.WindowVerified, domain.WindowDiverged} {
		s.source("hub", domain.Generation(g+1), 0, 0, 0)
		in := s.ingested(rows("hub", domain.Generation(g+1), 0, 0, 10))
		s.visible(s.dorisBegun(in, in, nil), in, 1017, 10, domain.FoundBySelf)
		s.control(result(state))
	}
	row := func(g int) *explain.Answer { return s.ask(explain.Question{Source: "hub", Offset: 7, Generation: g}) }
	old, now := row(1), row(2)
	if old.State != "in the hub and in Doris; the hub topic was made anew since, and generation 1 is over" || now.State != "in the hub and in Doris" {
		t.Errorf("%q, %q", old.State, now.State)
	}
	was, is := text(t, old), text(t, now)
	if !strings.Contains(was, "column verified") || strings.Contains(was, "diverged") {
		t.Errorf("of the one before:\n%s", was)
	}
	if !strings.Contains(is, "column diverged") || !strings.Contains(is, "is diverged up to offset 10") || strings.Contains(is, "column verified") {
		t.Errorf("of the one of now:\n%s", is)
	}
}

// While an incident says that the hub lost something, no row is said to be in the hub for certain; once
// somebody decided about it, it is nothing of the row's.
func TestHubThatLostSomething(t *testing.T) {
	s := stored(t)
	usualLife(s)
	loaded := s.ask(at(105))
	lost := domain.NewIncident(domain.IncidentHubLost, stream(domain.LegHub), "", nil, domain.Fact{Key: "found", Value: "the hub topic ends before the last committed run"})
	s.control(lost)
	s.tick(1000)
	a := s.ask(at(105))
	if want := "in the hub and in Doris; the hub may have lost it: incident " + lost.ID.String()[:12] + " hub-lost is open"; !a.Found || a.State != want || kinds(a) != kinds(loaded)+" Incident" {
		t.Errorf("%t %q, want %q: %s", a.Found, a.State, want, kinds(a))
	}
	in := s.ingested(rows("nanjing", 1, 0, 123, 130))
	if a := s.ask(at(125)); strings.Contains(a.State, "lost") || !strings.Contains(kinds(a), "Incident") {
		t.Errorf("a row that waits for it: %q %s", a.State, kinds(a))
	}
	s.carried(in, in, domain.HubRun{Ingest: in.Seq, N: 7, Partition: 0, Offset: 530})
	if a := s.ask(at(125)); !strings.Contains(a.State, "; the hub may have lost it") || strings.Count(kinds(a), "Incident") != 1 {
		t.Errorf("a row in its time: %q %s", a.State, kinds(a))
	}
	s.resolved(lost)
	if a := s.ask(at(105)); a.State != loaded.State || kinds(a) != kinds(loaded) {
		t.Errorf("decided: %q %s", a.State, kinds(a))
	}
}

// A row that the transaction of a replay left out since the broker did not acknowledge it is told so.
func TestRowThatATransactionOfAReplayLeftOut(t *testing.T) {
	s := stored(t)
	in := s.ingested(rows("nanjing", 1, 0, 100, 110))
	hub := s.carried(in, in, domain.HubRun{Ingest: in.Seq, N: 10, Partition: 0, Offset: 500})
	p := &domain.Plan{
		ID: domain.PlanID{9}, Pipeline: "bridge", Created: s.tick(1000), Lanes: []domain.PlanLane{{First: 1, Last: hub}},
		Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeShadow, Name: "ODS_2"},
	}
	s.control(&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text()), Who: "zhao", Why: "ticket 4720"})
	s.moves(p, domain.PlanRunning, "lin", "read")
	to := p.Stream(0)
	s.put(to, &domain.Opened{Owned: s.owned(), Config: s.conf})
	begun := s.put(to, &domain.HubBegun{Owned: s.owned(), Trail: s.trail[to], Config: s.conf, First: hub, Last: hub, Time: began})
	s.put(to, &domain.HubCommitted{
		Owned: s.owned(), Trail: s.trail[to], Begun: begun, Cursor: hub, Time: began, Rows: 9, FoundBy: domain.FoundBySelf,
		Excluded: []domain.Exclusion{{Ingest: in.Seq, Ordinal: 3, Count: 1, Offset: 103, Reason: "not acknowledged"}},
	})
	for offset, left := range map[int64]bool{102: false, 103: true} {
		if got := text(t, s.ask(at(offset))); strings.Contains(got, "; this row is left out: not acknowledged") != left || !strings.Contains(got, "replay 09000000 into topic ODS_2 (shadow) is approved") {
			t.Errorf("row %d:\n%s", offset, got)
		}
	}
}
