package services_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/report"
)

// slowly is so many rows a second that a plan of thousands takes its time.
var slowly = domain.PlanLimits{Rows: 200}

// asks has a replay planned as a body says. The error is why it cannot be.
func (o operator) asks(a replay.Ask) (*replay.Shown, error) {
	o.t.Helper()
	a.Pipeline, a.Who, a.Why = "bridge", "zhao", "the test"
	resp, err := o.says(http.MethodPost, "/v1/replays", a)
	must(o.t, err)
	defer resp.Body.Close()
	for lines := json.NewDecoder(resp.Body); ; {
		var l replay.Line
		switch err := lines.Decode(&l); {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", resp.Status, err)
		case l.Error != "":
			return nil, errors.New(l.Error)
		case l.Replay != nil:
			return l.Replay, nil
		}
	}
}

// decides says a decision and gives the answer.
func (o operator) decides(id domain.PlanID, action replay.Action, d replay.Decision) (status int, text string) {
	o.t.Helper()
	if d.Who == "" {
		d.Who, d.Why = "qian", "it was read"
	}
	resp, err := o.says(http.MethodPost, fmt.Sprintf("/v1/replays/%s/%s", id, action), d)
	must(o.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(o.t, err)
	return resp.StatusCode, string(b)
}

// may demands that a decision is taken.
func (o operator) may(id domain.PlanID, action replay.Action, d replay.Decision) {
	o.t.Helper()
	if status, text := o.decides(id, action, d); status != http.StatusOK {
		o.t.Fatalf("%s %s: %d: %s", action, id, status, text)
	}
}

// shows is a replay as the process shows it; false while nobody answers.
func (o operator) shows(id domain.PlanID) (now replay.Shown, ok bool) {
	resp, err := o.says(http.MethodGet, "/v1/replays/"+id.String(), nil)
	if err != nil {
		return now, false
	}
	defer resp.Body.Close()
	return now, json.NewDecoder(resp.Body).Decode(&now) == nil && resp.StatusCode == http.StatusOK
}

// until waits until a replay is as a test wants it.
func (o operator) until(id domain.PlanID, wants string, is func(*replay.Shown) bool) replay.Shown {
	o.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		now, ok := o.shows(id)
		if ok && is(&now) {
			return now
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("replay %s is not %s: %s %+v %+v", id, wants, now.State, now.Progress, now.Moves)
		}
		select {
		case <-o.t.Context().Done():
			o.t.Fatal(o.t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// carries waits until a process has carried some of a replay's rows.
func (o operator) carries(id domain.PlanID) {
	o.t.Helper()
	o.until(id, "carried in part", func(r *replay.Shown) bool { return r.Progress != nil && r.Progress.Rows > 0 })
}

// idle waits until a process does not work at a replay any more.
func (o operator) idle(id domain.PlanID) {
	o.t.Helper()
	o.until(id, "left alone", func(r *replay.Shown) bool { return r.Progress == nil })
}

// kept is the report of a replay's verification, as it is kept.
func (e *life) kept(r *replay.Shown) *report.Verified {
	e.t.Helper()
	list, err := report.InFolder(filepath.Join(e.cfg.DataDir, report.Folder)).List()
	must(e.t, err)
	for _, one := range list {
		b, err := os.ReadFile(one.File)
		must(e.t, err)
		if v, err := report.Verify(b, e.public()); err == nil && v.Digest.String() == r.Moves[len(r.Moves)-1].Report {
			return v
		}
	}
	e.t.Errorf("replay %s: report %s is not kept", r.ID, r.Moves[len(r.Moves)-1].Report)
	return nil
}

// life is an engine whose process ends and begins again.
type life struct {
	*engine
	op   operator
	stop func()
}

// newLife is one on a world whose configuration may still be changed.
func newLife(t *testing.T, change func(*config.Pipeline)) *life {
	t.Helper()
	whole(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	w := newWorld(t)
	w.cfg.Pipelines[0].Reconcile.Interval = 0
	change(&w.cfg.Pipelines[0])
	l := &life{engine: newEngine(t, w), op: operator{w}}
	l.start()
	t.Cleanup(func() { l.stop() })
	return l
}

func (e *life) start() {
	e.t.Helper()
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	app := fx.New(services.Options(e.cfg, role, slog.New(slog.DiscardHandler)), fx.Populate(&e.set, &e.prover))
	must(e.t, app.Err())
	must(e.t, app.Start(e.t.Context()))
	e.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			e.t.Errorf("stop: %v", err)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; {
		if r, ok := e.report(); ok && len(r.Pipelines) > 0 {
			return
		}
		if time.Now().After(deadline) {
			e.t.Fatal("the pipeline is not open")
		}
	}
}

// again ends the process, and begins another one.
func (e *life) again() {
	e.t.Helper()
	e.stop()
	e.start()
}

// full is one with 2,000 rows in its table.
func full(t *testing.T) *life {
	t.Helper()
	l := newLife(t, func(p *config.Pipeline) { p.Hub.Batch.Rows, p.Doris.Batch.Rows = 100, 200 }) // so that a replay has several loads
	l.parts(2000, l.world)
	return l
}

// parts feeds rows that are several commits, whatever the pace of the machine is, until each of
// some processes knows that they are loaded.
func (w *world) parts(rows int, known ...*world) {
	w.t.Helper()
	for n := 0; n < rows/4; n += rows / 20 {
		w.feed("north", n, rows/20)
		w.feed("south", n, rows/20)
		for _, k := range known {
			k.untilRows(4 * (n + rows/20))
		}
	}
}
