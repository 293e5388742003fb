package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/hefu-io/hefu/domain"
)

// Control is a process's view of the control stream, kept up to date by Run, and its
// way to append to it: many writers, one at a time.
type Control struct {
	j *Journal

	mu      sync.Mutex
	state   domain.ControlState
	last    domain.Cursor // of the last event in the state
	changed chan struct{} // closed and replaced at each event

	writing sync.Mutex // one append of this process at a time
}

// OpenControl reads the control stream up to its present end.
func (j *Journal) OpenControl(ctx context.Context) (*Control, error) {
	c := &Control{j: j, changed: make(chan struct{})}
	return c, c.CatchUp(ctx)
}

// CatchUp folds in what the stream holds by now, for whoever does not Run.
func (c *Control) CatchUp(ctx context.Context) error {
	tail, err := c.j.Tail(ctx, domain.ControlStream(c.j.pipeline))
	if err != nil {
		return err
	}
	return c.readTo(ctx, tail.Seq)
}

// Run follows the stream until the context ends. Each event is folded into the state.
func (c *Control) Run(ctx context.Context) error {
	r, err := c.reader(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("follow control: %w", err)
		}
		c.apply(e)
	}
}

// State calls look with the present state, which must not be kept.
func (c *Control) State(look func(s *domain.ControlState)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	look(&c.state)
}

// Wait returns when look says true of the state, which it must not keep. It needs
// Run to run.
func (c *Control) Wait(ctx context.Context, look func(s *domain.ControlState) bool) error {
	for {
		c.mu.Lock()
		done, changed := look(&c.state), c.changed
		c.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Append decides an event from the state as of the stream's very end, stores it
// there, and decides anew when somebody else was faster. decide returning nil means
// that nothing is left to append: the zero Ref is returned. Two processes that decide
// the very same event at the same place store it once, but for Started, each of which
// is one process's.
func (c *Control) Append(ctx context.Context, decide func(s *domain.ControlState) (domain.Event, error)) (domain.Ref, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	s := domain.ControlStream(c.j.pipeline)
	for {
		h, err := c.j.begin(ctx, s)
		if err != nil {
			return domain.Ref{}, err
		}
		if err := c.readTo(ctx, h.tail.Seq); err != nil {
			return domain.Ref{}, err
		}
		var ev domain.Event
		c.State(func(s *domain.ControlState) { ev, err = decide(s) })
		if err != nil || ev == nil {
			return domain.Ref{}, err
		}
		if started, ok := ev.(*domain.Started); ok {
			own := *started
			if _, err := rand.Read(own.Nonce[:]); err != nil {
				return domain.Ref{}, fmt.Errorf("choose a nonce: %w", err)
			}
			ev = &own
		}
		if h.size >= c.j.o.SegmentBytes {
			ev = &domain.Rolled{} // the event itself goes into the next segment
		}
		parts, hash := Encode(c.j.id, s, h.next(), h.tail.Hash, h.time(c.j), ev)
		err = c.j.put(ctx, s, h, parts, hash)
		var taken *takenError
		switch _, rolled := ev.(*domain.Rolled); {
		case errors.As(err, &taken), err == nil && rolled:
			continue
		case err != nil:
			return domain.Ref{}, fmt.Errorf("append %s to %s: %w", ev.Kind(), s, err)
		}
		ref := domain.Ref{Stream: s, Seq: h.next(), Hash: hash}
		return ref, c.readTo(ctx, ref.Seq)
	}
}

// readTo folds in what is stored up to seq.
func (c *Control) readTo(ctx context.Context, seq domain.Seq) error {
	r, err := c.reader(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.seq <= seq {
		e, err := r.Next(ctx)
		if err != nil {
			return fmt.Errorf("read control: %w", err)
		}
		c.apply(e)
	}
	return nil
}

func (c *Control) reader(ctx context.Context) (*Reader, error) {
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	return c.j.Read(ctx, domain.ControlStream(c.j.pipeline), last)
}

// apply folds an event in, once: Run and readTo may both bring it.
func (c *Control) apply(e *Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Seq != c.state.Tail+1 {
		return
	}
	c.j.happened(e)
	c.state.Apply(e.Seq, e.Event)
	c.last = e.Ref()
	close(c.changed)
	c.changed = make(chan struct{})
}
