package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// replayOptions are what a person may choose of `bench replay`.
type replayOptions struct {
	rows    int64
	size    int
	runs    int
	live    time.Duration // of each window; 0 leaves the lag out
	settle  time.Duration // before each window
	rounds  int
	rate    int
	backlog int64
	dir     string
	profile string
	hefu    string
	out     io.Writer
}

// benchReplay measures replays: how fast rows go from the journal into a shadow table and
// into a file, beside the live path into the table of the same stack; and what live rows feel
// of a replay at the default limits.
func benchReplay(ctx context.Context, args []string) int {
	o := replayOptions{settle: 8 * time.Second, out: os.Stdout}
	f := flag.NewFlagSet("bench replay", flag.ContinueOnError)
	f.Int64Var(&o.rows, "rows", 2_000_000, "`rows` that are replayed without limits, 0 for none")
	f.IntVar(&o.size, "size", 200, "`bytes` of a row, as the city sent it")
	f.IntVar(&o.runs, "runs", 5, "`times` that each way is measured; medians are printed")
	f.DurationVar(&o.live, "live", 30*time.Second, "`time` of each window in which lag is measured, 0 for not")
	f.IntVar(&o.rounds, "rounds", 5, "windows with a replay, and as many without")
	f.IntVar(&o.rate, "rate", 5_000, "live `rows` per second meanwhile")
	f.Int64Var(&o.backlog, "backlog", 1_000_000, "`rows` that are in the journal before, for a replay to have enough")
	f.StringVar(&o.profile, "profile", "", "`directory` for CPU profiles of each way without limits")
	f.StringVar(&o.hefu, "hefu", "", "`binary` of hefu (default: built from this module)")
	return work(f, args, &o.dir, func() error { return runReplay(ctx, o) })
}

func runReplay(ctx context.Context, o replayOptions) (err error) {
	report := &replayReport{replayOptions: o}
	if err := report.head(); err != nil {
		return err
	}
	if o.rows > 0 {
		rounds, err := replaySpeed(ctx, o)
		if err != nil {
			return err
		}
		if err := report.speed(rounds); err != nil {
			return err
		}
	}
	if o.live == 0 {
		return nil
	}
	windows, err := replayLag(ctx, o)
	if err != nil {
		return err
	}
	return report.lag(windows)
}

// round is every way once, on the same stack.
type round map[way]*dorisRun

// replaySpeed measures every way in each round, in an order that turns: what the noise of the
// machine, a warm cache or a fuller disk does to one, it does to all.
func replaySpeed(ctx context.Context, o replayOptions) (rounds []round, err error) {
	prepared := filepath.Join(o.dir, "prepared")
	if err := prepareJournal(ctx, prepared, o.rows, o.size); err != nil {
		return nil, fmt.Errorf("prepare a journal of %d rows: %w", o.rows, err)
	}
	for n := range o.runs {
		ways := allWays()
		turn := n % len(ways)
		dir := filepath.Join(o.dir, fmt.Sprintf("run-%d", n))
		r, err := replayRound(ctx, o, prepared, dir, append(ways[turn:], ways[:turn]...), n)
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, r)
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	return rounds, os.RemoveAll(prepared)
}

func replayRound(ctx context.Context, o replayOptions, prepared, dir string, ways []way, n int) (r round, err error) {
	w, err := newDorisWorld(ctx, prepared, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	r = round{}
	for _, by := range ways {
		profile := ""
		if o.profile != "" {
			profile = filepath.Join(o.profile, fmt.Sprintf("%s-%d.pprof", string(by), n))
		}
		if r[by], err = w.run(ctx, by, profile); err != nil {
			return nil, fmt.Errorf("%s: %w", by, err)
		}
	}
	for _, table := range []string{dorisTable, shadowTable} {
		if err := holds(ctx, w.cluster, table, o.rows); err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
	}
	return r, r.same(o.rows)
}

// same demands that every way carried the same rows, to the byte: fewer must not pass for
// speed.
func (r round) same(rows int64) error {
	want := r[wayLive].leg.Bytes
	for _, by := range allWays() {
		leg := &r[by].leg
		if leg.Rows != rows || leg.Bytes != want {
			return fmt.Errorf("%s carried %d rows of %d bytes, %d of %d were to be", by, leg.Rows, leg.Bytes, rows, want)
		}
	}
	if r[wayFile].leg.Sum != r[wayNull].leg.Sum {
		return fmt.Errorf("the lines of the file have SHA-256 %s, those of null %s", r[wayFile].leg.Sum, r[wayNull].leg.Sum)
	}
	return nil
}
