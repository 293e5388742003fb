package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/status"
)

// lagPipeline is the pipeline whose lag is measured, and its feed.
const lagPipeline = "lag"

// lagCities are its cities.
const lagCities = 2

// window is a time in which live rows come at a steady rate, with a replay beside them or
// without.
type window struct {
	replay     bool
	from, to   time.Time
	carried    int64         // rows of the replay
	cpu        time.Duration // of hefu
	hub, table delays        // of the rows that were fetched in it
}

// replayLag has live rows come at a steady rate, by turns with a replay of everything at the
// default limits beside them and without, and reads afterwards from the journal when rows were
// fetched, in the hub, and visible in the table.
func replayLag(ctx context.Context, o replayOptions) (out []window, err error) {
	w, err := newProofWorld(ctx, proofOptions{cities: lagCities, rate: o.rate, dir: o.dir, hefu: o.hefu, out: o.out})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := errors.Join(w.makeCities(ctx, lagPipeline), w.makePlace(ctx, lagPipeline)); err != nil {
		return nil, err
	}
	file, err := w.config(lagPipeline, lagPipeline, 0, false)
	if err != nil {
		return nil, err
	}
	cl, err := w.producer(0)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	p, err := start(filepath.Dir(file), nameHefu, string(w.binary), "run", "-c", file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.kill()) }()
	l := &lagging{replayOptions: o, w: w, process: p, dir: filepath.Dir(file)}
	if err := l.fill(ctx, cl); err != nil {
		return nil, err
	}
	if out, err = l.feeding(ctx, cl); err != nil {
		return nil, err
	}
	if err := p.stop(); err != nil {
		return nil, err
	}
	return out, delaysOf(ctx, file, out)
}

// lagging is the pipeline, which runs.
type lagging struct {
	replayOptions
	*process
	w    *proofWorld
	dir  string
	sent int64 // rows
	at   string
}

// fill gives the journal what the replays are of.
func (l *lagging) fill(ctx context.Context, cl *kgo.Client) error {
	var first error // promises are called one after the other, before Flush returns
	for at := int64(0); at < l.backlog; at += chunk {
		l.w.send(ctx, cl, lagPipeline, at, min(chunk, l.backlog-at), func(err error) {
			if err != nil && first == nil {
				first = err
			}
		})
	}
	if err := errors.Join(cl.Flush(ctx), first); err != nil {
		return fmt.Errorf("fill the cities: %w", err)
	}
	l.sent = l.backlog
	return l.caughtUp(ctx)
}

// caughtUp waits until every row that was sent is in the table.
func (l *lagging) caughtUp(ctx context.Context) error {
	return eventually(ctx, legTimeout, func() (bool, error) {
		if err := errors.Join(l.running(), l.w.doris.running()); err != nil {
			return false, err
		}
		rows, err := l.table(ctx)
		return rows >= l.sent, err
	})
}

// table is how many rows the live Doris leg has loaded; none before the API answers.
func (l *lagging) table(ctx context.Context) (int64, error) {
	if l.at == "" {
		address, err := os.ReadFile(filepath.Join(l.dir, "data", status.AddressFile))
		if errors.Is(err, os.ErrNotExist) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		l.at = "http://" + strings.TrimSpace(string(address)) + "/v1/"
	}
	var now status.Report
	if err := getJSON(ctx, l.at+"status", &now); err != nil {
		return 0, err
	}
	for _, p := range now.Pipelines {
		for _, leg := range p.Legs {
			if leg.Leg == string(domain.LegDoris) {
				return leg.Rows, nil
			}
		}
	}
	return 0, nil // the journal is not open yet
}

// feeding measures all windows while rows come, and waits until the last of them is in the
// table.
func (l *lagging) feeding(ctx context.Context, cl *kgo.Client) (out []window, err error) {
	inner, cancel := context.WithCancel(ctx)
	var failed atomic.Value
	var fed int64
	var wg sync.WaitGroup
	wg.Go(func() { fed = l.w.steady(inner, cl, lagPipeline, func(err error) { failed.CompareAndSwap(nil, err) }) })
	out, err = l.windows(ctx)
	cancel()
	wg.Wait()
	if failure, _ := failed.Load().(error); failure != nil {
		err = errors.Join(err, fmt.Errorf("feed the cities: %w", failure))
	}
	if err = errors.Join(err, cl.Flush(ctx)); err != nil {
		return nil, err
	}
	l.sent += fed
	return out, l.caughtUp(ctx)
}

// windows measures them: each round the other way round, so that what grows meanwhile, as the
// journal does, is in both kinds.
func (l *lagging) windows(ctx context.Context) (out []window, err error) {
	for n := range l.rounds {
		for _, with := range []bool{n%2 == 1, n%2 == 0} {
			w, err := l.window(ctx, n, with)
			if err != nil {
				return nil, fmt.Errorf("round %d: %w", n, err)
			}
			out = append(out, *w)
		}
	}
	return out, nil
}

// window measures one: it begins when what was before it has settled.
func (l *lagging) window(ctx context.Context, n int, with bool) (*window, error) {
	r := &window{replay: with}
	var plan *replay.Shown
	if with {
		var err error
		if plan, err = l.plan(ctx, n); err != nil {
			return nil, err
		}
		if plan, err = l.decide(ctx, plan, replay.Approve); err != nil {
			return nil, err
		}
	}
	if err := sleepFor(ctx, l.settle); err != nil {
		return nil, err
	}
	before, err := l.now(ctx, plan)
	if err != nil {
		return nil, err
	}
	r.from = time.Now()
	if err := sleepFor(ctx, l.live); err != nil {
		return nil, err
	}
	r.to = time.Now()
	after, err := l.now(ctx, plan)
	if err != nil {
		return nil, err
	}
	r.carried, r.cpu = after.carried-before.carried, after.cpu-before.cpu
	if with {
		if _, err := l.decide(ctx, plan, replay.Cancel); err != nil {
			return nil, err
		}
	}
	return r, l.running()
}

// now is what hefu, and the replay that runs, did so far.
func (l *lagging) now(ctx context.Context, plan *replay.Shown) (r window, err error) {
	u, err := l.usage()
	if r.cpu = u.cpu; err != nil || plan == nil {
		return r, err
	}
	err = eventually(ctx, startTimeout, func() (bool, error) {
		var is replay.Shown
		if err := getJSON(ctx, l.at+"replays/"+plan.ID.String(), &is); err != nil {
			return false, err
		}
		if is.State != domain.PlanRunning {
			return false, fmt.Errorf("replay %s is %s: %d rows are too few for a window, or it does not work (%v)", is.ID, is.State, l.backlog, is.Moves)
		}
		if is.Progress == nil {
			return false, nil
		}
		r.carried = is.Progress.Rows
		return true, nil
	})
	return r, err
}

// plan plans a replay of everything into a shadow table of its own, at the limits of hefu.yaml.
func (l *lagging) plan(ctx context.Context, n int) (*replay.Shown, error) {
	body, err := l.post(ctx, "replays", &replay.Ask{
		Pipeline: lagPipeline, Who: "bench", Why: "measure the lag",
		Target: domain.PlanTarget{Kind: domain.TargetTable, Name: fmt.Sprintf("%s_shadow%d", lagPipeline, n)},
	})
	if err != nil {
		return nil, err
	}
	for text := range bytes.Lines(body) {
		var line replay.Line
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, err
		}
		if line.Error != "" {
			return nil, fmt.Errorf("plan a replay: %s", line.Error)
		}
		if line.Replay != nil {
			return line.Replay, nil
		}
	}
	return nil, fmt.Errorf("plan a replay: no plan came: %s", body)
}

func (l *lagging) decide(ctx context.Context, plan *replay.Shown, action replay.Action) (*replay.Shown, error) {
	body, err := l.post(ctx, "replays/"+plan.ID.String()+"/"+string(action), &replay.Decision{Who: "bench", Why: "measure the lag", Digest: &plan.Digest})
	if err != nil {
		return nil, err
	}
	var is replay.Shown
	return &is, json.Unmarshal(body, &is)
}

func (l *lagging) post(ctx context.Context, path string, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.at+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("POST %s: %s: %s", path, resp.Status, answer)
	}
	return answer, err
}
