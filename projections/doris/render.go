package doris

import (
	"context"
	"fmt"
	"io"

	"github.com/hefu-io/hefu/domain"
	recordbatch "github.com/hefu-io/hefu/journal/batch"
)

// renderer writes the lines of one load.
type renderer struct {
	w        io.Writer
	format   *domain.RowFormat
	bounds   bounds
	cities   map[domain.SourceID]domain.City
	excluded []domain.Exclusion // that are still to come, in the order of the walk
	dec      recordbatch.Decoder
	line     []byte
}

// render writes a batch: one line a row, in the order of the hub, read from the
// journal one event at a time. Errors: *misfitError, those of the journal, of w.
func (l *leg) render(ctx context.Context, b *draft, w io.Writer) error {
	r := &renderer{w: w, format: domain.NewRowFormat(l.zone), bounds: l.bounds, cities: l.cities, excluded: b.excluded}
	return l.walk(ctx, b.commits, r.pieces)
}

func (r *renderer) pieces(p *pieces) error {
	city, known := r.cities[p.run.Source]
	if !known {
		return fmt.Errorf("source %s of %s is not in the configuration in force", p.run.Source, p.ingest.Ref())
	}
	row := domain.Row{
		City: city, ExtractTime: int64(p.event.ExtractTime), CityPartition: p.run.Partition, HubTimestamp: p.commit.Time.Millis(),
	}
	return p.rows(&r.dec, func(at *domain.HubRun, ordinal int64, rec *recordbatch.Record) error {
		if r.leavesOut(at, ordinal) {
			return nil
		}
		if reason := r.bounds.refuses(rec); reason != "" {
			return &misfitError{at.Ingest, at.Run, ordinal, reason}
		}
		row.Record, row.CityOffset, row.CityTimestamp = rec.Value, rec.Offset, rec.Timestamp
		row.HubPartition, row.HubOffset = at.Partition, at.Offset+ordinal-at.First
		r.line = append(r.format.AppendDorisJSON(r.line[:0], &row), '\n')
		_, err := r.w.Write(r.line)
		return err
	})
}

// leavesOut reports whether the intent lists a row.
func (r *renderer) leavesOut(at *domain.HubRun, ordinal int64) bool {
	if len(r.excluded) == 0 {
		return false
	}
	if x := &r.excluded[0]; x.Ingest != at.Ingest || x.Run != at.Run || x.Ordinal != ordinal {
		return false
	}
	r.excluded = r.excluded[1:]
	return true
}
