package ingest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// SourceState is what a source is doing.
type SourceState string

// The states.
const (
	Connecting SourceState = "connecting"
	Running    SourceState = "running"
	Retrying   SourceState = "retrying" // an error that is tried again, shown in SourceStatus.Error
	InIncident SourceState = "incident" // waits for an operator
	Paused     SourceState = "paused"   // not read, as the configuration says
	Finished   SourceState = "finished" // bounded, and journaled to its end
)

// SourceStatus is what a source says of itself.
type SourceStatus struct {
	Source     domain.SourceID
	City       domain.City
	State      SourceState
	Error      string                  // why it retries, or the incident as a line
	Partitions []PartitionStatus       // that have been read in this process, by number
	Rows       int64                   // journaled since the process began
	Gaps       map[domain.Reason]int64 // offsets without a row, likewise, by reason
}

// PartitionStatus is how far a partition is journaled, and how far it could be.
type PartitionStatus struct {
	Partition     int32
	Next          int64 // the next offset to journal
	LSO           int64 // last stable offset when last asked
	HighWatermark int64
	Lag           int64 // LSO - Next: what is decided in the city and not yet journaled
}

// QueueStatus is the memory between the cities and the journal, in bytes.
type QueueStatus struct {
	Held  int64 // fetched, not yet journaled
	Peak  int64 // the most that was ever held
	Limit int64
}

// Sources says how the sources of the shard do, in the order of Config.
func (s *Shard) Sources() []SourceStatus {
	all := s.list()
	out := make([]SourceStatus, len(all))
	for i, src := range all {
		out[i] = src.status()
	}
	return out
}

// Queue says what the shard holds in memory.
func (s *Shard) Queue() QueueStatus {
	held, peak := s.budget.state()
	return QueueStatus{Held: held, Peak: peak, Limit: s.c.QueueBytes}
}

func (s *source) status() SourceStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := SourceStatus{Source: s.ID, City: s.City, State: s.state, Error: s.err, Rows: s.rows, Gaps: maps.Clone(s.gaps)}
	for _, p := range s.partitions {
		p.Lag = max(0, p.LSO-p.Next)
		out.Partitions = append(out.Partitions, p)
	}
	slices.SortFunc(out.Partitions, func(a, b PartitionStatus) int { return cmp.Compare(a.Partition, b.Partition) })
	return out
}
