package hub

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// smallValues is what the buffer of a draft may grow to without a backlog, in bytes.
const smallValues = 1 << 20

// overshoot is what the event that fills a draft may add beyond the limit: the JSON of
// an event of 1 MiB with rows of 100 bytes. One byte too few, and the buffer grows by a
// quarter.
const overshoot = 3 << 20

// draft is a batch before its intent: rows as the hub will have them, and what it
// cannot carry. Its buffers are used again.
type draft struct {
	Packed
	origins  []origin // of Pieces, by index
	excluded []domain.Exclusion

	first, last domain.Ref    // ingest events, also those without rows; of a replay hub events
	passed      int           // bytes of Passed
	events      int           // among them that carry something
	stuck       domain.Ref    // the last of these
	began       time.Time     // when its first row came
	time        domain.Micros // of a replay: of the last commit that it carries
}

// reset empties the draft. Buffers that one huge event has blown up are given back.
func (d *draft) reset(l Limits) {
	values := d.Values[:0]
	if cap(values) > 2*l.Bytes+smallValues {
		values = nil
	}
	*d = draft{
		Packed:  Packed{Values: values, Ends: d.Ends[:0], Pieces: d.Pieces[:0], Offsets: d.Offsets[:0], Passed: d.Passed[:0]},
		origins: d.origins[:0],
	}
}

// worth reports whether there is a transaction for it: it would carry a row, or say that
// one is left out, which nobody would learn at the end of the last city's day otherwise.
// Markers and opened sources go with the next rows.
func (d *draft) worth() bool { return len(d.Ends) > 0 || len(d.excluded) > 0 }

// full reports whether the draft takes no more events. An event goes into one
// transaction whole: the cursor counts events.
func (d *draft) full(l Limits, most int64) bool {
	return d.worth() && (len(d.Ends)+len(d.excluded) >= l.Rows || len(d.Values)+d.passed >= l.Bytes || len(d.Pieces) >= l.Runs ||
		most > 0 && d.events >= int(most))
}

// packer puts ingest events into drafts. It is pure: what it makes depends on the
// events and the configuration only, so that a later owner's batch of the same events
// has the same bytes.
type packer struct {
	layout    *layout
	maxRecord int
	values    int // what a draft's buffer is made for once it is not small

	ends    map[lane]int64 // where the last run of each lane ended
	decoder batch.Decoder
	each    func(int64, *batch.Record) error // row, bound once
	d       *draft

	// The run that row is called for.
	ingest    domain.Seq
	index     int
	rows      int64 // so far, excluded ones too
	partition int32
	time      int64 // of a replay: Piece.Time
	source    *source
	out       flink.Row // what the rows have in common, and the present one
	open      bool      // the last piece may grow
}

// lane is one incarnation of a source partition.
type lane struct {
	source     domain.SourceID
	generation domain.Generation
	partition  int32
}

func newPacker(l *layout, limits Limits, maxRecord int) *packer {
	p := &packer{
		layout: l, maxRecord: maxRecord, values: limits.Bytes + overshoot,
		ends: map[lane]int64{},
	}
	p.each = p.row
	return p
}

// add puts one more event of the ingest stream into the draft. An error means that
// the event cannot be read, or does not belong here.
func (p *packer) add(d *draft, e *journal.Entry) error {
	if d.first.IsZero() {
		d.first = e.Ref()
	}
	d.last = e.Ref()
	ev, ok := e.Event.(*domain.Ingested)
	if !ok {
		return nil
	}
	if have := len(d.Values); have > smallValues && cap(d.Values) < p.values {
		// A backlog: the buffer will be filled, so it does not grow step by step.
		d.Values = append(make([]byte, 0, p.values), d.Values...)
	}
	p.d = d
	before := len(d.Ends) + len(d.excluded)
	for i := range ev.Runs {
		if err := p.run(e, i, &ev.Runs[i], ev.ExtractTime); err != nil {
			return err
		}
	}
	if len(d.Ends)+len(d.excluded) > before {
		d.events++
		d.stuck = e.Ref()
	}
	return nil
}

func (p *packer) run(e *journal.Entry, index int, r *domain.Run, extract domain.Micros) error {
	src, partition, err := p.layout.route(r)
	if err != nil {
		return fmt.Errorf("%s run %d: %w", e.Ref(), index, err)
	}
	in := lane{r.Source, r.Generation, r.Partition}
	if end, known := p.ends[in]; known && end != r.First {
		return damaged(e, index, fmt.Sprintf("begins at %d, the last run of source %s partition %d ended at %d", r.First, r.Source, r.Partition, end))
	}
	p.ends[in] = r.Next
	p.begin(e.Seq, index, r, extract, src)
	p.partition = partition
	// A batch that does not decode is excluded with the count that its header gives for
	// the run's offsets: ingest journals no sparse one.
	err = projections.Rows(&p.decoder, r, p.each, func(ordinal int64, h batch.Header, b []byte) error {
		n := h.Overlap(r.First, r.Next)
		p.rows += n
		p.exclude(domain.Exclusion{
			Ordinal: ordinal, Count: n, Offset: max(h.BaseOffset, r.First),
			Reason: domain.ExcludedUndecodable, Digest: sha256.Sum256(b),
		})
		return nil
	})
	if err != nil {
		return damaged(e, index, err.Error())
	}
	if p.rows != r.Rows {
		return damaged(e, index, fmt.Sprintf("%d rows announced, the batches hold %d", r.Rows, p.rows))
	}
	return nil
}

// begin takes what the rows of a run have in common.
func (p *packer) begin(ingest domain.Seq, index int, r *domain.Run, extract domain.Micros, src *source) {
	p.ingest, p.index, p.rows, p.open = ingest, index, 0, false
	p.source = src
	p.out.City, p.out.ExtractTime, p.out.CityPartition = src.city, int64(extract), r.Partition
}

// damaged says that an event with a sound hash contradicts itself: whoever wrote it
// was broken, and nothing downstream can make that good.
func damaged(e *journal.Entry, run int, what string) error {
	return &journal.IntegrityError{Stream: e.Stream, Seq: e.Seq, What: fmt.Sprintf("run %d: %s", run, what)}
}

// row renders one record behind the others.
func (p *packer) row(ordinal int64, rec *batch.Record) error {
	d := p.d
	start := len(d.Values)
	p.out.CityOffset, p.out.CityTimestamp = rec.Offset, rec.Timestamp
	p.rows++
	if what := p.read(rec.Value); what != "" {
		p.exclude(domain.Exclusion{
			Ordinal: ordinal, Count: 1, Offset: rec.Offset,
			Reason: domain.ExcludedUnreadable, Digest: sha256.Sum256(rec.Value), Detail: what,
		})
		return nil
	}
	d.Values = p.source.encoder.Append(d.Values, &p.out)
	passed := p.passed(rec)
	if len(d.Values)-start+passed.size() > p.maxRecord {
		d.Values = d.Values[:start]
		p.exclude(domain.Exclusion{
			Ordinal: ordinal, Count: 1, Offset: rec.Offset,
			Reason: domain.ExcludedTooLarge, Digest: sha256.Sum256(rec.Value),
		})
		return nil
	}
	d.Ends = append(d.Ends, len(d.Values))
	if p.layout.format.PassKey || p.layout.format.PassHeaders {
		d.Passed = append(d.Passed, passed)
		d.passed += passed.size()
	}
	if p.open {
		d.Pieces[len(d.Pieces)-1].N++
		return nil
	}
	p.open = true
	d.Pieces = append(d.Pieces, Piece{Partition: p.partition, N: 1, Time: p.time})
	d.origins = append(d.origins, origin{ingest: p.ingest, run: p.index, first: ordinal})
	return nil
}

// read takes a record's value into the row, or says why it does not read as its source
// declares it.
func (p *packer) read(value []byte) (what string) {
	if err := p.source.reader.Read(&p.out, value); err != nil {
		return err.Error()
	}
	return ""
}

func (p *packer) exclude(x domain.Exclusion) {
	x.Ingest, x.Run = p.ingest, p.index
	p.d.excluded = append(p.d.excluded, x)
	p.open = false
}

// excludedRows counts the rows of a list of exclusions.
func excludedRows(list []domain.Exclusion) int64 {
	var n int64
	for i := range list {
		n += list[i].Count
	}
	return n
}

// beginTime is the hub timestamp of a batch: now in whole milliseconds, as Kafka
// stores it, and never earlier than the batch before.
func beginTime(now, previous domain.Micros) domain.Micros {
	return max(domain.Micros(now.Millis()*1000), previous)
}
