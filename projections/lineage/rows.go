package lineage

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
	recordbatch "github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// rows makes lines of the records of ingest events.
type rows struct {
	l      *Lineage
	dec    recordbatch.Decoder
	values *flink.HubReader
}

func newRows(l *Lineage) rows { return rows{l: l, values: flink.NewHubReader(l.zone)} }

// city lists the rows of a city's ingest event, and says how many of them the hub holds.
func (r *rows) city(b *block, base Row, e *journal.Entry, ev *domain.Ingested, f *fates) (held int64, err error) {
	base.Ingest, base.Extract = e.Seq, ev.ExtractTime
	for i := range ev.Runs {
		run := &ev.Runs[i]
		base := base
		base.Run, base.Source, base.Generation, base.Place.City.Partition = i, run.Source, run.Generation, run.Partition
		if base.City, err = r.l.city(run.Source); err != nil {
			return held, fmt.Errorf("%s: %w", e.Ref(), err)
		}
		of := &cityRun{base: base, fate: f.of(place{e.Seq, i}), rows: map[*domain.HubRun]*Row{}}
		add := func(ordinal int64, l line) error {
			if !of.place(ordinal, &l) {
				return integrity(e, "row %d of run %d is neither in the hub nor excluded (hub event %d)", ordinal, i, base.Hub)
			}
			if l.state != ExcludedHub {
				held++
			}
			b.add(l)
			return nil
		}
		err := projections.Rows(&r.dec, run, func(ordinal int64, rec *recordbatch.Record) error {
			return add(ordinal, lineOf(rec))
		}, func(ordinal int64, h recordbatch.Header, _ []byte) error {
			for n := range h.Overlap(run.First, run.Next) {
				if err := add(ordinal+n, undecoded(max(h.BaseOffset, run.First)+n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return held, err
		}
	}
	return held, nil
}

// cityRun is a run of a city on its way through the hub.
type cityRun struct {
	base Row
	fate fate
	rows map[*domain.HubRun]*Row // one for each hub run, and one for what the hub left out
}

// place says where a row went; false when the journal does not.
func (c *cityRun) place(ordinal int64, l *line) bool {
	state, at, known := c.fate.next(ordinal)
	if !known {
		return false
	}
	l.state, l.of = state, c.rows[at]
	if l.of == nil {
		row := c.base
		if at != nil {
			row.Place.Hub.Partition = at.Partition
		} else {
			row.Place.Hub = domain.Coord{Partition: unknown, Offset: unknown, Timestamp: unknown}
		}
		l.of = &row
		c.rows[at] = l.of
	}
	l.hubOffset = unknown
	if at != nil {
		l.hubOffset = at.Offset + ordinal - at.First
	}
	return true
}

// direct lists the rows of the hub topic's ingest event: the place in the hub is the
// record's own, that in the city is what its value says.
func (r *rows) direct(b *block, base Row, e *journal.Entry, ev *domain.Ingested, left map[place][]domain.Exclusion) error {
	base.Ingest, base.Extract = e.Seq, ev.ExtractTime
	for i := range ev.Runs {
		run := &ev.Runs[i]
		base := base
		base.Run, base.Source, base.Generation, base.Place.Hub.Partition = i, run.Source, run.Generation, run.Partition
		list := left[place{e.Seq, i}]
		add := func(ordinal int64, l line, value []byte, timestamp int64) {
			row := base
			row.Place.Hub.Timestamp = timestamp
			r.read(&row, value)
			l.of, l.hubOffset, l.cityOffset, l.cityTime = &row, l.cityOffset, row.Place.City.Offset, row.Place.City.Timestamp
			l.state = InTable
			if excluded(&list, ordinal) {
				l.state = ExcludedDoris
			}
			b.add(l)
		}
		err := projections.Rows(&r.dec, run, func(ordinal int64, rec *recordbatch.Record) error {
			add(ordinal, lineOf(rec), rec.Value, rec.Timestamp)
			return nil
		}, func(ordinal int64, h recordbatch.Header, _ []byte) error {
			for n := range h.Overlap(run.First, run.Next) {
				add(ordinal+n, undecoded(max(h.BaseOffset, run.First)+n), nil, unknown)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// read takes the place in the city from the value of a hub record.
func (r *rows) read(row *Row, value []byte) {
	row.Place.City = domain.Coord{Partition: unknown, Offset: unknown, Timestamp: unknown}
	says, err := r.values.Read(value)
	if err != nil {
		return // the load left it out, or there is no value
	}
	row.City = domain.City(says.City)
	if p := says.CityPartition; p != nil && *p >= 0 && *p <= math.MaxInt32 {
		row.Place.City.Partition = int32(*p)
	}
	if says.CityOffset != nil {
		row.Place.City.Offset = *says.CityOffset
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05.999999", strings.Replace(string(says.CityTime), "T", " ", 1), r.l.zone)
	if err == nil {
		row.Place.City.Timestamp = at.UnixMilli()
	}
}

// lineOf is a record in the city's place.
func lineOf(r *recordbatch.Record) line {
	l := line{cityOffset: r.Offset, cityTime: r.Timestamp, length: unknown, digest: xxh3.Hash(r.Value)}
	if r.Value != nil {
		l.length = int64(len(r.Value))
	}
	return l
}

// undecoded is a record of which only the offset is known.
func undecoded(offset int64) line {
	return line{cityOffset: offset, cityTime: unknown, length: unknown, digest: xxh3.Hash(nil)}
}
