package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/checkpoint"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/status"
)

// results is the table: a row for each round.
type results struct {
	rows []result
}

type result struct {
	name          string
	hits          int
	lost, doubled int64
	other         int64
	stuck         int
	note          string
}

func (r *results) good() bool {
	for _, x := range r.rows {
		if x.lost+x.doubled+x.other > 0 || x.stuck > 0 {
			return false
		}
	}
	return len(r.rows) > 0
}

func (r *results) print(w io.Writer) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"point", "hits", "lost", "doubled", "other findings", "stuck", "note"})
	for _, x := range r.rows {
		t.AppendRow(table.Row{x.name, x.hits, x.lost, x.doubled, x.other, x.stuck, x.note})
	}
	t.Render()
}

// settled reports whether everything that is fed is in the table: no lag, no open
// intent, and every leg at its input's end for as long as the feeder pauses.
func (w *world) settled(r status.Report) bool {
	if len(r.Pipelines) == 0 || len(r.Pipelines[0].Legs) < 3 {
		return false
	}
	for _, s := range r.Pipelines[0].Sources {
		if s.State != "running" || len(s.Partitions) < 2 {
			return false
		}
		for _, p := range s.Partitions {
			if p.Lag != 0 {
				return false
			}
		}
	}
	for _, l := range r.Pipelines[0].Legs {
		if l.State != "running" || l.Open != 0 {
			return false
		}
	}
	return true
}

// catchUp pauses the feeder, runs hefu until the books say that every row is in the
// table, and compares. It fills in the findings of a round.
func (w *world) catchUp(ctx context.Context, x *result) error {
	w.feeder.pausing.Lock()
	defer w.feeder.pausing.Unlock()
	deadline := time.Now().Add(w.o.rounds)
	for {
		c, err := w.start(ctx, w.file, w.cfg.DataDir, "")
		if err != nil {
			return err
		}
		err = c.until(ctx, time.Until(deadline), w.caughtUp(ctx))
		c.signal(syscall.SIGTERM)
		if !c.wait(ctx, 30*time.Second) {
			c.kill()
		}
		if err != nil {
			x.stuck++
			x.note = err.Error()
			return nil
		}
		books, err := w.books(ctx)
		if err != nil {
			return err
		}
		if (behind(books) || !w.arrived(ctx)) && time.Now().Before(deadline) {
			continue
		}
		return errors.Join(w.compare(ctx, books, x), w.compareParts(ctx, x))
	}
}

// steady demands that a condition holds n times in a row.
func steady(holds func(status.Report) bool, n int) func(status.Report) bool {
	seen := 0
	return func(r status.Report) bool {
		if !holds(r) {
			seen = 0
			return false
		}
		seen++
		return seen >= n
	}
}

func behind(b *pipeline.Books) bool {
	for _, a := range b.Accounts {
		if a.Rows != a.Hub+a.HubExcluded || a.Hub != a.Doris+a.DorisExcluded {
			return true
		}
	}
	return false
}

func (w *world) books(ctx context.Context) (*pipeline.Books, error) {
	store, err := pipeline.OpenStore(ctx, w.cfg, silent())
	if err != nil {
		return nil, err
	}
	defer store.Close()
	j, err := store.OpenJournal(ctx, w.cfg, "torture", silent())
	if err != nil {
		return nil, err
	}
	return pipeline.ReadBooks(ctx, j)
}

func (w *world) compare(ctx context.Context, books *pipeline.Books, x *result) error {
	r, err := w.prove(ctx)
	if err != nil {
		return err
	}
	for i := range r.Findings {
		switch r.Findings[i].Class {
		case domain.Lost:
			x.lost++
		case domain.Doubled:
			x.doubled++
		default:
			x.other++
		}
	}
	x.other += r.More + int64(len(books.Findings))
	if r.Verdict != domain.Verified {
		x.note = fmt.Sprint(r.Why, books.Findings)
		if len(r.Findings) > 0 {
			x.note += fmt.Sprintf(" first: %+v", r.Findings[0])
		}
	}
	for i := range r.Sources {
		if s := &r.Sources[i]; s.Pending+s.PendingDoris > 0 {
			x.stuck++
			x.note = fmt.Sprintf("%d rows of %s did not arrive", s.Pending+s.PendingDoris, s.Source)
		}
	}
	return nil
}

// prove compares everything, down to every row of the cities.
func (w *world) prove(ctx context.Context) (*report.Report, error) {
	store, err := pipeline.OpenStore(ctx, w.cfg, silent())
	if err != nil {
		return nil, err
	}
	defer store.Close()
	j, err := store.OpenJournal(ctx, w.cfg, "torture", silent())
	if err != nil {
		return nil, err
	}
	signing, err := checkpoint.OpenStill(ctx, j, w.cfg.DataDir, w.cfg.KeyFile())
	if err != nil {
		return nil, err
	}
	defer signing.Close()
	p := reconcile.New(&w.cfg.Pipelines[0], j, reconcile.Scope{Deep: true}, nil)
	defer p.Close()
	r, _, err := reconcile.Prove(ctx, p, signing, reconcile.MakerOf(w.cfg, "torture"))
	return r, err
}

func between(r *rand.Rand, lo, hi time.Duration) time.Duration {
	return lo + time.Duration(r.Int64N(int64(hi-lo)))
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
