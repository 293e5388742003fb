package explain_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/services/explain"
)

// every reason for which an offset holds no row, and every place where none can be.
func TestNoRow(t *testing.T) {
	s := stored(t)
	s.ingested(rows("nanjing", 1, 0, 100, 110))
	first := int64(110)
	for _, why := range domain.Reasons() {
		s.ingested(nothing("nanjing", 1, first, first+2, why))
		want := "offset 111 holds no row: it lies in the gap [110,112) with reason " + why.String()
		want = strings.NewReplacer("111", itoa(first+1), "110", itoa(first), "112", itoa(first+2)).Replace(want)
		a := s.ask(at(first + 1))
		if a.Found || a.State != want || a.Row != nil || kinds(a) != "Started SourceOpened Ingested" {
			t.Errorf("%s: %t %q, want %q: %s", why, a.Found, a.State, want, kinds(a))
		}
		first += 2
	}
	mixed := rows("nanjing", 1, 0, first, first+4)
	mixed.Next++
	mixed.Gaps = []domain.Gap{{Span: domain.Span{First: first + 4, Next: first + 5}, Reason: domain.ReasonAbortMarker}}
	s.ingested(mixed)
	golden(t, "gap", text(t, s.ask(at(first+4))))

	partition := func(p int32) explain.Question { q := at(100); q.Partition = p; return q }
	generation := func(g int) explain.Question { q := at(100); q.Generation = g; return q }
	for _, c := range []struct {
		q    explain.Question
		want string
	}{
		{at(89), "offset 89 lies before offset 90, where the topic's log began when generation 1 was opened"},
		{at(90), "offset 90 lies in the gap [90,100) with reason start_policy: the journaled start of generation 1 is 100 (log end)"},
		{at(99), "offset 99 lies in the gap [90,100) with reason start_policy: the journaled start of generation 1 is 100 (log end)"},
		{at(first + 5), "offset 133 was not journaled yet: the next one to journal is 133"},
		{partition(1), "partition 1 of source nanjing was never opened"},
		{generation(2), "partition 0 of source nanjing has no generation 2: the newest is 1"},
		{explain.Question{City: "999999"}, "no source of city 999999 was ever configured"},
		{explain.Question{Source: "wuxi"}, "no source wuxi was ever configured"},
	} {
		if a := s.ask(c.q); a.Found || a.State != c.want {
			t.Errorf("%+v: %t %q, want %q", c.q, a.Found, a.State, c.want)
		}
	}
}

func itoa(n int64) string { return domain.Coord{Offset: n}.String()[2:] }

// A bounded partition, and one whose source ended, say so.
func TestBeyondTheEnd(t *testing.T) {
	s := stored(t)
	s.ingested(rows("nanjing", 1, 0, 100, 110))
	s.at[0].Bounded, s.at[0].Stop = true, 110
	s.ingested(nothing("nanjing", 1, 110, 110, domain.ReasonCommitMarker))
	if got, want := s.ask(at(110)).State, "offset 110 lies beyond the end of the partition, which is bounded: it ends at 110 ()"; got != want {
		t.Errorf("bounded: %q, want %q", got, want)
	}
	s.at[0].Bounded, s.at[0].Closed = false, true
	s.put(stream(domain.LegIngest), &domain.SourceClosed{Owned: s.owned(), Source: "nanjing", Why: "not in the file", Positions: s.at})
	if got, want := s.ask(at(110)).State, "offset 110 lies beyond offset 110, up to which the partition was journaled when its source ended"; got != want {
		t.Errorf("closed: %q, want %q", got, want)
	}
}

// A gap that a person let pass names the incident, and who decided it.
func TestAcceptedGap(t *testing.T) {
	s := stored(t)
	in := domain.NewIncident(domain.IncidentSourceOutOfRange, stream(domain.LegIngest), "nanjing", []domain.Choice{domain.ChoiceAcceptGap},
		domain.Fact{Key: "found", Value: "offsets were deleted before they were read"})
	other := domain.NewIncident(domain.IncidentSourceBatch, stream(domain.LegIngest), "suzhou", nil)
	s.control(in)
	s.control(other)
	s.control(&domain.Resolved{ID: in.ID, Choice: domain.ChoiceAcceptGap, Who: "lin", Why: "retention, ticket 4711"})
	s.control(&domain.Reconciled{Done: s.tick(1)})
	s.passed(in.ID, nothing("nanjing", 1, 100, 110, domain.ReasonDeleted))
	golden(t, "accepted-gap", text(t, s.ask(at(105))))
}

// Two generations have the same offset: the newest is told, and names the other.
func TestGenerations(t *testing.T) {
	s := stored(t)
	old := s.ingested(rows("nanjing", 1, 0, 100, 110))
	s.carried(old, old, domain.HubRun{Ingest: old.Seq, N: 10, Partition: 0, Offset: 500})
	opened := s.source("nanjing", 2, 0, 0, 0)
	anew := s.ingested(rows("nanjing", 2, 0, 0, 106))
	s.carried(opened, anew, domain.HubRun{Ingest: anew.Seq, N: 106, Partition: 0, Offset: 511})
	newest := s.ask(at(105))
	golden(t, "generations", text(t, newest))
	if newest.Row.Generation != 2 || newest.Hub.Offset != 616 {
		t.Errorf("%+v %+v", newest.Row, newest.Hub)
	}
	q := at(105)
	lie := index{rows: []lineage.Row{{Source: "nanjing", Generation: 2, Ingest: old.Seq}}}
	if a, _, err := explain.Explain(t.Context(), []explain.Pipeline{{Journal: s.open(t.Context()), Index: lie}}, &q); err != nil || text(t, a) != text(t, newest) {
		t.Errorf("lineage names the event of the other generation: %v\n%s", err, text(t, a))
	}
	q.Generation = 1
	if a := s.ask(q); a.Row.Generation != 1 || a.Hub.Offset != 505 || len(a.Others) != 1 || a.Others[0] != 2 {
		t.Errorf("generation 1: %+v %+v %v", a.Row, a.Hub, a.Others)
	}
	if a := s.ask(at(109)); a.Row == nil || a.Row.Generation != 1 || len(a.Others) != 0 {
		t.Errorf("an offset that only generation 1 has: %+v", a)
	}
	q.Offset = 110
	if a := s.ask(q); a.Found || a.State != "offset 110 lies beyond the end of generation 1, which went up to offset 110 before the source began anew" {
		t.Errorf("beyond the end of generation 1: %q", a.State)
	}
}

// What is on its way says how far it is.
func TestOnItsWay(t *testing.T) {
	s := stored(t)
	state := func(want string) {
		t.Helper()
		if a := s.ask(at(105)); !a.Found || a.State != want {
			t.Errorf("%t %q, want %q", a.Found, a.State, want)
		}
	}
	in := s.ingested(rows("nanjing", 1, 0, 100, 110))
	state("fetched; on its way to the hub, no transaction with it is open")
	begun := s.hubBegun(in, in)
	state("fetched; the transaction that is to carry it to the hub, hub@3, has no outcome yet")
	s.hubAborted(begun, "time-out", domain.FoundBySelf)
	state("fetched; on its way to the hub, no transaction with it is open; 1 transaction with it did not happen")
	begun = s.hubBegun(in, in)
	golden(t, "on-its-way", text(t, s.ask(at(105))))
	one := s.hubCommitted(begun, in, s.now, []domain.HubRun{{Ingest: in.Seq, N: 10, Offset: 500}})
	state("in the hub; on its way to Doris, no load with it is open")
	load := s.dorisBegun(one, one, nil)
	state("in the hub; the load that is to carry it to Doris, doris@3, has no outcome yet")
	s.dorisAborted(load, "Doris says UNKNOWN")
	state("in the hub; on its way to Doris, no load with it is open; 1 load with it did not happen")
}

// A row that the hub could not carry, one of several, and a whole batch that does not decode.
func TestExcludedFromTheHub(t *testing.T) {
	s := stored(t)
	bad := rows("nanjing", 1, 0, 110, 120)
	bad.Batches = [][]byte{recordBatch(110, 10, 5)} // no such codec
	one, two := s.ingested(rows("nanjing", 1, 0, 100, 110)), s.ingested(bad)
	begun := s.hubBegun(one, two)
	s.hubCommitted(begun, two, s.now, []domain.HubRun{{Ingest: one.Seq, N: 4, Offset: 500}, {Ingest: one.Seq, First: 5, N: 5, Offset: 504}},
		domain.Exclusion{Ingest: one.Seq, Ordinal: 4, Count: 1, Offset: 104, Reason: domain.ExcludedTooLarge},
		domain.Exclusion{Ingest: two.Seq, Ordinal: 0, Count: 10, Offset: 110, Reason: domain.ExcludedUndecodable})
	if a := s.ask(at(104)); a.Found || a.State != "excluded from the hub, and so from Doris: larger than the hub accepts" || a.Hub != nil || a.Row == nil {
		t.Errorf("%t %q", a.Found, a.State)
	}
	if a := s.ask(at(103)); !a.Found || a.Hub.Offset != 503 {
		t.Errorf("the row before it: %+v", a.Hub)
	}
	if a := s.ask(at(105)); !a.Found || a.Hub.Offset != 504 {
		t.Errorf("the row behind it: %+v", a.Hub)
	}
	golden(t, "undecodable", text(t, s.ask(at(115))))
}

// A journal that contradicts itself is no answer.
func TestContradictions(t *testing.T) {
	ask := func(s *scroll) error {
		q := at(105)
		_, _, err := explain.Explain(t.Context(), []explain.Pipeline{{Journal: s.open(t.Context())}}, &q)
		return err
	}
	for want, write := range map[string]func(s *scroll){
		"has no batch with offset 105 of run 0, which it counts as a row": func(s *scroll) {
			r := rows("nanjing", 1, 0, 100, 110)
			r.Batches = nil
			s.ingested(r)
		},
		"neither holds nor excludes row 5 of run 0": func(s *scroll) {
			in := s.ingested(rows("nanjing", 1, 0, 100, 110))
			s.carried(in, in, domain.HubRun{Ingest: in.Seq, N: 5, Offset: 500})
		},
		"does not hold bridge.0.ingest@4": func(s *scroll) {
			in := s.ingested(rows("nanjing", 1, 0, 100, 110))
			begun := s.hubBegun(s.tails[stream(domain.LegHub)], domain.Ref{Stream: in.Stream, Seq: 3})
			s.hubCommitted(begun, in, s.now, nil)
		},
		"moves nanjing partition 0 beyond offset 105 and has no run with it": func(s *scroll) {
			s.at[0].Next = 110
			s.ingested()
		},
		"another event calls it an intent": func(s *scroll) {
			in := s.ingested(rows("nanjing", 1, 0, 100, 110))
			s.hubCommitted(s.tails[stream(domain.LegHub)], in, s.now, nil)
		},
	} {
		s := stored(t)
		write(s)
		err := ask(s)
		var broken *journal.IntegrityError
		if !asError(err, &broken) || !strings.Contains(broken.What, want) {
			t.Errorf("%v, want an integrity error with %q", err, want)
		}
	}
}
