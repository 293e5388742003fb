package services_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/pipeline"
)

// What is not the journal any more that it was is refused before anything is appended to it:
// exit code 2, with what happened, where, and what to do.
func TestRestoredJournals(t *testing.T) {
	whole := func(t *testing.T, w *world, earlier string) { restore(t, earlier, w.cfg.DataDir) }
	for _, c := range []struct {
		name string
		rows bool // some go to the hub between the copy and the harm
		harm func(t *testing.T, w *world, earlier string)
		says []string
	}{
		{"everything from an earlier copy", true, whole, []string{"journal regressed", "in the hub's progress/0@", "put the journal back"}},
		{"everything from an earlier copy, hub idle since", false, whole, []string{"journal regressed", "the signed checkpoint in the hub's progress/0@", "bridge.control@"}},
		{"store from an earlier copy, hub idle since", false, func(t *testing.T, w *world, earlier string) {
			restore(t, filepath.Join(earlier, "journal"), filepath.Join(w.cfg.DataDir, "journal"))
		}, []string{"journal regressed", "the file /", "/checkpoints says"}},
		{"store and file from an earlier copy, hub idle since", false, func(t *testing.T, w *world, earlier string) {
			restore(t, filepath.Join(earlier, "journal"), filepath.Join(w.cfg.DataDir, "journal"))
			restore(t, checkpoint.FilePath(earlier), checkpoint.FilePath(w.cfg.DataDir))
		}, []string{"journal regressed", "the tree "}},
		{"new journal on an old hub", true, func(t *testing.T, w *world, _ string) { must(t, os.RemoveAll(w.cfg.DataDir)) }, []string{"another journal", "targets of its own"}},
		{"new store beside the old file", true, func(t *testing.T, w *world, _ string) {
			must(t, os.RemoveAll(filepath.Join(w.cfg.DataDir, "journal")))
		}, []string{"missing from its store", "nothing was made anew"}},
		{"file of checkpoints edited", true, func(t *testing.T, w *world, _ string) {
			edit(t, checkpoint.FilePath(w.cfg.DataDir), func(b []byte) []byte { return bytes.Replace(b, []byte("control\\n"), []byte("control\\n1"), 1) })
		}, []string{"is not as it was written", "hefu journal verify --deep"}},
		{"tree edited", true, func(t *testing.T, w *world, _ string) {
			trees, err := filepath.Glob(filepath.Join(w.cfg.DataDir, "trees", "*", "*ingest.tree"))
			must(t, err)
			edit(t, trees[0], func(b []byte) []byte { b[40]++; return b })
		}, []string{"Merkle tree", "hefu journal verify --deep"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.feed("north", 0, 50)
			w.untilRows(100)
			w.end()
			earlier := t.TempDir()
			restore(t, w.cfg.DataDir, earlier)
			w.start()
			if c.rows {
				w.feed("south", 0, 50)
				w.untilRows(200)
			}
			w.untilReady()
			w.end()
			c.harm(t, w, earlier)
			before := tails(t, w)
			said := w.refused()
			for _, want := range c.says {
				if !strings.Contains(said, want) {
					t.Errorf("does not say %q: %s", want, said)
				}
			}
			if after := tails(t, w); before != nil && !slices.Equal(before, after) {
				t.Errorf("appended: from %v to %v", before, after)
			}
		})
	}
}

// restore puts a copy in the place of a file or a folder.
func restore(t *testing.T, from, to string) {
	t.Helper()
	must(t, os.RemoveAll(to))
	info, err := os.Stat(from)
	must(t, err)
	if info.IsDir() {
		must(t, os.CopyFS(to, os.DirFS(from)))
		return
	}
	b, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, b, 0o600))
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	changed := change(bytes.Clone(b))
	if bytes.Equal(b, changed) {
		t.Fatalf("%s is unchanged", path)
	}
	must(t, os.WriteFile(path, changed, 0o600))
}

// tails are the ends of the streams in the store, nil when it holds no journal.
func tails(t *testing.T, w *world) (out []domain.Ref) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if _, err := os.Stat(filepath.Join(w.cfg.DataDir, "journal", "jetstream")); err != nil {
		return nil
	}
	store, err := pipeline.OpenStore(t.Context(), w.cfg, log)
	must(t, err)
	defer func() { must(t, store.Close()) }()
	j, err := store.OpenJournal(t.Context(), w.cfg, "bridge", log)
	must(t, err)
	control, err := j.OpenControl(t.Context())
	must(t, err)
	list, err := audit.Streams(t.Context(), j, control)
	must(t, err)
	for _, s := range list {
		e, err := j.Tail(t.Context(), s)
		must(t, err)
		out = append(out, e.Ref())
	}
	return out
}

// untilReady waits until every leg runs.
func (w *world) untilReady() {
	w.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		r, _ := w.report()
		running := 0
		for _, p := range r.Pipelines {
			for _, l := range p.Legs {
				if l.State == string(projections.StateRunning) {
					running++
				}
			}
		}
		if running == 3 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("not ready: %+v", r)
		}
	}
}

// refused runs until the process ends by itself, with exit code 2, and gives what it said.
func (w *world) refused() string {
	w.t.Helper()
	var said bytes.Buffer
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	err := services.Run(ctx, w.cfg, role, slog.New(slog.NewTextHandler(&said, nil)))
	var ended *services.EndedError
	if !errors.As(err, &ended) || ended.Code != 2 {
		w.t.Errorf("ended with %v, and said %s", err, &said)
	}
	return said.String()
}
