package services_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hefu-io/hefu/services/config"
	devnats "github.com/hefu-io/hefu/services/devstack/nats"
	"github.com/hefu-io/hefu/services/pipeline"
)

// apart is a world whose journal lies on a NATS of its own, below dir.
func apart(t *testing.T, dir string) (*world, *devnats.Server) {
	t.Helper()
	ns, err := devnats.Open(t.Context(), devnats.Config{Dir: dir})
	must(t, err)
	t.Cleanup(func() { _ = ns.Close() })
	w := newWorld(t)
	w.cfg.Journal.Mode, w.cfg.Journal.Servers = config.ModeExternal, []string{ns.URL()}
	w.cfg.Pipelines[0].Shards = 2
	w.applies()
	return w, ns
}

// applies puts the configuration into the journal, as hefu apply does.
func (w *world) applies() {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(w.t.Context(), w.cfg, log)
	must(w.t, err)
	j, err := store.OpenJournal(w.t.Context(), w.cfg, "bridge", log)
	must(w.t, err)
	control, err := j.OpenControl(w.t.Context())
	must(w.t, err)
	_, err = pipeline.Apply(w.t.Context(), control, w.cfg.Pipelines[0], log)
	must(w.t, errors.Join(err, store.Close()))
}

// removes takes every stream out of a NATS, as an operator does with nats stream rm.
func removes(t *testing.T, url string) {
	t.Helper()
	nc, err := nats.Connect(url)
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	list := js.StreamNames(t.Context())
	for name := range list.Name() {
		must(t, js.DeleteStream(t.Context(), name))
	}
	must(t, list.Err())
}

// TestJournalRebuiltOutside: a journal on an external NATS that is lost, or older than its hub, is
// made anew there. Streams that are still there are for the operator to remove; a host that has the
// manifest of the old journal is refused from then on.
func TestJournalRebuiltOutside(t *testing.T) {
	for _, c := range []struct {
		name string
		old  bool // the store is there, from an older backup
	}{
		{"the store is lost", false},
		{"the store from an older backup", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.old {
				whole(t) // an external store is given 30 seconds for each look at what it lacks
			}
			t.Parallel()
			dir, earlier := t.TempDir(), t.TempDir()
			w, ns := apart(t, dir)
			w.ran(0)
			must(t, ns.Close())
			restore(t, dir, earlier)
			again := func() *devnats.Server {
				t.Helper()
				ns, err := devnats.Open(t.Context(), devnats.Config{Dir: dir}) // somebody may have its port by now
				must(t, err)
				t.Cleanup(func() { _ = ns.Close() })
				w.cfg.Journal.Servers = []string{ns.URL()}
				return ns
			}
			second := again()
			id := w.ran(50)
			const there = "the store still has streams HEFU_bridge_…"
			if plan, err := w.job().Look(t.Context()); err != nil || plan.Good() || !strings.Contains(plan.Pipelines[0].Refused[0], there) {
				t.Errorf("with the journal there: %+v, %v", plan, err)
			}
			other := *w.cfg // another host, which has run, too
			other.DataDir = t.TempDir()
			restore(t, w.cfg.DataDir, other.DataDir)
			must(t, second.Close())
			must(t, os.RemoveAll(dir))
			if c.old {
				restore(t, earlier, dir)
			}
			third := again()
			w.feed("north", 800, 20) // 40 rows come while it is down
			if !c.old {
				if said := w.refused(); !strings.Contains(said, "journal is missing from its store") {
					t.Errorf("the start says %s", said)
				}
			} else {
				plan, err := w.job().Look(t.Context())
				must(t, err)
				if p := &plan.Pipelines[0]; len(p.Refused) != 1 || !strings.Contains(p.Refused[0], there) || p.Old != id {
					t.Fatalf("with the old streams there it is refused for %q", p.Refused)
				}
				if _, err := w.job().Approve(t.Context(), plan.Digest.String(), "li", whyRebuilt); err == nil {
					t.Fatal("approved with the old streams there")
				}
				removes(t, third.URL())
			}
			if p := &w.looksGood().Pipelines[0]; p.Old != id || len(p.Known) == 0 {
				t.Errorf("the plan knows of journal %s, which was %s: %v", p.Old, id, p.Known)
			}
			done := w.rebuilds()
			for _, name := range []string{"manifest.json", "checkpoints"} {
				if _, err := os.Stat(filepath.Join(done.Aside, name)); err != nil {
					t.Errorf("the old journal's %s is not kept: %v", name, err)
				}
			}
			w.goesOn(240, id)
			other.Journal.Servers = w.cfg.Journal.Servers
			host := &world{t: t, kafka: w.kafka, doris: w.doris, cfg: &other}
			if said := host.refused(); !strings.Contains(said, "another journal") {
				t.Errorf("a host with the old manifest: %s", said)
			}
		})
	}
}
