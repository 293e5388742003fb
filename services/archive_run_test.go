package services_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/archive"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// reconciled says, while nothing runs, that the reconciler has come to the end of every
// stream; what it does for that is its own tests' matter.
func (w *world) reconciled() {
	w.t.Helper()
	log, ctx := slog.New(slog.DiscardHandler), w.t.Context()
	store, err := pipeline.OpenStore(ctx, w.cfg, log)
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	j, err := store.OpenJournal(ctx, w.cfg, "bridge", log)
	if err != nil {
		w.t.Fatal(err)
	}
	control, err := j.OpenControl(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	ev := &domain.Reconciled{}
	for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} {
		tail, err := j.Tail(ctx, domain.Stream{Pipeline: "bridge", Leg: leg})
		if err != nil {
			w.t.Fatal(err)
		}
		ev.Through = append(ev.Through, tail.Ref())
	}
	if _, err := control.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return ev, nil }); err != nil {
		w.t.Fatal(err)
	}
}

// archive asks the running process for a pass.
func (w *world) archive(ask archive.Ask) (out []*archive.Report, err error) {
	w.t.Helper()
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, "api.addr"))
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+string(address)+"/v1/archive", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		return nil, errors.New(string(text))
	}
	return out, errors.Join(err, json.Unmarshal(text, &out))
}

// untilDropped waits until the store has but the last segment of ingest.
func (w *world) untilDropped() {
	w.t.Helper()
	var last any
	for deadline := time.Now().Add(60 * time.Second); ; {
		r, err := w.archive(archive.Ask{Look: true})
		last = err
		if err == nil {
			left := 0
			for _, s := range r[0].Segments {
				last = s
				if strings.HasSuffix(s.Stream, ".ingest") {
					left++
				}
			}
			if left == 0 {
				return
			}
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("segments stay: %+v", last)
		}
	}
}

// Segments are archived and dropped while the pipeline runs; the legs open from what was
// dropped, the books are what they were, and the rows go on.
func TestSegmentsLeaveTheStore(t *testing.T) {
	w := newWorld(t)
	w.cfg.Journal.SegmentBytes = 20_000
	w.start()
	for i := range 5 {
		w.feed("north", 100*i, 100)
		w.feed("south", 100*i, 100)
	}
	w.untilRows(2000)
	w.end()
	before := w.books()
	w.reconciled()
	w.cfg.Journal.Archive = &config.Archive{Dir: t.TempDir(), Drop: true, Interval: 50 * time.Millisecond}
	w.start()
	w.untilDropped()
	w.untilRows(2000)
	w.end()
	w.start() // every leg, from cursors that are in the archive
	w.untilRows(2000)
	w.end()
	after := w.books()
	if diff := cmp.Diff(before.Accounts, after.Accounts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before.Positions, after.Positions); diff != "" {
		t.Error(diff)
	}
	w.start()
	w.feed("north", 500, 100)
	w.untilRows(2200)
	if r, err := w.archive(archive.Ask{Pipeline: "nobody"}); err == nil || !strings.Contains(err.Error(), "no pipeline nobody") {
		t.Errorf("%+v, %v", r, err)
	}
	w.end()
	b := w.books()
	if len(b.Findings) > 0 {
		t.Errorf("books: %v", b.Findings)
	}
	isVerified(t, prove(t, w.cfg, &w.cfg.Pipelines[0]))
	// Without the archive nobody reads on as if there had been nothing.
	w.cfg.Journal.Archive = nil
	store, err := pipeline.OpenStore(t.Context(), w.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	j, err := store.OpenJournal(t.Context(), w.cfg, "bridge", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.ReadBooks(t.Context(), j); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("without the archive: %v", err)
	}
}

// A journal that is full goes on once segments are dropped.
func TestDroppingMakesRoom(t *testing.T) {
	w := newWorld(t)
	w.cfg.Journal.SegmentBytes, w.cfg.Journal.MaxBytes, w.cfg.Journal.ReserveBytes = 10_000, 60_000, 10_000
	w.start()
	rows := 0
	full := func() bool {
		r, _ := w.report()
		for _, p := range r.Pipelines {
			for _, l := range p.Legs {
				if strings.Contains(l.Error, "drop archived segments") {
					return true
				}
			}
		}
		return false
	}
	for deadline := time.Now().Add(60 * time.Second); !full(); {
		select {
		case err := <-w.done:
			t.Fatalf("ended with %v", err)
		default:
		}
		if time.Now().After(deadline) {
			r, _ := w.report()
			t.Fatalf("the journal never was full: %+v", r)
		}
		if rows < 40_000 { // ingest looks when there is something to append
			w.feed("north", rows, 100)
			rows += 200
		}
	}
	for deadline := time.Now().Add(60 * time.Second); !w.settled(); {
		if time.Now().After(deadline) {
			t.Fatal("an intent stays open")
		}
	}
	w.end()
	w.reconciled()
	w.cfg.Journal.Archive = &config.Archive{Dir: t.TempDir(), Drop: true, Interval: 50 * time.Millisecond}
	w.start()
	w.untilRows(rows)
	w.end()
	if b := w.books(); len(b.Findings) > 0 {
		t.Errorf("books: %v", b.Findings)
	}
}
