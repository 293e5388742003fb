package origin

import (
	"errors"
	"strconv"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// rows makes what is expected of the rows of one run after another.
type rows struct {
	o     *Journal
	found func(domain.Finding)
	each  func(*Expected) error
	only  *proof.Range // of a city: the rows that are wanted; nil: all of them

	decoder            decoder
	city, hub, extract clock
	out                Expected

	commit  domain.Seq
	hubTime int64 // milliseconds
	hubText string

	run     *domain.Run
	key     domain.PartitionKey
	source  *source // nil: not in the configuration
	places  []place // what is left of them, the first ones passed
	ordinal int64
}

func (w *rows) begin(o *Journal, found func(domain.Finding), each func(*Expected) error) {
	w.o, w.found, w.each = o, found, each
	w.city = clock{zone: o.zone, digits: o.digits.CityTime}
	w.hub = clock{zone: o.zone, digits: o.digits.HubTime}
	w.extract = clock{zone: o.zone, digits: o.digits.ExtractTime}
}

// take turns to a run and what its commit says of it.
func (w *rows) take(seq domain.Seq, in *domain.Ingested, run int, places []place) {
	r := &in.Runs[run]
	w.run, w.key = r, domain.PartitionKey{Source: r.Source, Generation: r.Generation, Partition: r.Partition}
	w.source, w.places, w.ordinal = w.o.sources[r.Source], places, 0
	w.out = Expected{Source: r.Source, Extract: in.ExtractTime, Ingest: seq, Run: run, Commit: w.commit}
	w.out.Unread, w.out.Why = w.o.Unread(r.Source)
	w.out.Generation = r.Generation
	w.out.Text[proof.City] = string(w.o.cityOf(r.Source))
	w.out.Text[proof.CityPartition] = strconv.Itoa(int(r.Partition))
	w.out.Text[proof.ExtractTime] = w.extract.micros(int64(in.ExtractTime))
	w.route()
}

// wanted reports whether rows of a run may be asked for.
func (w *rows) wanted(r *domain.Run) bool {
	o := w.only
	return o == nil || r.Source == o.Source && r.Generation == o.Generation && r.Partition == o.Partition && r.First < o.Next && r.Next > o.First
}

// route checks that the hub partitions are those of the configuration: (base + city partition)
// mod H.
func (w *rows) route() {
	h := int64(w.o.config.HubPartitions)
	if w.source == nil || h <= 0 {
		if len(w.places) > 0 {
			w.found(finding(domain.Strayed, w.key, "", w.run.First, "the source is not in the configuration that is in force"))
		}
		return
	}
	want := int32((int64(w.source.Base) + int64(w.run.Partition)) % h)
	for i := range w.places {
		if p := &w.places[i]; p.excluded == "" && p.partition != want {
			f := finding(domain.Altered, w.key, w.source.City, w.run.First, "should be %d, is %d from hub offset %d on", want, p.partition, p.offset)
			f.Column, f.Row.Hub = "hw_partition_id", domain.Coord{Partition: p.partition, Offset: p.offset, Timestamp: w.hubTime}
			w.found(f)
		}
	}
}

// walk goes through the rows of the run.
func (w *rows) walk() error {
	for _, section := range w.run.Batches {
		for len(section) > 0 {
			h, b, rest, err := nextBatch(section)
			if err != nil {
				w.found(finding(domain.Altered, w.key, w.o.cityOf(w.key.Source), w.run.First, "the run's batches cannot be told apart: %s", err))
				return nil
			}
			section = rest
			if h.control() || h.within(w.run.First, w.run.Next) == 0 {
				continue
			}
			list, err := w.decoder.decode(&h, b)
			if err != nil {
				err = w.undecodable(&h, err)
			} else {
				err = w.decoded(list)
			}
			if err != nil {
				return err
			}
		}
	}
	for _, p := range w.places {
		if p.next > w.ordinal {
			first := max(p.first, w.ordinal)
			f := finding(domain.Strayed, w.key, w.o.cityOf(w.key.Source), -1, "a commit has rows %d to %d of the run that begins at %d, which has %d rows", first, p.next-1, w.run.First, w.ordinal)
			f.Row.Hub = domain.Coord{Partition: p.partition, Offset: p.offset + first - p.first, Timestamp: w.hubTime}
			w.found(f)
		}
	}
	return nil
}

func (w *rows) decoded(list []record) error {
	for i := range list {
		r := &list[i]
		if r.offset < w.run.First {
			continue
		}
		if r.offset >= w.run.Next {
			break
		}
		if err := w.row(r); err != nil {
			return err
		}
	}
	return nil
}

// undecodable stands for the rows of a batch that does not decode. Who carries rows of it all
// the same knows a codec that is not known here; a checksum that does not hold is a finding.
func (w *rows) undecodable(h *header, why error) error {
	if errors.Is(why, errChecksum) {
		w.found(finding(domain.Altered, w.key, w.o.cityOf(w.key.Source), h.base, "%s", why))
	}
	unread, text := w.out.Unread, w.out.Why
	w.out.Unread, w.out.Why = unread|1<<proof.CityTime|1<<proof.Record, why.Error()
	defer func() { w.out.Unread, w.out.Why = unread, text }()
	for o := max(h.base, w.run.First); o <= h.last && o < w.run.Next; o++ {
		if err := w.row(&record{offset: o, null: true}); err != nil {
			return err
		}
	}
	return nil
}

// row finds the place of the next row, and hands it out.
func (w *rows) row(r *record) error {
	i := w.ordinal
	w.ordinal++
	if w.o.config.Direct {
		return w.asItIs(r)
	}
	for len(w.places) > 0 && w.places[0].next <= i {
		w.places = w.places[1:]
	}
	var at *place
	for k := 0; k < len(w.places) && w.places[k].first <= i; k++ {
		switch {
		case i >= w.places[k].next:
		case at == nil:
			at = &w.places[k]
		default:
			w.twice(r, at, &w.places[k])
		}
	}
	if at == nil {
		f := finding(domain.Lost, w.key, w.o.cityOf(w.key.Source), r.offset, "a commit has passed it and neither carries it nor leaves it out")
		f.Row.City.Timestamp = r.time
		w.found(f)
		return nil
	}
	return w.hand(r, at)
}

// twice is a row that a commit has at two places, or has and leaves out.
func (w *rows) twice(r *record, a, b *place) {
	f := finding(domain.Doubled, w.key, w.o.cityOf(w.key.Source), r.offset, "a commit has it twice: %s, and %s", a.at(w.ordinal-1), b.at(w.ordinal-1))
	f.Row.City.Timestamp = r.time
	if b.excluded == "" {
		f.Row.Hub = domain.Coord{Partition: b.partition, Offset: b.offset + w.ordinal - 1 - b.first, Timestamp: w.hubTime}
	}
	w.found(f)
}

func (p *place) at(ordinal int64) string {
	if p.excluded != "" {
		return "left out (" + p.excluded + ")"
	}
	return "at " + domain.Coord{Partition: p.partition, Offset: p.offset + ordinal - p.first}.String()
}

func (w *rows) hand(r *record, at *place) error {
	if w.only != nil && (r.offset < w.only.First || r.offset >= w.only.Next) {
		return nil
	}
	e := &w.out
	e.City = domain.Coord{Partition: w.run.Partition, Offset: r.offset, Timestamp: r.time}
	e.Offset, e.Ordinal, e.Excluded = r.offset, w.ordinal-1, at.excluded
	e.Text[proof.CityOffset] = strconv.FormatInt(r.offset, 10)
	e.Text[proof.CityTime] = w.city.millis(r.time)
	e.Hub = domain.Coord{Partition: -1, Offset: -1, Timestamp: -1}
	e.Text[proof.HubPartition], e.Text[proof.HubOffset], e.Text[proof.HubTime] = "", "", ""
	e.Null = 1<<proof.HubPartition | 1<<proof.HubOffset | 1<<proof.HubTime
	if at.excluded == "" {
		e.Null = 0
		e.Hub = domain.Coord{Partition: at.partition, Offset: at.offset + w.ordinal - 1 - at.first, Timestamp: w.hubTime}
		e.Text[proof.HubPartition] = strconv.Itoa(int(at.partition))
		e.Text[proof.HubOffset] = strconv.FormatInt(e.Hub.Offset, 10)
		e.Text[proof.HubTime] = w.hubText
	}
	e.Value, e.Text[proof.Record] = r.value, ""
	if r.null {
		e.Null |= 1 << proof.Record
	} else if w.source != nil && w.source.text.of != nil {
		e.Text[proof.Record] = w.source.text.of(r.value)
	}
	return w.each(e)
}

// direct hands out the rows of an ingest event of a pipeline whose source is the hub topic.
func (w *rows) direct(seq domain.Seq, in *domain.Ingested) error {
	for i := range in.Runs {
		w.take(seq, in, i, nil)
		if err := w.walk(); err != nil {
			return err
		}
	}
	return nil
}

// asItIs hands out a row of the hub topic, which is where it was read.
func (w *rows) asItIs(r *record) error {
	e := &w.out
	e.City = domain.Coord{Partition: w.run.Partition, Offset: r.offset, Timestamp: r.time}
	e.Offset, e.Ordinal, e.Hub, e.Value, e.Null = r.offset, w.ordinal-1, e.City, r.value, 0
	if r.null {
		e.Null = 1 << proof.Record
	}
	e.Text = [proof.Columns]string{
		proof.HubPartition: strconv.Itoa(int(w.run.Partition)), proof.HubOffset: strconv.FormatInt(r.offset, 10), proof.HubTime: w.hub.millis(r.time),
	}
	return w.each(e)
}
