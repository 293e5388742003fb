package projections

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/batch"
)

// Walker reads the ingest events that committed hub transactions are made of. It reads them
// forward and holds one at a time, so commits come to it in the order of their stream; it
// belongs to one goroutine.
type Walker struct {
	j      *journal.Journal
	ingest domain.Stream
	direct bool

	r  *journal.Reader
	at *journal.Entry
}

// NewWalker makes a Walker for one shard; direct says that the ingest stream is of the hub
// topic itself.
func NewWalker(j *journal.Journal, shard int, direct bool) *Walker {
	return &Walker{j: j, ingest: domain.Stream{Pipeline: j.Pipeline(), Shard: shard, Leg: domain.LegIngest}, direct: direct}
}

// Close gives the reader of the journal back.
func (w *Walker) Close() {
	if w.r != nil {
		w.r.Close()
		w.r = nil
	}
}

// Pieces are the hub runs, one behind the other, that hold what the hub took of one
// ingest run.
type Pieces struct {
	Commit *domain.HubCommitted
	Ingest *journal.Entry
	Event  *domain.Ingested
	Run    *domain.Run
	Hub    []domain.HubRun // of the same Ingest and Run, by First
	Direct bool            // the run is of the hub topic itself
}

// Walk calls do for each ingest run of a commit in the order of the hub. Errors: those of the
// journal, of do.
func (w *Walker) Walk(ctx context.Context, c *domain.HubCommitted, do func(*Pieces) error) error {
	p := &Pieces{Commit: c, Direct: w.direct}
	for left := c.Runs; len(left) > 0; left = left[len(p.Hub):] {
		p.Hub = sameRun(left)
		if err := w.upTo(ctx, p.Hub[0].Ingest); err != nil {
			return err
		}
		p.Ingest = w.at
		var ok bool
		if p.Event, ok = w.at.Event.(*domain.Ingested); !ok || w.at.Seq != p.Hub[0].Ingest || p.Hub[0].Run >= len(p.Event.Runs) {
			return &journal.IntegrityError{
				Stream: w.ingest, Seq: p.Hub[0].Ingest, What: fmt.Sprintf("has no run %d, of which the hub holds rows (%s)", p.Hub[0].Run, c.Begun),
			}
		}
		p.Run = &p.Event.Runs[p.Hub[0].Run]
		if err := do(p); err != nil {
			return err
		}
	}
	return nil
}

func (w *Walker) upTo(ctx context.Context, seq domain.Seq) (err error) {
	for w.at == nil || w.at.Seq < seq {
		if w.r == nil {
			if w.r, err = w.j.ReadFrom(ctx, w.ingest, seq); err != nil {
				return err
			}
		}
		if w.at, err = w.r.Next(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sameRun cuts off the first hub runs that are of the same ingest run.
func sameRun(runs []domain.HubRun) []domain.HubRun {
	n := 1
	for n < len(runs) && runs[n].Ingest == runs[0].Ingest && runs[n].Run == runs[0].Run {
		n++
	}
	return runs[:n]
}

// Rows calls do for each row of the pieces with the hub run that holds it and its ordinal in
// the ingest run. What lies between the pieces the hub had to leave out, or a selection does
// not take. bad is called for a batch that does not decode, with its number of rows, where the
// hub itself is the source; a hub leg carries no such rows. Errors: those of Rows, do and bad, and
// *journal.IntegrityError where the run does not have the rows that the hub holds.
func (p *Pieces) Rows(d *batch.Decoder, do func(at *domain.HubRun, ordinal int64, r *batch.Record) error,
	bad func(at *domain.HubRun, ordinal, n int64, h batch.Header, b []byte) error,
) error {
	left, taken := p.Hub, int64(0)
	err := Rows(d, p.Run, func(ordinal int64, r *batch.Record) error {
		if len(left) == 0 || ordinal < left[0].First {
			return nil
		}
		at := &left[0]
		if ordinal != at.First+taken {
			return p.contradicts(at, at.First+taken)
		}
		if taken++; taken == at.N {
			left, taken = left[1:], 0
		}
		return do(at, ordinal, r)
	}, func(ordinal int64, h batch.Header, b []byte) error {
		n := h.Overlap(p.Run.First, p.Run.Next)
		if !p.Direct {
			return nil
		}
		for end := ordinal + n; len(left) > 0 && left[0].First+taken < end; {
			at, first := &left[0], left[0].First+taken
			if first < ordinal {
				return p.contradicts(at, first)
			}
			part := min(at.First+at.N, end) - first
			if taken += part; taken == at.N {
				left, taken = left[1:], 0
			}
			if err := bad(at, first, part, h, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(left) > 0 {
		err = p.contradicts(&left[0], left[0].First+taken)
	}
	return err
}

func (p *Pieces) contradicts(at *domain.HubRun, ordinal int64) error {
	return &journal.IntegrityError{
		Stream: p.Ingest.Stream, Seq: p.Ingest.Seq,
		What: fmt.Sprintf("run %d has no row %d, the hub holds %d rows from %d on at %d/%d (%s)",
			at.Run, ordinal, at.N, at.First, at.Partition, at.Offset, p.Commit.Begun),
	}
}
