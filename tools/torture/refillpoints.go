package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// refillPoint is a crash point of a replay that fills the ends of hub partitions in. nth is how often
// hefu comes to it until then: the live leg, which stands still, has come by once where it opens.
type refillPoint struct {
	first string // the point at which a life before it died, whose transaction is settled; empty: none
	name  string
	nth   int
	anew  bool // the replay is cancelled then, and what is left is another one's
}

// String is the name under which it is printed, and chosen with -only.
func (p refillPoint) String() string {
	text := "refill/" + p.name
	if p.first != "" {
		text = "refill/" + p.first + "/" + p.name
	}
	if p.nth > 1 {
		text += fmt.Sprintf(":%d", p.nth)
	}
	if p.anew {
		text += "/anew"
	}
	return text
}

// lives are what the lives die of, one after the other.
func (p refillPoint) lives() []string {
	last := fmt.Sprintf("%s:%d", p.name, p.nth)
	if p.first != "" {
		return []string{p.first + ":1", last}
	}
	return []string{last}
}

// refillPoints are in the order in which a replay meets them, then those of settling a transaction.
func refillPoints() []refillPoint {
	var all []refillPoint
	add := func(first string, nth int, names ...string) {
		for _, name := range names {
			all = append(all, refillPoint{first: first, name: name, nth: nth})
		}
	}
	add("", 2, "hub.opened.after", "hub.fenced.after")
	add("", 1, "hub.begun.before", "hub.begun.after", "hub.refill.before", "hub.refill.after",
		"hub.mark.before", "hub.mark.added", "hub.mark.after")
	add("", 5, "hub.refill.after", "hub.mark.added", "hub.mark.after")
	add("", 2, "hub.flush.after", "hub.commit.before", "hub.commit.after", "hub.outcome.before", "hub.outcome.after")
	add("hub.mark.added", 1, "hub.outcome.before", "hub.outcome.after")    // a part is there
	add("hub.commit.before", 1, "hub.outcome.before", "hub.outcome.after") // all of it
	for _, name := range []string{"hub.refill.after", "hub.mark.added"} {
		all = append(all, refillPoint{name: name, nth: 2, anew: true})
	}
	return all
}

// refilling hits the points of filling in. Nothing is fed from a loss to the end of its replay.
type refilling struct {
	w     *world
	rng   *rand.Rand
	plan  domain.PlanID // of the loss that is filled in, zero for none yet
	limit int64         // of the next plan, rows a second
}

// refills lets hefu kill itself at each point of filling in what the hub topic lost, and demands
// that the next one brings the replay to its end, and that a reader of the topic finds then what it
// found before the loss, each row at its offset.
func refills(ctx context.Context, w *world, o options, rng *rand.Rand) (*results, error) {
	if w.standIn == nil {
		fmt.Println("SKIPPED: refill: a real Kafka does not lose the end of a partition when it is told to")
		return nil, nil
	}
	// Nobody is to look while rows are lost; and of small transactions many are.
	w.cfg.Pipelines[0].Reconcile.Interval, w.cfg.Pipelines[0].Hub.Batch.Rows = 0, 50
	if err := w.write(w.file, w.cfg); err != nil {
		return nil, err
	}
	f, out := &refilling{w: w, rng: rng}, &results{}
	for _, p := range refillPoints() {
		if !o.wants(p.String()) {
			continue
		}
		began, x := time.Now(), result{name: p.String()}
		var err error
		for n := 0; n < o.hits && err == nil; n++ {
			err = f.hit(ctx, p, &x)
		}
		out.rows = append(out.rows, x)
		fmt.Printf("%-43s hits %d lost %d doubled %d other %d stuck %d, %s %s\n", x.name, x.hits, x.lost, x.doubled, x.other, x.stuck, time.Since(began).Round(100*time.Millisecond), x.note)
		if err != nil {
			return out, err
		}
	}
	x := result{name: "refill/and everything is whole"}
	err := w.catchUp(ctx, &x)
	out.rows = append(out.rows, x)
	return out, err
}
