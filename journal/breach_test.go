package journal_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// hasty is a journal whose events are gone as soon as they are not there.
func hasty(t *testing.T, m journal.Store, anchors ...journal.Anchor) (*journal.Journal, error) {
	t.Helper()
	return journal.Open(t.Context(), pipeline, journal.Options{Store: m, RegressedAfter: time.Millisecond, Anchors: anchors})
}

// written is a journal with a hub stream of eight events in three segments, 1 to 4, 5 to 7 and 8,
// and what somebody remembers of it.
func written(t *testing.T) (*journal.Memory, *journal.Journal, journal.Anchor) {
	t.Helper()
	m, s := journal.NewMemory(), shard(domain.LegHub)
	j := openWith(t, journal.Options{Store: m, SegmentBytes: 300, RegressedAfter: time.Millisecond})
	w := take(t, j, s, 2)
	for w.Tail().Seq < 8 {
		appendTo(t, w, aborted(w, strings.Repeat("x", 80)))
	}
	if list := firsts(t, m, s); !slices.Equal(list, []domain.Seq{1, 5, 8}) {
		t.Fatalf("segments %v", list)
	}
	return m, j, journal.Anchor{Journal: j.ID(), Ref: w.Tail(), Where: "a friend"}
}

// breaches demands that a check finds something of a kind at a seq, and that what it says
// has the place, and what to do.
func breaches(t *testing.T, err error, what journal.Breach, seq domain.Seq, words ...string) {
	t.Helper()
	var b *journal.BreachError
	if !errors.As(err, &b) || b.What != what || b.Anchor.Ref.Seq != seq {
		t.Fatalf("found %v, want %s at %d", err, what, seq)
	}
	for _, w := range append(words, b.Anchor.Ref.String(), "Nothing is appended") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestCheckFindsEachBreach(t *testing.T) {
	s := shard(domain.LegHub)
	m, j, a := written(t)
	if err := j.Check(t.Context(), a); err != nil {
		t.Fatal(err)
	}

	other := a
	other.Journal[3]++
	breaches(t, j.Check(t.Context(), other), journal.BreachForeign, a.Ref.Seq, "a friend", other.Journal.String(), j.ID().String(), "another hub topic")

	other = a
	other.Ref.Hash[3]++
	breaches(t, j.Check(t.Context(), other), journal.BreachRewritten, a.Ref.Seq, "a friend", other.Ref.Hash.String(), a.Ref.Hash.String())

	other = a
	other.Ref.Seq += 3
	breaches(t, j.Check(t.Context(), other), journal.BreachRegressed, a.Ref.Seq+3, "a friend", "ends at 8")
	if err := j.Check(t.Context(), other); !errors.Is(err, journal.ErrRegressed) || !errors.Is(err, journal.ErrNotFound) {
		t.Error(err)
	}

	other.Ref.Stream.Shard = 9
	breaches(t, j.Check(t.Context(), other), journal.BreachRegressed, a.Ref.Seq+3, "empty")

	early := journal.Anchor{Journal: j.ID(), Ref: get(t, j, s, 2).Ref(), Where: "a friend"}
	stored, err := m.Get(t.Context(), s, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Rewrite(s, 2, stored[:len(stored)-1]); err != nil {
		t.Fatal(err)
	}
	breaches(t, j.Check(t.Context(), early), journal.BreachDamaged, 2, "malformed")

	if err := m.Drop(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	breaches(t, j.Check(t.Context(), early), journal.BreachHole, 2, "a friend", "goes on to 8")
	_, err = j.Get(t.Context(), s, 2)
	breaches(t, err, journal.BreachHole, 2, "goes on to 8")
}

// An event that comes late, as from a leader that was elected a moment ago, is no breach.
func TestCheckIsPatient(t *testing.T) {
	m, _, a := written(t)
	j := openWith(t, journal.Options{Store: m, RegressedAfter: 30 * time.Second})
	stored, err := m.Get(t.Context(), a.Ref.Stream, last(t, m, a.Ref.Stream), a.Ref.Seq)
	if err != nil {
		t.Fatal(err)
	}
	m.Truncate(a.Ref.Stream, a.Ref.Seq)
	done := make(chan error, 1)
	go func() { done <- j.Check(t.Context(), a) }()
	select {
	case err := <-done:
		t.Fatalf("ended with %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := m.Put(t.Context(), a.Ref.Stream, last(t, m, a.Ref.Stream), a.Ref.Seq, [][]byte{stored}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func last(t *testing.T, m *journal.Memory, s domain.Stream) domain.Seq {
	t.Helper()
	list := firsts(t, m, s)
	return list[len(list)-1]
}

func TestWhole(t *testing.T) {
	s := shard(domain.LegHub)
	for name, c := range map[string]struct {
		damage  func(t *testing.T, m *journal.Memory) journal.Store
		dropped domain.Seq
		at      domain.Seq // 0: nothing is wrong
	}{
		"sound":             {func(_ *testing.T, m *journal.Memory) journal.Store { return m }, 0, 0},
		"front gone":        {front, 0, 1},
		"front dropped":     {front, 4, 0},
		"more than dropped": {front, 3, 4},
		"middle cut":        {func(_ *testing.T, m *journal.Memory) journal.Store { return cut{m, 3} }, 0, 3},
		"middle emptied":    {func(_ *testing.T, m *journal.Memory) journal.Store { return cut{m, 1} }, 0, 1},
		"one lost":          {func(_ *testing.T, m *journal.Memory) journal.Store { return counts{m} }, 0, 8},
	} {
		t.Run(name, func(t *testing.T) {
			m, _, _ := written(t)
			j, err := hasty(t, c.damage(t, m))
			if err != nil {
				t.Fatal(err)
			}
			err = j.Whole(t.Context(), s, c.dropped)
			if c.at == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			breaches(t, err, journal.BreachHole, c.at)
		})
	}
}

func front(t *testing.T, m *journal.Memory) journal.Store {
	t.Helper()
	if err := m.Drop(t.Context(), shard(domain.LegHub), 1); err != nil {
		t.Fatal(err)
	}
	return m
}

// cut is a store whose first segment of a hub stream ends before a seq, and goes on with the
// next.
type cut struct {
	*journal.Memory
	at domain.Seq
}

func (c cut) Segments(ctx context.Context, s domain.Stream) ([]journal.Segment, error) {
	list, err := c.Memory.Segments(ctx, s)
	if s.Leg == domain.LegHub {
		list[0].Next, list[0].Events = c.at, int64(c.at)-1
	}
	return list, err
}

func (c cut) Last(ctx context.Context, s domain.Stream, first domain.Seq) ([]byte, error) {
	switch {
	case s.Leg != domain.LegHub || first > 1:
		return c.Memory.Last(ctx, s, first)
	case c.at == 1:
		return nil, journal.ErrNotFound
	default:
		return c.Memory.Get(ctx, s, 1, c.at-1)
	}
}

// counts is a store that counts the last segment's events as a server does that lost one.
type counts struct{ *journal.Memory }

func (c counts) Segments(ctx context.Context, s domain.Stream) ([]journal.Segment, error) {
	list, err := c.Memory.Segments(ctx, s)
	if s.Leg == domain.LegHub {
		list[len(list)-1].Events--
	}
	return list, err
}

// With anchors a journal is recognized before anything is made in its store.
func TestOpenWithAnchors(t *testing.T) {
	m, j, a := written(t)
	control, err := j.Tail(t.Context(), domain.ControlStream(pipeline))
	if err != nil {
		t.Fatal(err)
	}
	mine := journal.Anchor{Journal: j.ID(), Ref: control.Ref(), Where: "a friend"}
	if _, err := hasty(t, m, a, mine); err != nil {
		t.Fatal(err)
	}
	empty := journal.NewMemory()
	if _, err := hasty(t, empty, a); !errors.Is(err, journal.ErrMissing) || !strings.Contains(err.Error(), "a friend") {
		t.Error(err)
	}
	if list, _ := empty.Segments(t.Context(), domain.ControlStream(pipeline)); len(list) > 0 {
		t.Errorf("made %v", list)
	}
	other := a
	other.Journal[0]++
	_, err = hasty(t, m, other)
	breaches(t, err, journal.BreachForeign, a.Ref.Seq)
	mine.Ref.Seq++
	_, err = hasty(t, m, mine)
	breaches(t, err, journal.BreachRegressed, mine.Ref.Seq)
}

// What this process was told is stored, its next writer demands.
func TestTakeoverOfARegressedStream(t *testing.T) {
	m, j, a := written(t)
	m.Truncate(a.Ref.Stream, a.Ref.Seq)
	_, err := j.Takeover(t.Context(), a.Ref.Stream, 2, 1)
	breaches(t, err, journal.BreachRegressed, a.Ref.Seq, "this process")
	if e := get(t, j, a.Ref.Stream, a.Ref.Seq-1); e.Seq != a.Ref.Seq-1 {
		t.Error(e)
	}
	// Another process that has an anchor demands it too, after any that it checked before.
	again, err := hasty(t, m)
	if err != nil {
		t.Fatal(err)
	}
	breaches(t, again.Check(t.Context(), a), journal.BreachRegressed, a.Ref.Seq, "a friend")
	if _, err := again.Takeover(t.Context(), a.Ref.Stream, 3, 1); err != nil {
		t.Error(err) // what was not found to be there is nothing that this process knows
	}
}

// A cursor beyond the end of its stream is a breach, on control too.
func TestReadAfterTheEndIsABreach(t *testing.T) {
	m, j, a := written(t)
	m.Truncate(a.Ref.Stream, a.Ref.Seq)
	_, err := j.Read(t.Context(), a.Ref.Stream, a.Ref)
	breaches(t, err, journal.BreachRegressed, a.Ref.Seq, "cursor")

	control, err := j.OpenControl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	append1 := func() error {
		_, err := control.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) { return &domain.Started{Instance: "x"}, nil })
		return err
	}
	if err := append1(); err != nil {
		t.Fatal(err)
	}
	m.Truncate(domain.ControlStream(pipeline), 2)
	breaches(t, append1(), journal.BreachRegressed, 2)
	if tail, err := j.Tail(t.Context(), domain.ControlStream(pipeline)); err != nil || tail.Seq != 1 {
		t.Errorf("tail %v, %v: a seq was used again", tail, err)
	}
}

func TestHashesFollowWhatWasAppended(t *testing.T) {
	j := open(t, journal.NewMemory())
	s := shard(domain.LegHub)
	if j.Hashes(s, 1) != nil || j.Known(s).Seq != 0 {
		t.Error("something is known of nothing")
	}
	w := take(t, j, s, 2)
	first := w.Tail().Seq
	for range 3 * 8192 {
		appendTo(t, w, aborted(w, "x"))
	}
	end := w.Tail()
	if j.Known(s) != end {
		t.Errorf("known %s, tail %s", j.Known(s), end)
	}
	if j.Hashes(s, first) != nil || j.Hashes(s, end.Seq+1) != nil {
		t.Error("hashes of what is not kept any more, or not yet there")
	}
	from := end.Seq - 4000
	got := j.Hashes(s, from)
	if len(got) != 4001 {
		t.Fatalf("%d hashes", len(got))
	}
	for i, h := range got {
		if e := get(t, j, s, from+domain.Seq(i)); e.Hash != h {
			t.Fatalf("hash of %d is %s, want %s", e.Seq, h, e.Hash)
		}
	}
}

// What another owner appended meanwhile leaves a hole in what is kept: nothing from before it
// is handed out.
func TestHashesHaveNoHoles(t *testing.T) {
	m, s := journal.NewMemory(), shard(domain.LegHub)
	mine, other := open(t, m), open(t, m)
	first := take(t, mine, s, 2).Tail().Seq
	w := take(t, other, s, 3)
	appendTo(t, w, aborted(w, "x"))
	appendTo(t, w, aborted(w, "y"))
	again := take(t, mine, s, 4)
	for from := first; from < again.Tail().Seq; from++ {
		for i, h := range mine.Hashes(s, from) {
			if e := get(t, mine, s, from+domain.Seq(i)); e.Hash != h {
				t.Errorf("hash of %d is %s, over a hole: want %s", e.Seq, h, e.Hash)
			}
		}
	}
	if got := mine.Hashes(s, again.Tail().Seq); len(got) != 1 || got[0] != again.Tail().Hash {
		t.Errorf("hashes %v of %s", got, again.Tail())
	}
}
