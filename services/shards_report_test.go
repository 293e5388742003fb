package services_test

import (
	"bytes"
	"context"
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

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/nats"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/status"
)

// pair is two processes of one pipeline, each of a shard, on an external journal: one hub and one
// table, and for each a data directory and a key of its own.
func pair(t *testing.T) (a, b *world) {
	t.Helper()
	ns, err := nats.Open(t.Context(), nats.Config{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { _ = ns.Close() })
	a = newWorld(t)
	a.cfg.Journal.Mode, a.cfg.Journal.Servers = config.ModeExternal, []string{ns.URL()}
	a.cfg.Journal.Checkpoint.Interval = 100 * time.Millisecond
	p := &a.cfg.Pipelines[0]
	p.Shards, p.Reconcile.Interval = 2, 0
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(t.Context(), a.cfg, log)
	must(t, err)
	j, err := store.OpenJournal(t.Context(), a.cfg, p.Name, log)
	must(t, err)
	control, err := j.OpenControl(t.Context())
	must(t, err)
	_, err = pipeline.Apply(t.Context(), control, *p, log)
	must(t, errors.Join(err, store.Close()))
	other := *a.cfg
	other.DataDir, other.Instance = t.TempDir(), "other"
	b = &world{t: t, kafka: a.kafka, doris: a.doris, cfg: &other}
	return a, b
}

// takes starts the process of one shard.
func (w *world) takes(shard int) {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop, w.done = cancel, make(chan error, 1)
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}, Shards: []int{shard}}
	go func() { w.done <- services.Run(ctx, w.cfg, role, slog.New(slog.DiscardHandler)) }()
}

// answer is what the process says to who asks for a report.
func (w *world) answer() reconcile.Line {
	w.t.Helper()
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, status.AddressFile))
	must(w.t, err)
	body, err := json.Marshal(reconcile.Ask{Pipeline: "bridge", Keep: true})
	must(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+string(address)+"/v1/reconcile", bytes.NewReader(body))
	must(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	for lines := json.NewDecoder(resp.Body); ; {
		var last reconcile.Line
		if err := lines.Decode(&last); err == io.EOF || last.File != nil || last.Error != "" {
			return last
		} else if err != nil {
			w.t.Fatal(err)
		}
	}
}

// public is the public key of a process.
func (w *world) public() string {
	w.t.Helper()
	b, err := os.ReadFile(w.cfg.KeyFile() + ".pub")
	must(w.t, err)
	return strings.TrimSpace(string(b))
}

// whole demands that a report covers both shards, is checked with one public key alone, and
// names what the other process signed.
func (w *world) whole(file []byte, rows int64, other *world, kept ...checkpoint.Head) *report.Verified {
	w.t.Helper()
	v, err := report.Verify(file, w.public())
	must(w.t, err)
	isVerified(w.t, v.Report)
	if s := sum(v.Report, ""); s.Rows != rows || s.InDoris != rows {
		w.t.Errorf("%d rows, %d of them in Doris, of %d", s.Rows, s.InDoris, rows)
	}
	if n := len(v.Heads()); n != 7 {
		w.t.Errorf("%d streams are signed, control and three of each shard are 7", n)
	}
	shard := map[int]int{}
	for _, f := range v.Foreign() {
		if f.Key != other.public() {
			w.t.Errorf("%s up to %d is signed with %s, the other process has %s", f.Stream, f.Seq, f.Key, other.public())
		}
		if f.Stream.Leg != domain.LegControl {
			shard[f.Stream.Shard]++
		}
	}
	if len(shard) != 1 {
		w.t.Errorf("the other process signed of the shards %v", shard)
	}
	if len(kept) > 0 {
		if err := v.Contains(kept); err != nil {
			w.t.Error(err)
		}
	}
	return v
}

// Each of two processes of one pipeline makes reports about all of it, which its public key alone
// checks; so does hefu reconcile when none runs.
func TestReportsOfTwoProcesses(t *testing.T) {
	a, b := pair(t)
	a.takes(0)
	b.takes(1)
	a.feed("north", 0, 20)
	a.feed("south", 0, 20)
	a.untilRows(80)
	b.untilRows(80)
	for _, w := range []*world{a, b} { // each says on control what it signed of its streams
		if l := w.answer(); l.Error != "" {
			t.Fatal(l.Error)
		}
	}
	first := map[*world]*report.Verified{}
	for _, p := range [][2]*world{{a, b}, {b, a}} {
		l := p[0].answer()
		if l.Error != "" {
			t.Fatal(l.Error)
		}
		first[p[0]] = p[0].whole(l.File, 80, p[1])
	}
	a.feed("north", 20, 20)
	a.untilRows(120)
	b.untilRows(120)
	for _, p := range [][2]*world{{b, a}, {a, b}} {
		l := p[0].answer()
		if l.Error != "" {
			t.Fatal(l.Error)
		}
		v := p[0].whole(l.File, 120, p[1], first[p[0]].Heads()...)
		if v.Report.Previous == nil {
			t.Error("it goes on from no report")
		}
		for _, s := range v.Report.Journal.Streams {
			if s.Before == "" || s.Last.Seq == 0 && s.Stream.Leg != domain.LegLineage {
				t.Errorf("%s has no checkpoint before the look, or no event counted", s.Stream)
			}
		}
	}
	twice := services.Run(t.Context(), a.cfg, pipeline.Role{Legs: []domain.Leg{domain.LegIngest}}, slog.New(slog.DiscardHandler))
	var ended *services.EndedError
	if !errors.As(twice, &ended) || ended.Code != 2 {
		t.Errorf("a second process in the same data directory ended with %v", twice)
	}
	b.end()
	a.end()
}

// TestReportOfNone: without a process hefu reconcile signs what two of them wrote.
func TestReportOfNone(t *testing.T) {
	a, b := pair(t)
	a.takes(0)
	b.takes(1)
	a.feed("north", 0, 20)
	a.untilRows(40)
	b.untilRows(40)
	a.end()
	b.end()
	for _, w := range []*world{a, b} {
		r := prove(t, w.cfg, &w.cfg.Pipelines[0])
		isVerified(t, r)
		others := 0
		for _, s := range r.Journal.Streams {
			for _, e := range s.Earlier {
				if e.Key != "" {
					others++
				}
			}
			if s.After == "" {
				t.Errorf("nobody signed %s", s.Stream)
			}
		}
		if len(r.Journal.Streams) != 7 || others < 3 {
			t.Errorf("%d streams, the other process signed %d of them", len(r.Journal.Streams), others)
		}
	}
}
