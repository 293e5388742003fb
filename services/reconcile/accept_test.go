package reconcile

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/pipeline"
)

// foundIn is a pipeline of which findings were made.
func foundIn(t *testing.T, list ...domain.Finding) (*pipeline.Open, *journal.Memory) {
	t.Helper()
	o, store := opened(t)
	_, err := o.Control.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) { return &domain.Reconciled{Findings: list}, nil })
	must(t, err)
	return o, store
}

// acceptances counts the events, by finding.
func acceptances(t *testing.T, o *pipeline.Open) map[domain.FindingID]int {
	t.Helper()
	control, out := domain.ControlStream("p"), map[domain.FindingID]int{}
	tail, err := o.Journal.Tail(t.Context(), control)
	must(t, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := o.Journal.Get(t.Context(), control, seq)
		must(t, err)
		if a, is := e.Event.(*domain.Accepted); is {
			out[a.Finding]++
		}
	}
	return out
}

func lostAt(offset int64) domain.Finding {
	return domain.Finding{Class: domain.Lost, Where: "doris", Row: domain.Lineage{Hub: domain.Coord{Offset: offset}}}
}

// Several are accepted at once, in each pipeline that has them, and said twice once; one that is none
// leaves all as they were.
func TestAcceptAll(t *testing.T) {
	one, two, three := lostAt(1), lostAt(2), lostAt(3)
	o, _ := foundIn(t, one, two, three)
	other, _ := foundIn(t, two)
	by := &Acceptance{Findings: []domain.FindingID{one.ID(), two.ID(), {9}}, Who: "wang", Why: "ticket 4711"}
	_, err := acceptAll(t.Context(), []*pipeline.Open{o, other}, by)
	var status huma.StatusError
	if !errors.As(err, &status) || status.GetStatus() != http.StatusNotFound || len(acceptances(t, o)) > 0 {
		t.Errorf("one is none: %v, %v", err, acceptances(t, o))
	}
	by.Findings = by.Findings[:2]
	for range 2 {
		list, err := acceptAll(t.Context(), []*pipeline.Open{o, other}, by)
		must(t, err)
		if len(list) != 3 || list[0].Finding.Accepted == nil || list[2].Finding.Accepted.Why != "ticket 4711" {
			t.Errorf("%+v", list)
		}
	}
	if a, b := acceptances(t, o), acceptances(t, other); len(a) != 2 || a[one.ID()] != 1 || a[two.ID()] != 1 || len(b) != 1 || b[two.ID()] != 1 {
		t.Errorf("%v %v", a, b)
	}
	by.Why = "another reason"
	if _, err := acceptAll(t.Context(), []*pipeline.Open{o}, by); err != nil || acceptances(t, o)[one.ID()] != 2 {
		t.Errorf("for another reason: %v, %v", err, acceptances(t, o))
	}
}

// An append that fails, having happened or not: the same again, and each is accepted once.
func TestAcceptFaults(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		for nth := range 3 {
			one, two, three := lostAt(1), lostAt(2), lostAt(3)
			o, store := foundIn(t, one, two, three)
			by := &Acceptance{Findings: []domain.FindingID{one.ID(), two.ID(), three.ID()}, Who: "wang", Why: "ticket 4711"}
			ctx, cut := context.WithCancel(t.Context())
			puts := 0
			store.OnPut = func(domain.Stream, domain.Seq, [][]byte) journal.Fault {
				if puts++; puts == nth+1 {
					cut() // the process ends
					return fault
				}
				return journal.FaultNone
			}
			if _, err := acceptAll(ctx, []*pipeline.Open{o}, by); err == nil && fault == journal.FaultBefore {
				t.Errorf("fault %d at %d is no error", fault, nth)
			}
			if _, err := acceptAll(t.Context(), []*pipeline.Open{o}, by); err != nil {
				t.Errorf("fault %d at %d, said again: %v", fault, nth, err)
			}
			if n := acceptances(t, o); len(n) != 3 || n[one.ID()]+n[two.ID()]+n[three.ID()] != 3 {
				t.Errorf("fault %d at %d: %v", fault, nth, n)
			}
		}
	}
}
