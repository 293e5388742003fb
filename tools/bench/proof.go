package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"time"
)

// proofOptions are what a person may choose of `bench proof`.
type proofOptions struct {
	rows   int64
	cities int
	live   time.Duration
	settle time.Duration // before it
	rate   int
	dir    string
	hefu   string
	out    io.Writer
}

// benchProof measures what proving costs: the hash chain and the row digests, a journal and a
// report that are verified, cities, hub and table that are reconciled, and the service that
// does so all the time.
func benchProof(ctx context.Context, args []string) int {
	o := proofOptions{settle: 30 * time.Second, out: os.Stdout}
	f := flag.NewFlagSet("bench proof", flag.ContinueOnError)
	f.Int64Var(&o.rows, "rows", 10_000_000, "`rows` of 200 B that are reconciled, 0 for none")
	f.IntVar(&o.cities, "cities", 13, "`cities`, each a topic of two partitions")
	f.DurationVar(&o.live, "live", 2*time.Minute, "`time` that the service is measured beside a pipeline, 0 for not")
	f.IntVar(&o.rate, "rate", 10_000, "`rows` per second meanwhile")
	f.StringVar(&o.hefu, "hefu", "", "`binary` of hefu (default: built from this module)")
	return work(f, args, &o.dir, func() error { return runProof(ctx, o) })
}

func runProof(ctx context.Context, o proofOptions) (err error) {
	report := &proofReport{proofOptions: o}
	if err := report.head(); err != nil {
		return err
	}
	costs, err := rowCosts(ctx, o.dir)
	if err != nil {
		return err
	}
	if err := report.costs(costs); err != nil {
		return err
	}
	if o.rows == 0 && o.live == 0 {
		return nil
	}
	w, err := newProofWorld(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if o.rows > 0 {
		if err := measureProof(ctx, w, report); err != nil {
			return err
		}
	}
	for _, interval := range liveIntervals() {
		if o.live == 0 {
			break
		}
		shares, err := w.beside(ctx, []time.Duration{0, interval})
		if err != nil {
			return err
		}
		if err := report.service(shares); err != nil {
			return err
		}
	}
	return nil
}

// measureProof fills cities, hub and table, verifies the journal, reconciles, and verifies
// the report.
func measureProof(ctx context.Context, w *proofWorld, report *proofReport) error {
	if err := w.fill(ctx); err != nil {
		return err
	}
	for _, deep := range []bool{false, true} {
		a, err := w.audit(ctx, deep)
		if err != nil {
			return err
		}
		if err := report.audited(a); err != nil {
			return err
		}
	}
	r, err := w.reconcile(ctx)
	if err != nil {
		return err
	}
	if err := report.reconciled(r); err != nil {
		return err
	}
	for _, times := range []int{1, 20} {
		v, err := w.verify(r.file, times)
		if err != nil {
			return err
		}
		if err := report.verified(v); err != nil {
			return err
		}
	}
	return nil
}
