package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/pipeline"
)

var toLive = domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing}

// legs are those of a world, of which only the shard is of interest.
type legs struct{}

func (legs) DorisLeg(*pipeline.Open, int) doris.Config { return doris.Config{} }

func (legs) HubLeg(_ *pipeline.Open, shard int) hub.Config { return hub.Config{Shard: shard} }

// endsAt has the partitions of the live topic end at some offsets; of a shard's, which in these
// tests is the one of its number.
func (w *world) endsAt(ends ...int64) {
	w.s.legs = legs{}
	w.s.tails = func(_ context.Context, leg hub.Config, journal domain.JournalID) (map[int32]int64, error) {
		if journal != w.o.Journal.ID() {
			w.t.Errorf("asked for journal %s", journal)
		}
		return map[int32]int64{int32(leg.Shard): ends[leg.Shard]}, nil
	}
}

// stands files the incident by which the hub leg of a shard stands still.
func (w *world) stands(shard int) *domain.Incident {
	w.t.Helper()
	in := domain.NewIncident(domain.IncidentHubLost, domain.Stream{Pipeline: "p", Shard: shard, Leg: domain.LegHub}, "", nil, domain.Fact{Key: "found", Value: "its end is gone"})
	if _, err := w.o.Incidents.Decide(w.ctx, in); !errors.Is(err, in) {
		w.t.Fatal(err)
	}
	return in
}

// resolves has an operator resolve an incident.
func (w *world) resolves(in *domain.Incident) {
	w.t.Helper()
	_, err := w.o.Control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) {
		return &domain.Resolved{ID: in.ID, Choice: domain.ChoiceRetry, Who: "li", Why: "a test"}, nil
	})
	must(w.t, err)
}

// A plan of what the live topic lost is of the ends of its partitions, and says in words what
// becomes of them.
func TestTails(t *testing.T) {
	w := newWorld(t, 3)
	w.feed(0, "a", 10)             // hub 0/0 to 9
	first, _ := w.feed(0, "a", 10) // 11 to 20
	second, _ := w.feed(0, "a", 5) // 22 to 26
	whole, _ := w.feed(1, "b", 7)  // hub 1/0 to 6, which is all there
	third, _ := w.feed(2, "a", 4)  // hub 2/0 to 3
	w.endsAt(14, 8, 0)
	zero, two := w.stands(0), w.stands(2)
	_, plan, err := w.plans(Ask{Target: toLive})
	must(t, err)
	if diff := cmp.Diff(domain.Selection{Hub: []domain.HubSpan{hubSpan(14, 27), {Partition: 2, Span: domain.Span{Next: 4}}}}, plan.Rows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]domain.PlanLane{{First: first.Seq, Last: second}, {Shard: 2, First: third.Seq, Last: third}}, plan.Lanes); diff != "" {
		t.Error("lanes of what is lost only:", diff)
	}
	want := domain.PlanExpect{Rows: 16, Bytes: 1600, Present: 20, Seconds: 1, Names: []string{"hefu-p-0-refill", "hefu-p-2-refill"}}
	if diff := cmp.Diff(want, plan.Expect); diff != "" || plan.Target.Name != "hub" {
		t.Error(plan.Target, diff)
	}
	notes := []string{
		"hub partition 0 ends at 14, and ended at 27 before: 12 rows are lost; offsets without a row: 1",
		"hub partition 2 ends at 0, and ended at 4 before: 4 rows are lost; offsets without a row: 0",
		"the rows are written at the offsets that they had, in no transaction: who reads read_committed sees them as they come",
		"offsets without a row become the markers of empty transactions, of which no reader sees anything: 1 in all",
		fmt.Sprintf("the hub leg of shard 0 stands still until somebody types, once this is done: hefu incidents resolve %s --choice retry --why …", zero.ID.String()[:12]),
		fmt.Sprintf("the hub leg of shard 2 stands still until somebody types, once this is done: hefu incidents resolve %s --choice retry --why …", two.ID.String()[:12]),
	}
	if diff := cmp.Diff(notes, plan.Notes); diff != "" {
		t.Error(diff)
	}
	w.endsAt(27, 7, 4)
	_, _, err = w.plans(Ask{Target: toLive})
	refused(t, err, "nothing is missing: each partition of topic hub goes up to its last committed row, 36 rows in all")
	other := domain.NewIncident(domain.IncidentHubRefused, whole.Stream, "", nil)
	if _, err := w.o.Incidents.Decide(w.ctx, other); !errors.Is(err, other) {
		t.Fatal(err)
	}
	w.endsAt(14, 6, 4)
	_, _, err = w.plans(Ask{Target: toLive})
	refused(t, err, "hub partition 1 lost its end, and the hub leg of shard 1 does not stand still")
	w.resolves(zero)
	w.endsAt(14, 7, 4)
	_, _, err = w.plans(Ask{Target: toLive})
	refused(t, err, "hub partition 0 lost its end, and the hub leg of shard 0 does not stand still with an open incident hub-lost: it may write")
	w.stands(0) // found again
	_, _, err = w.plans(Ask{Target: toLive})
	must(t, err)
	_, _, err = w.plans(Ask{Target: toLive, Report: []byte("{}")})
	refused(t, err, "and nothing else can be")
}

// Offsets that were given twice name no row, as far as they are lost.
func TestTailsGivenTwice(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 10)  // 0 to 9
	w.next["hub 0"] = 5 // somebody cut it, and it was written on
	w.feed(0, "a", 3)   // 5 to 7
	w.stands(0)
	w.endsAt(8)
	_, plan, err := w.plans(Ask{Target: toLive})
	must(t, err)
	if plan.Rows.Hub[0] != hubSpan(8, 10) || plan.Expect.Rows != 2 {
		t.Errorf("what ended at 10: %+v", plan.Rows)
	}
	w.next["hub 0"] = 11          // and once more as it should be
	last, _ := w.feed(0, "a", 10) // 11 to 20
	for at, twice := range map[int64]bool{4: true, 7: true, 8: false, 15: false} {
		w.endsAt(at)
		_, plan, err := w.plans(Ask{Target: toLive})
		if twice {
			refused(t, err, fmt.Sprintf("ends at %d, and offsets up to 7 were given twice", at))
			continue
		}
		must(t, err)
		if plan.Lanes[0].Last != last || plan.Rows.Hub[0] != hubSpan(at, 21) {
			t.Errorf("from %d on: %+v %+v", at, plan.Rows, plan.Lanes)
		}
	}
}

// A topic that is another one is refused, with the way; one that cannot be asked is an error.
func TestTailsUnknown(t *testing.T) {
	w := newWorld(t, 1)
	w.feed(0, "a", 10)
	w.stands(0)
	var answer error
	w.s.legs, w.s.tails = legs{}, func(context.Context, hub.Config, domain.JournalID) (map[int32]int64, error) { return nil, answer }
	answer = &projections.Refusal{Reason: "hub topic hub cannot be filled in: it was made anew"}
	_, _, err := w.plans(Ask{Target: toLive})
	refused(t, err, "hub topic hub cannot be filled in: it was made anew")
	answer = errors.New("the broker does not answer")
	if _, _, err = w.plans(Ask{Target: toLive}); err == nil || isRefused(err) || !strings.Contains(err.Error(), "where the partitions of topic hub end: the broker does not answer") {
		t.Error(err)
	}
	answer = nil
	if _, _, err = w.plans(Ask{Target: toLive}); err == nil || isRefused(err) || !strings.Contains(err.Error(), "has rows in partition 0 of topic hub, of which nobody says where it ends") {
		t.Error(err)
	}
}

// Nothing is written while the leg may write, too; approved again, once it stands still, the
// replay goes on. When it is done it says how the leg goes on.
func TestTailOfLegThatWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		_, _ = w.feed(0, "a", 10)
		w.endsAt(4)
		in := w.stands(0)
		r, plan, err := w.plans(Ask{Target: toLive})
		must(t, err)
		w.resolves(in)
		stop := w.serves(w.s, w.o)
		w.approves(r)
		now := w.went(r, domain.PlanRunning, domain.PlanFailed)
		if end := now.Last(); !strings.Contains(end.Why, "it may write") || !strings.Contains(end.Next, "hefu incidents") {
			t.Errorf("failed with %+v", end)
		}
		if _, err := w.o.Journal.Tail(w.ctx, plan.Stream(0)); err == nil {
			t.Error("the lane was opened")
		}
		must(t, stop())
		w.stands(0)
		x, err := w.s.begin(w.o, r)
		must(t, err)
		must(t, x.prepare(w.ctx))
		w.resolves(in)
		w.endsAt(9)
		if err := x.prepare(w.ctx); err == nil || !isFinal(err) {
			t.Errorf("a row is missing, and the leg goes on: %v", err)
		}
		w.endsAt(10) // all is there of what was killed before it could say that it is done
		must(t, x.prepare(w.ctx))
		w.stands(0)
		w.carriedBy(x)
		w.resolves(in) // nothing is to be written any more
		w.endsAt(9)
		must(t, x.prepare(w.ctx))
		if said := x.afterwards(); said != "" {
			t.Errorf("the leg goes on, and it says %q", said)
		}
		w.stands(0)
		w.approves(r)
		x.move(w.ctx, &domain.ReplayMoved{To: domain.PlanVerifying, Why: "a test"})
		must(t, x.verify(w.ctx))
		now = w.until(r.Planned.ID, domain.PlanDone)
		if want := "hefu incidents resolve " + in.ID.String()[:12] + " --choice retry --why …"; now.Last().Next != want {
			t.Errorf("next is %q, want %q", now.Last().Next, want)
		}
	})
}

// carriedBy appends that all lanes of a replay are carried.
func (w *world) carriedBy(x *run) {
	w.t.Helper()
	for _, l := range x.lanes {
		wr, err := w.o.Journal.Takeover(w.ctx, x.plan.Stream(l.Shard), w.o.Incarnation, w.o.ConfigSeq)
		must(w.t, err)
		first, err := w.o.Journal.Get(w.ctx, l.Last.Stream, l.First)
		must(w.t, err)
		begun, err := wr.Append(w.ctx, &domain.HubBegun{Owned: wr.Owned(), Trail: wr.Trail(), First: first.Ref(), Last: l.Last})
		must(w.t, err)
		_, err = wr.Append(w.ctx, &domain.HubCommitted{Owned: wr.Owned(), Trail: wr.Trail(), Begun: begun, Cursor: l.Last})
		must(w.t, err)
	}
}
