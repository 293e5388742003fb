package origin

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/report"
)

// Books are what a shard's journal says of itself: of each source partition how many offsets
// are rows and gaps, and how many of the rows are in the hub and in Doris; what each window has;
// how far everything is. They grow with the journal (Read), hold no rows, and are as large as
// the windows and what a later leg lags behind. They belong to one goroutine.
//
// Rows are counted in the batches, not taken from what the journal says of them; what does not
// add up is a finding.
type Books struct {
	o                  *Journal
	ingest, hub, doris stream

	accounts  map[domain.PartitionKey]*domain.Account
	opened    map[domain.PartitionKey]*domain.SourceOpened
	positions []domain.Position // after the last ingest event
	extract   domain.Micros     // of the last Ingested
	decoder   decoder

	windows  map[domain.Window]*WindowBook
	notes    map[domain.Seq]*note // ingest events that no commit passed
	commits  map[domain.Seq]*commit
	intents  map[domain.Seq]*intent // of both legs, without an outcome, by stream
	loads    map[domain.Seq]*intent
	passed   struct{ hub, doris domain.Seq } // the last ingest event of the last commit, and load
	ends     Ends
	former   []report.Gap // of direct pipelines, of former generations
	leftOuts []leftOut
	marks    []mark
	counts   map[domain.Leg]Intents

	outcomes map[domain.Leg][]report.Outcome
	found    map[domain.FindingID]bool
	findings []domain.Finding
	more     int64
}

// Intents add up: Begun = Committed + Aborted + Open, and at most one is open.
type Intents struct {
	Begun, Committed, Aborted, Open int64
}

// AddUp reports whether they do.
func (i Intents) AddUp() bool { return i.Begun == i.Committed+i.Aborted+i.Open && i.Open <= 1 }

// NewBooks are the books of a shard before its first event.
func (o *Journal) NewBooks(shard int) *Books {
	at := domain.Cursor{}
	return &Books{
		o: o, ingest: o.stream(shard, domain.LegIngest, at), hub: o.stream(shard, domain.LegHub, at), doris: o.stream(shard, domain.LegDoris, at),
		accounts: map[domain.PartitionKey]*domain.Account{}, opened: map[domain.PartitionKey]*domain.SourceOpened{},
		windows: map[domain.Window]*WindowBook{}, notes: map[domain.Seq]*note{}, commits: map[domain.Seq]*commit{},
		intents: map[domain.Seq]*intent{}, loads: map[domain.Seq]*intent{}, counts: map[domain.Leg]Intents{},
		ends: Ends{
			HubSpans: map[int32]domain.Span{}, Table: map[int32]int64{},
			WithoutHub: map[domain.PartitionKey]domain.Spans{}, WithoutDoris: map[int32]domain.Spans{},
		},
		outcomes: map[domain.Leg][]report.Outcome{}, found: map[domain.FindingID]bool{},
	}
}

// Read goes on to the given ends (Tails), which are not to fall. It reads each stream only as
// far ahead as the next one needs it, so that what is kept is what lags behind now, not what
// ever did. Errors are the journal's, after which the books are of no more use.
func (b *Books) Read(ctx context.Context, to Cursors) error {
	defer b.ingest.close()
	defer b.hub.close()
	defer b.doris.close()
	ingest := func(seq domain.Seq) error {
		return b.ingest.to(ctx, domain.Cursor{Seq: min(seq, to.Ingest.Seq)}, b.addIngest)
	}
	hub := func(seq domain.Seq) error {
		return b.hub.to(ctx, domain.Cursor{Seq: min(seq, to.Hub.Seq)}, func(e *journal.Entry) error {
			if begun, is := e.Event.(*domain.HubBegun); is {
				if err := ingest(begun.Last.Seq); err != nil {
					return err
				}
			}
			b.addHub(e)
			return nil
		})
	}
	before := hub
	if b.o.config.Direct {
		before = ingest
	}
	err := b.doris.to(ctx, to.Doris, func(e *journal.Entry) error {
		if begun, is := e.Event.(*domain.DorisBegun); is {
			if err := before(begun.Last.Seq); err != nil {
				return err
			}
		}
		b.addDoris(e)
		return nil
	})
	if err == nil {
		err = hub(to.Hub.Seq)
	}
	if err == nil {
		err = ingest(to.Ingest.Seq)
	}
	if err == nil {
		err = cmp.Or(b.ingest.is(b.ingest.at, to.Ingest), b.hub.is(b.hub.at, to.Hub))
	}
	if err == nil {
		err = b.settleEnds(ctx)
	}
	return err
}

// At is how far the books go.
func (b *Books) At() Cursors { return Cursors{Ingest: b.ingest.at, Hub: b.hub.at, Doris: b.doris.at} }

// Accounts are sorted by source, generation and partition.
func (b *Books) Accounts() []*domain.Account {
	return slices.SortedFunc(maps.Values(b.accounts), func(x, y *domain.Account) int { return compareKeys(x.PartitionKey, y.PartitionKey) })
}

func compareKeys(x, y domain.PartitionKey) int {
	return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Generation, y.Generation), cmp.Compare(x.Partition, y.Partition))
}

// Opened is the event that began a generation of a source partition: its cluster and topic. Nil
// for one that was never opened.
func (b *Books) Opened(key domain.PartitionKey) *domain.SourceOpened { return b.opened[key] }

// Positions is the position map of the ingest stream's end.
func (b *Books) Positions() []domain.Position { return b.positions }

// IntentsOf are the intents and outcomes of a leg.
func (b *Books) IntentsOf(leg domain.Leg) Intents {
	i := b.counts[leg]
	open := b.intents
	if leg == domain.LegDoris {
		open = b.loads
	}
	i.Open = int64(len(open))
	return i
}

// keptOutcomes is how many transactions and loads are remembered of each leg.
const keptOutcomes = 100

// Outcomes are the newest transactions and loads, in their order.
func (b *Books) Outcomes() []report.Outcome {
	return slices.Concat(b.outcomes[domain.LegHub], b.outcomes[domain.LegDoris])
}

func (b *Books) outcome(leg domain.Leg, o report.Outcome) {
	list := append(b.outcomes[leg], o)
	b.outcomes[leg] = list[max(0, len(list)-keptOutcomes):]
}

// keptFindings bounds what a journal that is wrong throughout may cost.
const keptFindings = 1000

// Findings are what breaks the journal's own rules, each once, and how many there are beyond
// those that are listed.
func (b *Books) Findings() ([]domain.Finding, int64) { return b.findings, b.more }

func (b *Books) find(f domain.Finding) {
	switch id := f.ID(); {
	case b.found[id]:
	case len(b.findings) == keptFindings:
		b.more++
	default:
		b.found[id] = true
		b.findings = append(b.findings, f)
	}
}

// odd is a finding about an event as a whole; the event is what tells such findings apart.
func (b *Books) odd(e *journal.Entry, detail string, args ...any) {
	b.find(oddEvent(domain.Unexplained, e.Stream, e.Seq, detail, args...))
}
