package journal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func open(t *testing.T, store journal.Store) *journal.Journal {
	t.Helper()
	return openWith(t, journal.Options{Store: store})
}

func openWith(t *testing.T, o journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), pipeline, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func take(t *testing.T, j *journal.Journal, s domain.Stream, incarnation domain.Seq) *journal.Writer {
	t.Helper()
	w, err := j.Takeover(t.Context(), s, incarnation, 1)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func appendTo(t *testing.T, w *journal.Writer, ev domain.ShardEvent) domain.Ref {
	t.Helper()
	ref, err := w.Append(t.Context(), ev)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// aborted is a small event of a hub stream that tells itself apart.
func aborted(w *journal.Writer, why string) *domain.HubAborted {
	return &domain.HubAborted{Owned: w.Owned(), Trail: w.Trail(), Why: why}
}

func get(t *testing.T, j *journal.Journal, s domain.Stream, seq domain.Seq) *journal.Entry {
	t.Helper()
	e, err := j.Get(t.Context(), s, seq)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func read(t *testing.T, j *journal.Journal, s domain.Stream, after domain.Cursor) *journal.Reader {
	t.Helper()
	r, err := j.Read(t.Context(), s, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func next(t *testing.T, r *journal.Reader, seq domain.Seq) *journal.Entry {
	t.Helper()
	e, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.Seq != seq {
		t.Fatalf("read %d, want %d", e.Seq, seq)
	}
	return e
}

// chain reads a whole stream to its present end: that it is whole is what Reader
// demands.
func chain(t *testing.T, j *journal.Journal, s domain.Stream) (out []*journal.Entry) {
	t.Helper()
	tail, err := j.Tail(t.Context(), s)
	if errors.Is(err, journal.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := read(t, j, s, domain.Cursor{})
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("%s@%d: %v", s, seq, err)
		}
		out = append(out, e)
	}
	return out
}

func kinds(list []*journal.Entry) (out []domain.Kind) {
	for _, e := range list {
		out = append(out, e.Event.Kind())
	}
	return out
}
