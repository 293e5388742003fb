package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hefu-io/hefu/services/status"
)

// zombies stops an owner at a random moment (SIGSTOP), lets a second one take over and
// work, and lets the first go on: it must end with exit code 3, and nothing may be
// doubled. The journal is an external NATS.
func zombies(ctx context.Context, w *world, o options, r *rand.Rand) (*results, error) {
	x := result{name: "zombie owner"}
	exits := map[int]int{}
	first, err := w.owner(ctx, 0)
	if err != nil {
		return nil, err
	}
	for i := range o.n {
		if err := first.until(ctx, o.rounds, func(s status.Report) bool { return tableRows(s) > 0 }); err != nil {
			x.stuck, x.note = x.stuck+1, err.Error()
			break
		}
		if err := pause(ctx, between(r, time.Millisecond, 400*time.Millisecond)); err != nil {
			return nil, err
		}
		first.signal(syscall.SIGSTOP)
		second, err := w.owner(ctx, i+1)
		if err != nil {
			return nil, err
		}
		// It works: rows of its own are in the table.
		if err := second.until(ctx, o.rounds, func(s status.Report) bool { return tableRows(s) > 0 }); err != nil {
			x.stuck, x.note = x.stuck+1, err.Error()
			first.kill()
			break
		}
		first.signal(syscall.SIGCONT)
		if !first.wait(ctx, time.Minute) {
			x.stuck, x.note = x.stuck+1, "the first owner did not end: "+tail(first.log)
			first.kill()
		} else if exits[first.exitCode()]++; first.exitCode() != 3 {
			x.other++
			x.note = fmt.Sprintf("the first owner ended with %d: %s", first.exitCode(), tail(first.log))
		}
		x.hits++
		fmt.Printf("zombie %d: exit code %d\n", x.hits, first.exitCode())
		first = second
	}
	first.kill()
	other := x.other
	err = w.catchUp(ctx, &x)
	x.other += other
	if x.note == "" {
		x.note = fmt.Sprintf("exit codes %v", exits)
	}
	return &results{rows: []result{x}}, err
}

// owner starts a process with a data directory of its own on the common journal.
func (w *world) owner(ctx context.Context, i int) (*child, error) {
	c := *w.cfg
	c.DataDir = filepath.Join(w.dir, fmt.Sprintf("owner-%d", i))
	c.Instance = fmt.Sprintf("owner-%d", i)
	file := filepath.Join(w.dir, fmt.Sprintf("owner-%d.yaml", i))
	if err := w.write(file, &c); err != nil {
		return nil, err
	}
	return w.start(ctx, file, c.DataDir, "")
}
