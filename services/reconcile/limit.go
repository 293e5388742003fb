package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// limit is how far a hub partition can be read that does not go as far as the journal says: its
// bounds, asked for after the journal's ends, so that whatever the journal has is to be there.
type limit struct {
	stable int64 // rows below it can be read
	high   int64 // up to here they wait for a transaction that is open; behind it the hub has nothing
}

// measure finds the limits. The hub's bounds of before the journal are asked for anew only where
// the journal is ahead of them, as it mostly is a little while rows are moved.
func (p *Prover) measure(ctx context.Context) error {
	p.limits = nil
	behind, ends := false, map[int32]int64{}
	for _, l := range p.lanes {
		for h, span := range l.books.Ends().HubSpans {
			ends[h] = span.Next
			behind = behind || span.Next > p.stable(h)
		}
	}
	if !behind {
		return nil
	}
	now, err := p.hub.Positions(ctx)
	if err != nil {
		return err
	}
	at := map[int32]limit{} // a partition that is not there ends at 0
	for i := range now {
		at[now[i].Partition] = limit{stable: now[i].LastStable, high: max(now[i].LastStable, now[i].HighWater)}
	}
	p.limits = map[int32]limit{}
	for h, end := range ends {
		if end > at[h].stable {
			p.limits[h] = at[h]
		}
	}
	return nil
}

// readable is the offset up to which a hub partition can be read, as far as the journal goes.
func (p *Prover) readable(h int32) int64 {
	if of := p.hubs[h]; of != nil && of.anew != "" {
		return 0
	}
	if at, short := p.limits[h]; short {
		return at.stable
	}
	return math.MaxInt64
}

// countUnread takes note of what the journal has behind the limits.
func (p *Prover) countUnread() {
	for _, n := range p.parts {
		n.waits = math.MaxInt64
	}
	for h, of := range p.hubs {
		of.unread = nil
		at, short := p.limits[h]
		if of.anew != "" {
			at, short = limit{}, true
		}
		if !short {
			continue
		}
		of.unread = map[int64]int64{}
		for _, r := range p.places.runs[h] {
			in := domain.Span{First: max(r.hub.First, at.stable), Next: r.hub.Next}
			if in.Len() <= 0 {
				continue
			}
			if in.First < at.high {
				r.of.waits = min(r.of.waits, r.city+in.First-r.hub.First)
			}
			for in.Len() > 0 {
				index := in.First / domain.WindowSize
				part := domain.Span{First: in.First, Next: min(in.Next, (index+1)*domain.WindowSize)}
				of.unread[index] += part.Len() - of.without.Within(part).Len()
				in.First = part.Next
			}
		}
	}
}

// waits reports whether rows that the journal has cannot be read in the hub, and it was not seen
// that they never will be.
func (p *Prover) waits() bool {
	for _, of := range p.hubs {
		if of.anew != "" {
			return true
		}
	}
	for h, at := range p.limits {
		of := p.hubs[h]
		if of == nil || len(of.unread) == 0 {
			continue
		}
		for _, r := range p.places.runs[h] {
			if max(r.hub.First, at.stable) < min(r.hub.Next, at.high) || r.hub.Next > at.high && !of.tail.stands() {
				return true
			}
		}
	}
	return false
}

// unreadOf is how many rows of a lane cannot be read in the hub.
func (p *Prover) unreadOf(l *lane) (rows int64) {
	for h := range l.ends.HubSpans {
		if of := p.hubs[h]; of != nil {
			for _, n := range of.unread {
				rows += n
			}
		}
	}
	return rows
}

// rewritten takes in that the journal has another row at a place of the hub than before: the hub
// was cut and written again. The one before is not there any more.
func (p *Prover) rewritten(at domain.Coord) {
	for _, w := range p.rows {
		if list := w.runs[at.Partition]; find(list, at.Offset) != nil {
			w.runs[at.Partition], w.changed = without(list, at.Offset), true
		}
	}
}

// cutError is that a hub partition ends before what was read of it.
type cutError struct {
	partition int32
	high      int64 // its high watermark
	read      int64 // rows below it were read
}

// Error names the partition and both offsets.
func (e *cutError) Error() string {
	return fmt.Sprintf("hub partition %d ends at %d now, and was read up to %d before: it was cut", e.partition, e.high, e.read)
}

// anew says why an error of a look is that the hub is another one than at the look before, so
// that what was read of it counts no more; empty where it is not.
func anew(err error) string {
	var cut *cutError
	if errors.As(err, &cut) || errors.Is(err, target.ErrAnotherTopic) || errors.Is(err, errGeneration) {
		return err.Error()
	}
	return ""
}

// firstCut is the first commit of a lane that has rows behind a limit; 0 without one.
func (p *Prover) firstCut(l *lane) (first domain.Seq) {
	for _, b := range l.books.Windows(domain.ProofHubDoris) {
		if b.Span().Next > p.readable(b.Partition) {
			first = sooner(first, b.Commits.First)
		}
	}
	return first
}

// isCut reports whether a window may have rows behind a limit: that it was verified says nothing
// of them any more.
func (p *Prover) isCut(l *lane, id domain.Window, first domain.Seq) bool {
	switch id.Proof {
	case domain.ProofHubDoris:
		return id.Span().Next > p.readable(id.Partition) || len(p.formerAt(id.Partition)) > 0 // it does not say of which generation
	case domain.ProofCityHub:
		b := l.books.Window(id)
		return first > 0 && b != nil && b.Commits.Last >= first
	default:
		return false
	}
}
