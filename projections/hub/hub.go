// Package hub moves rows from a shard's ingest stream into its partitions of the hub
// topic: one Kafka transaction per batch, with the shard's progress record inside it
// (architecture.md, "Hub projection"). The weaker semantics do the same without the
// transaction: at-least-once writes the record when all rows are acknowledged, and none
// counts a row that is not acknowledged at once as left out.
//
// The hub stream of the journal explains what was done; the progress record decides
// what was. It stands in the shard's own partition of the progress topic, where after
// fencing nobody else can hold back the last stable offset with a transaction of ours
// (kafka-real.md §0.1).
package hub

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// Limits close a batch. It is also closed as soon as nothing more is waiting.
type Limits struct {
	Rows  int           // 0: 50,000
	Bytes int           // of the hub's values; 0: 16 MiB
	Age   time.Duration // since its first row; 0: 200 ms
	Runs  int           // of hub offsets; 0: 512
	// Pause is the least time between two transactions while they are small: at low
	// load it is worth more than anything done per row, and brokers before 4.0 need
	// some 20 ms to write the markers of the transaction before. 0: 5 ms.
	Pause time.Duration
}

// Config of a shard's hub leg.
type Config struct {
	Pipeline domain.PipelineConfig // as journaled
	// Configured gives the configuration in force while the leg runs, which may have more
	// sources; nil: Pipeline is it.
	Configured    projections.Configured
	Kafka         kafkaconn.Config // the hub cluster
	Shard         int
	ProgressTopic string
	// MaxRecordBytes is the largest value that the hub accepts; a larger row is
	// excluded. 0: what the topic's max.message.bytes leaves room for.
	MaxRecordBytes int
	Batch          Limits
	Semantic       domain.Semantic // empty: exactly-once
	// TransactionTimeout is how long a transaction of a dead owner can hold back the
	// readers of its partitions, plus the broker's clean-up interval. With the weaker
	// semantics it bounds how long a batch may take. 0: 15 s.
	TransactionTimeout time.Duration
	// Replay makes it the projection of a lane of a plan into the plan's shadow topic, always
	// exactly once: Pipeline.HubTopic and ProgressTopic are the live ones, of which nothing is
	// touched, and MaxRecordBytes means nothing, since what the live topic took is carried. In
	// the mode fill-missing the rows go into the live topic, to the offsets that they had
	// (refill.go). nil: the pipeline's own leg.
	Replay *projections.Replay
}

// Hub opens the hub leg of one shard. It outlives the legs it opens, and remembers
// for the next one what became of the last batch.
type Hub struct {
	cfg         Config
	j           *journal.Journal
	stream      domain.Stream
	incarnation domain.Seq
	config      domain.Seq
	incidents   projections.Incidents
	reporter    *projections.Reporter
	log         *slog.Logger
	layout      *layout

	// Tests put their faults in the way: before a sender, and under its connections.
	wrap func(Sender) Sender
	opts []kgo.Opt

	attempt attempt
	ends    map[int32]domain.CommittedEnd // that are known, by hub partition
	opened  bool                          // at least once: what is wrong at Open then is tried again
	told    bool                          // what it promises, and by what facts of the brokers
	// most is how many ingest events the next batch may carry, 0 for no bound. The
	// packer reads it while the leg works.
	most atomic.Int64
}

// New makes the opener of a shard's hub leg. incarnation is the seq of the process's
// Started, config that of the PipelineConfigured in force; both are on the control
// stream. Nothing is connected yet.
func New(cfg Config, j *journal.Journal, incarnation, config domain.Seq,
	incidents projections.Incidents, reporter *projections.Reporter, log *slog.Logger,
) (*Hub, error) {
	cfg.Batch = cfg.Batch.orDefaults()
	if cfg.TransactionTimeout <= 0 {
		cfg.TransactionTimeout = 15 * time.Second
	}
	if cfg.Semantic == "" {
		cfg.Semantic = domain.ExactlyOnce
	}
	stream := domain.Stream{Pipeline: j.Pipeline(), Shard: cfg.Shard, Leg: domain.LegHub}
	if r := cfg.Replay; r != nil {
		var err error
		if cfg, err = replayed(cfg); err != nil {
			return nil, err
		}
		stream = r.Stream()
	}
	l, err := newLayout(cfg.Pipeline, cfg.Shard)
	if err == nil && cfg.ProgressTopic == "" {
		err = errors.New("no progress topic is named")
	}
	if err != nil {
		return nil, fmt.Errorf("hub of shard %d: %w", cfg.Shard, err)
	}
	l.now = cfg.Configured
	return &Hub{
		cfg: cfg, j: j, incarnation: incarnation, config: config,
		stream: stream, incidents: incidents, reporter: reporter, log: log, layout: l, ends: map[int32]domain.CommittedEnd{},
		wrap: func(s Sender) Sender { return s },
	}, nil
}

// inForce is the seq of the configuration in force.
func (h *Hub) inForce() domain.Seq {
	if h.cfg.Configured == nil {
		return h.config
	}
	_, seq := h.cfg.Configured()
	return seq
}

func (l Limits) orDefaults() Limits {
	if l.Rows <= 0 {
		l.Rows = 50_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 16 << 20
	}
	if l.Age <= 0 {
		l.Age = 200 * time.Millisecond
	}
	if l.Runs <= 0 {
		l.Runs = 512
	}
	if l.Pause <= 0 {
		l.Pause = 5 * time.Millisecond
	}
	return l
}

// transactionalID names the shard's writer to Kafka. It does not contain the journal
// id: a new journal on the same hub must fence the old one's owner, not run beside it. A replay
// has another one: it runs beside the live leg.
func (h *Hub) transactionalID() string {
	if r := h.cfg.Replay; r != nil {
		return ReplayTransactionalID(r.Plan, h.stream.Shard)
	}
	return transactionalID(h.stream.Pipeline, h.stream.Shard)
}

// ReplayTransactionalID names the writer of a replay in a shard to Kafka: the plan's own, and of
// those that fill the live topic in one for all, so that the next plan fences the one before.
func ReplayTransactionalID(p *domain.Plan, shard int) string {
	if p.Target.Mode == domain.ModeFillMissing {
		return transactionalID(p.Pipeline, shard) + "-refill"
	}
	return transactionalID(p.Pipeline, shard) + "-r" + p.ID.String()
}

// transactionalID is that of a shard's own leg.
func transactionalID(pipeline string, shard int) string {
	return "hefu-" + pipeline + "-" + strconv.Itoa(shard)
}

func (h *Hub) ingestStream() domain.Stream {
	return domain.Stream{Pipeline: h.stream.Pipeline, Shard: h.stream.Shard, Leg: domain.LegIngest}
}
