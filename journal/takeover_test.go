package journal_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func TestTakeoverIsOneOpenedPerProcess(t *testing.T) {
	j, s := open(t, journal.NewMemory()), shard(domain.LegHub)
	take(t, j, s, 5)
	w := take(t, j, s, 5) // opened again after an error
	appendTo(t, w, aborted(w, "a"))
	take(t, j, s, 5)
	take(t, j, s, 9)
	want := []domain.Kind{domain.KindGenesis, domain.KindOpened, domain.KindHubAborted, domain.KindOpened}
	events := chain(t, j, s)
	if !slices.Equal(kinds(events), want) {
		t.Fatalf("%v, want %v", kinds(events), want)
	}
	for i, owner := range map[int]domain.Seq{1: 5, 3: 9} {
		if o := events[i].Event.(*domain.Opened); o.Incarnation != owner || o.Config != 1 {
			t.Errorf("%+v, want owner %d", o, owner)
		}
	}
}

func TestHigherIncarnationFences(t *testing.T) {
	j, s := open(t, journal.NewMemory()), shard(domain.LegHub)
	old := take(t, j, s, 5)
	take(t, j, s, 9)
	want := journal.FencedError{Stream: s, Mine: 5, Owner: 9}
	check := func(err error) {
		t.Helper()
		var fenced *journal.FencedError
		if !errors.As(err, &fenced) || *fenced != want || fenced.ExitCode() != 3 {
			t.Fatalf("%v, want %v", err, &want)
		}
	}
	_, err := j.Takeover(t.Context(), s, 5, 1)
	check(err)
	for range 2 { // and it stays fenced
		_, err = old.Append(t.Context(), aborted(old, "late"))
		check(err)
	}
	if got := (&want).Error(); got != "lowaltitude.3.hub is owned by incarnation 9, this process is 5: fenced by another owner" {
		t.Error(got)
	}
	if events := chain(t, j, s); len(events) != 3 {
		t.Fatalf("the stream holds %v", kinds(events))
	}
}

// An event of the same incarnation at the expected seq is the writer's own, by another
// writer of the process: no fence, but this writer knows nothing any more.
func TestTwoWritersOfOneProcessAreUnknownNotFenced(t *testing.T) {
	j, s := open(t, journal.NewMemory()), shard(domain.LegHub)
	a := take(t, j, s, 5)
	b := take(t, j, s, 5)
	appendTo(t, a, aborted(a, "a"))
	for range 2 {
		if _, err := b.Append(t.Context(), aborted(b, "b")); !errors.Is(err, journal.ErrUnknown) || errors.As(err, new(*journal.FencedError)) {
			t.Fatal(err)
		}
	}
	b = take(t, j, s, 5)
	appendTo(t, b, aborted(b, "b"))
	if n := len(chain(t, j, s)); n != 4 {
		t.Fatalf("%d events", n)
	}
}

func TestPositionsAndTrailOpenFromTheTail(t *testing.T) {
	j := open(t, journal.NewMemory())
	w := take(t, j, shard(domain.LegIngest), 5)
	positions := []domain.Position{{Source: "nanjing", Generation: 1, Partition: 2, Next: 30}}
	ev := &domain.Ingested{Owned: w.Owned(), Positions: positions}
	appendTo(t, w, ev)
	want := slices.Clone(positions)
	positions[0].Next = 99 // the caller uses its slice again
	for _, incarnation := range []domain.Seq{5, 7, 8} {
		if !reflect.DeepEqual(w.Positions(), want) {
			t.Fatalf("positions %+v, want %+v", w.Positions(), want)
		}
		w = take(t, j, shard(domain.LegIngest), incarnation)
	}

	h := take(t, j, shard(domain.LegHub), 5)
	begun := appendTo(t, h, &domain.HubBegun{Owned: h.Owned(), Trail: h.Trail()})
	if want := (domain.Trail{Begun: begun.Seq}); h.Trail() != want {
		t.Fatalf("the writer's trail is %+v, want %+v", h.Trail(), want)
	}
	h = take(t, j, shard(domain.LegHub), 6)
	if want := (domain.Trail{Begun: begun.Seq}); h.Trail() != want || !h.Trail().Open() {
		t.Fatalf("trail %+v, want %+v", h.Trail(), want)
	}
	done := appendTo(t, h, &domain.HubCommitted{Owned: h.Owned(), Trail: h.Trail(), Begun: begun})
	h = take(t, j, shard(domain.LegHub), 6)
	if want := (domain.Trail{Begun: begun.Seq, Outcome: done.Seq, Commit: done.Seq}); h.Trail() != want || h.Trail().Open() {
		t.Fatalf("trail %+v, want %+v", h.Trail(), want)
	}
}

func TestTooLargeIsNoReasonToReopen(t *testing.T) {
	m := journal.NewMemory()
	m.MaxEvent = 2000
	j := open(t, m)
	w := take(t, j, shard(domain.LegHub), 5)
	if _, err := w.Append(t.Context(), aborted(w, string(make([]byte, 3000)))); !errors.Is(err, journal.ErrTooLarge) {
		t.Fatal(err)
	}
	if ref := appendTo(t, w, aborted(w, "small")); ref.Seq != 3 {
		t.Fatalf("appended at %d", ref.Seq)
	}
}
