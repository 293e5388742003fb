package explain

import (
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// exchange is one of the live table with another one, once its outcome is known.
type exchange struct {
	*journal.Entry // of the outcome
	begun, ended   *domain.TableSwap
}

// swap takes in a step of an exchange.
func (c *control) swap(e *journal.Entry, ev *domain.TableSwap) {
	if ev.Step == domain.SwapBegun {
		c.swapping = ev
		return
	}
	if c.swapping != nil {
		c.exchanges = append(c.exchanges, &exchange{e, c.swapping, ev})
	}
	c.swapping = nil
}

// nameNow is how a table is called now that had a name at a time: exchanges gave it others. No load is
// under way while one is.
func (c *control) nameNow(table string, at domain.Micros) string {
	for _, x := range c.exchanges {
		done := x.ended.Step == domain.SwapDone
		switch {
		case x.At < at:
		case table == x.begun.Live && done:
			table = x.ended.Shadow
		case table == x.begun.Live:
		case table == x.begun.Shadow || table == x.ended.Shadow:
			if table = x.ended.Shadow; done {
				table = x.begun.Live
			}
		}
	}
	return table
}

// load is one that has a row, and is visible.
type load struct {
	begun, commit *journal.Entry
	by            *replayed // nil: the pipeline itself
}

func (l *load) table() string {
	ev, _ := l.begun.Event.(*domain.DorisBegun)
	if ev == nil {
		return ""
	}
	return ev.Table
}

// inTable says by which load the live table has a row, of all that carried it: the last one that went
// into what is the live table now. The exchanges since the first of them are part of its life.
func (a *asking) inTable(t *telling, out *Answer, loads []load) {
	if len(loads) == 0 {
		return
	}
	a.control.exchanged(t, loads[0].begun)
	now := func(l *load) string { return a.control.nameNow(l.table(), l.begun.At) }
	for i := range slices.Backward(loads) {
		l := &loads[i]
		if now(l) != a.c.Table {
			continue
		}
		out.Doris = a.loaded(l.begun, l.commit)
		out.Doris.Table = a.c.Table
		if l.by != nil {
			left := ""
			if !out.Found {
				left = "; the load before that left it out"
			}
			out.Found, out.State = true, fmt.Sprintf("%s, by replay %s%s", inBoth, l.by.Planned.ID, left)
		}
		return
	}
	if own := &loads[0]; own.by == nil {
		out.Doris.Table = now(own)
		out.State = fmt.Sprintf("in the hub; in Doris in table %s, which was %s when it was loaded, and by no load in the one of that name now", out.Doris.Table, own.table())
	}
}

// exchanged tells the exchanges since a load.
func (c *control) exchanged(t *telling, since *journal.Entry) {
	for _, x := range c.exchanges {
		if x.ended.Step == domain.SwapDone && x.At >= since.At {
			t.note(x.Entry, fmt.Sprintf("tables %s and %s of replay %s are exchanged by %s: %s", x.ended.Live, x.ended.Shadow, x.ended.Plan, x.begun.Who, oneLine(x.begun.Why)))
		}
	}
}

// ofLoad is a load whose table is called as it is now.
func (a *asking) ofLoad(t *telling, begun, commit *journal.Entry) *Loaded {
	out := a.loaded(begun, commit)
	if out != nil {
		a.control.exchanged(t, begun)
		out.Table = a.control.nameNow(out.Table, begun.At)
	}
	return out
}

// inBoth is the state of a row that arrived.
const inBoth = "in the hub and in Doris"
