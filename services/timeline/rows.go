package timeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// cause is why rows count as touched.
type cause uint8

// The first ones are of whole ingest events.
const (
	causeFailed cause = iota
	causeInterrupted
	causeSlow
	causeLate
	wholeEvents
	causeSilence cause = iota - 1
	causeExcluded
	causeGone
	causeFound
	causes
)

// causeNames are the words for people, by number.
func causeNames() [causes]string {
	return [...]string{"failed attempt", "process interrupted", "slow load", "late", "fetched after a silence", "left out", "no row there", "found by the reconciler"}
}

// reach is what trouble touched of a shard: ingest events, by cause.
type reach struct {
	by     [wholeEvents]domain.Spans
	silent []silentRun
}

// silentRun is a run that was fetched after a silence.
type silentRun struct {
	seq domain.Seq
	key domain.PartitionKey
}

// touch takes note that trouble touched what an attempt is to carry, of which the line is.
func (t *telling) touch(ctx context.Context, l *Line, s domain.Stream, in *attempt, why cause) error {
	span, err := t.ingestOf(ctx, in)
	if err != nil {
		return err
	}
	r := t.reach[s.Shard]
	r.by[why], _ = r.by[why].Add(span)
	was, known := t.about[l]
	if known {
		span = domain.Span{First: min(was.span.First, span.First), Next: max(was.span.Next, span.Next)}
	}
	if known || t.story.LeftOut == 0 {
		t.about[l] = carried{shard: s.Shard, span: span, leg: s.Leg}
	}
	return nil
}

// ingestOf is the seqs of the ingest events of which an attempt is to carry the rows.
func (r *reading) ingestOf(ctx context.Context, in *attempt) (domain.Span, error) {
	first, last := in.first.Seq, in.last.Seq
	if s := in.first.Stream; s.Leg == domain.LegHub {
		var err error
		if first, err = r.carriedAt(ctx, s, first-1); err != nil {
			return domain.Span{}, err
		}
		if last, err = r.carriedAt(ctx, s, last); err != nil {
			return domain.Span{}, err
		}
		first++
	}
	return domain.Span{First: int64(first), Next: int64(last) + 1}, nil
}

// carriedAt is how far a leg has come once one of its events stands.
func (r *reading) carriedAt(ctx context.Context, s domain.Stream, seq domain.Seq) (domain.Seq, error) {
	if seq == 0 {
		return 0, nil
	}
	e, err := r.j.Get(ctx, s, seq)
	if err != nil {
		return 0, err
	}
	return r.carriedBy(ctx, e)
}

// fetchedAt is when the first rows of ingest events from one on were fetched; false where none of
// the next few has any.
func (r *reading) fetchedAt(ctx context.Context, shard int, span domain.Span) (domain.Micros, bool, error) {
	for seq := span.First; seq < span.Next; seq++ {
		e, err := r.j.Get(ctx, r.stream(shard, domain.LegIngest), domain.Seq(seq))
		if err != nil {
			return 0, false, err
		}
		if in, is := e.Event.(*domain.Ingested); is {
			return in.ExtractTime, true, nil
		}
	}
	return 0, false, nil
}

// lateIn takes note of a batch some rows of which are visible late: without a table that is a hub
// transaction, with one a load. Which rows, is seen when all is read.
func (t *telling) lateIn(ctx context.Context, e *journal.Entry, in *attempt, o *ending) error {
	if e.Stream.Leg == domain.LegHub && t.c.Table != "" {
		return nil
	}
	span, err := t.ingestOf(ctx, in)
	if err != nil {
		return err
	}
	at, has, err := t.fetchedAt(ctx, e.Stream.Shard, span)
	if has && o.visible-at > t.ask.slow() {
		r := t.reach[e.Stream.Shard]
		r.by[causeLate], _ = r.by[causeLate].Add(span)
	}
	return err
}

// ranges are the rows of ingest events, by source partition, and when the first was fetched.
func (t *telling) ranges(ctx context.Context, shard int, span domain.Span) (out []Range, fetched domain.Micros, err error) {
	of := map[domain.PartitionKey]*Range{}
	err = t.each(ctx, t.stream(shard, domain.LegIngest), domain.Seq(span.First), domain.Seq(span.Next-1), func(e *journal.Entry) error {
		in, is := e.Event.(*domain.Ingested)
		if !is {
			return nil
		}
		if fetched == 0 {
			fetched = in.ExtractTime
		}
		for i := range in.Runs {
			if run := &in.Runs[i]; run.Rows > 0 {
				t.widen(of, keyOf(run), run.First, run.Next-1, run.Rows)
			}
		}
		return nil
	})
	return inPlace(of), fetched, err
}

func keyOf(run *domain.Run) domain.PartitionKey {
	return domain.PartitionKey{Source: run.Source, Generation: run.Generation, Partition: run.Partition}
}

// widen adds rows to a range.
func (k *known) widen(of map[domain.PartitionKey]*Range, key domain.PartitionKey, first, last, rows int64) {
	r := of[key]
	if r == nil {
		r = &Range{City: k.city(key.Source), Source: string(key.Source), Generation: uint32(key.Generation), Partition: key.Partition, First: first, Last: last}
		of[key] = r
	}
	r.First, r.Last, r.Rows = min(r.First, first), max(r.Last, last), r.Rows+rows
}

// inPlace is the ranges in the order of their partitions.
func inPlace(of map[domain.PartitionKey]*Range) (out []Range) {
	for _, key := range slices.SortedFunc(maps.Keys(of), byPartition) {
		out = append(out, *of[key])
	}
	return out
}

func byPartition(a, b domain.PartitionKey) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Partition, b.Partition))
}

// found is where findings are, by source partition.
func (k *known) found(list []*domain.Finding) []Range {
	of := map[domain.PartitionKey]*Range{}
	for _, f := range list {
		if f.Row.City.Partition >= 0 && f.Source != "" {
			k.widen(of, findingKey(f), f.Row.City.Offset, f.Row.City.Offset, 1)
		}
	}
	return inPlace(of)
}

func findingKey(f *domain.Finding) domain.PartitionKey {
	return domain.PartitionKey{Source: f.Source, Generation: f.Generation, Partition: f.Row.City.Partition}
}

// leftOut tells the rows that a batch left out, by reason.
func (t *telling) leftOut(ctx context.Context, e *journal.Entry, in *attempt, list []domain.Exclusion) error {
	reasons := map[string]map[domain.PartitionKey]*Range{}
	counts := map[string]int64{}
	var ingest *journal.Entry
	for i := range list {
		x := &list[i]
		if ingest == nil || ingest.Seq != x.Ingest {
			var err error
			if ingest, err = t.j.Get(ctx, t.stream(e.Stream.Shard, domain.LegIngest), x.Ingest); err != nil {
				return err
			}
		}
		ev, is := ingest.Event.(*domain.Ingested)
		if !is || x.Run >= len(ev.Runs) {
			return contradiction(ingest, "has no run %d, of which %s leaves rows out", x.Run, e.Ref())
		}
		if reasons[x.Reason] == nil {
			reasons[x.Reason] = map[domain.PartitionKey]*Range{}
		}
		key := keyOf(&ev.Runs[x.Run])
		t.widen(reasons[x.Reason], key, x.Offset, x.Offset+x.Count-1, x.Count)
		counts[x.Reason] += x.Count
		t.accounts.excluded(key, x)
	}
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		l := t.line(e, fmt.Sprintf("%s leaves %s out: %s", in, number(counts[reason], "row"), said(reason)))
		l.Ranges = inPlace(reasons[reason])
	}
	return nil
}
