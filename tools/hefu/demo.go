package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/devstack/stack"
)

// demoOptions are what a person may choose.
type demoOptions struct {
	rows, cities, kill int
	from, dir          string
	keep, faults       bool
	seed               uint64
	patience           time.Duration
	output             string
	report             string // file for the signed report; empty: none
}

func newDemo() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Move the rows of thirteen cities, be killed on the way, and compare city, hub and Doris",
		Long: `Demo starts stand-ins for Kafka and Doris, feeds the topics of some cities while
` + "`hefu run`" + ` moves their rows, part of them in transactions that are aborted and must never
arrive; kills it with SIGKILL as often as --kill says, at moments drawn from --seed,
each after at least one more commit; with --faults lets Doris drop its answers, refuse
loads, reset connections, lose back ends and change its master meanwhile; waits until everything has come through; and then
reads city, hub and Doris with other code than the movers and compares them by all
lineage columns.

Exit code 0 when nothing is lost, doubled, altered or strayed, 1 when something is,
2 when it could not be found out.`,
		Example: "  hefu demo\n  hefu demo --kill 5 --rows 1000000\n  hefu demo --kill 10 --faults\n  hefu demo --from ../shared/data/loghub --keep",
		Args:    cobra.NoArgs,
	}
	f := c.Flags()
	f.IntVar(&o.rows, "rows", 200_000, "rows to move, over all cities")
	f.IntVar(&o.cities, "cities", len(cityCodes), fmt.Sprintf("cities, 1 to %d", len(cityCodes)))
	f.StringVar(&o.from, "from", "", "send real files instead: one file is one city, one line one record")
	f.IntVar(&o.kill, "kill", 0, "how often to kill hefu run")
	f.BoolVar(&o.faults, "faults", false, "let one thing after the other go wrong at Doris")
	f.StringVar(&o.dir, "dir", "", "where everything lies, and stays (default a temporary directory, removed in the end)")
	f.BoolVar(&o.keep, "keep", false, "keep the directory")
	f.StringVar(&o.report, "report", "", "write the signed report to this file: hefu verify checks it, hefu report html shows it")
	f.Uint64Var(&o.seed, "seed", 0, "of the rows, the transactions, the kills and the faults (default a new one)")
	f.DurationVar(&o.patience, "patience", time.Minute, "give up when nothing has moved for so long")
	output := outputFlag(c)
	c.MarkFlagsMutuallyExclusive("from", "rows")
	c.MarkFlagsMutuallyExclusive("from", "cities")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		o.output = *output
		d, err := prepareDemo(o)
		if err != nil {
			return err
		}
		return d.run(cmd.Context(), cmd)
	}
	return c
}

// demo is one demo under way.
type demo struct {
	demoOptions
	program string
	names   []string // of the files that are sent
	stack   *stack.Stack
	feed    *feeder
	watch   *watch
	again   []time.Duration // from each kill to the first row that the next life carried
	trouble *trouble        // nil: Doris is healthy
	wrong   map[string]int  // what went wrong at Doris, how often
}

// prepareDemo checks what was asked for and makes the directory.
func prepareDemo(o demoOptions) (*demo, error) {
	switch {
	case o.cities < 1 || o.cities > len(cityCodes):
		return nil, fmt.Errorf("--cities %d: 1 to %d", o.cities, len(cityCodes))
	case o.rows < o.cities:
		return nil, fmt.Errorf("--rows %d: at least one for each of %d cities", o.rows, o.cities)
	case o.kill < 0:
		return nil, fmt.Errorf("--kill %d: 0 or more", o.kill)
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000) + 1
	}
	d := &demo{demoOptions: o}
	var err error
	if d.program, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find the program that runs: %w", err)
	}
	all := made(o.cities, o.rows, o.seed)
	if o.from != "" {
		if d.names, all, err = readFiles(o.from); err != nil {
			return nil, err
		}
	}
	d.feed = &feeder{sources: citySources(len(all)), records: all, seed: o.seed}
	if o.kill > 0 {
		d.feed.pace = sharePace
	}
	if o.faults {
		d.feed.pace = max(d.feed.pace, faultsFeed(d.feed.total())/time.Duration(o.kill+1))
	}
	for range o.kill {
		d.feed.shares = append(d.feed.shares, make(chan struct{}))
	}
	if o.dir == "" {
		d.dir, err = os.MkdirTemp("", "hefu-demo-")
		return d, err
	}
	d.keep = true
	if d.dir, err = filepath.Abs(o.dir); err != nil {
		return nil, err
	}
	if stack.Exists(d.dir) {
		return nil, fmt.Errorf("%s holds a stack already: start it with hefu devstack --dir, or take another directory", d.dir)
	}
	return d, os.MkdirAll(d.dir, 0o750)
}

// run does all of it and prints the result. The directory goes when nobody wants it and
// nothing is left to look into.
func (d *demo) run(ctx context.Context, cmd *cobra.Command) (err error) {
	out, progress := cmd.OutOrStdout(), cmd.ErrOrStderr()
	fmt.Fprintf(progress, "demo in %s, seed %d\n", d.dir, d.seed)
	var o stack.Options
	if d.faults {
		o = stack.Options{FrontEnds: faultsFrontEnds, BackEnds: faultsBackEnds, Control: "127.0.0.1:0"}
	}
	if d.stack, err = stack.Start(ctx, d.program, d.dir, d.feed.sources, o); err != nil {
		return fmt.Errorf("%w\neverything is kept in %s", err, d.dir)
	}
	d.feed.brokers = d.stack.Addresses().Cities
	d.watch = &watch{config: d.stack.ConfigFile(), feed: d.feed, patience: d.patience}
	if d.faults {
		d.trouble = newTrouble(d)
	}
	result, err := d.result(ctx, newDemoProgress(progress, d))
	err = errors.Join(err, d.stack.Close())
	if ctx.Err() != nil && !d.keep {
		return errors.Join(errors.New("interrupted"), os.RemoveAll(d.dir))
	}
	if err != nil {
		return fmt.Errorf("%w\neverything is kept in %s, the log of hefu run in run.log there:\n%s", err, d.dir, tail(filepath.Join(d.dir, "run.log")))
	}
	if d.output == "json" {
		err = writeJSON(out, result)
	} else {
		result.print(out)
	}
	if d.keep {
		d.printNext(out)
	} else {
		err = errors.Join(err, os.RemoveAll(d.dir))
	}
	if err == nil && result.Verdict != domain.Verified {
		return errNotGood
	}
	return err
}

// result moves the rows, stops the pipeline, and compares.
func (d *demo) result(ctx context.Context, p *demoProgress) (*demoResult, error) {
	took, err := d.move(ctx, p)
	if err != nil {
		return nil, err
	}
	p.say("stopped hefu run; comparing city, hub and Doris")
	step, done := steps(p.out)
	proved, err := proveAll(ctx, d.stack.ConfigFile(), nil, &asking{deep: true, sample: -1, keep: true}, step)
	done()
	if err != nil {
		return nil, err
	}
	if d.report != "" {
		if err := os.WriteFile(d.report, proved[0].file, 0o600); err != nil {
			return nil, fmt.Errorf("write the report: %w", err)
		}
	}
	return d.conclude(&proved[0], took), nil
}

// printNext says how to look further into a kept demo.
func (d *demo) printNext(out interface{ Write([]byte) (int, error) }) {
	fmt.Fprintf(out, `kept in %[1]s; to look further:
  hefu devstack --dir %[1]s          # starts its Kafka and Doris again; leave it running, then
  hefu reconcile -c %[1]s/hefu.yaml  # compares again
  hefu run -c %[1]s/hefu.yaml        # goes on where it stopped
  hefu journal ls -c %[1]s/hefu.yaml # needs none of them
`, d.dir)
}
