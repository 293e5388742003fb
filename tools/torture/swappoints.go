package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/replay"
)

// swapPoint is a crash point of an exchange of tables.
type swapPoint struct {
	name      string
	first     string // the point at which a life before it died, whose exchange is settled; empty: none
	exchanged bool   // Doris has done it by then
}

// String is the name under which it is printed, and chosen with -only.
func (p swapPoint) String() string {
	if p.first != "" {
		return "swap/" + p.first + "/" + p.name
	}
	return "swap/" + p.name
}

// swapPoints are in the order in which an exchange meets them, then those of settling one.
func swapPoints() []swapPoint {
	var all []swapPoint
	add := func(first string, exchanged bool, names ...string) {
		for _, name := range names {
			all = append(all, swapPoint{name, first, exchanged})
		}
	}
	add("", false, "replay.planned.before", "replay.planned.after", "replay.decided.after", "replay.moved.after") // what is caught up
	add("", false, "swap.held", "swap.begun.before", "swap.begun.after")
	add("", true, "swap.exchanged", "swap.outcome.before", "swap.outcome.after")
	add("swap.begun.after", false, "swap.moved", "swap.outcome.before", "swap.outcome.after")
	add("swap.exchanged", true, "swap.moved", "swap.outcome.after")
	return all
}

// swapping exchanges the table of one replay with the live one, to and fro, while rows come.
type swapping struct {
	w    *world
	plan domain.PlanID
}

// swaps lets hefu kill itself at each point of an exchange of tables, and demands that the tables
// are exchanged then or not, that hefu says which, that the same command ends what is not, and that
// whichever table is live has every row once. Every other exchange is a way back.
func swaps(ctx context.Context, w *world, o options, _ *rand.Rand) (*results, error) {
	s, out := &swapping{w: w}, &results{}
	if err := s.shadow(ctx); err != nil {
		return out, err
	}
	for _, p := range swapPoints() {
		if !o.wants(p.String()) {
			continue
		}
		began, x := time.Now(), result{name: p.String()}
		for range o.hits {
			if err := s.hit(ctx, p, &x); err != nil {
				return out, err
			}
		}
		if err := w.catchUp(ctx, &x); err != nil {
			return out, err
		}
		if err := s.onControl(ctx); err != nil {
			x.other, x.note = x.other+1, err.Error()
		}
		out.rows = append(out.rows, x)
		fmt.Printf("%-40s hits %d lost %d doubled %d other %d stuck %d, %s %s\n", x.name, x.hits, x.lost, x.doubled, x.other, x.stuck, time.Since(began).Round(100*time.Millisecond), x.note)
	}
	return out, nil
}

// onControl demands that every exchange on control has an outcome, and that they say what Doris says.
func (s *swapping) onControl(ctx context.Context) error {
	store, err := pipeline.OpenStore(ctx, s.w.cfg, silent())
	if err != nil {
		return err
	}
	defer store.Close()
	j, err := store.OpenJournal(ctx, s.w.cfg, s.w.cfg.Pipelines[0].Name, silent())
	if err != nil {
		return err
	}
	control, err := j.OpenControl(ctx)
	if err != nil {
		return err
	}
	is, err := s.inFront(ctx)
	if err != nil {
		return err
	}
	control.State(func(c *domain.ControlState) {
		if open := c.OpenSwap(); open != nil || c.Swapped(s.plan) != is {
			err = fmt.Errorf("on control the replay's table is the live one: %t, and open is %+v; in Doris: %t", c.Swapped(s.plan), open, is)
		}
	})
	return err
}

// shadow makes the table that is exchanged.
func (s *swapping) shadow(ctx context.Context) error {
	c, err := s.w.someRows(ctx)
	if err != nil {
		return err
	}
	defer c.kill()
	r, err := c.plan(ctx, &replay.Ask{
		Pipeline: s.w.cfg.Pipelines[0].Name, Target: domain.PlanTarget{Kind: domain.TargetTable, Name: "swapped"}, Limits: domain.PlanLimits{Rows: 1 << 40}, Who: who, Why: "to be exchanged",
	})
	if err != nil {
		return err
	}
	s.plan = r.ID
	c.approve(ctx, r)
	end, err := c.untilReplay(ctx, r.ID, s.w.o.rounds, isOver)
	if err == nil && end.State != domain.PlanDone {
		err = fmt.Errorf("the replay is %s: %s", lastMove(&end), tail(c.log))
	}
	return err
}
