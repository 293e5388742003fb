package domain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// PartitionKey names one incarnation of a source partition.
type PartitionKey struct {
	Source     SourceID
	Generation Generation
	Partition  int32
}

// Account is what the journal says of one source partition: Next - First = Rows +
// Gaps; Rows = Hub + HubExcluded + what the hub has not taken yet, and so on.
type Account struct {
	PartitionKey
	First, Next   int64
	Rows          int64
	Gaps          map[Reason]int64
	Hub           int64 // rows in committed hub transactions
	HubExcluded   int64
	Doris         int64 // rows in visible loads
	DorisExcluded int64
}

// GapRows is the number of offsets without a row.
func (a *Account) GapRows() int64 {
	var n int64
	for _, g := range a.Gaps {
		n += g
	}
	return n
}

// Books fold the events of a shard's three streams into accounts. Ingest events come
// before the hub events that name them, and hub events before the doris events. The
// memory is bounded by how far a later leg lags behind. The zero value is ready.
type Books struct {
	// Direct says that the pipeline reads the hub topic itself: whatever is journaled is in
	// the hub, and the intents of the doris stream name ingest events.
	Direct bool

	accounts map[PartitionKey]*Account
	ingest   map[Seq][]PartitionKey // runs of events that the hub has not passed
	hub      map[Seq]hubTally       // commits that Doris has not passed, or what stands for them
	begins   map[int32]int64        // where the commits begin in each hub partition
	begun    map[Seq]*DorisBegun
	hubBegun map[Seq]*HubBegun

	HubIntents, HubCommits, HubAborts       int64
	DorisIntents, DorisCommits, DorisAborts int64
}

// hubTally is what one hub commit holds: rows by source partition, and which
// partition a run is of, for what Doris excludes.
type hubTally struct {
	rows map[PartitionKey]int64
	runs map[runKey]PartitionKey
}

// runKey names a run of an ingest event.
type runKey struct {
	ingest Seq
	run    int
}

// Add folds in one event of the stream with the leg. It returns an error where the
// journal contradicts itself: a run that does not begin where the last one ended, or
// a reference to nothing.
func (b *Books) Add(leg Leg, seq Seq, e Event) error {
	if b.accounts == nil {
		b.accounts = map[PartitionKey]*Account{}
		b.ingest = map[Seq][]PartitionKey{}
		b.hub = map[Seq]hubTally{}
		b.begins = map[int32]int64{}
		b.begun = map[Seq]*DorisBegun{}
		b.hubBegun = map[Seq]*HubBegun{}
	}
	switch e := e.(type) {
	case *SourceOpened:
		b.sourceOpened(e)
	case *Ingested:
		return b.ingested(seq, e)
	case *HubBegun:
		b.HubIntents++
		b.hubBegun[seq] = e
	case *HubAborted:
		b.HubAborts++
		delete(b.hubBegun, e.Begun.Seq)
	case *HubCommitted:
		b.HubCommits++
		return b.hubCommitted(seq, e)
	case *DorisBegun:
		b.DorisIntents++
		b.begun[seq] = e
	case *DorisAborted:
		b.DorisAborts++
		delete(b.begun, e.Begun.Seq)
	case *DorisCommitted:
		b.DorisCommits++
		return b.dorisCommitted(e)
	}
	return nil
}

func (b *Books) sourceOpened(e *SourceOpened) {
	for _, s := range e.Starts {
		k := PartitionKey{e.Source, e.Generation, s.Partition}
		a := &Account{PartitionKey: k, First: min(s.LogStart, s.First), Next: s.First, Gaps: map[Reason]int64{}}
		if s.First > s.LogStart {
			a.Gaps[ReasonStartPolicy] = s.First - s.LogStart
		}
		b.accounts[k] = a
	}
}

func (b *Books) ingested(seq Seq, e *Ingested) error {
	keys := make([]PartitionKey, len(e.Runs))
	for i := range e.Runs {
		r := &e.Runs[i]
		k := PartitionKey{r.Source, r.Generation, r.Partition}
		keys[i] = k
		a := b.accounts[k]
		if a == nil {
			return fmt.Errorf("run %d of ingest@%d: %v was never opened", i, seq, k)
		}
		if r.First != a.Next {
			return fmt.Errorf("run %d of ingest@%d: %v begins at %d, the last run ended at %d", i, seq, k, r.First, a.Next)
		}
		sum := r.Rows
		for _, g := range r.Gaps {
			a.Gaps[g.Reason] += g.Span.Len()
			sum += g.Span.Len()
		}
		if sum != r.Next-r.First {
			return fmt.Errorf("run %d of ingest@%d: %v: rows and gaps are %d of %d offsets", i, seq, k, sum, r.Next-r.First)
		}
		a.Rows += r.Rows
		a.Next = r.Next
	}
	b.ingest[seq] = keys
	if b.Direct {
		return b.carried(seq, DirectCommit(seq, e))
	}
	return nil
}

func (b *Books) hubCommitted(seq Seq, e *HubCommitted) error {
	if err := b.carried(seq, e); err != nil {
		return err
	}
	if begun := b.hubBegun[e.Begun.Seq]; begun != nil {
		for s := begun.First.Seq; s <= begun.Last.Seq; s++ {
			delete(b.ingest, s)
		}
	}
	delete(b.hubBegun, e.Begun.Seq)
	return nil
}

// carried books rows that are in the hub.
func (b *Books) carried(seq Seq, e *HubCommitted) error {
	tally := hubTally{rows: map[PartitionKey]int64{}, runs: map[runKey]PartitionKey{}}
	key := func(ingest Seq, run int) (PartitionKey, error) {
		keys := b.ingest[ingest]
		if run >= len(keys) {
			return PartitionKey{}, fmt.Errorf("hub@%d names run %d of ingest@%d, which is not there or was carried before", seq, run, ingest)
		}
		return keys[run], nil
	}
	for _, r := range e.Runs {
		k, err := key(r.Ingest, r.Run)
		if err != nil {
			return err
		}
		b.accounts[k].Hub += r.N
		tally.rows[k] += r.N
		tally.runs[runKey{r.Ingest, r.Run}] = k
		if first, known := b.begins[r.Partition]; !known || r.Offset < first {
			b.begins[r.Partition] = r.Offset
		}
	}
	for _, x := range e.Excluded {
		k, err := key(x.Ingest, x.Run)
		if err != nil {
			return err
		}
		b.accounts[k].HubExcluded += x.Count
	}
	b.hub[seq] = tally
	if b.Direct {
		delete(b.ingest, seq)
	}
	return nil
}

func (b *Books) dorisCommitted(e *DorisCommitted) error {
	begun := b.begun[e.Begun.Seq]
	if begun == nil {
		return fmt.Errorf("DorisCommitted names %s, which has no open intent", e.Begun)
	}
	delete(b.begun, e.Begun.Seq)
	runs := map[runKey]PartitionKey{}
	for s := begun.First.Seq; s <= begun.Last.Seq; s++ {
		for k, n := range b.hub[s].rows {
			b.accounts[k].Doris += n
		}
		maps.Copy(runs, b.hub[s].runs)
		delete(b.hub, s)
	}
	for _, x := range begun.Excluded {
		k, known := runs[runKey{x.Ingest, x.Run}]
		if !known {
			return fmt.Errorf("%s excludes a row of run %d of ingest@%d, which it does not carry", e.Begun, x.Run, x.Ingest)
		}
		b.accounts[k].Doris -= x.Count
		b.accounts[k].DorisExcluded += x.Count
	}
	return nil
}

// Accounts are sorted by source, generation and partition.
func (b *Books) Accounts() []*Account {
	out := make([]*Account, 0, len(b.accounts))
	for _, a := range b.accounts {
		out = append(out, a)
	}
	slices.SortFunc(out, func(x, y *Account) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Generation, y.Generation), cmp.Compare(x.Partition, y.Partition))
	})
	return out
}

// HubBegins is, for each hub partition that holds a row of these books, the offset of the
// first one. Rows before it are of others.
func (b *Books) HubBegins() map[int32]int64 { return maps.Clone(b.begins) }

// OpenIntents are the intents without an outcome.
func (b *Books) OpenIntents() (hub, doris int64) {
	return int64(len(b.hubBegun)), int64(len(b.begun))
}
