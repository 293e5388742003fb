package origin

import (
	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/report"
)

// addDoris folds in an event of the doris stream, after what it names.
func (b *Books) addDoris(e *journal.Entry) {
	count := b.counts[domain.LegDoris]
	switch ev := e.Event.(type) {
	case *domain.DorisBegun:
		count.Begun++
		b.loads[e.Seq] = &intent{doris: ev}
	case *domain.DorisPrepared:
		if in := b.loads[ev.Begun.Seq]; in != nil {
			in.label, in.txn = ev.Label, ev.Txn
		}
	case *domain.DorisAborted:
		count.Aborted++
		b.loadEnds(e, ev.Begun.Seq, "aborted", 0)
		delete(b.loads, ev.Begun.Seq)
	case *domain.DorisCommitted:
		count.Committed++
		if in := b.loadEnds(e, ev.Begun.Seq, "visible", ev.Rows); in != nil {
			b.loaded(e, in.doris)
		}
		delete(b.loads, ev.Begun.Seq)
	}
	b.counts[domain.LegDoris] = count
}

// loadEnds takes note of an outcome, and gives its intent; nil where none is open, which is a
// finding.
func (b *Books) loadEnds(e *journal.Entry, begun domain.Seq, state string, rows int64) *intent {
	o := report.Outcome{Ref: report.Ref(e.Ref()), Kind: "doris load", State: state, Rows: rows}
	in := b.loads[begun]
	if in != nil {
		o.Label, o.Txn, o.Time = in.label, in.txn, micros(in.doris.Time)
		if in.doris.Probe != nil {
			o.Kind = "doris probe"
		}
	} else {
		b.odd(e, "it ends intent %d, which is not open", begun)
	}
	b.outcome(domain.LegDoris, o)
	return in
}

// loaded books the rows of a load that is visible.
func (b *Books) loaded(e *journal.Entry, begun *domain.DorisBegun) {
	if b.o.config.Direct {
		b.loadedDirect(e, begun)
		return
	}
	for _, end := range begun.Ends {
		b.ends.Table[end.Partition] = end.Next
	}
	keys := map[runKey]domain.PartitionKey{}
	var runs []domain.HubRun
	for s := begun.First.Seq; s <= min(begun.Last.Seq, b.hub.at.Seq); s++ {
		c := b.commits[s]
		if c == nil {
			continue // another event, or one that was loaded before: the sums say so
		}
		for i := range c.runs {
			key := c.keys[runKey{c.runs[i].Ingest, c.runs[i].Run}]
			if a := b.accounts[key]; a != nil {
				a.Doris += c.runs[i].N
			}
			keys[runKey{c.runs[i].Ingest, c.runs[i].Run}] = key
		}
		runs = append(runs, c.runs...)
		b.passed.doris = max(b.passed.doris, c.last)
		delete(b.commits, s)
	}
	for i := range begun.Excluded {
		b.leftOut(e, &begun.Excluded[i], keys, runs)
	}
}

// leftOut finds where the hub has the rows that a load leaves out.
func (b *Books) leftOut(e *journal.Entry, x *domain.Exclusion, keys map[runKey]domain.PartitionKey, runs []domain.HubRun) {
	a := b.accounts[keys[runKey{x.Ingest, x.Run}]]
	left := x.Count
	for i := range runs {
		r := &runs[i]
		first, next := max(x.Ordinal, r.First), min(x.Ordinal+x.Count, r.First+r.N)
		if r.Ingest == x.Ingest && r.Run == x.Run && first < next {
			b.without(a, r.Partition, domain.Span{First: r.Offset + first - r.First, Next: r.Offset + next - r.First})
			left -= next - first
		}
	}
	if left != 0 {
		b.odd(e, "it leaves out %d rows of run %d of ingest event %d that it does not carry", left, x.Run, x.Ingest)
	}
}

// loadedDirect is the same in a pipeline whose loads carry ingest events. How far the table is
// follows from these: what a load says of it may be of a former generation of the hub topic.
func (b *Books) loadedDirect(e *journal.Entry, begun *domain.DorisBegun) {
	rows := map[runKey]*domain.Account{}
	for s := begun.First.Seq; s <= min(begun.Last.Seq, b.ingest.at.Seq); s++ {
		n := b.notes[s]
		if n == nil {
			continue
		}
		for i, key := range n.keys {
			rows[runKey{s, i}] = b.accounts[key]
			b.accounts[key].Doris += n.rows[i]
			if !b.isFormer(key) {
				b.ends.Table[key.Partition] = n.next[i]
			}
		}
		delete(b.notes, s)
	}
	b.passed.doris = max(b.passed.doris, min(begun.Last.Seq, b.ingest.at.Seq))
	for i := range begun.Excluded {
		x := &begun.Excluded[i]
		if a := rows[runKey{x.Ingest, x.Run}]; a != nil {
			b.without(a, a.Partition, domain.Span{First: x.Offset, Next: x.Offset + x.Count})
		} else {
			b.odd(e, "it leaves out rows of run %d of ingest event %d that it does not carry", x.Run, x.Ingest)
		}
	}
}

// without books hub offsets that the table does not get.
func (b *Books) without(a *domain.Account, partition int32, in domain.Span) {
	if a != nil {
		a.Doris -= in.Len()
		a.DorisExcluded += in.Len()
		if b.o.config.Direct && b.isFormer(a.PartitionKey) {
			return
		}
		b.leftOuts = append(b.leftOuts, leftOut{a.PartitionKey, partition, in})
	}
	b.ends.WithoutDoris[partition], _ = b.ends.WithoutDoris[partition].Add(in)
	split(domain.Window{Proof: domain.ProofHubDoris, Partition: partition}, in, func(w domain.Window, part domain.Span) {
		b.window(w).Excluded += part.Len()
	})
}

// leftOut is a run of hub offsets that the table does not get.
type leftOut struct {
	of        domain.PartitionKey
	partition int32
	in        domain.Span
}

// LeftOut is the source partition of a row that a load left out, by its place in the hub; false
// for one that none did.
func (b *Books) LeftOut(partition int32, offset int64) (domain.PartitionKey, bool) {
	for _, l := range b.leftOuts {
		if l.partition == partition && l.in.Contains(offset) {
			return l.of, true
		}
	}
	return domain.PartitionKey{}, false
}
