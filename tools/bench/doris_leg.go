package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	standindoris "github.com/hefu-io/hefu/services/devstack/doris"
)

// legResult is what the process of the leg measures of itself, from the opened leg on
// until the last row is visible.
type legResult struct {
	Took, CPU time.Duration
	Peak      int64 // resident memory at its highest, bytes
	Rows      int64
	Loads     int64
	Bytes     int64 // of JSON, as Doris counted them
}

// legTimeout is for all rows.
const legTimeout = 30 * time.Minute

// resultFile is where the leg leaves its result.
const resultFile = "result.json"

// runLeg starts the leg's process on the journal in a directory, and waits for its end.
func runLeg(ctx context.Context, dir, self string, at [3]string, standin *process, to *legResult) error {
	p, err := start(dir, "doris-leg", self, "doris-leg", dir, at[0], at[2])
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }() // it is gone already, unless something else failed
	err = eventually(ctx, legTimeout, func() (bool, error) {
		if err := standin.running(); err != nil {
			return false, err
		}
		select {
		case <-p.exited:
			return true, nil
		default:
			return false, nil
		}
	})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, resultFile))
	if err != nil {
		return errors.Join(err, p.running())
	}
	return json.Unmarshal(text, to)
}

// dorisStandin is the child that is the Doris stand-in: DIR FE BE SQL.
func dorisStandin(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return errors.New("needs a directory and three addresses")
	}
	s, err := standindoris.Open(ctx, standindoris.Config{
		Dir: args[0], FEAddr: args[1], BEAddr: args[2], MySQLAddr: args[3], Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return s.Close() //nolint:contextcheck // the context has ended, and closing takes none
}

// dorisLeg is the child that carries all rows of a journal into Doris: DIR FE SQL. It
// does what `hefu run` does for this leg, and nothing else.
func dorisLeg(ctx context.Context, args []string) (err error) {
	if len(args) != 3 {
		return errors.New("needs a directory and two addresses")
	}
	s, err := embedded.Open(ctx, filepath.Join(args[0], "journal"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	j, control, err := openJournal(ctx, s)
	if err != nil {
		return err
	}
	incarnation, err := started(ctx, control)
	if err != nil {
		return err
	}
	stream := domain.Stream{Pipeline: dorisPipeline, Leg: domain.LegDoris}
	reporter := projections.NewReporter(stream)
	d, err := doris.New(doris.Config{
		Pipeline: dorisPipelineConfig(), Database: dorisDatabase, Table: dorisTable,
		Conn:  dorisconn.Config{FE: []string{"http://" + args[1]}, MySQL: []string{args[2]}, User: "root"},
		Batch: doris.Limits{Age: 200 * time.Millisecond}, // for the last batch, which is not full
	}, j, incarnation, 0, projections.Incidents{Control: control}, reporter, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	leg, err := d.Open(ctx)
	if err != nil {
		return err
	}
	defer leg.Close()
	tail, err := j.Tail(ctx, domain.Stream{Pipeline: dorisPipeline, Leg: domain.LegHub})
	if err != nil {
		return err
	}
	r, err := measureLeg(ctx, leg, reporter, tail.Ref())
	if err != nil {
		return err
	}
	if err := r.add(ctx, j, stream); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(args[0], resultFile), text, 0o644)
}

// measureLeg runs the leg until the table holds everything up to an event of the hub.
func measureLeg(ctx context.Context, leg projections.Leg, reporter *projections.Reporter, to domain.Cursor) (*legResult, error) {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	before, err := cpuOfSelf()
	if err != nil {
		stop()
		return nil, err
	}
	began := time.Now()
	go func() { ended <- leg.Run(ctx) }()
	err = eventually(ctx, legTimeout, func() (bool, error) {
		select {
		case err := <-ended:
			ended <- err
			return false, fmt.Errorf("the leg ended: %w", err)
		default:
			return reporter.Status().Cursor.Seq >= to.Seq, nil
		}
	})
	r := &legResult{Took: time.Since(began)}
	stop()
	if e := <-ended; err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	after, err := cpuOfSelf()
	if err != nil {
		return nil, err
	}
	r.CPU, r.Rows = after-before, reporter.Status().Rows
	r.Peak, err = peakOf("/proc/self")
	return r, err
}

// add counts what the events of the leg say.
func (r *legResult) add(ctx context.Context, j *journal.Journal, stream domain.Stream) error {
	tail, err := j.Tail(ctx, stream)
	if err != nil {
		return err
	}
	in, err := j.ReadFrom(ctx, stream, 1)
	if err != nil {
		return err
	}
	defer in.Close()
	for {
		e, err := in.Next(ctx)
		if err != nil {
			return err
		}
		if p, ok := e.Event.(*domain.DorisPrepared); ok {
			r.Loads++
			r.Bytes += p.Bytes
		}
		if e.Seq >= tail.Seq {
			return nil
		}
	}
}

// cpuOfSelf is the user and system time of this process.
func cpuOfSelf() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
