package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// proofPipeline is the pipeline that is reconciled, and its feed.
const proofPipeline = "proof"

// fill has a bounded pipeline carry all rows into hub and table, unless a run before has.
func (w *proofWorld) fill(ctx context.Context) error {
	done := filepath.Join(w.dir, proofPipeline, fmt.Sprintf("%d-rows-of-%d-cities", w.rows, w.cities))
	if _, err := os.Stat(done); err == nil {
		_, err := w.config(proofPipeline, proofPipeline, 0, true)
		return errors.Join(err, w.answers(ctx))
	}
	began := time.Now()
	if err := w.makeCities(ctx, proofPipeline); err != nil {
		return err
	}
	if err := w.makePlace(ctx, proofPipeline); err != nil {
		return err
	}
	cl, err := w.producer(20 * time.Millisecond)
	if err != nil {
		return err
	}
	defer cl.Close()
	var first error // promises are called one after the other, before Flush returns
	for at := int64(0); at < w.rows; at += chunk {
		w.send(ctx, cl, proofPipeline, at, min(chunk, w.rows-at), func(err error) {
			if err != nil && first == nil {
				first = err
			}
		})
	}
	if err := errors.Join(cl.Flush(ctx), first); err != nil {
		return fmt.Errorf("fill the cities: %w", err)
	}
	fmt.Fprintf(os.Stderr, "%d rows are in the cities after %s\n", w.rows, time.Since(began).Round(time.Second))
	file, err := w.config(proofPipeline, proofPipeline, 0, true)
	if err != nil {
		return err
	}
	p, err := start(filepath.Dir(file), nameHefu, string(w.binary), "run", "-c", file)
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }() // it is gone already, unless something else failed
	if err := w.ended(ctx, p); err != nil {
		return fmt.Errorf("carry %d rows: %w", w.rows, err)
	}
	fmt.Fprintf(os.Stderr, "and in hub and table after %s\n", time.Since(began).Round(time.Second))
	return os.WriteFile(done, nil, 0o644)
}

// answers waits until Doris has found what it holds.
func (w *proofWorld) answers(ctx context.Context) error {
	return eventually(ctx, startTimeout, func() (bool, error) {
		err := w.cluster.Ask(ctx, func(c *sql.Conn) error { return c.PingContext(ctx) })
		return err == nil, w.doris.running()
	})
}

// ended waits for a process to end with exit code 0, while the stand-ins run.
func (w *proofWorld) ended(ctx context.Context, p *process) error {
	err := eventually(ctx, legTimeout, func() (bool, error) {
		select {
		case <-p.exited:
			return true, nil
		default:
			return false, w.doris.running()
		}
	})
	if err == nil && !p.cmd.ProcessState.Success() {
		err = p.running()
	}
	return err
}
