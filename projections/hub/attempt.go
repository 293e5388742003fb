package hub

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// tries is how often a batch of a single event may be found not to have happened
// before an operator is asked.
const tries = 10

// attempt is what the last batch without a clear end was, and how often the same
// event was alone in such a batch.
type attempt struct {
	begun  domain.Ref
	events int
	at     domain.Ref // the event, when it was one
	err    error

	alone domain.Ref
	times int
}

// unknown remembers a batch that ended in an error after its intent was stored. The
// next Open finds out what became of it.
func (h *Hub) unknown(begun domain.Ref, d *draft, err error) {
	h.attempt.begun, h.attempt.events, h.attempt.at, h.attempt.err = begun, d.events, d.stuck, err
}

// didNotHappen makes the next batch at most half as large: what the hub refused may
// be the size, or one row of many.
func (h *Hub) didNotHappen(begun domain.Ref) {
	a := &h.attempt
	if a.begun != begun {
		return // another process's
	}
	h.most.Store(int64(max(1, a.events/2)))
	if a.events > 1 {
		return
	}
	if a.alone != a.at {
		a.alone, a.times = a.at, 0
	}
	a.times++
}

// didHappen lets batches grow again, and counts what is known to be in the hub.
func (h *Hub) didHappen(c *domain.HubCommitted) {
	h.attempt = attempt{}
	if n := h.most.Load(); n > 0 {
		if n *= 2; n > 1<<16 {
			n = 0
		}
		h.most.Store(n)
	}
	h.reporter.Update(func(s *projections.Status) {
		s.Cursor, s.Open = c.Cursor, 0
		s.Rows += c.Rows
		s.Bytes += c.Bytes
		s.Excluded += excludedRows(c.Excluded)
	})
}

// refused is the incident of an event that the hub does not take, with the broker's
// text; looked at again after a retry it has as many tries as before.
func (h *Hub) refused(ctx context.Context) error {
	a := &h.attempt
	if a.times < tries {
		return nil
	}
	at, err := a.alone, a.err
	a.alone, a.times = domain.Ref{}, 0
	found := "a batch of this one event failed again and again, and nothing of it is in the hub"
	if h.fills() {
		found = "the rows of one event failed again and again; the first of them may be in their places"
	} else if !h.cfg.Semantic.Exactly() {
		found = "a batch of this one event failed again and again; rows of it may be in the hub, several times"
	}
	return h.incident(ctx, domain.IncidentHubRefused, []domain.Fact{
		{Key: "found", Value: found},
		{Key: "event", Value: at.String()},
		{Key: "last error", Value: err.Error()},
		{Key: "do", Value: "make the hub take it (size limits, permissions, disk), then resolve with retry"},
	})
}
