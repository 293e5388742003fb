package timeline

import (
	"context"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// mostSpans is how many separate spans of offsets are kept of a partition.
const mostSpans = 1000

// accounts are what trouble touched, by source partition.
type accounts map[domain.PartitionKey]*account

type account struct {
	Touched
	spans   domain.Spans
	left    domain.Spans // offsets of rows that were left out
	why     [causes]bool
	longest domain.Micros
}

func (a accounts) of(key domain.PartitionKey, span domain.Span, why cause) *account {
	c := a[key]
	if c == nil {
		c = &account{Touched: Touched{Source: string(key.Source), Generation: uint32(key.Generation), Partition: key.Partition}}
		a[key] = c
	}
	c.why[why] = true
	if set, _ := c.spans.Add(span); len(set) <= mostSpans {
		c.spans = set
	} else {
		c.LeftOut++
	}
	return c
}

// excluded adds rows that a batch left out.
func (a accounts) excluded(key domain.PartitionKey, x *domain.Exclusion) {
	span := domain.Span{First: x.Offset, Next: x.Offset + x.Count}
	c := a.of(key, span, causeExcluded)
	c.Excluded += x.Count
	if set, _ := c.left.Add(span); len(set) <= mostSpans {
		c.left = set
	}
}

// gone adds offsets that hold no row, and nobody can say that this is in order.
func (a accounts) gone(key domain.PartitionKey, span domain.Span) {
	a.of(key, span, causeGone).Gone += span.Len()
}

// found adds findings that name a row of a city.
func (a accounts) found(list []*domain.Finding) {
	for _, f := range list {
		if o := f.Row.City.Offset; f.Row.City.Partition >= 0 && f.Source != "" {
			a.of(findingKey(f), domain.Span{First: o, Next: o + 1}, causeFound).Findings++
		}
	}
}

// addUp reads the ingest events of a shard that trouble touched once more, each with what became
// of it.
func (t *telling) addUp(ctx context.Context, shard int) error {
	r := t.reach[shard]
	var all domain.Spans
	for _, spans := range r.by {
		for _, s := range spans {
			all, _ = all.Add(s)
		}
	}
	silent := map[domain.Seq][]domain.PartitionKey{}
	for _, s := range r.silent {
		silent[s.seq] = append(silent[s.seq], s.key)
		all, _ = all.Add(domain.Span{First: int64(s.seq), Next: int64(s.seq) + 1})
	}
	f := t.fates(shard)
	for _, span := range all {
		err := t.each(ctx, t.stream(shard, domain.LegIngest), domain.Seq(span.First), domain.Seq(span.Next-1), func(e *journal.Entry) error {
			in, is := e.Event.(*domain.Ingested)
			if !is {
				return nil
			}
			became, err := f.of(ctx, e.Seq)
			if err != nil {
				return err
			}
			t.addEvent(e.Seq, in, became, r, silent[e.Seq])
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addEvent adds the rows of an ingest event that trouble touched.
func (t *telling) addEvent(seq domain.Seq, in *domain.Ingested, became fate, r *reach, silent []domain.PartitionKey) {
	at, there := t.there(became)
	if !there {
		at = t.j.Now()
	}
	took := at - in.ExtractTime
	var why []cause
	for c, spans := range r.by {
		if cause(c) != causeLate && spans.Contains(int64(seq)) {
			why = append(why, cause(c))
		}
	}
	if took > t.ask.slow() {
		why = append(why, causeLate)
	}
	for i := range in.Runs {
		run := &in.Runs[i]
		own := why
		if slices.Contains(silent, keyOf(run)) {
			own = append(slices.Clone(why), causeSilence)
		}
		if known := t.accounts[keyOf(run)]; len(own) == 0 || run.Rows == 0 && known == nil {
			continue // a commit marker alone is nobody's trouble
		}
		span := domain.Span{First: run.First, Next: run.Next}
		var a *account
		for _, c := range own {
			a = t.accounts.of(keyOf(run), span, c)
		}
		a.Rows += run.Rows
		if there {
			a.longest = max(a.longest, took)
		} else {
			a.NotThere += run.Rows - a.left.Within(span).Len()
		}
	}
}

// touched is the accounts in the order of their partitions.
func (a accounts) touched(k *known) []Touched {
	out := []Touched{}
	names := causeNames()
	for _, key := range slices.SortedFunc(maps.Keys(a), byPartition) {
		c := a[key]
		row := c.Touched
		row.City, row.Offsets, row.Longest = k.city(key.Source), c.spans, int64(c.longest)/1000
		for why, is := range c.why {
			if is {
				row.Why = append(row.Why, names[why])
			}
		}
		out = append(out, row)
	}
	return out
}
