package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
	"github.com/hefu-io/hefu/services/report"
)

// Scope is what a look compares.
type Scope struct {
	Sources  []domain.SourceID // empty: all
	From, To *time.Time        // by extract_time; nil: from the beginning, to the end
	Deep     bool              // every row of the cities is read again
	Sample   int               // per cent of the cities' windows that are, without Deep
}

// Prover holds city, hub and table of one pipeline against each other. It keeps what it knows
// of each window from one look to the next, so that a look reads what is new since, and what
// differed. It belongs to one goroutine. After a look that failed it is of no more use: what
// was half read would be counted twice.
//
// What it keeps grows with the windows (some hundred bytes each; those that are open up to
// 16 KiB more), the rows that the hub has and the table does not (up to keptWaiting of them),
// the findings (up to keptFindings), and the runs of rows that are not as the journal says.
type Prover struct {
	p     *config.Pipeline
	j     *journal.Journal
	scope Scope
	say   func(string) // progress, for people

	in     *origin.Journal
	hub    *target.Hub
	table  *target.Doris // nil: the pipeline ends at the hub
	format *target.Format
	lanes  []*lane
	hubs   map[int32]*hubLane

	limits map[int32]limit // of hub partitions that cannot be read up to the journal's end
	places places
	parts  map[domain.PartitionKey]*part
	at     *part                     // of the last row that was expected
	rows   map[domain.Window]*window // by city offsets
	loads  map[domain.Window]*window // by hub offsets

	said   map[domain.Window]domain.WindowResult // by Provers before this one
	keep   int                                   // of waiting rows, 0: keptWaiting
	remade bool                                  // the hub topic is another one than at the first look
	spoilt bool                                  // a look failed in the middle of a scan

	found     found
	blamed    map[domain.Coord]bool // places where the hub is not as the journal says, also those that no finding is named by
	broken    map[domain.Coord]bool // rows of the hub that cannot be read, as long as they are kept findings
	others    map[other]int64
	sweep     []target.PartitionRows // what the table had when the look began
	positions []report.Position
	again     []*origin.Again            // what was read of the cities
	silent    map[domain.SourceID]string // cities that did not answer, and what was said
	queries   []report.Query
}

// lane is one shard.
type lane struct {
	shard   int
	books   *origin.Books
	scan    *origin.Scan
	to      origin.Cursors
	ends    origin.Ends
	slice   *origin.Slice // nil: all of it
	counted bool          // what is in it
	until   domain.Seq    // of the stream that decides: what comes later has nothing of it
	begun   bool          // where the scan begins is decided
	listed  int           // findings of the books that were taken
	more    int64         // and of those that are not listed, that are counted
	mark    *mark         // what of it is compared when the table is as far
}

// hubLane is one hub partition.
type hubLane struct {
	next       int64 // offset to scan next
	scanned    bool  // something was
	first      int64 // where these books begin
	placed     int64 // behind the last row that was expected
	end        int64 // where they end; behind it are rows of others, once nothing is under way
	table      int64 // the end of what is loaded
	without    domain.Spans
	again      domain.Spans             // of them, what the table has all the same
	waiting    waitingRows              // scanned, and not loaded yet
	at         *window                  // of the last row that is loaded
	foreign    domain.Spans             // rows that the journal does not have
	loading    int64                    // the end of what loads without an outcome carry
	beyond     map[int64]domain.Finding // rows of the table behind both, as the last look saw them
	generation domain.Generation        // of the hub topic, where that is the source
	anew       string                   // why nothing of it can be compared
	unread     map[int64]int64          // rows behind a limit that the journal has, by window
	tail       tail                     // of them, what the hub does not have
}

// keptQueries is how many questions to the table are remembered at least.
const keptQueries = 10_000

// other is a kind of rows that are not of these books, in one hub partition.
type other struct {
	what      string
	partition int64
}

// New makes a Prover; nothing is opened yet. say, which may be nil, is told each step.
func New(p *config.Pipeline, j *journal.Journal, scope Scope, say func(string)) *Prover {
	if say == nil {
		say = func(string) {}
	}
	n := &Prover{p: p, j: j, scope: scope, say: say, broken: map[domain.Coord]bool{}}
	n.begin()
	return n
}

// begin forgets what was scanned, but for what was found.
func (p *Prover) begin() {
	p.hubs, p.places, p.parts, p.at = map[int32]*hubLane{}, newPlaces(), map[domain.PartitionKey]*part{}, nil
	p.rows, p.loads, p.others, p.limits = map[domain.Window]*window{}, map[domain.Window]*window{}, map[other]int64{}, nil
	p.lanes, p.sweep, p.again, p.found.more, p.spoilt = nil, nil, nil, 0, false
}

// Close ends the connections.
func (p *Prover) Close() {
	if p.hub != nil {
		p.hub.Close()
	}
	if p.table != nil {
		p.table.Close()
	}
	p.hub, p.table = nil, nil
}

// open connects to hub and table, once, and reads the configuration in force.
func (p *Prover) open(ctx context.Context) error {
	if p.hub != nil {
		return nil
	}
	plain, err := origin.Open(ctx, p.j, origin.Digits{})
	if err != nil {
		return err
	}
	c, _ := plain.Config()
	if len(c.Format.Columns) == 0 && !c.Direct {
		return fmt.Errorf("pipeline %s: its journal has no configuration yet: it never ran", p.p.Name)
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return fmt.Errorf("pipeline %s: timezone %s: %w", p.p.Name, c.Timezone, err)
	}
	digits := target.DefaultDigits()
	if p.p.Doris != nil {
		told := func(q report.Query) {
			if p.queries = append(p.queries, q); len(p.queries) > 2*keptQueries {
				p.queries = slices.Delete(p.queries, 0, keptQueries)
			}
		}
		if p.table, err = target.OpenDoris(ctx, p.p.Doris, p.p.Reconcile.DorisPause, told); err != nil {
			return err
		}
		digits = p.table.Digits()
	}
	format := c.Format
	if c.Direct {
		format = domain.FlinkFormat()
	}
	p.format = target.NewFormat(&format, zone, digits, c.Direct)
	shown := p.format.Digits()
	p.in, err = origin.Open(ctx, p.j, origin.Digits{
		CityTime: shown[proof.CityTime], HubTime: shown[proof.HubTime], ExtractTime: shown[proof.ExtractTime],
	})
	if err != nil {
		return err
	}
	if p.hub, err = target.OpenHub(ctx, p.p.Hub, p.format, int64(p.p.Reconcile.KafkaBytes)); err != nil {
		return err
	}
	for shard := range c.Shards {
		p.lanes = append(p.lanes, &lane{shard: shard, books: p.in.NewBooks(shard), scan: p.in.NewScan(shard, origin.Cursors{}, p.found.add)})
	}
	return nil
}

// direct reports whether the hub topic itself is the source.
func (p *Prover) direct() bool {
	c, _ := p.in.Config()
	return c.Direct
}
