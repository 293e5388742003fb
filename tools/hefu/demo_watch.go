package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/status"
)

// counts is how many rows have come how far.
type counts struct{ journaled, hub, doris int64 }

func (c counts) plus(d counts) counts {
	return counts{c.journaled + d.journaled, c.hub + d.hub, c.doris + d.doris}
}

// watch follows the running hefu by its status API, over all its lives. A process counts
// from its beginning; what one of them did in the moment between the last look and its
// death is missing here, and only here: what counts in the end are the books.
type watch struct {
	config   string
	feed     *feeder
	patience time.Duration // how long nothing may move

	mu     sync.Mutex
	before counts // of lives that ended
	now    counts
	report *status.Report
	sent   int64
	moved  time.Time // when something was last seen moving
	final  *counts   // what the books say in the end
}

// look asks for the status once. A process that does not listen yet changes nothing.
func (w *watch) look(ctx context.Context) {
	var r status.Report
	cl, _, err := dial(w.config)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		err = cl.call(ctx, http.MethodGet, "/v1/status", nil, &r)
		cancel()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	was, sent := w.now, w.sent
	if w.sent = w.feed.sent.Load(); err == nil {
		w.report, w.now = &r, count(&r)
	}
	if w.now != was || w.sent != sent || w.moved.IsZero() {
		w.moved = time.Now()
	}
}

func count(r *status.Report) (c counts) {
	for _, p := range r.Pipelines {
		for _, l := range p.Legs {
			switch l.Leg {
			case "ingest":
				c.journaled += l.Rows
			case "hub":
				c.hub += l.Rows
			case "doris":
				c.doris += l.Rows
			}
		}
	}
	return c
}

// died closes the account of a life.
func (w *watch) died() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before, w.now, w.report, w.moved = w.before.plus(w.now), counts{}, nil, time.Now()
}

// life is what the present process has done.
func (w *watch) life() counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// all is what all of them have done.
func (w *watch) all() counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sum()
}

// sum adds up the lives. What is in Doris is in the hub, and what is there is journaled,
// whether it was seen or not.
func (w *watch) sum() counts {
	if w.final != nil {
		return *w.final
	}
	c := w.before.plus(w.now)
	c.hub = max(c.hub, c.doris)
	c.journaled = max(c.journaled, c.hub)
	return c
}

// lastMove is when something was last seen moving.
func (w *watch) lastMove() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moved
}

// run looks until the context ends, and returns an error when nothing moves any more.
func (w *watch) run(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		w.look(ctx)
		w.mu.Lock()
		still := time.Since(w.moved)
		w.mu.Unlock()
		if still > w.patience {
			return w.stalled()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// stalled names the stage that stands still, and what the process says of itself.
func (w *watch) stalled() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, total := w.sum(), w.feed.total()
	stage := "the last look at the books"
	switch {
	case w.report == nil:
		stage = "hefu run, which does not answer"
	case w.sent < total:
		stage = fmt.Sprintf("the feed, at %d of %d rows", w.sent, total)
	case c.journaled < total:
		stage = fmt.Sprintf("ingest, at %d of %d rows", c.journaled, total)
	case c.hub < total:
		stage = fmt.Sprintf("hub, at %d of %d rows", c.hub, total)
	case c.doris < total:
		stage = fmt.Sprintf("Doris, at %d of %d rows", c.doris, total)
	}
	var text strings.Builder
	if w.report != nil {
		printStatus(&text, w.report, nil)
	}
	return fmt.Errorf("nothing has moved for %s; it stands at %s\n%s", w.patience, stage, text.String())
}

// caughtUp waits until the books of the running process say that everything up to
// ends is journaled, in the hub and in Doris. It asks for them only when nothing moves:
// they are made by reading the whole journal.
func (w *watch) caughtUp(ctx context.Context, ends map[string]map[int32]int64) error {
	var last, asked counts
	var at time.Time // when they were asked for
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		w.look(ctx)
		now := w.life()
		if now == last && (now != asked || time.Since(at) > 2*time.Second) {
			b, err := fetchBooks(ctx, w.config)
			if err == nil && len(b) == 1 && complete(b[0], ends) {
				w.look(ctx) // what moved after the last look
				w.finish(b[0])
				return nil
			}
			asked, at = now, time.Now()
		}
		last = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// fetchBooks has the running hefu read its journals.
func fetchBooks(ctx context.Context, file string) ([]*pipeline.Books, error) {
	cl, _, err := dial(file)
	if err != nil {
		return nil, err
	}
	var out []*pipeline.Books
	return out, cl.call(ctx, http.MethodGet, "/v1/books", nil, &out)
}

// finish takes the counts of the books.
func (w *watch) finish(b *pipeline.Books) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.final = &counts{}
	for _, a := range b.Accounts {
		*w.final = w.final.plus(counts{a.Rows, a.Hub, a.Doris})
	}
}

// complete reports whether the accounts reach the ends and every row of them has come
// through.
func complete(b *pipeline.Books, ends map[string]map[int32]int64) bool {
	reached := 0
	for _, a := range b.Accounts {
		if a.Rows != a.Hub+a.HubExcluded || a.Hub != a.Doris+a.DorisExcluded {
			return false
		}
		if end, ok := ends[string(a.Source)][a.Partition]; ok && a.Next >= end {
			reached++
		}
	}
	want := 0
	for _, parts := range ends {
		want += len(parts)
	}
	return reached == want
}
