package timeline

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// fates finds out what became of ingest events. Asked in their order it reads on from where it is.
type fates struct {
	r     *reading
	shard int
	hub   step
	table step
}

// step is the commit of a leg that carried what was asked for last.
type step struct {
	entry   *journal.Entry // nil: none yet, or there is none
	upTo    domain.Seq     // what it and those before it carried, of the leg before
	missing bool           // of anything further than upTo
}

// fate is what became of the rows of an ingest event.
type fate struct {
	hub   *journal.Entry // that committed them, nil: not in the hub, or the hub is their source
	table *journal.Entry // nil: not visible
}

func (r *reading) fates(shard int) *fates { return &fates{r: r, shard: shard} }

// of is what became of the rows of one event.
func (f *fates) of(ctx context.Context, ingest domain.Seq) (fate, error) {
	var out fate
	at := ingest
	if !f.r.c.Direct {
		e, err := f.hub.carrying(ctx, f.r, f.r.stream(f.shard, domain.LegHub), ingest)
		if err != nil || e == nil {
			return out, err
		}
		out.hub, at = e, e.Seq
	}
	if f.r.c.Table == "" {
		return out, nil
	}
	var err error
	out.table, err = f.table.carrying(ctx, f.r, f.r.stream(f.shard, domain.LegDoris), at)
	return out, err
}

// carrying is the commit of a stream that carried an event of the leg before, nil: none did.
func (s *step) carrying(ctx context.Context, r *reading, of domain.Stream, seq domain.Seq) (*journal.Entry, error) {
	if s.missing || s.entry != nil && seq <= s.upTo {
		if seq <= s.upTo {
			return s.entry, nil
		}
		return nil, nil
	}
	tail, err := r.tail(ctx, of)
	if err != nil {
		return nil, err
	}
	from := domain.Seq(1)
	if s.entry != nil {
		from = s.entry.Seq + 1
	}
	e, err := r.j.Search(ctx, of, from, tail, func(e *journal.Entry) (bool, error) {
		upTo, err := r.carriedBy(ctx, e)
		return upTo >= seq, err
	})
	if err != nil {
		return nil, err
	}
	if e == nil {
		s.missing = true
		return nil, nil
	}
	s.entry = e
	s.upTo, err = r.carriedBy(ctx, e)
	return e, err
}

// carriedBy is how far a leg has come once an event of its stream stands: the seq of what it
// carried last, 0 for nothing.
func (r *reading) carriedBy(ctx context.Context, e *journal.Entry) (domain.Seq, error) {
	seq := domain.TrailOf(e.Event).After(e.Seq, e.Event).Commit
	if seq == 0 {
		return 0, nil
	}
	commit := e
	if seq != e.Seq {
		var err error
		if commit, err = r.j.Get(ctx, e.Stream, seq); err != nil {
			return 0, err
		}
	}
	switch ev := commit.Event.(type) {
	case *domain.HubCommitted:
		return ev.Cursor.Seq, nil
	case *domain.DorisCommitted:
		return ev.Cursor.Seq, nil
	default:
		return 0, contradiction(commit, "is a %s, a trail calls it a commit", commit.Event.Kind())
	}
}

// there reports whether rows are where they belong, and since when.
func (r *reading) there(f fate) (domain.Micros, bool) {
	switch {
	case f.table != nil:
		ev, _ := f.table.Event.(*domain.DorisCommitted)
		return ev.Visible, true
	case r.c.Table == "" && f.hub != nil:
		return f.hub.At, true
	default:
		return 0, false
	}
}
