package services_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/rebuild"
)

const whyRebuilt = "the disk is gone, INC-2041"

func (w *world) job() *rebuild.Job {
	return &rebuild.Job{Config: w.cfg, Version: "test", Log: slog.New(slog.DiscardHandler)}
}

// looks derives a plan that may be approved.
func (w *world) looksGood() *rebuild.Plan {
	w.t.Helper()
	plan, err := w.job().Look(w.t.Context())
	must(w.t, err)
	if !plan.Good() {
		w.t.Fatalf("refused: %q", plan.Pipelines[0].Refused)
	}
	return plan
}

// rebuilds looks and approves.
func (w *world) rebuilds() *rebuild.Done {
	w.t.Helper()
	done, err := w.job().Approve(w.t.Context(), w.looksGood().Digest.String(), "li", whyRebuilt)
	must(w.t, err)
	return done
}

// exactly demands that every committed row of the cities is in the hub once and in the table
// once, whoever carried it.
func (w *world) exactly(rows int) {
	w.t.Helper()
	p := &w.cfg.Pipelines[0]
	cities, hub := map[string]int{}, map[string]int{}
	w.committed("north", func(r *kgo.Record) { cities[fmt.Sprintf("320100/%d/%d", r.Partition, r.Offset)]++ })
	w.committed("south", func(r *kgo.Record) { cities[fmt.Sprintf("320200/%d/%d", r.Partition, r.Offset)]++ })
	values := flink.NewHubReader(time.UTC)
	places := map[string]string{}
	w.committed(p.Hub.Topic, func(r *kgo.Record) {
		row, err := values.Read(r.Value)
		must(w.t, err)
		city := fmt.Sprintf("%s/%d/%d", row.City, *row.CityPartition, *row.CityOffset)
		hub[city]++
		places[fmt.Sprintf("%d/%d", r.Partition, r.Offset)] = city
	})
	table := map[string]int{}
	db := w.database()
	defer db.Close()
	list, err := db.QueryContext(w.t.Context(), "SELECT hw_partition_id, hw_offset_id, sscsdm, city_partition_id, city_offset_id FROM ods.ODS_QL_JC_SSJC")
	must(w.t, err)
	defer list.Close()
	for list.Next() {
		var h, o, partition, offset int64
		var city string
		must(w.t, list.Scan(&h, &o, &city, &partition, &offset))
		row := fmt.Sprintf("%s/%d/%d", city, partition, offset)
		table[row]++
		if at := places[fmt.Sprintf("%d/%d", h, o)]; at != row {
			w.t.Errorf("the table has %s at hub %d/%d, the hub %s", row, h, o, at)
		}
	}
	must(w.t, list.Err())
	if len(cities) != rows || len(hub) != rows || len(table) != rows {
		w.t.Errorf("%d rows in the cities, %d in the hub, %d in the table, want %d", len(cities), len(hub), len(table), rows)
	}
	for row := range cities {
		if hub[row] != 1 || table[row] != 1 {
			w.t.Errorf("row %s is %d times in the hub and %d in the table", row, hub[row], table[row])
		}
	}
}

func (w *world) database() *sql.DB {
	w.t.Helper()
	db, err := sql.Open("mysql", "root@tcp("+w.cfg.Pipelines[0].Doris.MySQL[0]+")/ods?interpolateParams=true")
	must(w.t, err)
	return db
}

func (w *world) committed(topic string, each func(*kgo.Record)) {
	w.t.Helper()
	c := kafkaconn.Config{Brokers: w.kafka}
	cl, err := kafkaconn.Dial(c)
	must(w.t, err)
	defer cl.Close()
	bounds, err := kafkaconn.Offsets(w.t.Context(), cl, topic)
	must(w.t, err)
	must(w.t, kafkaconn.ReadStable(w.t.Context(), c, topic, bounds, func(r *kgo.Record) error { each(r); return nil }))
}

// ran feeds both cities 100 rows, carries them, and ends. It gives the journal's id.
func (w *world) ran(from int) (id domain.JournalID) {
	w.t.Helper()
	w.start()
	w.feed("north", from, 25)
	w.feed("south", from, 25)
	w.untilRows(2*from + 100)
	w.end()
	withJournal(w.t, w.cfg, "bridge", func(j *journal.Journal) { id = j.ID() })
	return id
}

// goesOn starts on the rebuilt journal, carries what came meanwhile and more, and demands that
// every row is there once, that the reconciler finds nothing, and that its report says what the
// journal does not vouch for.
func (w *world) goesOn(rows int, old domain.JournalID) {
	w.t.Helper()
	w.start()
	w.untilRows(rows)
	w.feed("south", 900, 10)
	w.untilRows(rows + 20)
	w.end()
	w.exactly(rows + 20)
	got := prove(w.t, w.cfg, &w.cfg.Pipelines[0])
	isVerified(w.t, got)
	r := got.Journal.Rebased
	if r == nil || r.Old != old || r.Who != "li" || r.Why != whyRebuilt || len(r.Positions) != 4 {
		w.t.Fatalf("the report says of the rebuilt journal: %+v", r)
	}
	for _, at := range r.Positions {
		for _, s := range got.Sources {
			if s.Source == at.Source && s.Partition == at.Partition && s.First != at.Next {
				w.t.Errorf("%s/%d goes on at %d, and its books begin at %d", at.Source, at.Partition, at.Next, s.First)
			}
		}
	}
}

// TestJournalRebuilt: a journal that is lost, in each of the ways that a start refuses, is made
// anew from the rows, and the pipeline goes on with every row once.
func TestJournalRebuilt(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(t *testing.T, w *world, earlier string)
		says string // the start
	}{
		{"the store is deleted", func(t *testing.T, w *world, _ string) { must(t, os.RemoveAll(filepath.Join(w.cfg.DataDir, "journal"))) }, "journal is missing from its store"},
		{"everything is deleted", func(t *testing.T, w *world, _ string) { must(t, os.RemoveAll(w.cfg.DataDir)) }, "another journal"},
		{"everything from an older backup", func(t *testing.T, w *world, earlier string) { restore(t, earlier, w.cfg.DataDir) }, "journal regressed"},
		{"the store from an older backup", func(t *testing.T, w *world, earlier string) {
			restore(t, filepath.Join(earlier, "journal"), filepath.Join(w.cfg.DataDir, "journal"))
		}, "journal regressed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.cfg.Pipelines[0].Shards = 2
			w.ran(0)
			earlier := t.TempDir()
			restore(t, w.cfg.DataDir, earlier)
			id := w.ran(50)
			c.harm(t, w, earlier)
			w.feed("north", 800, 20) // 40 rows come while it is down
			if said := w.refused(); !strings.Contains(said, c.says) {
				t.Errorf("the start does not say %q: %s", c.says, said)
			}
			plan := w.looksGood()
			if p := &plan.Pipelines[0]; p.Old != id || len(p.Known) == 0 || len(p.Evidence) == 0 {
				t.Errorf("the plan knows of journal %s, which was %s: %v, %v", p.Old, id, p.Known, p.Evidence)
			}
			if again := w.looksGood(); again.Digest != plan.Digest {
				t.Errorf("two looks differ: %+v\n%+v", plan, again)
			}
			done := w.rebuilds()
			if names, err := os.ReadDir(done.Aside); err != nil || len(names) == 0 {
				t.Errorf("nothing lies in %s: %v", done.Aside, err)
			}
			w.goesOn(240, id)
		})
	}
}

// TestRebuildRefusesToLoseRows: rows of the hub that the table does not have are loaded first, as
// the plan says, and only then is the journal rebuilt.
func TestRebuildRefusesToLoseRows(t *testing.T) {
	w := newWorld(t)
	db := w.database()
	defer db.Close()
	for _, q := range []string{"DROP TABLE ods.ODS_QL_JC_SSJC", nullable()} { // which a pipeline that reads the hub asks for
		_, err := db.ExecContext(t.Context(), q)
		must(t, err)
	}
	w.ran(0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub}}
	go func() { done <- services.Run(ctx, w.cfg, role, slog.New(slog.DiscardHandler)) }()
	w.feed("north", 100, 20)
	for n, deadline := 0, time.Now().Add(60*time.Second); n != 140; {
		n = 0
		w.committed("ODS", func(*kgo.Record) { n++ })
		if time.Now().After(deadline) {
			t.Fatalf("%d rows in the hub", n)
		}
	}
	cancel()
	must(t, <-done)
	must(t, os.RemoveAll(w.cfg.DataDir))

	plan, err := w.job().Look(t.Context())
	must(t, err)
	p := &plan.Pipelines[0]
	if plan.Good() || !strings.Contains(strings.Join(p.Refused, "\n"), "the hub has 40 rows beyond the end of table") {
		t.Fatalf("a plan that loses rows: %q", p.Refused)
	}
	var refused *rebuild.RefusedError
	if _, err := w.job().Approve(t.Context(), plan.Digest.String(), "li", whyRebuilt); !errors.As(err, &refused) {
		t.Errorf("approved: %v", err)
	}

	bridge := w.cfg.Pipelines[0]
	backlog := config.DefaultPipeline()
	backlog.Name, backlog.Timezone, backlog.Hub, backlog.Doris = "backlog", bridge.Timezone, bridge.Hub, bridge.Doris
	backlog.ReadHub = &config.ReadHub{Reading: config.DefaultReading()}
	offsets := strings.Split(p.Load, `"`)[1]
	backlog.ReadHub.Start, backlog.ReadHub.StartOffsets = string(domain.StartSpecificOffsets), offsets
	backlog.ReadHub.Bounded = string(domain.StopLatest)
	other := *w.cfg
	other.DataDir, other.Pipelines = t.TempDir(), []config.Pipeline{backlog}
	b := &takeover{world: &world{t: t, kafka: w.kafka, doris: w.doris, cfg: &other}}
	b.start()
	if err := b.ends(); err != nil {
		t.Fatalf("the backlog ended with %v: %s", err, &b.log)
	}
	id := w.looksGood().Pipelines[0].Old
	w.rebuilds()
	w.goesOn(140, id)
}

// TestRebuildOfUnsound: a journal that is all there, and whose books do not add up, is no journal to
// start on, and may be rebuilt: by the plan of now, and no other.
func TestRebuildOfUnsound(t *testing.T) {
	w := newWorld(t)
	id := w.ran(0)
	whole, err := w.job().Look(t.Context())
	must(t, err)
	if whole.Good() || !strings.Contains(whole.Pipelines[0].Refused[0], "the journal in the store is whole") {
		t.Errorf("a sound journal is refused for %q", whole.Pipelines[0].Refused)
	}
	withJournal(t, w.cfg, "bridge", func(j *journal.Journal) {
		control, err := j.OpenControl(t.Context())
		must(t, err)
		var incarnation, config domain.Seq
		control.State(func(c *domain.ControlState) {
			config = c.ConfigSeq
			for seq := range c.Started {
				incarnation = max(incarnation, seq)
			}
		})
		hub, err := j.Takeover(t.Context(), domain.Stream{Pipeline: "bridge", Leg: domain.LegHub}, incarnation, config)
		must(t, err)
		for range 2 { // of no intent
			_, err = hub.Append(t.Context(), &domain.HubAborted{Owned: hub.Owned(), Trail: hub.Trail(), Why: "it never began"})
			must(t, err)
		}
	})
	var changed *rebuild.ChangedError
	if _, err := w.job().Approve(t.Context(), whole.Digest.String(), "li", whyRebuilt); !errors.As(err, &changed) || changed.Now == whole.Digest {
		t.Errorf("a plan that was another one when it was read is approved: %v", err)
	}
	if _, err := os.Stat(filepath.Join(w.cfg.DataDir, rebuild.UnderWay)); !os.IsNotExist(err) {
		t.Errorf("what is not approved is under way: %v", err)
	}
	w.rebuilds()
	w.goesOn(100, id)
}

// TestRebuildKilledEverywhere dies before and after each write, one after the other, and goes on:
// the new journal has every event once. Before the hub forgets the old journal no start goes on
// with the new one, and what such a start makes is in nobody's way.
func TestRebuildKilledEverywhere(t *testing.T) {
	whole(t)
	t.Run("embedded", func(t *testing.T) {
		w := newWorld(t)
		w.cfg.Pipelines[0].Shards = 2
		id := w.ran(0)
		if plan, err := w.job().Look(t.Context()); err != nil || plan.Good() || !strings.Contains(plan.Pipelines[0].Refused[0], "is whole") {
			t.Errorf("a sound journal is to be rebuilt: %+v, %v", plan, err)
		}
		must(t, os.RemoveAll(filepath.Join(w.cfg.DataDir, "journal")))
		w.rebuildsDying(id)
	})
	t.Run("external", func(t *testing.T) {
		w, ns := apart(t, t.TempDir())
		id := w.ran(0)
		removes(t, ns.URL())
		w.rebuildsDying(id)
	})
}

// rebuildsDying rebuilds the journal in the place of another, dying at every place.
func (w *world) rebuildsDying(id domain.JournalID) {
	t := w.t
	t.Helper()
	plan := w.looksGood()
	digest := plan.Digest.String()[:16]
	killed := errors.New("killed")
	var steps []string
	for {
		job := w.job()
		job.At = func(step string) error {
			if slices.Contains(steps, step) {
				return nil
			}
			steps = append(steps, step)
			return killed
		}
		done, err := job.Approve(t.Context(), digest, "li", whyRebuilt)
		if err == nil {
			if done.Plan.Digest != plan.Digest {
				t.Errorf("carried out plan %s, approved was %s", done.Plan.Digest, plan.Digest)
			}
			break
		}
		if !errors.Is(err, killed) {
			t.Fatalf("after %q: %v", steps, err)
		}
		last := steps[len(steps)-1]
		switch {
		case last == "approval after":
			if _, err := w.job().Look(t.Context()); err == nil || !strings.Contains(err.Error(), "is under way") {
				t.Errorf("a look while one is under way: %v", err)
			}
			if _, err := w.job().Approve(t.Context(), strings.Repeat("0", 64), "wang", "another"); err == nil || !strings.Contains(err.Error(), "is under way") {
				t.Errorf("another plan while one is under way: %v", err)
			}
		case last == "moved after", last == "PipelineConfigured after", last == "forget bridge/0 after":
			if said := w.refused(); !strings.Contains(said, "another journal") {
				t.Errorf("after %q the start says %s", last, said)
			}
		}
		if last == "end before" { // everything is done but to say so
			w.start()
			w.feed("north", 50, 10)
			w.untilRows(120)
			w.end()
		}
		if last == "end after" { // it is done, and there is nothing to go on with
			break
		}
	}
	t.Logf("died at %d places: %q", len(steps), steps)
	kinds := map[string]int{}
	withJournal(t, w.cfg, "bridge", func(j *journal.Journal) {
		b, err := pipeline.ReadBooks(t.Context(), j)
		must(t, err)
		for _, s := range b.Streams {
			for kind, n := range s.Kinds {
				kinds[string(kind)] += int(n)
			}
		}
		e, err := j.Get(t.Context(), domain.ControlStream("bridge"), 2)
		must(t, err)
		if ev, is := e.Event.(*domain.Rebased); !is || ev.Who != "li" || ev.Digest != plan.Digest || ev.Old != id {
			t.Errorf("the second event is %+v", e.Event)
		}
	})
	if kinds["Rebased"] != 1 || kinds["PipelineConfigured"] != 1 || kinds["SourceOpened"] != 4 || kinds["Started"] != 2 { // one is of the hefu that ran
		t.Errorf("events: %v", kinds)
	}
	if _, err := os.Stat(filepath.Join(w.cfg.DataDir, rebuild.UnderWay)); !os.IsNotExist(err) {
		t.Errorf("it is still said to be under way: %v", err)
	}
	w.goesOn(120, id)
}
