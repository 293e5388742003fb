package hub_test

import (
	"context"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/projectiontest"
)

func TestContract(t *testing.T) {
	projectiontest.Run(t, func(t *testing.T) projectiontest.World { return &contract{w: newWorld(t), f: &faults{}} })
}

// contract is a world as the contract wants it.
type contract struct {
	w *world
	f *faults
}

func (c *contract) Process() projections.Opener {
	h := c.w.process()
	h.WrapSender(c.f.wrap)
	return h
}

func (c *contract) Stream() domain.Stream { return c.w.stream() }
func (c *contract) Incidents() projections.Incidents {
	return projections.Incidents{Control: c.w.control}
}
func (c *contract) Feed() domain.Cursor { return c.w.mixed() }
func (c *contract) Sites() []string     { return []string{"produce", "commit"} }
func (c *contract) Tally()              { c.w.tally() }

func (c *contract) Carried(ctx context.Context, at domain.Cursor) error {
	return c.w.reaches(ctx, at, nil)
}

func (c *contract) Fail(site string, fault journal.Fault) {
	if site == "produce" {
		c.f.set(func(f *faults) { f.produce = fault })
	} else {
		c.f.set(func(f *faults) { f.commit = fault })
	}
}

func (c *contract) Pause(site string) (<-chan struct{}, func()) {
	arrived, wake := make(chan struct{}), make(chan struct{})
	wait := func() { close(arrived); <-wake }
	if site == "produce" {
		c.f.set(func(f *faults) { f.producing = wait })
	} else {
		c.f.set(func(f *faults) { f.ending = wait })
	}
	return arrived, func() { close(wake) }
}
