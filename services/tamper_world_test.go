package services_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/archive"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// newTampered runs a pipeline for a while: several segments of each stream, some of them in
// the archive alone, the stream of a replay, checkpoints, trees and a key, and a hub that
// remembers. Copies are taken on the way.
func newTampered(t *testing.T) *tampered {
	t.Helper()
	w := newWorld(t)
	w.cfg.Journal.SegmentBytes = 5_000
	w.cfg.Journal.Checkpoint = config.Checkpoint{Events: 20, Interval: 500 * time.Millisecond}
	kept := &config.Archive{Dir: filepath.Join(w.cfg.DataDir, "archive"), Drop: true, Interval: 50 * time.Millisecond}
	m := &tampered{T: t, cfg: w.cfg, counts: map[string]map[string]int{}}
	rows := 0
	round := func(feeds int) {
		for range feeds {
			w.feed("north", rows, 20)
			w.feed("south", rows, 20)
			rows += 80 // two committed transactions each
			w.untilRows(rows)
		}
	}
	w.start()
	round(12)
	w.end()
	m.keep()
	w.reconciled()
	w.cfg.Journal.Archive = kept
	w.start()
	w.untilBeginningDropped()
	replay, err := operator{w}.plans(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetFile})
	must(t, err)
	operator{w}.carriesOut(replay)
	round(4)
	w.end()
	m.keep()
	w.start()
	round(8)
	w.end()
	m.keep()
	w.start() // nothing comes: but for control nothing is new
	w.untilReady()
	w.end()
	m.read()
	m.foreign = anotherJournal(t)
	return m
}

// untilBeginningDropped waits until the store has not the first segment of ingest any more:
// the last one may stay, which the reconciler has not come to the end of.
func (w *world) untilBeginningDropped() {
	w.t.Helper()
	var last any
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		r, err := w.archive(archive.Ask{Look: true})
		if last = err; err != nil {
			continue
		}
		last = r[0].Segments
		if !slices.ContainsFunc(r[0].Segments, func(s archive.Segment) bool { return s.First == 1 && strings.HasSuffix(s.Stream, ".ingest") }) {
			return
		}
	}
	w.t.Fatalf("segments stay: %+v", last)
}

// keep keeps a copy of the data directory as it is.
func (m *tampered) keep() {
	m.Helper()
	to := m.TempDir()
	must(m.T, os.CopyFS(to, os.DirFS(m.cfg.DataDir)))
	m.earlier = append(m.earlier, to)
}

// read reads all events, and what is in the archive alone.
func (m *tampered) read() {
	t := m.T
	t.Helper()
	log, ctx := slog.New(slog.DiscardHandler), t.Context()
	store, err := pipeline.OpenStore(ctx, m.cfg, log)
	must(t, err)
	defer store.Close()
	j, err := store.OpenJournal(ctx, m.cfg, "bridge", log)
	must(t, err)
	control, err := j.OpenControl(ctx)
	must(t, err)
	control.State(func(s *domain.ControlState) {
		for at, through := range s.Dropped {
			for _, a := range s.Archived[at] {
				if a.Last.Seq <= through {
					m.gone = append(m.gone, a.File)
				}
			}
		}
	})
	if len(m.gone) == 0 {
		t.Fatal("nothing is in the archive alone")
	}
	list, err := audit.Streams(ctx, j, control)
	must(t, err)
	m.events = map[domain.Stream][]*journal.Entry{}
	for _, s := range list {
		tail, err := j.Tail(ctx, s)
		must(t, err)
		r, err := j.Read(ctx, s, domain.Cursor{})
		must(t, err)
		for range tail.Seq {
			e, err := r.Next(ctx)
			must(t, err)
			m.events[s] = append(m.events[s], e)
		}
		r.Close()
	}
}

// anotherJournal is the data directory of a journal of the same pipeline that began elsewhere.
func anotherJournal(t *testing.T) string {
	t.Helper()
	dir, ctx := t.TempDir(), t.Context()
	e, err := embedded.Open(ctx, filepath.Join(dir, "journal"))
	must(t, err)
	j, err := journal.Open(ctx, "bridge", journal.Options{Store: e.Store(), Manifest: e.Manifest(), SegmentBytes: 5_000})
	must(t, err)
	control, err := j.OpenControl(ctx)
	must(t, err)
	started, err := control.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{Instance: "elsewhere"}, nil })
	must(t, err)
	for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} {
		w, err := j.Takeover(ctx, domain.Stream{Pipeline: "bridge", Leg: leg}, started.Seq, 1)
		must(t, err)
		for i := range 150 {
			_, err := w.Append(ctx, &domain.HubAborted{Owned: w.Owned(), Trail: w.Trail(), Why: fmt.Sprintf("%0200d", i)})
			must(t, err)
		}
	}
	must(t, e.Close())
	return dir
}
