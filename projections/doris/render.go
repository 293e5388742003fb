package doris

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	recordbatch "github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// batchRow is a row of a batch, which each call of eachRow's do fills anew.
type batchRow struct {
	flink.Row               // the hub's three columns, and of a city's record all others
	hub       *flink.HubRow // of a hub record: what its value says
	place     int64         // in the batch, in the order of the hub, without the excluded ones
	run       *domain.HubRun
	ordinal   int64  // in the ingest run
	offset    int64  // of the record, in its source
	value     []byte // of the record
}

// errEnough ends a walk whose last row has been seen.
var errEnough = errors.New("enough")

// passage is a way through the rows of a batch.
type passage struct {
	reader   rowReader
	excluded []domain.Exclusion // that are still to come, in the order of the walk
	only     *domain.DorisProbe // nil: all rows
	next     int64              // place of the next row
	dec      recordbatch.Decoder
	row      batchRow
	do       func(*batchRow) error
}

// eachRow calls do for the rows of a batch that are not excluded, in the order of the
// hub, read from the journal one event at a time; for those of a probe only unless that is
// nil. Errors: *misfitError, those of the journal, of do.
func (l *leg) eachRow(ctx context.Context, b *draft, only *domain.DorisProbe, do func(*batchRow) error) error {
	p := &passage{reader: l.reader(l.bounds), excluded: b.excluded, only: only, do: do}
	err := l.walk(ctx, b.commits, p.pieces)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (p *passage) pieces(of *projections.Pieces) error {
	row := &p.row
	if err := p.reader.begin(of, row); err != nil {
		return err
	}
	return of.Rows(&p.dec, func(at *domain.HubRun, ordinal int64, rec *recordbatch.Record) error {
		if p.leavesOut(at, ordinal) {
			return nil
		}
		place := p.next
		p.next++
		if p.only != nil && place < p.only.First {
			return nil
		}
		if p.only != nil && place >= p.only.Next {
			return errEnough
		}
		if why := p.reader.read(row, rec); why.reason != "" {
			return &misfitError{at.Ingest, at.Run, ordinal, why}
		}
		row.HubPartition, row.HubOffset = at.Partition, at.Offset+ordinal-at.First
		row.place, row.run, row.ordinal, row.offset, row.value = place, at, ordinal, rec.Offset, rec.Value
		return p.do(row)
	}, func(at *domain.HubRun, ordinal, _ int64, _ recordbatch.Header, _ []byte) error {
		if p.leavesOut(at, ordinal) {
			return nil
		}
		return &misfitError{at.Ingest, at.Run, ordinal, unfit{reason: domain.ExcludedUndecodable}}
	})
}

// leavesOut reports whether the intent lists a row, or a batch that begins with it.
func (p *passage) leavesOut(at *domain.HubRun, ordinal int64) bool {
	for len(p.excluded) > 0 {
		x := &p.excluded[0]
		switch far := cmp.Or(cmp.Compare(x.Ingest, at.Ingest), cmp.Compare(x.Run, at.Run)); {
		case far == 0 && x.Ordinal <= ordinal && ordinal < x.Ordinal+x.Count:
			return true
		case far > 0, far == 0 && x.Ordinal > ordinal:
			return false
		}
		p.excluded = p.excluded[1:] // it lies behind
	}
	return false
}

// render writes a batch, or the rows of it that a probe takes: one line a row.
func (l *leg) render(ctx context.Context, b *draft, only *domain.DorisProbe, w io.Writer) error {
	format := flink.NewRowFormat(l.zone)
	before, after := l.framing.line()
	var line []byte
	return l.eachRow(ctx, b, only, func(row *batchRow) error {
		if err := b.fare.pay(ctx, row.place); err != nil {
			return err
		}
		line = append(line[:0], before...)
		line = row.appendLine(format, line)
		line = append(line, after...)
		_, err := w.Write(line)
		return err
	})
}
