package doris

import (
	"context"
	"fmt"
	"strconv"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
	recordbatch "github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// inputOf is the leg whose stream names the rows to load: the hub's, or ingest's where
// the source is the hub topic itself.
func inputOf(p *domain.PipelineConfig) domain.Leg {
	if p.Direct {
		return domain.LegIngest
	}
	return domain.LegHub
}

// commit is the committed hub transaction that an event of the input is, or stands for;
// nil when it has no rows to load.
func (d *Doris) commit(e *journal.Entry) *domain.HubCommitted {
	switch ev := e.Event.(type) {
	case *domain.HubCommitted:
		return ev
	case *domain.Ingested:
		if c := domain.DirectCommit(e.Seq, ev); c.Rows > 0 {
			return c
		}
	}
	return nil
}

// arrival is an event of the input, without what is not needed for a load: the batches in an
// ingest event would else be held until then.
type arrival struct {
	ref    domain.Ref
	commit *domain.HubCommitted // nil when it has no rows to load
}

// cutter leaves of commits what a replay takes, which is all of them where it is none. It
// belongs to one way through the input.
func (d *Doris) cutter() *projections.Cutter {
	var of domain.Selection
	if d.cfg.Replay != nil {
		of = d.cfg.Replay.Plan.Rows
	}
	return projections.NewCutter(d.j, d.cfg.Shard, of)
}

// taken is commit without the rows that a replay does not take, nil when none are left.
func (d *Doris) taken(ctx context.Context, cut *projections.Cutter, e *journal.Entry) (*domain.HubCommitted, error) {
	c := d.commit(e)
	if c == nil || d.cfg.Replay == nil {
		return c, nil
	}
	c, err := cut.Cut(ctx, c)
	if err != nil || c.Rows == 0 {
		return nil, err
	}
	return c, nil
}

// rowReader makes rows of the records of the input. It is pure: a later owner decides the
// same. It belongs to one walk.
type rowReader interface {
	// begin takes what the records of some pieces have in common.
	begin(of *projections.Pieces, row *batchRow) error
	// read takes what a record says into the row, or says why the table cannot hold it.
	read(row *batchRow, r *recordbatch.Record) unfit
}

func (d *Doris) reader(b bounds) rowReader {
	if d.cfg.Pipeline.Direct {
		return &hubReader{bounds: b, values: flink.NewHubReader(d.zone)}
	}
	return &cityReader{bounds: b, sources: d.sources, readers: map[domain.SourceID]*flink.RecordReader{}}
}

// cityReader reads a city's records: the hub's coordinates are in the commit.
type cityReader struct {
	bounds  bounds
	sources *sources
	readers map[domain.SourceID]*flink.RecordReader
	records *flink.RecordReader // of the pieces' source
}

func (c *cityReader) begin(of *projections.Pieces, row *batchRow) error {
	source, known := c.sources.of(of.Run.Source)
	if !known {
		return fmt.Errorf("source %s of %s is not in the configuration in force", of.Run.Source, of.Ingest.Ref())
	}
	if c.records = c.readers[source.ID]; c.records == nil {
		var err error
		if c.records, err = flink.NewRecordReader(source.Format); err != nil {
			return fmt.Errorf("source %s: %w", source.ID, err)
		}
		c.readers[source.ID] = c.records
	}
	row.City, row.ExtractTime, row.CityPartition = source.City, int64(of.Event.ExtractTime), of.Run.Partition
	row.HubTimestamp = of.Commit.Time.Millis()
	return nil
}

func (c *cityReader) read(row *batchRow, r *recordbatch.Record) unfit {
	// What does not read the hub left out; should one come by, the load leaves it out too.
	if err := c.records.Read(&row.Row, r.Value); err != nil {
		return unfit{domain.ExcludedUnreadable, err.Error()}
	}
	if reason := c.bounds.refuses(r.Timestamp, row.Record); reason != "" {
		return unfit{reason: reason}
	}
	row.CityOffset, row.CityTimestamp = r.Offset, r.Timestamp
	return unfit{}
}

// hubReader reads records of the hub topic: the city's columns are in the value, the
// hub's are the record's own.
type hubReader struct {
	bounds bounds
	values *flink.HubReader
}

func (h *hubReader) begin(*projections.Pieces, *batchRow) error { return nil }

func (h *hubReader) read(row *batchRow, r *recordbatch.Record) unfit {
	if r.Timestamp < h.bounds.first || r.Timestamp > h.bounds.last {
		return unfit{reason: domain.ExcludedTimestamp}
	}
	values, err := h.values.Read(r.Value)
	switch {
	case err != nil:
		return unfit{flink.ExcludedNoHubRow, detail(err.Error())}
	case len(values.Record) > h.bounds.text:
		return unfit{reason: domain.ExcludedTooLargeDoris}
	case len(values.City) > h.bounds.city:
		return unfit{flink.ExcludedNoHubRow, "sscsdm has " + strconv.Itoa(len(values.City)) + " bytes, the column takes " + strconv.Itoa(h.bounds.city)}
	}
	row.hub, row.HubTimestamp = values, r.Timestamp
	return unfit{}
}

// appendLine appends the row as one line of a load, without the line feed.
func (r *batchRow) appendLine(f *flink.RowFormat, line []byte) []byte {
	if r.hub == nil {
		return f.AppendDorisJSON(line, &r.Row)
	}
	return f.AppendHubRow(line, r.hub, domain.Coord{Partition: r.HubPartition, Offset: r.HubOffset, Timestamp: r.HubTimestamp})
}

// group is what the row is counted by when the rows decide, and its offset in the city.
func (r *batchRow) group() (domain.RowGroup, int64) {
	g := domain.RowGroup{HubPartition: r.HubPartition, City: r.City, CityPartition: int64(r.CityPartition)}
	if r.hub == nil {
		return g, r.CityOffset
	}
	g.City, g.CityPartition = domain.City(r.hub.City), missing
	if r.hub.CityPartition != nil {
		g.CityPartition = *r.hub.CityPartition
	}
	if r.hub.CityOffset == nil {
		return g, missing
	}
	return g, *r.hub.CityOffset
}

// missing stands for NULL where rows are counted: no coordinate of Kafka is below 0.
const missing = -1
