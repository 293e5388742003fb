package doris

import "context"

// holding keeps loads away from a table whose name is about to be another table's: a load that
// began before goes on into the table that it began with, whatever that is called by then.
type holding struct {
	holds   int           // who holds the table; loads begin while it is 0
	loading int           // loads that may be under way, from before their intent to their outcome
	moved   chan struct{} // closed when either number falls; nil: nobody waits
}

// change is closed when somebody leaves or lets go.
func (h *holding) change() <-chan struct{} {
	if h.moved == nil {
		h.moved = make(chan struct{})
	}
	return h.moved
}

func (h *holding) wake() {
	if h.moved != nil {
		close(h.moved)
		h.moved = nil
	}
}

// Hold keeps loads of the table from beginning, of live legs and of replays into it, and returns
// when none is under way in this process any more. What one of them left open in its stream is
// settled by its leg when that is opened again, held or not. The error is the context's; then
// nothing is held. release may be called once.
func (c *Cadence) Hold(ctx context.Context) (release func(), err error) {
	c.mu.Lock()
	c.held.holds++
	c.mu.Unlock()
	release = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.held.holds--
		c.held.wake()
	}
	for {
		c.mu.Lock()
		loading, moved := c.held.loading, c.held.change()
		c.mu.Unlock()
		if loading == 0 {
			return release, nil
		}
		select {
		case <-ctx.Done():
			release()
			return nil, ctx.Err()
		case <-moved:
		}
	}
}

// enter lets a load begin; it is called before the intent, and leave after the outcome or the
// error. waits is called when the table is held. The error is the context's.
func (c *Cadence) enter(ctx context.Context, waits func()) error {
	for said := false; ; said = true {
		c.mu.Lock()
		free, moved := c.held.holds == 0, c.held.change()
		if free {
			c.held.loading++
		}
		c.mu.Unlock()
		if free {
			return nil
		}
		if !said {
			waits()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

func (c *Cadence) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held.loading--
	c.held.wake()
}

// calm waits until no load of the table is under way, for somebody who loads into another table
// of the same Doris: both would write to the same disks, and be published one after the other. As
// with turns, ten loads that ended meanwhile are enough. waits is called when there is one. The error
// is the context's; a nil Cadence is calm.
func (c *Cadence) calm(ctx context.Context, waits func()) error {
	if c == nil {
		return nil
	}
	for n := range patience {
		c.mu.Lock()
		loading, moved := c.held.loading, c.held.change()
		c.mu.Unlock()
		if loading == 0 {
			return nil
		}
		if n == 0 {
			waits()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
	return nil
}

// admitted carries a batch as soon as nobody holds the table.
func (l *leg) admitted(ctx context.Context, b *draft) error {
	if err := l.cfg.Beside.calm(ctx, func() { l.say("loads of the live table go first") }); err != nil {
		return err
	}
	if err := l.cfg.Cadence.enter(ctx, func() { l.say("the table is held while it is exchanged with another") }); err != nil {
		return err
	}
	defer l.cfg.Cadence.leave()
	l.say("")
	return l.carry(ctx, b)
}
