package origin

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// Read is the columns that a city and the journal can be compared by: where the row is in the
// city, its time, and its record, which is the bytes as they were sent whatever the format is.
const Read proof.Mask = 1<<proof.CityPartition | 1<<proof.CityOffset | 1<<proof.CityTime | 1<<proof.Record

// Carried is the journal as the place that says what the hub must have of a city's window: the
// rows of the commits that the books know. With excluded it has those too that were left out
// before the hub, without a place there. Each question reads the commits of the window again.
func (b *Books) Carried(excluded bool) proof.Witness { return carriedRows{b, excluded} }

// Journaled is the journal as the place that says what a city's window had when it was read, by
// the columns of Read.
func (b *Books) Journaled() proof.Witness { return journaledRows{b} }

type carriedRows struct {
	b        *Books
	excluded bool
}

func (w carriedRows) Name() string { return "journal" }

func (w carriedRows) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	return vectors(ctx, w, in, step, mask)
}

func (w carriedRows) Rows(ctx context.Context, in proof.Range, each func(proof.Row) error) error {
	book := w.b.book(in)
	if book == nil || book.Commits.First == 0 {
		return nil
	}
	s := w.b.o.NewScan(w.b.hub.s.Shard, Cursors{}, nil)
	s.rows.only = &in
	if err := s.hub.after(ctx, book.Commits.First-1); err != nil {
		return err
	}
	return s.Next(ctx, Cursors{Hub: domain.Cursor{Seq: book.Commits.Last}}, func(e *Expected) error {
		if e.Excluded != "" && !w.excluded {
			return nil
		}
		return each(e.Row)
	})
}

type journaledRows struct{ b *Books }

func (w journaledRows) Name() string { return "journal" }

func (w journaledRows) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	return vectors(ctx, w, in, step, mask)
}

func (w journaledRows) Rows(ctx context.Context, in proof.Range, each func(proof.Row) error) error {
	rows := newCityRows(w.b.o, in.Window)
	return w.b.runs(ctx, in, func(list []record, _ *domain.Run) error {
		for i := range list {
			if in.First <= list[i].offset && list[i].offset < in.Next {
				if err := each(rows.row(list[i].offset, list[i].time, list[i].value, list[i].null)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// vectors reads the rows of a range and sums them up, part by part.
func vectors(ctx context.Context, w proof.Witness, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	parts := map[int64]*proof.Tally{}
	var last *proof.Tally
	at := int64(-1)
	err := w.Rows(ctx, in, func(r proof.Row) error {
		first := r.Offset - r.Offset%step
		if first != at || last == nil {
			if last, at = parts[first], first; last == nil {
				last = &proof.Tally{Mask: mask}
				parts[first] = last
			}
		}
		last.Add(&r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make(map[int64]domain.Vector, len(parts))
	for first, t := range parts {
		out[first] = t.Vector()
	}
	return out, nil
}

// book is what is known of the city's window that a range lies in.
func (b *Books) book(in proof.Range) *WindowBook {
	w := in.Window
	w.Proof = domain.ProofCityHub
	return b.windows[w]
}

// runs calls each for every batch of a range as the journal holds it, decoded, and once for each
// run, with no records, for its gaps. The records of a batch may lie outside of its range, not
// of its run. A batch that does not decode is an error: nobody can say what the city had there.
func (b *Books) runs(ctx context.Context, in proof.Range, each func([]record, *domain.Run) error) error {
	book := b.book(in)
	if book == nil {
		return nil
	}
	ingest := b.ingest
	ingest.r = nil
	defer ingest.close()
	if err := ingest.after(ctx, book.Ingest.First-1); err != nil {
		return err
	}
	return ingest.to(ctx, domain.Cursor{Seq: book.Ingest.Last}, func(e *journal.Entry) error {
		ev, is := e.Event.(*domain.Ingested)
		for i := 0; is && i < len(ev.Runs); i++ {
			r := &ev.Runs[i]
			if r.Source != in.Source || r.Generation != in.Generation || r.Partition != in.Partition || r.First >= in.Next || r.Next <= in.First {
				continue
			}
			if err := b.batches(r, in.Span, each); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *Books) batches(r *domain.Run, in domain.Span, each func([]record, *domain.Run) error) error {
	in = domain.Span{First: max(in.First, r.First), Next: min(in.Next, r.Next)}
	for _, section := range r.Batches {
		for len(section) > 0 {
			h, batch, rest, err := nextBatch(section)
			if err != nil {
				return err
			}
			section = rest
			if h.control() || h.within(in.First, in.Next) == 0 {
				continue
			}
			list, err := b.decoder.decode(&h, batch)
			if err != nil {
				return err
			}
			for len(list) > 0 && list[0].offset < r.First {
				list = list[1:]
			}
			for len(list) > 0 && list[len(list)-1].offset >= r.Next {
				list = list[:len(list)-1]
			}
			if err := each(list, r); err != nil {
				return err
			}
		}
	}
	return each(nil, r)
}

// Witness is a city as a place: a window of it read again. Rows of transactions that did not
// commit are none, unless the source is read uncommitted. Each question reads it again; whether
// what it says can be compared at all, ReadAgain knows.
func (b *Books) Witness(c *City) proof.Witness { return cityAgain{b, c} }

type cityAgain struct {
	b *Books
	c *City
}

func (w cityAgain) Name() string { return "city" }

func (w cityAgain) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	return vectors(ctx, w, in, step, mask)
}

func (w cityAgain) Rows(ctx context.Context, in proof.Range, each func(proof.Row) error) error {
	return w.c.open(ctx, in.Partition, func(p *partition) error {
		rows := newCityRows(w.b.o, in.Window)
		there := domain.Span{First: max(in.First, p.bounds.LogStart), Next: min(in.Next, p.stable(w.c.uncommitted))}
		return p.read(ctx, there, w.c.uncommitted, func(r cityRow) error {
			if r.undecided && !w.c.uncommitted {
				return nil
			}
			return each(rows.row(r.offset, r.time, r.value, r.null))
		})
	})
}
