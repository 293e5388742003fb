package origin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// Cursors are how far the streams of a shard are read. The zero value is before their first
// events. A pipeline that reads the hub topic itself has no hub stream.
type Cursors struct {
	Ingest, Hub, Doris domain.Cursor
}

// Journal is a pipeline's journal as the reconciler reads it. It belongs to one goroutine.
type Journal struct {
	j       *journal.Journal
	digits  Digits
	control stream
	config  domain.PipelineConfig
	digest  domain.Hash
	zone    *time.Location
	sources map[domain.SourceID]*source
}

// source is a source as it is journaled.
type source struct {
	domain.SourceConfig
	text recordText
}

// Open reads the configuration in force. An error is the journal's (*journal.IntegrityError), or
// a time zone that is not known here. Nothing is configured yet: the configuration is empty.
func Open(ctx context.Context, j *journal.Journal, digits Digits) (*Journal, error) {
	o := &Journal{j: j, digits: digits.orDefault(), zone: time.UTC}
	o.control = stream{j: j, s: domain.ControlStream(j.Pipeline())}
	return o, o.Refresh(ctx)
}

// Refresh reads what came to the control stream since: a configuration may have got sources.
func (o *Journal) Refresh(ctx context.Context) error {
	tail, err := o.tail(ctx, o.control.s)
	if err != nil {
		return err
	}
	defer o.control.close()
	return o.control.to(ctx, tail, func(e *journal.Entry) error {
		c, is := e.Event.(*domain.PipelineConfigured)
		if !is {
			return nil
		}
		zone, err := time.LoadLocation(c.Config.Timezone)
		if err != nil {
			return fmt.Errorf("%s: timezone %s: %w", e.Ref(), c.Config.Timezone, err)
		}
		o.config, o.digest, o.zone, o.sources = c.Config, c.Digest, zone, map[domain.SourceID]*source{}
		for _, s := range c.Config.Sources {
			o.sources[s.ID] = &source{SourceConfig: s, text: textOf(s.Format)}
		}
		return nil
	})
}

// Config is the configuration in force, and its digest.
func (o *Journal) Config() (domain.PipelineConfig, domain.Hash) { return o.config, o.digest }

// Unread is the columns of a source's rows that this package cannot say, and why: they are to
// be left out of a mask.
func (o *Journal) Unread(id domain.SourceID) (proof.Mask, string) {
	if o.config.Direct {
		return directUnread, directWhy
	}
	s := o.sources[id]
	switch {
	case s == nil:
		return 1<<proof.City | 1<<proof.Record, "the source is not in the journaled configuration"
	case s.text.of == nil:
		return 1 << proof.Record, s.text.why
	}
	return 0, ""
}

// stream is a leg of a shard, to be read after a cursor.
func (o *Journal) stream(shard int, leg domain.Leg, after domain.Cursor) stream {
	return stream{j: o.j, s: domain.Stream{Pipeline: o.j.Pipeline(), Shard: shard, Leg: leg}, at: after}
}

// Tails are the ends of a shard's streams now. While the pipeline runs the streams grow: they
// are asked for against the way of a row, so that whatever an event names lies before the end
// of its stream.
func (o *Journal) Tails(ctx context.Context, shard int) (c Cursors, err error) {
	for _, of := range []struct {
		leg  domain.Leg
		into *domain.Cursor
	}{{domain.LegDoris, &c.Doris}, {domain.LegHub, &c.Hub}, {domain.LegIngest, &c.Ingest}} {
		if *of.into, err = o.tail(ctx, o.stream(shard, of.leg, domain.Cursor{}).s); err != nil {
			return c, err
		}
	}
	return c, nil
}

// tail is the last event of a stream, zero for one that does not exist.
func (o *Journal) tail(ctx context.Context, s domain.Stream) (domain.Cursor, error) {
	e, err := o.j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return domain.Cursor{}, nil
	}
	if err != nil {
		return domain.Cursor{}, err
	}
	return e.Ref(), nil
}

// finding is one of the place "journal".
func finding(class domain.Class, key domain.PartitionKey, city domain.City, offset int64, detail string, args ...any) domain.Finding {
	f := domain.Finding{Class: class, Where: "journal", Source: key.Source, Generation: key.Generation, City: city, Detail: fmt.Sprintf(detail, args...)}
	f.Row.City = domain.Coord{Partition: key.Partition, Offset: offset, Timestamp: -1}
	f.Row.Hub = domain.Coord{Partition: -1, Offset: -1, Timestamp: -1}
	return f
}

// oddEvent is a finding about an event as a whole: the event is what tells such findings apart.
func oddEvent(class domain.Class, s domain.Stream, seq domain.Seq, detail string, args ...any) domain.Finding {
	at := domain.Ref{Stream: s, Seq: seq}.String()
	f := finding(class, domain.PartitionKey{Partition: -1}, "", -1, "%s: %s", at, fmt.Sprintf(detail, args...))
	f.Column = at
	return f
}

// cityOf is the code of a source, empty where the configuration does not know it.
func (o *Journal) cityOf(id domain.SourceID) domain.City {
	if s := o.sources[id]; s != nil {
		return s.City
	}
	return ""
}
