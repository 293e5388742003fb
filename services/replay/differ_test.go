package replay

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

func hubSpan(first, next int64) domain.HubSpan {
	return domain.HubSpan{Span: domain.Span{First: first, Next: next}}
}

func says(d domain.Difference) func([]domain.PlanLane, domain.Selection) (*domain.Difference, error) {
	return func([]domain.PlanLane, domain.Selection) (*domain.Difference, error) { return &d, nil }
}

// fill-missing leaves of a plan what the table lacks, and notes what it does not put right.
func TestFillMissing(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 10) // 0 to 9
	mid, _ := w.feed(0, "a", 10)
	w.feed(0, "a", 10)
	target := domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}
	w.prover.differs = says(domain.Difference{
		Expected: 30, Present: 28, Missing: []domain.HubSpan{hubSpan(12, 13), hubSpan(15, 16)}, More: 1,
		Doubled: []domain.RowKey{{Offset: 700}}, Equal: []domain.EqualRows{{Times: 2}}, Foreign: []domain.RowKey{{Offset: 800}}, Altered: make([]domain.Finding, 2),
	})
	_, plan, err := w.plans(Ask{Target: target})
	must(t, err)
	want := domain.PlanExpect{Rows: 2, Bytes: 200, Present: 28, Batches: 1, Seconds: 1, Names: []string{"hefu-p-0-r" + plan.ID.String() + "-"}}
	if diff := cmp.Diff(want, plan.Expect); diff != "" || plan.Target.Name != "ods.t" {
		t.Error(plan.Target, diff)
	}
	if diff := cmp.Diff([]domain.PlanLane{{First: mid.Seq, Last: mid}}, plan.Lanes); diff != "" {
		t.Error("lanes of what is missing only:", diff)
	}
	if diff := cmp.Diff(domain.Selection{Hub: []domain.HubSpan{hubSpan(12, 13), hubSpan(15, 16)}}, plan.Rows); diff != "" {
		t.Error(diff)
	}
	notes := strings.Join(plan.Notes, "\n")
	for _, n := range []string{"1 rows are doubled", "3 columns or rows are altered", "1 keys have several", "1 rows are of nobody here"} {
		if !strings.Contains(notes, n) {
			t.Errorf("no note %q in %s", n, notes)
		}
	}
	w.prover.differs = says(domain.Difference{Expected: 30, Present: 30})
	_, _, err = w.plans(Ask{Target: target})
	refused(t, err, "nothing is missing: table ods.t has all 30 rows")
	w.prover.differs = says(domain.Difference{Missing: []domain.HubSpan{hubSpan(9, 12)}}) // 10 is a marker
	_, _, err = w.plans(Ask{Target: target})
	refused(t, err, "lacks 3 rows, and the journal has 2")
	w.prover.differs = nil
	if _, _, err = w.plans(Ask{Target: target}); err == nil || !strings.Contains(err.Error(), "compare with table ods.t") {
		t.Error(err)
	}
}

// delete-duplicates names the keys; where they name no single row nothing is planned.
func TestDeleteDuplicates(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 10)
	ask := Ask{Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeDeleteDuplicates}}
	keys := []domain.RowKey{{Offset: 700}, {Offset: 701}}
	w.prover.differs = says(domain.Difference{Expected: 10, Present: 9, Missing: []domain.HubSpan{hubSpan(1, 2)}, Doubled: keys})
	_, plan, err := w.plans(ask)
	must(t, err)
	if diff := cmp.Diff(domain.PlanExpect{Rows: 2, Present: 9}, plan.Expect); diff != "" || !cmp.Equal(plan.Delete, keys) {
		t.Error(plan.Delete, diff)
	}
	if len(plan.Notes) != 1 || plan.Notes[0] != "1 rows are missing: plan fill-missing for them" {
		t.Errorf("notes %q", plan.Notes)
	}
	w.prover.differs = says(domain.Difference{Equal: []domain.EqualRows{{Times: 2}}})
	_, _, err = w.plans(ask)
	refused(t, err, "1 keys have several equal rows")
	w.prover.differs = says(domain.Difference{Foreign: keys})
	_, _, err = w.plans(ask)
	refused(t, err, "no row is there twice")
}

// reads makes a plan as if a report had been read that found some rows.
func (w *world) reads(target domain.PlanTarget, found *report.Repair, list ...report.Finding) (*planning, error) {
	w.t.Helper()
	p := &planning{
		s: w.s, o: w.o, ask: &Ask{Who: "li", Why: "a test"}, say: func(string) {}, found: found, report: &report.Report{Findings: list},
		plan: &domain.Plan{Pipeline: "p", ID: domain.PlanID{7}, Target: target},
	}
	p.left()
	err := errors.Join(p.checkMode(), p.lanes(w.ctx))
	must(w.t, err)
	if err := p.choose(w.ctx); err != nil {
		return p, err
	}
	if err := p.count(w.ctx); err != nil {
		return p, err
	}
	return p, p.differ(w.ctx)
}

// What a report found is what each mode is about: places of the table, keys by what their rows say
// they are, rows that the hub lost for a topic; the rest is noted with what to do.
func TestReportedRows(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 10)
	double := report.Finding{
		ID: domain.FindingID{1}, Class: domain.Doubled, Where: "doris", Source: "a", Generation: 1, CityOffset: 3, HubOffset: 700,
	}
	byCode := report.Finding{ID: domain.FindingID{2}, Class: domain.Strayed, Where: "doris", City: "320100", CityOffset: 4, HubOffset: 701}
	other := report.Finding{ID: domain.FindingID{3}, Class: domain.Doubled, Where: "doris", Source: "a", CityOffset: 5, HubOffset: 702} // not asked for
	lost := domain.CitySpan{Source: "a", Span: domain.Span{First: 6, Next: 8}}
	found := func() *report.Repair {
		return &report.Repair{
			Rows: domain.Selection{Hub: []domain.HubSpan{hubSpan(1, 3), hubSpan(700, 702)}}, Keys: []domain.RowKey{{Offset: 700}, {Offset: 701}},
			Cities: []domain.CitySpan{lost}, Findings: []domain.FindingID{{1}, {2}}, Left: []domain.FindingID{{4}, {5}, {6}, {7}, {8}, {9}},
		}
	}
	notes := func(p *planning) string { return strings.Join(p.plan.Notes, "\n") }
	const left, ofHub = "6 findings are of the journal", "2 rows are lost in the hub"

	remove := domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeDeleteDuplicates}
	w.prover.differs = func(_ []domain.PlanLane, rows domain.Selection) (*domain.Difference, error) {
		want := domain.Selection{Cities: []domain.CitySpan{{Source: "a", Span: domain.Span{First: 3, Next: 4}}, {Source: "a", Span: domain.Span{First: 4, Next: 5}}}}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Error("compared:", diff)
		}
		return &domain.Difference{Expected: 2, Present: 2, Doubled: []domain.RowKey{{Offset: 701}, {Offset: 702}, {Offset: 703}}}, nil
	}
	p, err := w.reads(remove, found(), double, byCode, other)
	must(t, err)
	if !cmp.Equal(p.plan.Delete, []domain.RowKey{{Offset: 701}}) || !strings.Contains(notes(p), left) || !strings.Contains(notes(p), ofHub) {
		t.Errorf("deletes %v; %s", p.plan.Delete, notes(p))
	}
	if !strings.Contains(notes(p), "05000000000000000000000000000000") || strings.Contains(notes(p), domain.FindingID{9}.String()) {
		t.Errorf("named findings: %s", notes(p))
	}
	_, err = w.reads(remove, found(), other)
	refused(t, err, "names no row that is in table ods.t a second time")

	w.prover.differs = says(domain.Difference{Expected: 2, Missing: []domain.HubSpan{hubSpan(2, 3)}})
	p, err = w.reads(domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}, found(), double)
	must(t, err)
	if p.plan.Expect.Rows != 1 || !strings.Contains(notes(p), ofHub) {
		t.Errorf("fills %+v; %s", p.plan.Expect, notes(p))
	}
	onlyLost := &report.Repair{Cities: []domain.CitySpan{lost}}
	_, err = w.reads(domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}, onlyLost)
	refused(t, err, "names no row of the table; 2 rows are lost in the hub")

	if p, err = w.reads(toTable, found()); err != nil || p.plan.Expect.Rows != 2 {
		t.Errorf("shadow table: %+v, %v", p.plan.Expect, err)
	}
	if p, err = w.reads(toTopic, found()); err != nil || p.plan.Expect.Rows != 2 || !cmp.Equal(p.plan.Rows.Cities, []domain.CitySpan{lost}) || !strings.Contains(notes(p), "4 places of the table") {
		t.Errorf("shadow topic: %+v, %v; %s", p.plan.Rows, err, notes(p))
	}
	if p, err = w.reads(domain.PlanTarget{Kind: domain.TargetTable, Name: "shadow"}, onlyLost); err != nil || p.plan.Expect.Rows != 2 {
		t.Errorf("shadow table of what the hub lost: %+v, %v", p.plan.Expect, err)
	}
}

// A report's file is believed only as far as it is one.
func TestReportedForged(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 10)
	_, _, err := w.plans(Ask{Target: toNull, Report: []byte("{}")})
	refused(t, err, "not to be believed")

	signed := reporttest.Clean(t)
	file, of := signed.Seal(), signed.Report.Scope.Pipeline
	_, _, err = w.plans(Ask{Target: toNull, Report: file})
	refused(t, err, "the report is of pipeline "+of+", not p")
	_, _, err = w.plans(Ask{Target: toNull, Report: file, Scope: domain.PlanScope{Report: &domain.Hash{1}}})
	refused(t, err, "and the plan is to be of 01000000")
	same := &pipeline.Open{Config: config.Pipeline{Name: of}, Journal: w.o.Journal, Control: w.o.Control}
	p := &planning{s: w.s, o: same, ask: &Ask{Report: file}, plan: &domain.Plan{}}
	refused(t, p.reported(w.ctx), "the report is of journal")
	_, key := reporttest.Key(t, 77)
	_, err = w.o.Control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) {
		return &domain.Checkpoint{Key: key, Heads: []domain.TreeHead{{Ref: domain.Ref{Stream: domain.ControlStream("p"), Seq: 1}}}}, nil
	})
	must(t, err)
	refused(t, p.reported(w.ctx), "none of the keys to go by")
}

// Quarantined rows are those that visible loads left out, by their places in the hub; what no
// table takes, and what has no place there, is counted.
func TestQuarantine(t *testing.T) {
	w := newWorld(t, 1)
	ask := Ask{Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}, Scope: domain.PlanScope{Quarantine: true}}
	first, _ := w.feed(0, "a", 10)
	_, _, err := w.plans(ask)
	refused(t, err, "nothing is quarantined")
	out := func(ordinal, n int64, reason string) domain.Exclusion {
		return domain.Exclusion{Ordinal: ordinal, Count: n, Offset: ordinal, Reason: reason}
	}
	hub, _ := w.feed(0, "a", 10, out(2, 1, domain.ExcludedByDoris), out(5, 2, domain.ExcludedTooLargeDoris), out(8, 1, domain.ExcludedUnreadable), out(9, 1, domain.ExcludedTimestamp)) // 11 to 20
	of, ev := w.brought(0, "a", 4)
	again := w.committed(0, w.began(0, of), of, ev)
	aborted := w.loading(0, again, domain.Exclusion{Ingest: of.Seq, Count: 1, Reason: domain.ExcludedByDoris})
	wr := w.writer(0, domain.LegDoris)
	w.append(0, domain.LegDoris, &domain.DorisAborted{Owned: wr.Owned(), Trail: wr.Trail(), Begun: aborted, Why: "a test"})
	w.loaded(0, w.loading(0, again), again, 4)
	w.prover.differs = func(_ []domain.PlanLane, rows domain.Selection) (*domain.Difference, error) {
		if diff := cmp.Diff(domain.Selection{Hub: []domain.HubSpan{hubSpan(13, 14), hubSpan(16, 18)}}, rows); diff != "" {
			t.Error(diff)
		}
		return &domain.Difference{Expected: 3, Missing: rows.Hub}, nil
	}
	_, plan, err := w.plans(ask)
	must(t, err)
	if plan.Expect.Rows != 3 || len(plan.Lanes) != 1 || plan.Lanes[0].Last != hub || !plan.Scope.Quarantine {
		t.Errorf("%+v of %+v", plan.Expect, plan.Lanes)
	}
	want := []string{"1 rows are no rows of any table: " + domain.ExcludedUnreadable, "1 rows are no rows of any table: " + domain.ExcludedTimestamp}
	if diff := cmp.Diff(want, plan.Notes); diff != "" {
		t.Error(diff)
	}
	_, plan, err = w.plans(Ask{Target: domain.PlanTarget{Kind: domain.TargetFile}, Scope: domain.PlanScope{Quarantine: true}})
	if must(t, err); plan.Expect.Rows != 4 {
		t.Errorf("into a file: %d rows", plan.Expect.Rows)
	}
	_, _, err = w.plans(Ask{Target: toNull, Scope: domain.PlanScope{Quarantine: true, Seqs: []domain.SeqSpan{{First: 1, Last: first.Seq}}}})
	refused(t, err, "nothing is quarantined")
}

// What the hub itself left out has no place there, and is counted.
func TestQuarantineBeforeTheHub(t *testing.T) {
	w := newWorld(t, 1)
	of, ev := w.brought(0, "a", 4)
	wr := w.writer(0, domain.LegHub)
	begun := w.began(0, of)
	hub := w.append(0, domain.LegHub, &domain.HubCommitted{
		Owned: wr.Owned(), Trail: wr.Trail(), Begun: begun, Cursor: of, Rows: 3, Runs: []domain.HubRun{{Ingest: of.Seq, First: 1, N: 3}},
		Excluded: []domain.Exclusion{{Ingest: of.Seq, Count: 1, Reason: domain.ExcludedTooLarge}},
	})
	w.loaded(0, w.loading(0, hub), hub, ev.Runs[0].Rows)
	_, _, err := w.plans(Ask{Target: toNull, Scope: domain.PlanScope{Quarantine: true}})
	refused(t, err, "1 rows were left out before the hub")
	w.loaded(0, w.loading(0, hub, domain.Exclusion{Ingest: of.Seq, Ordinal: 2, Count: 1, Reason: domain.ExcludedByDoris}), hub, 2)
	_, plan, err := w.plans(Ask{Target: toNull, Scope: domain.PlanScope{Quarantine: true}})
	must(t, err)
	if want := []domain.HubSpan{hubSpan(1, 2)}; !cmp.Equal(plan.Rows.Hub, want) || len(plan.Notes) != 1 {
		t.Errorf("places %v, want %v; notes %q", plan.Rows.Hub, want, plan.Notes)
	}
}
