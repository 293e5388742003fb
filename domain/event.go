package domain

// Event is an immutable fact of the journal, in a closed set of kinds (events.md).
// Implementations are the pointer types of this package and no others.
type Event interface {
	// Kind is the name under which the event is stored; it never changes.
	Kind() Kind
	sealed()
}

// Kind names an event kind.
type Kind string

// The closed set.
const (
	KindGenesis            Kind = "Genesis"
	KindRolled             Kind = "Rolled"
	KindStarted            Kind = "Started"
	KindPipelineConfigured Kind = "PipelineConfigured"
	KindIncident           Kind = "Incident"
	KindResolved           Kind = "Resolved"
	KindOperator           Kind = "Operator"
	KindOpened             Kind = "Opened"
	KindSourceOpened       Kind = "SourceOpened"
	KindIngested           Kind = "Ingested"
	KindSourceClosed       Kind = "SourceClosed"
	KindHubBegun           Kind = "HubBegun"
	KindHubCommitted       Kind = "HubCommitted"
	KindHubAborted         Kind = "HubAborted"
	KindDorisBegun         Kind = "DorisBegun"
	KindDorisPrepared      Kind = "DorisPrepared"
	KindDorisCommitted     Kind = "DorisCommitted"
	KindDorisAborted       Kind = "DorisAborted"
	KindCheckpoint         Kind = "Checkpoint"
	KindArchived           Kind = "Archived"
	KindDropped            Kind = "Dropped"
	KindReconciled         Kind = "Reconciled"
	KindAccepted           Kind = "Accepted"
	KindLineageBegun       Kind = "LineageBegun"
	KindLineageCommitted   Kind = "LineageCommitted"
	KindReplayPlanned      Kind = "ReplayPlanned"
	KindReplayMoved        Kind = "ReplayMoved"
	KindTableSwap          Kind = "TableSwap"
	KindRebased            Kind = "Rebased"
)

// Owned is what every event of a shard stream says about its writer: the seq of
// the writer's Started on control. The tail alone thus names the owner.
type Owned struct {
	Incarnation Seq
}

// Owner is the incarnation that wrote the event.
func (o Owned) Owner() Seq { return o.Incarnation }

// ShardEvent is an event of a shard stream.
type ShardEvent interface {
	Event
	Owner() Seq
}

// Genesis is the first event of a Stream. Control's makes the journal: it is the
// one place where the journal id is chosen; every other stream repeats it.
type Genesis struct {
	Created  Micros
	Pipeline string
}

// Rolled is the last event of a segment; it alone entitles to create the segment
// that begins at its seq + 1. It repeats what every event of its stream carries,
// so that a stream opens from a Rolled tail as from any other.
type Rolled struct {
	Owned
	Positions []Position // ingest streams
	Trail     Trail      // hub and doris streams
}

// Opened is the takeover of a stream by a process: once it is stored, every append
// of an earlier owner fails.
type Opened struct {
	Owned
	Config    Seq        // PipelineConfigured in force
	Positions []Position // ingest streams
	Trail     Trail      // hub and doris streams
}

// Kind implements Event.
func (*Genesis) Kind() Kind { return KindGenesis }
func (*Genesis) sealed()    {}

// Kind implements Event.
func (*Rolled) Kind() Kind { return KindRolled }
func (*Rolled) sealed()    {}

// Kind implements Event.
func (*Opened) Kind() Kind { return KindOpened }
func (*Opened) sealed()    {}
