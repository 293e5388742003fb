package explain_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/explain"
)

// A row behind gaps of its run: places among the rows and offsets are two things.
func TestGapBeforeTheRow(t *testing.T) {
	s := stored(t)
	run := domain.Run{
		Source: "nanjing", Generation: 1, LeaderEpoch: 3, First: 100, Next: 120, Rows: 13,
		Gaps: []domain.Gap{
			{Span: domain.Span{First: 100, Next: 101}, Reason: domain.ReasonAbortMarker},
			{Span: domain.Span{First: 104, Next: 109}, Reason: domain.ReasonAborted},
			{Span: domain.Span{First: 119, Next: 120}, Reason: domain.ReasonCommitMarker},
		},
		Batches: [][]byte{recordBatch(101, 3, 0), recordBatch(109, 10, 0)},
	}
	in := s.ingested(run)
	begun := s.hubBegun(in, in)
	s.hubCommitted(begun, in, s.now, []domain.HubRun{{Ingest: in.Seq, N: 5, Offset: 500}, {Ingest: in.Seq, First: 6, N: 7, Offset: 505}},
		domain.Exclusion{Ingest: in.Seq, Ordinal: 5, Count: 1, Offset: 111, Reason: domain.ExcludedUnreadable, Detail: "no number"})
	for offset, hub := range map[int64]int64{101: 500, 103: 502, 109: 503, 110: 504, 112: 505, 118: 511} {
		a := s.ask(at(offset))
		if !a.Found || a.Hub.Offset != hub {
			t.Errorf("offset %d: %t %+v, want hub offset %d", offset, a.Found, a.Hub, hub)
		}
		q := none()
		q.Hub = "0:" + itoa(hub)
		if b := s.ask(q); !b.Found || b.Row.Offset != offset {
			t.Errorf("hub offset %d: %t %+v, want offset %d", hub, b.Found, b.Row, offset)
		}
	}
	if a := s.ask(at(111)); a.Found || a.State != "excluded from the hub, and so from Doris: record does not read as its source declares it: no number" {
		t.Errorf("the row left out: %t %q", a.Found, a.State)
	}
	a := s.ask(at(109))
	if a.Row.Ordinal != 3 || a.Row.Before == nil || a.Row.Before.Reason != "aborted" || a.Row.Before.First != 104 || a.Row.After != nil {
		t.Errorf("the first row behind the gap: %+v %+v", a.Row, a.Row.Before)
	}
	if b := s.ask(of(func(q *explain.Question) { q.Event = begun.String() })).Batch; len(b.Ranges) != 1 || b.Rows != 12 || b.Excluded != 1 || b.Ranges[0].First != 101 || b.Ranges[0].Last != 118 {
		t.Errorf("the transaction: %+v", b)
	}
}

// Every offset of two events that meet is found in its own, by halving alone.
func TestEveryOffset(t *testing.T) {
	s := stored(t)
	usualLife(s)
	for offset := int64(100); offset < 123; offset++ {
		a := s.ask(at(offset))
		if a.Found != (offset < 120) || a.Found && (a.Row.First != 100+10*((offset-100)/10) || a.Row.Ordinal != offset%10) {
			t.Errorf("offset %d: %t %q %+v", offset, a.Found, a.State, a.Row)
		}
	}
}

// An attempt that the clock of another host put before the fetch is found; so far apart that it cannot
// be of the row, the search ends.
func TestSkewedClocks(t *testing.T) {
	for minutes, found := range map[int]bool{0: true, 4: true, 6: false} {
		s := stored(t)
		one, two := s.ingested(rows("nanjing", 1, 0, 100, 110)), s.ingested(rows("nanjing", 1, 0, 110, 120))
		fetchedAt := s.now
		s.now -= domain.Micros(minutes) * 60_000_000
		s.hubAborted(s.hubBegun(one, two), "too large", domain.FoundBySelf)
		s.carried(one, one, domain.HubRun{Ingest: one.Seq, N: 10, Offset: 500})
		s.now = fetchedAt
		s.carried(two, two, domain.HubRun{Ingest: two.Seq, N: 10, Offset: 511})
		want := "Started SourceOpened Ingested HubBegun HubCommitted"
		if found {
			want = "Started SourceOpened Ingested HubBegun HubAborted HubBegun HubCommitted"
		}
		if got := kinds(s.ask(at(115))); got != want {
			t.Errorf("%d minutes: %s, want %s", minutes, got, want)
		}
	}
}
