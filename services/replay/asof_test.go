package replay

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
)

var (
	toTable = domain.PlanTarget{Kind: domain.TargetTable, Name: "shadow"}
	toTopic = domain.PlanTarget{Kind: domain.TargetTopic}
	toNull  = domain.PlanTarget{Kind: domain.TargetNull}
)

// at is when an event was made.
func (w *world) at(r domain.Ref) *domain.Micros {
	w.t.Helper()
	e, err := w.o.Journal.Get(w.ctx, r.Stream, r.Seq)
	must(w.t, err)
	return &e.At
}

// before is just before an event was made.
func (w *world) before(r domain.Ref) *domain.Micros {
	at := *w.at(r) - 1
	return &at
}

// A moment is the batches that were committed by then, of a table those of its loads, of a topic
// those of the hub; at the time of an outcome its batch counts, a microsecond before it is undecided.
func TestAsOfTime(t *testing.T) {
	w := newWorld(t, 1)
	first, _ := w.feed(0, "a", 3)
	of, ev := w.brought(0, "a", 4)
	begun := w.began(0, of)
	second := w.committed(0, begun, of, ev)
	loading := w.loading(0, second)
	loaded := w.loaded(0, loading, second, 4)
	for _, c := range []struct {
		name      string
		target    domain.PlanTarget
		at        *domain.Micros
		take      bool
		last      domain.Ref
		rows      int64
		undecided []domain.Undecided
	}{
		{name: "table at the outcome", target: toTable, at: w.at(loaded), last: second, rows: 7},
		{name: "table before it", target: toTable, at: w.before(loaded), last: first, rows: 3, undecided: []domain.Undecided{{Begun: loading, Outcome: loaded, Rows: 4}}},
		{name: "table before it, taken", target: toTable, at: w.before(loaded), take: true, last: second, rows: 7, undecided: []domain.Undecided{{Begun: loading, Outcome: loaded, Rows: 4, Taken: true}}},
		{name: "table before the intent", target: toTable, at: w.before(loading), last: first, rows: 3},
		{name: "topic at the outcome", target: toTopic, at: w.at(second), last: second, rows: 7},
		{name: "topic before it", target: toTopic, at: w.before(second), last: first, rows: 3, undecided: []domain.Undecided{{Begun: begun, Outcome: second, Rows: 4}}},
		{name: "topic before it, taken", target: toTopic, at: w.before(second), take: true, last: second, rows: 7, undecided: []domain.Undecided{{Begun: begun, Outcome: second, Rows: 4, Taken: true}}},
		{name: "file as the table", target: domain.PlanTarget{Kind: domain.TargetFile}, at: w.before(loading), last: first, rows: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, plan, err := w.plans(Ask{Target: c.target, Scope: domain.PlanScope{AsOf: &domain.AsOf{Time: c.at, Take: c.take}}})
			must(t, err)
			if len(plan.Lanes) != 1 || plan.Lanes[0].Last != c.last || plan.Expect.Rows != c.rows {
				t.Errorf("lanes %+v of %d rows, want up to %s and %d", plan.Lanes, plan.Expect.Rows, c.last, c.rows)
			}
			if diff := cmp.Diff(c.undecided, plan.Undecided); diff != "" {
				t.Error(diff)
			}
			if got := plan.Scope.AsOf; len(got.Positions) != 1 || got.Positions[0].IsZero() || got.Time == nil {
				t.Errorf("as of %+v", got)
			}
			// The position that the time came to is the same moment.
			_, again, err := w.plans(Ask{Target: c.target, Scope: domain.PlanScope{AsOf: &domain.AsOf{Positions: plan.Scope.AsOf.Positions, Take: c.take}}})
			must(t, err)
			if diff := cmp.Diff(plan.Lanes, again.Lanes); diff != "" || again.Expect.Rows != c.rows {
				t.Errorf("by its position: %s", diff)
			}
		})
	}
}

// A batch that came to nothing was seen by nobody; one without an outcome can only be left out.
func TestAsOfAborted(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 3)
	of, _ := w.brought(0, "a", 4)
	begun := w.began(0, of)
	scope := func(take bool) domain.PlanScope {
		return domain.PlanScope{AsOf: &domain.AsOf{Time: w.at(begun), Take: take}}
	}
	_, _, err := w.plans(Ask{Target: toTopic, Scope: scope(true)})
	refused(t, err, "has no outcome yet")
	_, plan, err := w.plans(Ask{Target: toTopic, Scope: scope(false)})
	must(t, err)
	if len(plan.Undecided) != 1 || plan.Undecided[0] != (domain.Undecided{Begun: begun}) {
		t.Errorf("undecided %+v", plan.Undecided)
	}
	wr := w.writer(0, domain.LegHub)
	w.append(0, domain.LegHub, &domain.HubAborted{Owned: wr.Owned(), Trail: wr.Trail(), Begun: begun, Why: "a test"})
	if _, plan, err = w.plans(Ask{Target: toTopic, Scope: scope(true)}); err != nil || len(plan.Undecided) > 0 || plan.Expect.Rows != 3 {
		t.Errorf("aborted: %+v, %v", plan, err)
	}
}

// What is no moment of this pipeline's is refused, and a shard that had nothing by then is named.
func TestAsOfRefused(t *testing.T) {
	w := newWorld(t, 2)
	hub, doris := w.feed(0, "a", 3)
	later := *w.at(doris)
	_, last := w.feed(1, "b", 3)
	wrong := doris
	wrong.Hash = domain.Hash{1}
	beyond, other := doris, doris
	beyond.Seq, other.Stream.Pipeline = 99, "q"
	for _, c := range []struct {
		asof domain.AsOf
		why  string
	}{
		{domain.AsOf{}, "a time, or a position"},
		{domain.AsOf{Time: &later, Positions: []domain.Ref{doris}}, "a time, or a position"},
		{domain.AsOf{Positions: []domain.Ref{hub}}, "a position of a doris stream"},
		{domain.AsOf{Positions: []domain.Ref{other}}, "of pipeline p"},
		{domain.AsOf{Positions: []domain.Ref{wrong}}, "another event there"},
		{domain.AsOf{Positions: []domain.Ref{beyond}}, "has no such event"},
	} {
		_, _, err := w.plans(Ask{Target: toTable, Scope: domain.PlanScope{AsOf: &c.asof}})
		refused(t, err, c.why)
	}
	_, plan, err := w.plans(Ask{Target: toTable, Scope: domain.PlanScope{AsOf: &domain.AsOf{Time: &later}}})
	must(t, err)
	if len(plan.Lanes) != 1 || len(plan.Notes) != 1 || plan.Notes[0] != "of shard 1 nothing is taken: it has no event by then" {
		t.Errorf("lanes %+v, notes %q", plan.Lanes, plan.Notes)
	}
	if _, plan, err = w.plans(Ask{Target: toTable, Scope: domain.PlanScope{AsOf: &domain.AsOf{Time: w.at(last)}}}); err != nil || len(plan.Lanes) != 2 || plan.Expect.Rows != 6 {
		t.Errorf("of both: %+v, %v", plan, err)
	}
}
