package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"
)

// demoProgress shows how far the rows are: a live line for each stage on a terminal,
// else a line every few seconds.
type demoProgress struct {
	out   io.Writer
	watch *watch
	total int64
	live  bool
	bars  progress.Writer
}

func newDemoProgress(out io.Writer, d *demo) *demoProgress {
	p := &demoProgress{out: out, watch: d.watch, total: d.feed.total(), live: isTerminal(out)}
	if p.live {
		p.bars = progress.NewWriter()
		p.bars.SetOutputWriter(out)
		p.bars.SetAutoStop(false)
		p.bars.SetMessageLength(10)
		p.bars.SetTrackerLength(40)
		p.bars.SetTrackerPosition(progress.PositionRight)
		p.bars.SetUpdateFrequency(100 * time.Millisecond)
		p.bars.Style().Options.Separator = " "
	}
	return p
}

// steps shows what a compare is doing to whoever watches a terminal, in one line that
// done takes away.
func steps(w io.Writer) (step func(string), done func()) {
	if !isTerminal(w) {
		return func(string) {}, func() {}
	}
	const again = "\r\x1b[K" // to the beginning of the line, and empty it
	return func(what string) { fmt.Fprint(w, again+what) }, func() { fmt.Fprint(w, again) }
}

func isTerminal(w io.Writer) bool {
	f, file := w.(*os.File)
	return file && term.IsTerminal(int(f.Fd()))
}

// run shows the progress until the context ends.
func (p *demoProgress) run(ctx context.Context) error {
	if !p.live {
		return p.plain(ctx)
	}
	var bars [4]*progress.Tracker
	for i, name := range []string{"fed", "journaled", "in hub", "in Doris"} {
		bars[i] = &progress.Tracker{Message: name, Total: p.total, Units: progress.Units{Formatter: humanize.Comma}}
		p.bars.AppendTracker(bars[i])
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		p.bars.Render()
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			for i, n := range p.stages() {
				bars[i].SetValue(n)
				bars[i].MarkAsDone()
			}
		case <-tick.C:
			for i, n := range p.stages() {
				bars[i].SetValue(min(n, p.total-1)) // only the end ends a line
			}
		}
	}
	p.bars.Stop()
	<-shown
	return nil
}

func (p *demoProgress) stages() [4]int64 {
	c := p.watch.all()
	return [4]int64{p.watch.feed.sent.Load(), c.journaled, c.hub, c.doris}
}

func (p *demoProgress) plain(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		s := p.stages()
		p.say(fmt.Sprintf("fed %s  journaled %s  in hub %s  in Doris %s  of %s",
			humanize.Comma(s[0]), humanize.Comma(s[1]), humanize.Comma(s[2]), humanize.Comma(s[3]), humanize.Comma(p.total)))
		if ctx.Err() != nil {
			return nil
		}
	}
}

// killed says that a life has ended, and where.
func (p *demoProgress) killed(k int, at counts) {
	p.say(fmt.Sprintf("kill %d: SIGKILL at %s rows journaled, %s in the hub, %s in Doris",
		k, humanize.Comma(at.journaled), humanize.Comma(at.hub), humanize.Comma(at.doris)))
}

// say writes a line, above the live ones.
func (p *demoProgress) say(line string) {
	if p.live && p.bars.IsRenderInProgress() {
		p.bars.Log("%s", line)
		return
	}
	fmt.Fprintln(p.out, line)
}
