package rebuild

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// Plan is what a rebuild would do, for all pipelines of a configuration: they lie in one store.
type Plan struct {
	Digest    domain.Hash    `json:"digest"` // of all that follows, but for the log starts of the cities
	Pipelines []PipelinePlan `json:"pipelines"`
}

// PipelinePlan is the new journal of one pipeline.
type PipelinePlan struct {
	Name     string                `json:"name"`
	Old      domain.JournalID      `json:"old_journal"` // zero: nobody remembers one
	Known    []domain.Ref          `json:"known"`       // the newest events of it that anybody remembers
	Evidence []domain.Fact         `json:"evidence"`
	Config   domain.PipelineConfig `json:"config"`
	Sources  []SourcePlan          `json:"sources"`
	Hub      []HubPlan             `json:"hub"`
	Unproven []domain.Unproven     `json:"unproven"`
	// Refused is why it cannot be approved, each with the way out.
	Refused []string `json:"refused,omitempty"`
	// Load is the read_hub block of a pipeline that loads what the table has not; empty where it
	// has everything.
	Load string `json:"load,omitempty"`
}

// SourcePlan is where the partitions of a source go on.
type SourcePlan struct {
	ID         domain.SourceID   `json:"id"`
	Generation domain.Generation `json:"generation"`
	Cluster    string            `json:"cluster"`
	Topic      string            `json:"topic"`
	TopicID    TopicID           `json:"topic_id"`
	Partitions []StartPlan       `json:"partitions"`
}

// TopicID is a topic's id, zero where its broker has none. Its text is hex.
type TopicID [16]byte

// MarshalText implements encoding.TextMarshaler.
func (t TopicID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, t[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *TopicID) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || copy(t[:], b) != len(t) {
		return fmt.Errorf("topic id %q: want 32 hex digits", text)
	}
	return nil
}

// StartPlan is the next offset to fetch of a source partition.
type StartPlan struct {
	Partition int32  `json:"partition"`
	LogStart  int64  `json:"log_start"`
	Next      int64  `json:"next"`
	How       string `json:"how"`
}

// HubPlan is what a hub partition holds: Rows records from LogStart on, the last one before Next,
// and InTable of them in the table.
type HubPlan struct {
	Partition int32 `json:"partition"`
	LogStart  int64 `json:"log_start"`
	Next      int64 `json:"next"`
	Rows      int64 `json:"rows"`
	InTable   int64 `json:"in_table"`
}

// Good reports whether the plan may be approved.
func (p *Plan) Good() bool {
	return !slices.ContainsFunc(p.Pipelines, func(of PipelinePlan) bool { return len(of.Refused) > 0 })
}

// seal sets the digest. The log starts of the cities move by themselves while an operator reads.
func (p *Plan) seal() error {
	still := Plan{Pipelines: slices.Clone(p.Pipelines)}
	for i := range still.Pipelines {
		of := &still.Pipelines[i]
		of.Sources = slices.Clone(of.Sources)
		for j := range of.Sources {
			of.Sources[j].Partitions = slices.Clone(of.Sources[j].Partitions)
			for k := range of.Sources[j].Partitions {
				of.Sources[j].Partitions[k].LogStart = 0
			}
		}
	}
	b, err := json.Marshal(still)
	if err != nil {
		return fmt.Errorf("digest of the plan: %w", err)
	}
	p.Digest = sha256.Sum256(b)
	return nil
}

// rebased is the event that the new journal begins with.
func (p *PipelinePlan) rebased(digest domain.Hash, who, why string) *domain.Rebased {
	ev := &domain.Rebased{Digest: digest, Old: p.Old, Known: p.Known, Evidence: p.Evidence, Unproven: p.Unproven, Who: who, Why: why}
	for _, s := range p.Sources {
		for _, at := range s.Partitions {
			ev.Positions = append(ev.Positions, domain.RebasedPosition{
				Source: s.ID, Generation: s.Generation, Partition: at.Partition, Next: at.Next, How: at.How,
			})
		}
	}
	for _, h := range p.Hub {
		ev.Hub = append(ev.Hub, domain.RebasedHub{
			Partition: h.Partition, Span: domain.Span{First: h.LogStart, Next: h.Next}, Rows: h.Rows, InTable: h.InTable,
		})
	}
	return ev
}
