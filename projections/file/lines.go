package file

import (
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// lines makes the lines of the rows that some pieces hold. It belongs to one goroutine.
type lines struct {
	f      *File
	to     *sheet
	format *flink.RowFormat
	values *flink.HubReader // of a direct pipeline's records
	cities map[domain.SourceID]*city
	dec    batch.Decoder
	row    flink.Row
	text   []byte
}

// city reads the records of one source.
type city struct {
	code    domain.City
	records *flink.RecordReader
}

func (f *File) lines(to *sheet) *lines {
	return &lines{f: f, to: to, format: flink.NewRowFormat(f.zone), values: flink.NewHubReader(f.zone), cities: map[domain.SourceID]*city{}}
}

// pieces writes the rows of one ingest run that the plan takes.
func (l *lines) pieces(of *projections.Pieces) error {
	if of.Direct {
		return of.Rows(&l.dec, l.ofHub, func(_ *domain.HubRun, _, n int64, _ batch.Header, _ []byte) error {
			l.to.now.Left += n
			return nil
		})
	}
	c, err := l.city(of.Run.Source)
	if err != nil {
		return fmt.Errorf("%s run %d: %w", of.Ingest.Ref(), of.Hub[0].Run, err)
	}
	l.row = flink.Row{
		City: c.code, ExtractTime: int64(of.Event.ExtractTime), CityPartition: of.Run.Partition, HubTimestamp: of.Commit.Time.Millis(), Fields: l.row.Fields,
	}
	return of.Rows(&l.dec, func(at *domain.HubRun, ordinal int64, r *batch.Record) error {
		if err := c.records.Read(&l.row, r.Value); err != nil {
			return &journal.IntegrityError{
				Stream: of.Ingest.Stream, Seq: of.Ingest.Seq,
				What: fmt.Sprintf("run %d row %d is in the hub (%s), and does not read: %v", at.Run, ordinal, of.Commit.Begun, err),
			}
		}
		l.row.CityOffset, l.row.CityTimestamp = r.Offset, r.Timestamp
		l.row.HubPartition, l.row.HubOffset = at.Partition, at.Offset+ordinal-at.First
		l.text = append(l.format.AppendDorisJSON(l.text[:0], &l.row), '\n')
		return l.to.line(l.text)
	}, nil)
}

// ofHub writes a record of the hub topic itself. One that is no row of it is none of the
// table's either: the Doris leg lists it as excluded.
func (l *lines) ofHub(at *domain.HubRun, ordinal int64, r *batch.Record) error {
	row, err := l.values.Read(r.Value)
	if err != nil {
		l.to.now.Left++
		return nil //nolint:nilerr // it is counted
	}
	place := domain.Coord{Partition: at.Partition, Offset: at.Offset + ordinal - at.First, Timestamp: r.Timestamp}
	l.text = append(l.format.AppendHubRow(l.text[:0], row, place), '\n')
	return l.to.line(l.text)
}

func (l *lines) city(id domain.SourceID) (*city, error) {
	if c := l.cities[id]; c != nil {
		return c, nil
	}
	config, _ := l.f.inForce()
	source, known := config.Source(id)
	if !known {
		return nil, fmt.Errorf("source %s is not in the configuration in force", id)
	}
	records, err := flink.NewRecordReader(source.Format)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", id, err)
	}
	l.cities[id] = &city{source.City, records}
	return l.cities[id], nil
}
