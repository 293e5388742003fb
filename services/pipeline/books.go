package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// Books is what a journal says of itself: events by stream and kind, intents and
// outcomes, and the accounts of every source partition.
type Books struct {
	Pipeline  string
	Journal   domain.JournalID
	Created   domain.Micros
	Direct    bool // the source is the hub topic itself, and there are no cities
	Streams   []StreamBooks
	Shards    []ShardBooks
	Apart     []StreamIntents // of the lineage and of replays
	Accounts  []*domain.Account
	Positions []domain.Position // of all source partitions, as they are journaled
	// HubBegins is the offset of the first row of these books in each hub partition that has
	// one; what lies before it is of whoever filled the hub before.
	HubBegins map[int32]int64
	// HubSpans, by hub partition and in order, are the rows there that do not say themselves
	// which city row they are.
	HubSpans map[int32][]HubSpan
	Config   domain.PipelineConfig // in force
	Excluded []Excluded
	Findings []string // what does not add up
}

// StreamBooks counts one stream.
type StreamBooks struct {
	Stream domain.Stream
	Events int64
	Bytes  int64
	Kinds  map[domain.Kind]int64
}

// ShardBooks are the intents and outcomes of a shard.
type ShardBooks struct {
	Shard      int
	Hub, Doris Intents
}

// StreamIntents are the intents and outcomes of a stream that is no part of the accounts: those
// are of what came from the cities and is in hub and table by the pipeline itself.
type StreamIntents struct {
	Stream domain.Stream
	Intents
}

// Intents add up: Begun = Committed + Aborted + Open, and at most one is open.
type Intents struct {
	Begun, Committed, Aborted, Open int64
}

// AddUp reports whether they do.
func (i Intents) AddUp() bool { return i.Begun == i.Committed+i.Aborted+i.Open && i.Open <= 1 }

// Excluded is a run of city rows that a committed batch left out, by the leg that did:
// what the hub left out never gets to Doris either.
type Excluded struct {
	Leg    domain.Leg
	Key    domain.PartitionKey
	Offset int64 // of the first
	Count  int64
	Reason string
}

// ReadBooks reads every event of a journal once and checks every chain: a broken one is
// an error, sums that do not add up are findings.
func ReadBooks(ctx context.Context, j *journal.Journal) (*Books, error) {
	b := &Books{Pipeline: j.Pipeline(), Journal: j.ID(), HubBegins: map[int32]int64{}, HubSpans: map[int32][]HubSpan{}}
	tail, err := tailOf(ctx, j, domain.ControlStream(j.Pipeline()))
	if err != nil {
		return nil, err
	}
	var state domain.ControlState
	control, err := b.read(ctx, j, domain.ControlStream(j.Pipeline()), tail, func(e *journal.Entry) error {
		state.Apply(e.Seq, e.Event)
		switch ev := e.Event.(type) {
		case *domain.Genesis:
			b.Created = ev.Created
		case *domain.PipelineConfigured:
			b.Direct, b.Config = ev.Config.Direct, ev.Config
		}
		return nil
	})
	if err != nil || !control {
		return b, err
	}
	for shard := 0; ; shard++ {
		found, err := b.readShard(ctx, j, shard)
		if err == nil && found {
			err = b.readApart(ctx, j, state.ShardStreams(j.Pipeline(), shard))
		}
		if err != nil || !found {
			return b, err
		}
	}
}

// readApart reads those of a shard's streams that readShard does not.
func (b *Books) readApart(ctx context.Context, j *journal.Journal, streams []domain.Stream) error {
	for _, s := range streams {
		if slices.Contains(accounted(), s.Leg) {
			continue
		}
		tail, err := tailOf(ctx, j, s)
		if err != nil {
			return err
		}
		there, err := b.read(ctx, j, s, tail, func(*journal.Entry) error { return nil })
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		of := b.Streams[len(b.Streams)-1].Kinds
		n := Intents{
			Begun:     of[domain.KindHubBegun] + of[domain.KindDorisBegun] + of[domain.KindLineageBegun],
			Committed: of[domain.KindHubCommitted] + of[domain.KindDorisCommitted] + of[domain.KindLineageCommitted],
			Aborted:   of[domain.KindHubAborted] + of[domain.KindDorisAborted],
		}
		n.Open = n.Begun - n.Committed - n.Aborted
		if !n.AddUp() || n.Open < 0 {
			b.Findings = append(b.Findings, fmt.Sprintf("%s: %+v", s, n))
		}
		b.Apart = append(b.Apart, StreamIntents{s, n})
	}
	return nil
}

// accounted are the legs whose streams the accounts are made of, along the way of a row.
func accounted() []domain.Leg { return []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris} }

func (b *Books) readShard(ctx context.Context, j *journal.Journal, shard int) (found bool, err error) {
	// While the pipeline runs the streams grow: their ends are taken against the way of
	// a row, so that whatever an event names lies before the end of its stream.
	legs := accounted()
	tails := map[domain.Leg]domain.Seq{}
	for _, leg := range slices.Backward(legs) {
		if tails[leg], err = tailOf(ctx, j, domain.Stream{Pipeline: j.Pipeline(), Shard: shard, Leg: leg}); err != nil {
			return false, err
		}
	}
	books := domain.Books{Direct: b.Direct}
	var positions []domain.Position
	spans := newSpans(&b.Config)
	left := leftOut{runs: map[domain.Seq][]domain.PartitionKey{}, begun: map[domain.Seq]*domain.DorisBegun{}}
	for _, leg := range legs {
		there, err := b.read(ctx, j, domain.Stream{Pipeline: j.Pipeline(), Shard: shard, Leg: leg}, tails[leg], func(e *journal.Entry) error {
			b.Excluded = append(b.Excluded, left.out(e)...)
			spans.add(e.Seq, e.Event)
			if p := domain.PositionsOf(e.Event); p != nil {
				positions = p
			}
			return books.Add(leg, e.Seq, e.Event)
		})
		if err != nil {
			return false, err
		}
		found = found || there
	}
	if found {
		b.close(shard, &books)
		b.Positions = append(b.Positions, positions...)
		maps.Copy(b.HubBegins, books.HubBegins()) // a hub partition belongs to one shard
		maps.Copy(b.HubSpans, spans.sorted())
	}
	return found, nil
}

// leftOut finds what committed batches left out.
type leftOut struct {
	runs  map[domain.Seq][]domain.PartitionKey // of ingest events
	begun map[domain.Seq]*domain.DorisBegun    // without an outcome so far
}

// out is what an event says that was left out.
func (l *leftOut) out(e *journal.Entry) []Excluded {
	switch ev := e.Event.(type) {
	case *domain.Ingested:
		for i := range ev.Runs {
			r := &ev.Runs[i]
			l.runs[e.Seq] = append(l.runs[e.Seq], domain.PartitionKey{Source: r.Source, Generation: r.Generation, Partition: r.Partition})
		}
	case *domain.HubCommitted:
		return l.named(domain.LegHub, ev.Excluded)
	case *domain.DorisBegun:
		l.begun[e.Seq] = ev
	case *domain.DorisAborted:
		delete(l.begun, ev.Begun.Seq)
	case *domain.DorisCommitted:
		begun := l.begun[ev.Begun.Seq]
		delete(l.begun, ev.Begun.Seq)
		if begun != nil {
			return l.named(domain.LegDoris, begun.Excluded)
		}
	}
	return nil
}

func (l *leftOut) named(leg domain.Leg, list []domain.Exclusion) (out []Excluded) {
	for _, x := range list {
		if x.Run < len(l.runs[x.Ingest]) {
			out = append(out, Excluded{leg, l.runs[x.Ingest][x.Run], x.Offset, x.Count, x.Reason})
		}
	}
	return out
}

// tailOf is the last seq of a stream, 0 when it does not exist.
func tailOf(ctx context.Context, j *journal.Journal, s domain.Stream) (domain.Seq, error) {
	tail, err := j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return tail.Seq, nil
}

// read reads a stream up to its tail; false when it does not exist.
func (b *Books) read(ctx context.Context, j *journal.Journal, s domain.Stream, tail domain.Seq, each func(*journal.Entry) error) (bool, error) {
	if tail == 0 {
		return false, nil
	}
	r, err := j.Read(ctx, s, domain.Cursor{})
	if err != nil {
		return false, err
	}
	defer r.Close()
	sl := StreamBooks{Stream: s, Kinds: map[domain.Kind]int64{}}
	for seq := domain.Seq(0); seq < tail; {
		e, err := r.Next(ctx)
		if err != nil {
			return false, err
		}
		seq = e.Seq
		sl.Events++
		sl.Bytes += int64(e.Size)
		sl.Kinds[e.Event.Kind()]++
		if err := each(e); err != nil {
			b.Findings = append(b.Findings, err.Error())
		}
	}
	b.Streams = append(b.Streams, sl)
	return true, nil
}

// close adds a shard's books.
func (b *Books) close(shard int, books *domain.Books) {
	s := ShardBooks{Shard: shard}
	s.Hub = Intents{Begun: books.HubIntents, Committed: books.HubCommits, Aborted: books.HubAborts}
	s.Doris = Intents{Begun: books.DorisIntents, Committed: books.DorisCommits, Aborted: books.DorisAborts}
	s.Hub.Open, s.Doris.Open = books.OpenIntents()
	if !s.Hub.AddUp() {
		b.Findings = append(b.Findings, fmt.Sprintf("shard %d hub: %+v", shard, s.Hub))
	}
	if !s.Doris.AddUp() {
		b.Findings = append(b.Findings, fmt.Sprintf("shard %d doris: %+v", shard, s.Doris))
	}
	b.Shards = append(b.Shards, s)
	for _, a := range books.Accounts() {
		b.Accounts = append(b.Accounts, a)
		if a.Next-a.First != a.Rows+a.GapRows() {
			b.Findings = append(b.Findings, fmt.Sprintf("%v: %d offsets, %d rows and %d gaps", a.PartitionKey, a.Next-a.First, a.Rows, a.GapRows()))
		}
		if a.Hub+a.HubExcluded > a.Rows || a.Doris+a.DorisExcluded > a.Hub {
			b.Findings = append(b.Findings, fmt.Sprintf("%v: %d rows, %d in the hub, %d in Doris", a.PartitionKey, a.Rows, a.Hub, a.Doris))
		}
	}
}
