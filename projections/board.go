package projections

import (
	"sync"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// States that only a source has, as StateFinished.
const (
	StatePaused State = "paused" // not read, as the configuration says
	StateEnded  State = "ended"  // not in the configuration any more; its positions stay
)

// AsConfigured reports whether a source does what the configuration says.
func (s State) AsConfigured() bool {
	switch s {
	case StateRunning, StatePaused, StateFinished, StateEnded:
		return true
	default:
		return false
	}
}

// SourceStatus is what ingest says of one city's source.
type SourceStatus struct {
	Pipeline   string
	Shard      int
	Source     domain.SourceID
	City       domain.City
	State      State
	Error      string
	Rows       int64                   // since the process began
	Gaps       map[domain.Reason]int64 // offsets without a row, likewise
	Partitions []PartitionStatus
}

// PartitionStatus is one source partition. Lag is the number of offsets between the
// journaled position and the last stable offset.
type PartitionStatus struct {
	Partition             int32
	Next, LastStable, Lag int64
}

// CheckpointStatus is what was signed of one pipeline's journal.
type CheckpointStatus struct {
	Pipeline string
	Key      string       // verifier key
	At       time.Time    // of the last checkpoint, or since when there is none
	Unsigned int64        // events since
	Heads    []domain.Ref // the last signed event of each stream
	Outside  bool         // the hub is told; else nobody outside of this host knows
	Told     time.Time    // when it was, zero for never
	Error    string       // why the last try failed
}

// Board is where the legs of a process show themselves to whoever looks: the status
// API and metrics. The zero value is ready.
type Board struct {
	mu      sync.Mutex
	legs    []*Reporter
	sources []func() []SourceStatus
	signed  []func() CheckpointStatus
}

// AddLeg shows a leg.
func (b *Board) AddLeg(r *Reporter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.legs = append(b.legs, r)
}

// AddSources shows the sources of a shard; look is called for each question.
func (b *Board) AddSources(look func() []SourceStatus) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sources = append(b.sources, look)
}

// AddCheckpoints shows what is signed of a pipeline; look is called for each question.
func (b *Board) AddCheckpoints(look func() CheckpointStatus) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.signed = append(b.signed, look)
}

// Checkpoints are the present statuses.
func (b *Board) Checkpoints() []CheckpointStatus {
	b.mu.Lock()
	looks := append([]func() CheckpointStatus(nil), b.signed...)
	b.mu.Unlock()
	var out []CheckpointStatus
	for _, look := range looks {
		out = append(out, look())
	}
	return out
}

// Legs are the present statuses.
func (b *Board) Legs() []Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Status, 0, len(b.legs))
	for _, r := range b.legs {
		out = append(out, r.Status())
	}
	return out
}

// Sources are the present statuses.
func (b *Board) Sources() []SourceStatus {
	b.mu.Lock()
	looks := append([]func() []SourceStatus(nil), b.sources...)
	b.mu.Unlock()
	var out []SourceStatus
	for _, look := range looks {
		out = append(out, look()...)
	}
	return out
}
