package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// When a demo kills, each life gets a share of the rows, spread over sharePace, and
// ends somewhere in it: so the kills come while rows flow. Up to killLate more, sooner
// rather than later, makes them meet every step of every leg.
const (
	sharePace = 2 * time.Second
	killLate  = 500 * time.Millisecond
)

// move runs hefu over the feed, with kills, until everything has come through, and
// stops it. It returns how long the rows were on their way.
func (d *demo) move(ctx context.Context, p *demoProgress) (took time.Duration, err error) {
	log, err := os.OpenFile(filepath.Join(d.dir, "run.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	began := time.Now()
	child, err := startRun(d.program, d.dir, log)
	if err != nil {
		return 0, err
	}
	g, ctx := errgroup.WithContext(ctx)
	aside, done := context.WithCancel(ctx)
	g.Go(func() error { return d.stack.Wait(aside) })
	g.Go(func() error { return d.watch.run(aside) })
	g.Go(func() error { return p.run(aside) })
	g.Go(func() error {
		defer done()
		err := d.carry(ctx, &child, log, p)
		// Also after an error, Ctrl-C for one, it gets the time to end well.
		return errors.Join(err, child.stop(context.WithoutCancel(ctx)))
	})
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return d.watch.lastMove().Sub(began), nil
}

// carry feeds, kills, and waits for the end.
func (d *demo) carry(ctx context.Context, child **runChild, log *os.File, p *demoProgress) error {
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return d.feed.run(inner) })
	g.Go(func() error { return d.killAll(inner, child, log, p) })
	if d.trouble != nil {
		g.Go(func() error { return d.trouble.run(inner, p.say) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if d.trouble != nil {
		var err error
		if d.wrong, err = d.trouble.tally(ctx); err != nil {
			return err
		}
		d.trouble.control.close()
	}
	ends, err := d.feed.ends(ctx)
	if err != nil {
		return err
	}
	g, inner = errgroup.WithContext(ctx)
	inner, there := context.WithCancel(inner)
	g.Go(func() error {
		select {
		case <-inner.Done():
			return nil
		case <-(*child).ended:
			return (*child).ownEnd()
		}
	})
	g.Go(func() error {
		defer there()
		return d.watch.caughtUp(inner, ends)
	})
	return g.Wait()
}

// killAll ends the process as often as asked for, each time at a random moment of the
// feed and after another commit of it, and starts it again at once.
func (d *demo) killAll(ctx context.Context, child **runChild, log *os.File, p *demoProgress) error {
	rng := rand.New(rand.NewPCG(d.seed, 1<<32))
	for k := range d.kill {
		// Not quite to the end of a share: the cities' shares are rounded down.
		at := (float64(k) + 0.9*rng.Float64()) / float64(d.kill+1)
		fed := func() bool { return float64(d.feed.sent.Load()) >= at*float64(d.feed.total()) }
		if err := d.await(ctx, *child, func() bool { return fed() && d.watch.life().hub > 0 }); err != nil {
			return err
		}
		late := rng.Float64()
		if err := until(ctx, time.Now().Add(time.Duration(late*late*float64(killLate)))); err != nil {
			return err
		}
		d.watch.look(ctx)
		if err := (*child).kill(); err != nil {
			return fmt.Errorf("kill hefu run: %w", err)
		}
		killed := time.Now()
		p.killed(k+1, d.watch.all())
		d.watch.died()
		next, err := startRun(d.program, d.dir, log)
		if err != nil {
			return err
		}
		*child = next
		close(d.feed.shares[k])
		if err := d.await(ctx, next, func() bool { return d.watch.life().hub > 0 }); err != nil {
			return err
		}
		d.again = append(d.again, time.Since(killed))
	}
	return nil
}

// await waits for something that the process's work, or the feed's, makes true.
func (d *demo) await(ctx context.Context, child *runChild, is func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-child.ended:
			return child.ownEnd()
		case <-tick.C:
			d.watch.look(ctx)
		}
	}
	return nil
}
