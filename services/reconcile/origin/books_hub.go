package origin

import (
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/report"
)

// intent is a transaction or a load without an outcome.
type intent struct {
	hub   *domain.HubBegun
	doris *domain.DorisBegun
	label string
	txn   int64
}

// commit is what the Doris leg needs to know of one of the hub.
type commit struct {
	runs []domain.HubRun
	keys map[runKey]domain.PartitionKey
	last domain.Seq // its last ingest event
}

// addHub folds in an event of the hub stream, after the ingest events that it names.
func (b *Books) addHub(e *journal.Entry) {
	count := b.counts[domain.LegHub]
	switch ev := e.Event.(type) {
	case *domain.HubBegun:
		count.Begun++
		b.intents[e.Seq] = &intent{hub: ev}
	case *domain.HubAborted:
		count.Aborted++
		b.hubEnds(e, ev.Begun.Seq, "aborted", 0)
		delete(b.intents, ev.Begun.Seq)
	case *domain.HubCommitted:
		count.Committed++
		b.hubEnds(e, ev.Begun.Seq, "committed", ev.Rows)
		b.hubCommitted(e, ev)
		delete(b.intents, ev.Begun.Seq)
	}
	b.counts[domain.LegHub] = count
}

// hubEnds takes note of an outcome.
func (b *Books) hubEnds(e *journal.Entry, begun domain.Seq, state string, rows int64) {
	o := report.Outcome{Ref: report.Ref(e.Ref()), Kind: "hub transaction", State: state, Rows: rows}
	if in := b.intents[begun]; in != nil {
		o.Time = micros(in.hub.Time)
	} else {
		b.odd(e, "it ends intent %d, which is not open", begun)
	}
	b.outcome(domain.LegHub, o)
}

func micros(m domain.Micros) time.Time { return time.UnixMicro(int64(m)).UTC() }

// hubCommitted books rows that are in the hub, or left out before it. Which row is where is the
// Scan's to check.
func (b *Books) hubCommitted(e *journal.Entry, ev *domain.HubCommitted) {
	c := &commit{runs: ev.Runs, keys: map[runKey]domain.PartitionKey{}, last: min(ev.Cursor.Seq, b.ingest.at.Seq)}
	rows := int64(0)
	for i := range ev.Runs {
		r := &ev.Runs[i]
		rows += r.N
		key, n := b.run(e, r.Ingest, r.Run, r.N)
		if n == nil {
			continue
		}
		b.accounts[key].Hub += r.N
		c.keys[runKey{r.Ingest, r.Run}] = key
		in := domain.Span{First: r.Offset, Next: r.Offset + r.N}
		b.placed(r.Partition, in)
		split(domain.Window{Proof: domain.ProofHubDoris, Partition: r.Partition}, in, func(w domain.Window, part domain.Span) {
			book := b.window(w)
			book.add(part.Len(), n.extract)
			book.carriedBy(e.Seq)
		})
	}
	if rows != ev.Rows {
		b.odd(e, "it announces %d rows, its runs have %d", ev.Rows, rows)
	}
	for i := range ev.Excluded {
		x := &ev.Excluded[i]
		key, n := b.run(e, x.Ingest, x.Run, x.Count)
		if n == nil {
			continue
		}
		b.accounts[key].HubExcluded += x.Count
		of := domain.Window{Proof: domain.ProofCityHub, Source: key.Source, Generation: key.Generation, Partition: key.Partition}
		in := domain.Span{First: x.Offset, Next: x.Offset + x.Count}
		b.ends.WithoutHub[key], _ = b.ends.WithoutHub[key].Add(in)
		split(of, in, func(w domain.Window, part domain.Span) {
			b.window(w).Excluded += part.Len()
		})
	}
	b.pass(e.Seq, ev)
	if b.o.config.Table != "" {
		b.commits[e.Seq] = c
	}
	b.mark(e.Seq)
}

// run is the source partition of a run of an ingest event, of which so many rows are named; no
// note where it is not there, was carried before, or has fewer, which is a finding.
func (b *Books) run(e *journal.Entry, ingest domain.Seq, run int, rows int64) (domain.PartitionKey, *note) {
	n := b.notes[ingest]
	switch {
	case n == nil || run < 0 || run >= len(n.keys):
		b.odd(e, "it names run %d of ingest event %d, which is not there or was carried before", run, ingest)
	case rows < 0 || rows > n.rows[run]:
		b.odd(e, "it names %d rows of run %d of ingest event %d, which has %d", rows, run, ingest, n.rows[run])
	default:
		return n.keys[run], n
	}
	return domain.PartitionKey{}, nil
}

// pass lets go of the ingest events that a commit carried.
func (b *Books) pass(seq domain.Seq, ev *domain.HubCommitted) {
	last := min(ev.Cursor.Seq, b.ingest.at.Seq)
	for s := b.passed.hub + 1; s <= last; s++ {
		if n := b.notes[s]; n != nil {
			for _, w := range n.windows {
				b.window(w).carriedBy(seq)
			}
			delete(b.notes, s)
		}
	}
	b.passed.hub = max(b.passed.hub, last)
}

// placed takes note of rows at offsets of the hub.
func (b *Books) placed(partition int32, in domain.Span) {
	have, known := b.ends.HubSpans[partition]
	switch {
	case in.Len() == 0:
	case !known:
		b.ends.HubSpans[partition] = in
	default:
		b.ends.HubSpans[partition] = domain.Span{First: min(have.First, in.First), Next: max(have.Next, in.Next)}
	}
}
