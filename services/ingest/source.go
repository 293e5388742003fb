package ingest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// How long a source rests after an error, doubled while errors follow each other.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// source is one source of the shard, over all legs of the process.
type source struct {
	Source
	number int // in Shard.sources, queue and budget
	shard  *Shard
	log    *slog.Logger

	catchUp catchUp

	mu         sync.Mutex
	state      SourceState
	err        string // why it retries, or the incident
	said       string // the error that was logged last
	rows       int64
	gaps       map[domain.Reason]int64 // offsets without a row, journaled since the process began
	partitions map[int32]PartitionStatus
	ailing     map[int32]bool // partitions that were refused and not read since
	seen       bool           // its topic was opened: a partition that appears now begins at the log start
}

// run reads the source until the context ends: a session with a client of its own,
// and after any error another one. A bounded source that has come to its end rests.
func (s *source) run(ctx context.Context, l *leg) {
	s.enter(Connecting, "")
	s.mismatch(ctx, l)
	for pause := firstPause; ; {
		if s.finished(l) {
			s.rest(ctx, l)
			return
		}
		began := time.Now()
		err := s.session(ctx, l)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			continue // it is finished
		}
		if time.Since(began) > 2*lastPause {
			pause = firstPause // it ran well for a while
		}
		s.trouble(ctx, err)
		if sleep(ctx, pause) != nil {
			return
		}
		pause = min(2*pause, lastPause)
	}
}

// session is one client's life.
func (s *source) session(ctx context.Context, l *leg) error {
	s.mu.Lock()
	clear(s.ailing)
	s.mu.Unlock()
	cl, err := kafkaconn.Dial(s.Kafka, kafkaconn.Log(s.log))
	if err != nil {
		return err
	}
	defer cl.Close()
	return newSession(s, l, cl).run(ctx)
}

// trouble says an error once, with the address and what to look at.
func (s *source) trouble(ctx context.Context, err error) {
	text := err.Error()
	s.mu.Lock()
	s.state, s.err = Retrying, text
	again := s.said == text
	s.said = text
	s.mu.Unlock()
	if !again {
		s.log.WarnContext(ctx, "source is not readable, it is tried again",
			"brokers", strings.Join(s.Kafka.Brokers, ","), "topic", s.Topic, "error", err, "hint", kafkaconn.Explain(err))
	}
}

// well says that the source is read, unless a partition of it is not.
func (s *source) well(ctx context.Context) {
	s.mu.Lock()
	if len(s.ailing) > 0 {
		s.mu.Unlock()
		return
	}
	was, said := s.state, s.said
	s.state, s.err, s.said = Running, "", ""
	s.mu.Unlock()
	if was != Running && said != "" {
		s.log.InfoContext(ctx, "source is read again", "topic", s.Topic)
	}
}

func (s *source) enter(state SourceState, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.err = state, why
	clear(s.ailing)
}

// progress keeps how far a partition is journaled.
func (s *source) progress(partition int32, next, rows int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows += rows
	p := s.partitions[partition]
	p.Partition, p.Next = partition, next
	s.partitions[partition] = p
}

// account keeps how many offsets without a row were journaled for which reason, and
// raises its voice over those that have none.
func (s *source) account(ctx context.Context, r *domain.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range r.Gaps {
		if s.gaps == nil {
			s.gaps = map[domain.Reason]int64{}
		}
		s.gaps[g.Reason] += g.Span.Len()
		if g.Reason == domain.ReasonUnexplained {
			s.log.ErrorContext(ctx, "offsets without a row, and nothing explains them: look at the topic's replicas; hefu reconcile counts them",
				"topic", s.Topic, "partition", r.Partition, "offsets", g.Span.String())
		}
	}
}

// looked remembers that the topic was opened.
func (s *source) looked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = true
}

func (s *source) hasLooked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// ail remembers a partition that is not read.
func (s *source) ail(partition int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ailing[partition] = true
}

// observe keeps what a broker said about a partition that is read.
func (s *source) observe(partition int32, f *kafkaconn.Fetched) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partitions[partition]
	p.Partition, p.LSO, p.HighWatermark = partition, f.LSO, f.HighWatermark
	s.partitions[partition] = p
	delete(s.ailing, partition)
}

// generation is the highest of some positions, 0 for none.
func generation(of []domain.Position) (g domain.Generation) {
	for i := range of {
		g = max(g, of[i].Generation)
	}
	return g
}
