package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/projections/file"
	standindoris "github.com/hefu-io/hefu/services/devstack/doris"
)

// legResult is what the process of a leg measures of itself, from the opened leg on until
// the last row is visible, or in the file.
type legResult struct {
	Took, CPU time.Duration
	Peak      int64 // resident memory at its highest, bytes
	Rows      int64
	Loads     int64  // of Doris
	Bytes     int64  // of JSON, as Doris counted them, or the file has them
	Sum       string // SHA-256 of these bytes, of a file and of null
}

// legTimeout is for all rows.
const legTimeout = 30 * time.Minute

// resultFile is where the leg leaves its result.
const resultFile = "result.json"

// runLeg has a process of its own carry all rows of the journal in a directory, one way, and
// waits for its end. profile is a file for its CPU profile, empty for none.
func runLeg(ctx context.Context, dir, self string, at [3]string, standin *process, by way, profile string, to *legResult) error {
	result := filepath.Join(dir, resultFile)
	if err := os.Remove(result); err != nil && !errors.Is(err, fs.ErrNotExist) { // of the way before
		return err
	}
	p, err := start(dir, "doris-leg", self, "doris-leg", dir, at[0], at[2], string(by), profile)
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
	text, err := os.ReadFile(result)
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

// dorisLeg is the child that carries all rows of a journal: DIR FE SQL WAY PROFILE. It does
// what `hefu run` does for this leg, or for this replay, and nothing else.
func dorisLeg(ctx context.Context, args []string) (err error) {
	if len(args) != 5 {
		return errors.New("needs a directory, two addresses, a way and a file or nothing for a profile")
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
	c := carrying{dir: args[0], way: way(args[3]), j: j, control: control}
	c.conn = dorisconn.Config{FE: []string{"http://" + args[1]}, MySQL: []string{args[2]}, User: "root"}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	opener, err := c.opener()
	if err != nil {
		return err
	}
	leg, err := opener.Open(ctx)
	if err != nil {
		return err
	}
	defer leg.Close()
	end, err := profileSelf(args[4])
	if err != nil {
		return err
	}
	r, err := c.measure(ctx, leg)
	if err := errors.Join(err, end()); err != nil {
		return err
	}
	if err := r.add(ctx, j, c.reporter.Status().Stream); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(args[0], resultFile), text, 0o644)
}

// measure runs the leg until everything is carried: a replay ends by itself, the live leg is
// asked for its cursor.
func (c *carrying) measure(ctx context.Context, leg projections.Leg) (*legResult, error) {
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
			if err == nil && c.way != wayLive {
				return true, nil
			}
			return false, fmt.Errorf("the leg ended: %w", err)
		default:
			return c.way == wayLive && c.reporter.Status().Cursor.Seq >= c.last.Seq, nil
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
	r.CPU, r.Rows = after-before, c.reporter.Status().Rows
	r.Peak, err = peakOf("/proc/self")
	return r, err
}

// add takes over what the events of the leg say.
func (r *legResult) add(ctx context.Context, j *journal.Journal, stream domain.Stream) error {
	return eachEvent(ctx, j, stream, func(e *journal.Entry) error {
		switch ev := e.Event.(type) {
		case *domain.DorisPrepared:
			r.Loads++
			r.Bytes += ev.Bytes
		case *domain.DorisCommitted:
			if sum, n, err := file.Digest(ev); err == nil { // the outcome of a load is none of a file
				r.Sum, r.Bytes = sum.String(), n
			}
		}
		return nil
	})
}

// eachEvent reads a stream up to its present end.
func eachEvent(ctx context.Context, j *journal.Journal, stream domain.Stream, do func(*journal.Entry) error) error {
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
		if err == nil {
			err = do(e)
		}
		if err != nil || e.Seq >= tail.Seq {
			return err
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
