package ingest

import (
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
)

// Clip ends an account where a bounded partition ends: no offset from stop on is in it.
// The batch in which stop lies stays whole, as sent; its records from stop on are none
// of the run's. stop is behind First.
func (c *Classified) Clip(stop int64) error {
	if c.Next <= stop {
		return nil
	}
	c.Next = stop
	gaps, lost := c.Gaps[:0:0], int64(0)
	for _, g := range c.Gaps {
		g.Span.Next = min(g.Span.Next, stop)
		if g.Span.Len() > 0 {
			gaps, lost = append(gaps, g), lost+g.Span.Len()
		}
	}
	c.Gaps, c.Rows = gaps, stop-c.First-lost
	kept := c.Batches[:0:0]
	c.HasLast = false
	for _, section := range c.Batches {
		n := 0
		for n < len(section) {
			h, _, _, err := batch.Next(section[n:])
			if err != nil {
				return fmt.Errorf("batches that are clipped at %d: %w", stop, err)
			}
			if h.BaseOffset >= stop {
				break
			}
			n += h.Size
			c.HasLast, c.LastBase, c.LastCRC, c.LastEpoch = true, h.BaseOffset, h.CRC, h.LeaderEpoch
		}
		if n > 0 {
			kept = append(kept, section[:n:n])
		}
	}
	c.Batches = kept
	if !c.HasLast {
		c.LastBase, c.LastCRC, c.LastEpoch = 0, 0, 0
	}
	return nil
}

// until gives the start of a new generation its end, if the generation before it had
// one. The numbers of the old log mean nothing in a topic that was made anew (another),
// and beyond the end of one that was cut nothing may ever come: the new generation ends
// where the log ends now, and in a log that was cut no later than before.
func until(start *domain.Start, was *domain.Position, logEnd int64, another bool) {
	if !was.Bounded {
		return
	}
	start.Bounded, start.Stop, start.StopHow = true, logEnd, "log end of the new generation"
	if !another && was.Stop < logEnd {
		start.Stop, start.StopHow = was.Stop, "end of the generation before"
	}
}
