package lineage

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// isOutcome reports whether an event of a followed stream says that rows arrived.
func isOutcome(e domain.Event) bool {
	switch e.(type) {
	case *domain.HubCommitted, *domain.DorisCommitted:
		return true
	default:
		return false
	}
}

// walk goes from outcomes back to the records that they are about. What it finds is a
// function of the journal alone.
type walk struct {
	l      *Lineage
	hub    along
	ingest along
	rows   rows
}

func newWalk(l *Lineage) *walk {
	return &walk{l: l, hub: along{j: l.j, s: l.streamOf(domain.LegHub)}, ingest: along{j: l.j, s: l.streamOf(domain.LegIngest)}, rows: newRows(l)}
}

func (w *walk) close() {
	w.hub.close()
	w.ingest.close()
}

// block makes the rows of an intent.
func (w *walk) block(ctx context.Context, ev *domain.LineageBegun) (*block, error) {
	b := &block{}
	outcomes := along{j: w.l.j, s: w.l.followed()}
	defer outcomes.close()
	err := outcomes.between(ctx, ev.First, ev.Last, func(e *journal.Entry) error {
		if !isOutcome(e.Event) {
			return nil
		}
		return w.add(ctx, b, e)
	})
	return b, err
}

// add puts the rows of an outcome into a block.
func (w *walk) add(ctx context.Context, b *block, e *journal.Entry) error {
	if b.first.IsZero() {
		b.first = e.Ref()
	}
	b.last = e.Ref()
	base := Row{Shard: w.l.stream.Shard}
	switch ev := e.Event.(type) {
	case *domain.DorisCommitted:
		return w.load(ctx, b, base, e, ev)
	case *domain.HubCommitted:
		return w.transaction(ctx, b, base, e, ev, nil)
	default:
		return integrity(e, "is a %s, the lineage calls it an outcome", e.Event.Kind())
	}
}

// load lists the rows of a load.
func (w *walk) load(ctx context.Context, b *block, base Row, e *journal.Entry, c *domain.DorisCommitted) error {
	begun, err := get[*domain.DorisBegun](ctx, w.l.j, c.Begun)
	if err != nil {
		return err
	}
	base.Doris, base.Txn, base.Label = e.Seq, c.Txn, domain.Label(c.Begun)
	left := byRun(begun.Excluded)
	if w.l.cfg.Pipeline.Direct {
		return w.ingest.between(ctx, begun.First, begun.Last, func(e *journal.Entry) error {
			ev, ok := e.Event.(*domain.Ingested)
			if !ok {
				return nil
			}
			return w.rows.direct(b, base, e, ev, left)
		})
	}
	return w.hub.between(ctx, begun.First, begun.Last, func(e *journal.Entry) error {
		c, ok := e.Event.(*domain.HubCommitted)
		if !ok {
			return nil
		}
		return w.transaction(ctx, b, base, e, c, left)
	})
}

// transaction lists the rows of a committed hub transaction and those that it left out.
func (w *walk) transaction(ctx context.Context, b *block, base Row, e *journal.Entry, c *domain.HubCommitted, left map[place][]domain.Exclusion) error {
	begun, err := get[*domain.HubBegun](ctx, w.l.j, c.Begun)
	if err != nil {
		return err
	}
	base.Hub, base.Place.Hub.Timestamp = e.Seq, c.Time.Millis()
	f := fates{taken: map[place][]domain.HubRun{}, hub: byRun(c.Excluded), doris: left}
	for _, r := range c.Runs {
		at := place{r.Ingest, r.Run}
		f.taken[at] = append(f.taken[at], r)
	}
	held := int64(0)
	err = w.ingest.between(ctx, begun.First, begun.Last, func(e *journal.Entry) error {
		ev, ok := e.Event.(*domain.Ingested)
		if !ok {
			return nil
		}
		n, err := w.rows.city(b, base, e, ev, &f)
		held += n
		return err
	})
	if err == nil && held != c.Rows {
		err = integrity(e, "says that the hub holds %d rows, of its ingest events (%s to %s) it holds %d", c.Rows, begun.First, begun.Last, held)
	}
	return err
}

// get reads an event that another one points at.
func get[T domain.Event](ctx context.Context, j *journal.Journal, at domain.Ref) (T, error) {
	var none T
	e, err := j.Get(ctx, at.Stream, at.Seq)
	if err != nil {
		return none, err
	}
	ev, ok := e.Event.(T)
	if !ok || e.Hash != at.Hash {
		return none, integrity(e, "is a %s with the hash %s, its outcome points at the hash %s", e.Event.Kind(), e.Hash, at.Hash)
	}
	return ev, nil
}

// along reads parts of a stream that mostly follow each other. It belongs to one goroutine.
type along struct {
	j    *journal.Journal
	s    domain.Stream
	r    *journal.Reader
	next domain.Seq // that r gives
}

// between calls do for each event from first to last, which must be the ones that the refs
// mean.
func (a *along) between(ctx context.Context, first, last domain.Ref, do func(*journal.Entry) error) error {
	if first.Stream != a.s || last.Stream != a.s {
		return fmt.Errorf("events %s to %s are not of %s", first, last, a.s)
	}
	if a.r == nil || a.next != first.Seq {
		a.close()
		var err error
		if a.r, err = a.j.ReadFrom(ctx, a.s, first.Seq); err != nil {
			return err
		}
		a.next = first.Seq
	}
	for a.next <= last.Seq {
		e, err := a.r.Next(ctx)
		if err != nil {
			a.close()
			return err
		}
		a.next++
		for _, named := range []domain.Ref{first, last} {
			if e.Seq == named.Seq && e.Hash != named.Hash {
				return integrity(e, "hash is %s, the intent says %s", e.Hash, named.Hash)
			}
		}
		if err := do(e); err != nil {
			return err
		}
	}
	return nil
}

func (a *along) close() {
	if a.r != nil {
		a.r.Close()
		a.r = nil
	}
}
