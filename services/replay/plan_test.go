package replay

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// What can be no plan is refused, with what to do.
func TestPlanRefused(t *testing.T) {
	w := newWorld(t, 2)
	w.feed(0, "a", 10)
	asof := &domain.AsOf{Time: new(domain.Micros)}
	span := domain.Span{First: 0, Next: 5}
	from, to := domain.Micros(9), domain.Micros(8)
	for _, c := range []struct {
		target domain.PlanTarget
		scope  domain.PlanScope
		why    string
	}{
		{domain.PlanTarget{Kind: "disk"}, domain.PlanScope{}, "table, topic, file or null"},
		{domain.PlanTarget{Kind: domain.TargetFile, Name: "x"}, domain.PlanScope{}, "neither a mode nor a name"},
		{domain.PlanTarget{Kind: domain.TargetTable, Mode: "append"}, domain.PlanScope{}, "shadow, fill-missing or delete-duplicates"},
		{domain.PlanTarget{Kind: domain.TargetTable, Name: "t"}, domain.PlanScope{}, "it is the live one"},
		{domain.PlanTarget{Kind: domain.TargetTable, Name: "dwd.t"}, domain.PlanScope{}, "in database ods"},
		{domain.PlanTarget{Kind: domain.TargetTable, Shadow: domain.PlanID{1}}, domain.PlanScope{}, "that plan's alone"},
		{domain.PlanTarget{Kind: domain.TargetTopic, Name: "hub"}, domain.PlanScope{}, "it is the live one"},
		{domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeDeleteDuplicates}, domain.PlanScope{}, "rows of a topic are for ever"},
		{domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing, Name: "other"}, domain.PlanScope{}, "the live topic is hub, not other"},
		{domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing}, domain.PlanScope{Sources: []domain.SourceID{"a"}}, "put back whole, at the offsets that they had, and nothing else can be"},
		{domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing, Name: "hub"}, domain.PlanScope{AsOf: asof}, "replay some rows into a shadow topic"},
		{domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing, Name: "ods.u"}, domain.PlanScope{}, "the live table is ods.t"},
		{domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}, domain.PlanScope{AsOf: asof}, "put back to a moment"},
		{domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeDeleteDuplicates}, domain.PlanScope{Quarantine: true}, "none of them is there twice"},
		{toNull, domain.PlanScope{AsOf: asof, Seqs: []domain.SeqSpan{{First: 1, Last: 2}}}, "either as of a moment or by seqs"},
		{toNull, domain.PlanScope{Seqs: []domain.SeqSpan{{Shard: 2, First: 1, Last: 2}}}, "pipeline p has 2"},
		{toNull, domain.PlanScope{Seqs: []domain.SeqSpan{{First: 2, Last: 1}}}, "are none"},
		{toNull, domain.PlanScope{Seqs: []domain.SeqSpan{{First: 1, Last: 2}, {First: 4, Last: 5}}}, "one run of seqs"},
		{toNull, domain.PlanScope{Seqs: []domain.SeqSpan{{First: 100, Last: 200}}}, "nothing in the scope"},
		{toNull, domain.PlanScope{Seqs: []domain.SeqSpan{{Shard: 1, First: 1, Last: 2}}}, "nothing in the scope"},
		{toNull, domain.PlanScope{Cities: []domain.CitySpan{{Source: "c", Span: span}}}, "has none of this id"},
		{toNull, domain.PlanScope{Cities: []domain.CitySpan{{Source: "a"}}}, "from an offset on"},
		{toNull, domain.PlanScope{Hub: []domain.HubSpan{{Partition: -1, Span: span}}}, "from an offset on"},
		{toNull, domain.PlanScope{Hub: []domain.HubSpan{{Partition: 3, Span: span}}}, "no row of it is committed"},
		{toNull, domain.PlanScope{Sources: []domain.SourceID{"b"}}, "read no partition of it"},
		{toNull, domain.PlanScope{Sources: []domain.SourceID{"c"}}, "read no partition of it"},
		{toNull, domain.PlanScope{From: &from, To: &to}, "not before the one up to which"},
		{toNull, domain.PlanScope{To: &to}, "no row of it is committed"},
		{toNull, domain.PlanScope{Findings: []domain.FindingID{{1}}}, "its file did not come along"},
		{toNull, domain.PlanScope{Hub: make([]domain.HubSpan, mostListed+1)}, "at most 10000"},
	} {
		t.Run(c.why, func(t *testing.T) {
			_, _, err := w.plans(Ask{Target: c.target, Scope: c.scope})
			refused(t, err, c.why)
		})
	}
	_, _, err := w.plans(Ask{Target: toNull, Who: "li", Why: "  "})
	refused(t, err, "who plans, and why")
	_, _, err = w.plans(Ask{Target: toNull, Limits: domain.PlanLimits{Rows: -1}})
	refused(t, err, "limits: rows")
	w.o.Control.State(func(c *domain.ControlState) {
		if len(c.Planned) > 0 {
			t.Errorf("%d plans are on control", len(c.Planned))
		}
	})
}

// The conditions of a scope hold at once, and the lanes are drawn in to the events that have rows.
func TestPlanScope(t *testing.T) {
	w := newWorld(t, 1)
	one, _ := w.feed(0, "a", 10)   // hub 0/0 to 9
	two, _ := w.feed(0, "b", 10)   // 11 to 20
	three, _ := w.feed(0, "a", 10) // 22 to 31
	at := func(r domain.Ref) *domain.Micros { return &w.cityTime(r).ExtractTime }
	cities := func(source domain.SourceID, first, next int64) []domain.CitySpan {
		return []domain.CitySpan{{Source: source, Span: domain.Span{First: first, Next: next}}}
	}
	for _, c := range []struct {
		name        string
		scope       domain.PlanScope
		rows        int64
		first, last domain.Ref
	}{
		{"everything", domain.PlanScope{}, 30, one, three},
		{"a source", domain.PlanScope{Sources: []domain.SourceID{"b"}}, 10, two, two},
		{"offsets of a city", domain.PlanScope{Cities: cities("a", 8, 12)}, 4, one, three},
		{"of a source and its offsets", domain.PlanScope{Sources: []domain.SourceID{"a"}, Cities: cities("a", 8, 9)}, 1, one, one},
		{"offsets of the hub", domain.PlanScope{Hub: []domain.HubSpan{{Span: domain.Span{First: 9, Next: 12}}}}, 2, one, two},
		{"of both", domain.PlanScope{Hub: []domain.HubSpan{{Span: domain.Span{First: 9, Next: 30}}}, Cities: cities("a", 0, 12)}, 3, one, three},
		{"seqs", domain.PlanScope{Seqs: []domain.SeqSpan{{First: two.Seq, Last: 999}}}, 20, two, three},
		{"up to a seq", domain.PlanScope{Seqs: []domain.SeqSpan{{First: 1, Last: two.Seq}}}, 20, one, two},
		{"from a time", domain.PlanScope{From: at(two)}, 20, two, three},
		{"up to a time", domain.PlanScope{To: at(two)}, 10, one, one},
		{"between", domain.PlanScope{From: at(two), To: at(three)}, 10, two, two},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, plan, err := w.plans(Ask{Target: toNull, Scope: c.scope})
			must(t, err)
			if want := []domain.PlanLane{{First: c.first.Seq, Last: c.last}}; plan.Expect.Rows != c.rows || plan.Expect.Bytes != 100*c.rows || !cmp.Equal(plan.Lanes, want) {
				t.Errorf("%+v of lanes %+v, want %d rows of %+v", plan.Expect, plan.Lanes, c.rows, want)
			}
		})
	}
	_, _, err := w.plans(Ask{Target: toNull, Scope: domain.PlanScope{Sources: []domain.SourceID{"b"}, Cities: cities("a", 8, 9)}})
	refused(t, err, "no row meets all of its conditions")
}

// cityTime is the event that brought the rows of a hub commit.
func (w *world) cityTime(r domain.Ref) *domain.Ingested {
	w.t.Helper()
	e, err := w.o.Journal.Get(w.ctx, r.Stream, r.Seq)
	must(w.t, err)
	c := e.Event.(*domain.HubCommitted)
	in, err := w.o.Journal.Get(w.ctx, c.Cursor.Stream, c.Runs[0].Ingest)
	must(w.t, err)
	return in.Event.(*domain.Ingested)
}

// The dry run says how long it takes, in how many batches and under which names.
func TestPlanEstimate(t *testing.T) {
	w := newWorld(t, 2)
	w.feed(0, "a", 10)
	w.feed(1, "b", 11)
	for _, c := range []struct {
		target domain.PlanTarget
		limits domain.PlanLimits
		names  []string // "%s" is the plan
		want   domain.PlanExpect
	}{
		{toTable, domain.PlanLimits{Rows: 5}, []string{"hefu-p-0-r%s-", "hefu-p-1-r%s-"}, domain.PlanExpect{Rows: 21, Bytes: 2100, Batches: 5, Seconds: 5}},
		{toTable, domain.PlanLimits{Rows: 5, Bytes: 100}, []string{"hefu-p-0-r%s-", "hefu-p-1-r%s-"}, domain.PlanExpect{Rows: 21, Bytes: 2100, Batches: 5, Seconds: 21}},
		{toTopic, domain.PlanLimits{Concurrency: 1}, []string{"hefu-p-0-r%s", "hefu-p-1-r%s"}, domain.PlanExpect{Rows: 21, Bytes: 2100, Batches: 2}},
		{domain.PlanTarget{Kind: domain.TargetFile}, domain.PlanLimits{Rows: 21}, []string{"replays/%s/0.jsonl", "replays/%s/1.jsonl"}, domain.PlanExpect{Rows: 21, Bytes: 2100, Batches: 2, Seconds: 1}},
		{toNull, domain.PlanLimits{}, nil, domain.PlanExpect{Rows: 21, Bytes: 2100, Batches: 2, Seconds: 1}},
	} {
		_, plan, err := w.plans(Ask{Target: c.target, Limits: c.limits})
		must(t, err)
		for _, n := range c.names {
			c.want.Names = append(c.want.Names, fmt.Sprintf(n, plan.ID))
		}
		if diff := cmp.Diff(c.want, plan.Expect); diff != "" {
			t.Errorf("%s: %s", c.target.Kind, diff)
		}
		if c.limits == (domain.PlanLimits{}) && plan.Limits != w.o.Config.Replay.Limits() {
			t.Errorf("limits %+v", plan.Limits)
		}
	}
}

// A plan whose append fails, having happened or not, is there at most once, and can be made again.
func TestPlanFaults(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		w := newWorld(t, 1)
		w.feed(0, "a", 10)
		w.fails(fault, 1)
		if _, _, err := w.plans(Ask{Target: toNull}); err != nil {
			t.Logf("fault %d: %v", fault, err)
		}
		r, _, err := w.plans(Ask{Target: toNull})
		must(t, err)
		w.o.Control.State(func(c *domain.ControlState) {
			if n := len(c.Planned); n > 2 || c.Planned[n-1] != r.Planned.ID || c.Replays[r.Planned.ID].State != domain.PlanPlanned {
				t.Errorf("fault %d: %d plans", fault, n)
			}
		})
	}
}

// A plan that is larger than an event is refused.
func TestPlanTooLarge(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 10)
	w.o.MaxPayload = besideText + 300
	_, _, err := w.plans(Ask{Target: toNull})
	refused(t, err, "more than one event holds")
}

// Offsets of a city of which the journal has no row are refused, with the way to read them again.
func TestPlanCityAgain(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 10)
	of, ev := w.brought(0, "a", 5, domain.Gap{Span: domain.Span{First: 10, Next: 13}, Reason: domain.ReasonDeleted}, domain.Gap{Span: domain.Span{First: 13, Next: 14}, Reason: domain.ReasonAborted})
	w.committed(0, w.began(0, of), of, ev)
	w.feed(0, "a", 1)
	span := func(first, next int64) domain.CitySpan {
		return domain.CitySpan{Source: "a", Span: domain.Span{First: first, Next: next}}
	}
	for _, c := range []struct {
		spans []domain.CitySpan
		why   string // empty: it is planned
	}{
		{[]domain.CitySpan{span(0, 3)}, ""},
		{[]domain.CitySpan{span(9, 11), span(13, 15)}, ""},
		{[]domain.CitySpan{span(15, 100)}, ""},
		{[]domain.CitySpan{span(0, 3), span(10, 13)}, "offsets [10,13): the journal has them without a row: deleted"},
		{[]domain.CitySpan{span(11, 14)}, "aborted, deleted"},
		{[]domain.CitySpan{span(16, 20)}, "the journal has come to offset 16"},
		{[]domain.CitySpan{{Source: "a", Partition: 1, Span: domain.Span{Next: 3}}}, "partition 1 offsets [0,3)"},
		{[]domain.CitySpan{{Source: "a", Generation: 2, Span: domain.Span{Next: 3}}}, "no row of them"},
		{[]domain.CitySpan{span(10, 13)}, "start_offsets: partition:0,offset:10, bounded: specific-offsets and bounded_offsets: partition:0,offset:13, and run hefu reload"},
	} {
		_, _, err := w.plans(Ask{Target: toTopic, Scope: domain.PlanScope{Cities: c.spans}})
		if c.why == "" {
			must(t, err)
		} else {
			refused(t, err, c.why)
		}
	}
}
