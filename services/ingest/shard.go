package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
)

// Shard is the ingest of one shard: it opens the leg that the runner keeps running,
// and says how its sources do. Open is called by one goroutine, everything else by
// any.
type Shard struct {
	c           Config
	stream      domain.Stream
	j           *journal.Journal
	incidents   projections.Incidents
	incarnation domain.Seq
	reporter    *projections.Reporter
	log         *slog.Logger

	budget  *budget
	guarded bool

	mu      sync.Mutex
	wanted  []Source      // as configured now
	config  domain.Seq    // of the PipelineConfigured that they are from
	changed chan struct{} // closed and replaced when wanted is
	sources []*source     // that are read or shown: as wanted, and those that are ending
	next    int           // the number of the next source
}

// New makes the ingest of a shard. Nothing is connected or appended before Open. The
// control stream of incidents must be followed by somebody as long as a leg runs.
func New(c Config, j *journal.Journal, incarnation domain.Seq, incidents projections.Incidents, reporter *projections.Reporter, log *slog.Logger) (*Shard, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("ingest of pipeline %s: %w", c.Pipeline, err)
	}
	s := &Shard{
		c: c, stream: c.stream(), j: j, incidents: incidents, incarnation: incarnation, reporter: reporter, log: log,
		budget: newBudget(c.QueueBytes), wanted: c.Sources, config: c.ConfigSeq, changed: make(chan struct{}),
	}
	s.align()
	return s, nil
}

// Stream is the stream that the shard's ingest writes.
func (s *Shard) Stream() domain.Stream { return s.stream }

// Open implements projections.Opener: it takes the stream over. Before the first
// append of the process the hub's progress record is compared with the stream.
// Errors: *journal.FencedError, *domain.Incident (journal regressed), or anything
// else, after which it may be tried again.
func (s *Shard) Open(ctx context.Context) (projections.Leg, error) {
	if err := s.guard(ctx); err != nil {
		return nil, err
	}
	crash.Point("ingest.opened.before")
	w, err := s.j.Takeover(ctx, s.stream, s.incarnation, s.configSeq())
	if err != nil {
		return nil, err
	}
	crash.Point("ingest.opened.after")
	last, err := s.lastExtractTime(ctx, w.Tail().Seq)
	if err != nil {
		return nil, err
	}
	s.align()
	if err := s.closeEnded(ctx, w); err != nil {
		return nil, err
	}
	s.budget.reset()
	l := &leg{
		Shard: s, w: w, last: last, opened: w.Tail(),
		queue: newQueue(int64(s.c.EventBytes), s.c.maxRun()),
		done:  newJournaled(w.Positions()),
		room:  room{limit: s.c.MaxJournalBytes - s.c.ReserveBytes, size: s.j.Size},
	}
	for _, src := range s.list() {
		l.queue.join(src.number)
	}
	return l, nil
}

// lookBack is how many events from the tail on are searched for an extract time: more
// than takeovers and openings of sources ever stand in a row.
const lookBack = 32

// lastExtractTime is the time that the next event must not be earlier than: that of
// the last Ingested near the tail.
func (s *Shard) lastExtractTime(ctx context.Context, seq domain.Seq) (domain.Micros, error) {
	for n := 0; n < lookBack && seq > 0; n, seq = n+1, seq-1 {
		e, err := s.j.Get(ctx, s.stream, seq)
		if errors.Is(err, journal.ErrNotFound) { // its segment was dropped
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("last extract time of %s: %w", s.stream, err)
		}
		if in, ok := e.Event.(*domain.Ingested); ok {
			return in.ExtractTime, nil
		}
	}
	return 0, nil
}
