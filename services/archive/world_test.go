package archive_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	segments "github.com/hefu-io/hefu/journal/archive"
	"github.com/hefu-io/hefu/services/archive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const pipeline = "bridge"

var errInjected = errors.New("injected fault")

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stream(leg domain.Leg) domain.Stream { return domain.Stream{Pipeline: pipeline, Leg: leg} }

// world is a shard whose streams are written by hand, in segments of a few events.
type world struct {
	*testing.T
	ctx     context.Context
	inner   *faultyStore
	place   *faultyPlace
	j       *journal.Journal
	control *journal.Control
	writers map[domain.Leg]*journal.Writer
	legs    map[domain.Leg]bool
	drop    bool

	rows int64 // ingested of source a, partition 0
}

func newWorld(t *testing.T, store journal.Store, legs ...domain.Leg) *world {
	t.Helper()
	l, err := segments.OpenLocal(t.TempDir())
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	w := &world{
		T: t, ctx: ctx, inner: &faultyStore{Store: store}, place: &faultyPlace{Place: l}, drop: true,
		writers: map[domain.Leg]*journal.Writer{}, legs: map[domain.Leg]bool{domain.LegIngest: true},
	}
	for _, leg := range legs {
		w.legs[leg] = true
	}
	w.restart()
	return w
}

// restart is the next process.
func (w *world) restart() {
	w.Helper()
	var err error
	w.j, err = journal.Open(w.ctx, pipeline, journal.Options{
		Store: segments.New(w.inner, w.place), SegmentBytes: 1200, RegressedAfter: 50 * time.Millisecond,
	})
	must(w.T, err)
	w.control, err = w.j.OpenControl(w.ctx)
	must(w.T, err)
}

// pass is one look, by a process that began just now: what it knows is what it reads.
func (w *world) pass() (*archive.Report, error) {
	w.Helper()
	return w.job().Pass(w.ctx)
}

func (w *world) job() *archive.Job {
	w.Helper()
	w.restart()
	return &archive.Job{
		Journal: w.j, Control: w.control, Archive: segments.New(w.inner, w.place), Has: func(leg domain.Leg) bool { return w.legs[leg] },
		Shards: 1, Drop: w.drop, Log: slog.New(slog.DiscardHandler),
	}
}

func (w *world) passes() *archive.Report {
	w.Helper()
	r, err := w.pass()
	must(w.T, err)
	if bad := r.Failed(); bad != nil {
		w.Fatalf("%+v", bad)
	}
	return r
}

func (w *world) append(leg domain.Leg, event func(*journal.Writer) domain.ShardEvent) domain.Ref {
	w.Helper()
	to := w.writers[leg]
	if to == nil {
		var err error
		to, err = w.j.Takeover(w.ctx, stream(leg), 1, 1)
		must(w.T, err)
		w.writers[leg] = to
	}
	ref, err := to.Append(w.ctx, event(to))
	must(w.T, err)
	return ref
}

// ingest appends ten rows of partition 0 of source a.
func (w *world) ingest() domain.Ref {
	w.Helper()
	return w.append(domain.LegIngest, func(to *journal.Writer) domain.ShardEvent {
		w.rows += 10
		return &domain.Ingested{
			Owned: to.Owned(), Positions: []domain.Position{{Source: "a", Generation: 2, Next: w.rows}},
			Runs: []domain.Run{{Source: "a", Generation: 2, First: w.rows - 10, Next: w.rows, Rows: 10, Batches: [][]byte{make([]byte, 200)}}},
		}
	})
}

// carry has a leg take its input up to a place.
func (w *world) carry(leg domain.Leg, upTo domain.Ref) domain.Ref {
	w.Helper()
	begun := w.append(leg, func(to *journal.Writer) domain.ShardEvent {
		switch leg {
		case domain.LegHub:
			return &domain.HubBegun{Owned: to.Owned(), Trail: to.Trail(), First: upTo, Last: upTo}
		case domain.LegLineage:
			return &domain.LineageBegun{Owned: to.Owned(), Trail: to.Trail(), First: upTo, Last: upTo}
		default: // Doris, and a replay into a table
			return &domain.DorisBegun{Owned: to.Owned(), Trail: to.Trail(), First: upTo, Last: upTo}
		}
	})
	return w.append(leg, func(to *journal.Writer) domain.ShardEvent {
		switch leg {
		case domain.LegHub:
			return &domain.HubCommitted{Owned: to.Owned(), Trail: to.Trail(), Begun: begun, Cursor: upTo, Rows: 10}
		case domain.LegLineage:
			return &domain.LineageCommitted{Owned: to.Owned(), Trail: to.Trail(), Begun: begun, Cursor: upTo, Rows: 10}
		default:
			return &domain.DorisCommitted{Owned: to.Owned(), Trail: to.Trail(), Begun: begun, Cursor: upTo, Rows: 10}
		}
	})
}

// sealed reports how many segments of a stream the store has, but for the last one.
func (w *world) sealed(leg domain.Leg) int {
	w.Helper()
	list, err := w.inner.Segments(w.ctx, stream(leg))
	must(w.T, err)
	return max(0, len(list)-1)
}

func (w *world) say(e domain.Event) {
	w.Helper()
	_, err := w.control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return e, nil })
	must(w.T, err)
}

// reconciled has the reconciler come to the end of every stream.
func (w *world) reconciled(findings ...domain.Finding) {
	w.Helper()
	ev := &domain.Reconciled{Findings: findings}
	for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} {
		if tail, err := w.j.Tail(w.ctx, stream(leg)); err == nil {
			ev.Through = append(ev.Through, tail.Ref())
		}
	}
	w.say(ev)
}

// events is every event of the shard's streams, as somebody who just came reads them.
func (w *world) events() (out []domain.Ref) {
	w.Helper()
	w.restart()
	for _, leg := range slices.Sorted(maps.Keys(w.legs)) {
		tail, err := w.j.Tail(w.ctx, stream(leg))
		if errors.Is(err, journal.ErrNotFound) {
			continue
		}
		must(w.T, err)
		r, err := w.j.Read(w.ctx, stream(leg), domain.Cursor{})
		must(w.T, err)
		for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
			e, err := r.Next(w.ctx)
			must(w.T, err)
			out = append(out, e.Ref())
		}
		r.Close()
	}
	return out
}

// line is what a report says of the first segment of a leg's stream.
func line(r *archive.Report, leg domain.Leg) archive.Segment {
	for _, s := range r.Segments {
		if strings.HasSuffix(s.Stream, "."+string(leg)) {
			return s
		}
	}
	return archive.Segment{}
}

// faultyStore fails at what a test says: before it happens, or after.
type faultyStore struct {
	journal.Store
	at    domain.Kind // of an append to control, or "drop"
	after bool

	onFault func()
}

func (f *faultyStore) fault(at domain.Kind, do func() error) error {
	if f.at != at {
		return do()
	}
	if f.onFault != nil {
		defer f.onFault()
	}
	if !f.after {
		return errInjected
	}
	return errors.Join(do(), errInjected)
}

func (f *faultyStore) Drop(ctx context.Context, s domain.Stream, first domain.Seq) error {
	return f.fault("drop", func() error { return f.Store.Drop(ctx, s, first) })
}

// faultyPlace does so for a file.
type faultyPlace struct {
	segments.Place
	before, after error
	size          error
}

func (f *faultyPlace) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	if f.before != nil {
		return f.before
	}
	return errors.Join(f.Place.Put(ctx, name, write), f.after)
}

func (f *faultyPlace) Size(ctx context.Context, name string) (int64, error) {
	if f.size != nil {
		return 0, f.size
	}
	return f.Place.Size(ctx, name)
}
