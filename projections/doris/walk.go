package doris

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	recordbatch "github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// pieces are the hub runs, one behind the other, that hold what the hub took of one
// ingest run.
type pieces struct {
	commit *domain.HubCommitted
	ingest *journal.Entry
	event  *domain.Ingested
	run    *domain.Run
	hub    []domain.HubRun // of the same Ingest and Run, by First
	direct bool            // the run is of the hub topic itself
}

// walk reads the ingest events of committed hub transactions, one at a time, and calls
// do for each ingest run in the order of the hub.
func (d *Doris) walk(ctx context.Context, commits []*domain.HubCommitted, do func(*pieces) error) error {
	var r *journal.Reader
	defer func() {
		if r != nil {
			r.Close()
		}
	}()
	p := &pieces{direct: d.cfg.Pipeline.Direct}
	for _, c := range commits {
		p.commit = c
		for left := c.Runs; len(left) > 0; left = left[len(p.hub):] {
			p.hub = sameRun(left)
			seq := p.hub[0].Ingest
			for p.ingest == nil || p.ingest.Seq < seq {
				var err error
				if r == nil {
					r, err = d.j.ReadFrom(ctx, d.streamOf(domain.LegIngest), seq)
				}
				if err == nil {
					p.ingest, err = r.Next(ctx)
				}
				if err != nil {
					return err
				}
			}
			var ok bool
			if p.event, ok = p.ingest.Event.(*domain.Ingested); !ok || p.ingest.Seq != seq || p.hub[0].Run >= len(p.event.Runs) {
				return &journal.IntegrityError{
					Stream: p.ingest.Stream, Seq: seq, What: fmt.Sprintf("has no run %d, of which the hub holds rows (%s)", p.hub[0].Run, c.Begun),
				}
			}
			p.run = &p.event.Runs[p.hub[0].Run]
			if err := do(p); err != nil {
				return err
			}
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

// rows calls do for each row of the pieces with the hub run that holds it and its
// ordinal in the ingest run. What lies between the pieces the hub had to leave out. bad is
// called for a batch that does not decode, with its number of rows, where the hub itself
// is the source; a hub leg carries no such rows.
func (p *pieces) rows(dec *recordbatch.Decoder, do func(at *domain.HubRun, ordinal int64, r *recordbatch.Record) error,
	bad func(at *domain.HubRun, ordinal, n int64, h recordbatch.Header, b []byte) error,
) error {
	left, taken := p.hub, int64(0)
	err := projections.Rows(dec, p.run, func(ordinal int64, r *recordbatch.Record) error {
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
	}, func(ordinal int64, h recordbatch.Header, b []byte) error {
		end := ordinal + h.Overlap(p.run.First, p.run.Next)
		for p.direct && len(left) > 0 && left[0].First+taken < end {
			at, from := &left[0], left[0].First+taken
			if from < ordinal {
				return p.contradicts(at, from)
			}
			n := min(end, at.First+at.N) - from // a replay may take a part of it
			if taken += n; taken == at.N {
				left, taken = left[1:], 0
			}
			if err := bad(at, from, n, h, b); err != nil {
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

func (p *pieces) contradicts(at *domain.HubRun, ordinal int64) error {
	return &journal.IntegrityError{
		Stream: p.ingest.Stream, Seq: p.ingest.Seq,
		What: fmt.Sprintf("run %d has no row %d, the hub holds %d rows from %d on at %d/%d (%s)",
			at.Run, ordinal, at.N, at.First, at.Partition, at.Offset, p.commit.Begun),
	}
}
