package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Started says that a process begins. Its seq is the process's incarnation.
type Started struct {
	Instance string
	Host     string
	PID      int
	Version  string
	Claims   []Claim
	// Nonce is random: two processes that are alike in all else (a copied container)
	// would otherwise store one event and take the same incarnation. Control.Append
	// sets it.
	Nonce [16]byte
}

// Claim is a leg of a shard that a process takes.
type Claim struct {
	Shard int
	Leg   Leg
}

// PipelineConfigured holds whatever shapes bytes or routes. Digest is the SHA-256
// of the stored form of Config; the newest one is in force.
type PipelineConfigured struct {
	Digest Hash
	Config PipelineConfig
}

// PipelineConfig is what is fixed for a pipeline's life, but for Sources, which
// are only added, ended, and taken up again where they ended.
type PipelineConfig struct {
	Timezone string // IANA name; formats columns without a zone
	Format   HubFormat
	// Direct says that the pipeline reads the hub topic itself: its one source is that topic,
	// it has no hub leg, and the rows say themselves which city they are from.
	Direct        bool
	HubTopic      string
	HubPartitions int32 // H at the first start
	Shards        int
	Table         string // "<database>.<table>", empty without a Doris leg
	Sources       []SourceConfig
}

// SourceConfig is one source as journaled.
type SourceConfig struct {
	ID    SourceID
	City  City
	Topic string
	Base  int32 // b: hub partition = (b + city partition) mod H
	Ended bool
	// Format is how records are read; Group names the sources that one entry of hefu.yaml with
	// several topics stands for: its id.
	Format SourceFormat
	Group  SourceID
	// Late marks a topic that came to a pattern while others of it were read: whatever the
	// start mode, it begins at its log start, as a partition that appears later does.
	Late bool
}

// Source finds a source by its id.
func (c *PipelineConfig) Source(id SourceID) (SourceConfig, bool) {
	for _, s := range c.Sources {
		if s.ID == id {
			return s, true
		}
	}
	return SourceConfig{}, false
}

// IncidentID names an incident by what was found: the first 16 bytes of the
// SHA-256 of kind, stream and evidence. The same evidence is the same incident.
type IncidentID [16]byte

// String is the id in lower-case hex.
func (id IncidentID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText is the id in lower-case hex.
func (id IncidentID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// IsZero reports whether no incident is named.
func (id IncidentID) IsZero() bool { return id == IncidentID{} }

// ParseIncidentID reads 32 hex digits.
func ParseIncidentID(s string) (IncidentID, error) {
	var id IncidentID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("incident id %q: want 32 hex digits", s)
	}
	copy(id[:], b)
	return id, nil
}

// IncidentKind is the kind of a state that the machine may not decide alone.
type IncidentKind string

// The kinds. Their texts for people are the evidence.
const (
	IncidentHubAhead         IncidentKind = "hub-ahead"         // the hub knows a batch that this journal does not
	IncidentHubLost          IncidentKind = "hub-lost"          // progress record, hub topic or its end is gone
	IncidentHubRefused       IncidentKind = "hub-refused"       // one event failed again and again
	IncidentJournalRegressed IncidentKind = "journal-regressed" // the journal is older than the world
	IncidentIntegrity        IncidentKind = "integrity"         // the chain is broken
	IncidentSourceRecreated  IncidentKind = "source-recreated"  // the topic was made anew or cut
	IncidentSourceOutOfRange IncidentKind = "source-out-of-range"
	IncidentSourceBatch      IncidentKind = "source-batch" // magic 0/1, CRC, larger than an event
	IncidentSourceNoCursor   IncidentKind = "source-no-cursor"
	IncidentSourceTaken      IncidentKind = "source-taken" // it begins at rows that the table has
	IncidentDorisAhead       IncidentKind = "doris-ahead"
	IncidentDorisForgotten   IncidentKind = "doris-forgotten" // label and transaction unknown after Prepared
	IncidentDorisState       IncidentKind = "doris-state"     // a state that cannot be
	IncidentDorisRefused     IncidentKind = "doris-refused"   // Doris refuses the load itself, or rows that cannot be found
)

// Choice is what an operator may decide about an incident.
type Choice string

// The choices. Retry looks again and is offered by every incident.
const (
	ChoiceRetry         Choice = "retry"
	ChoiceNewGeneration Choice = "new-generation"
	ChoiceAcceptGap     Choice = "accept-gap"
	ChoiceCommitted     Choice = "committed"
	ChoiceAborted       Choice = "aborted"
)

// Fact is one line of evidence.
type Fact struct {
	Key, Value string
}

// Incident stops all legs of its shard, or just its source when Source is set,
// until Resolved names it.
type Incident struct {
	ID       IncidentID
	What     IncidentKind
	Shard    int
	Source   SourceID // empty: the whole shard
	Stream   Stream
	Evidence []Fact // the same situation gives the same facts: no clock, no attempt number
	Choices  []Choice
}

// NewIncident makes an incident and its id.
func NewIncident(what IncidentKind, s Stream, source SourceID, choices []Choice, evidence ...Fact) *Incident {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q", what, s.String(), string(source))
	for _, f := range evidence {
		fmt.Fprintf(h, " %q=%q", f.Key, f.Value)
	}
	in := &Incident{
		What: what, Shard: s.Shard, Source: source, Stream: s, Evidence: evidence,
		Choices: append([]Choice{ChoiceRetry}, choices...),
	}
	copy(in.ID[:], h.Sum(nil))
	return in
}

// Allows reports whether the choice is offered.
func (i *Incident) Allows(c Choice) bool {
	for _, have := range i.Choices {
		if have == c {
			return true
		}
	}
	return false
}

// Error is the incident as one line for people: an incident is what a leg returns
// when it may not go on.
func (i *Incident) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "incident %s %s on %s", i.ID, i.What, i.Stream)
	if i.Source != "" {
		fmt.Fprintf(&b, " source %s", i.Source)
	}
	for _, f := range i.Evidence {
		fmt.Fprintf(&b, "; %s: %s", f.Key, f.Value)
	}
	return b.String()
}

// Resolved says what an operator decided about an incident.
type Resolved struct {
	ID     IncidentID
	Choice Choice
	Who    string
	Why    string
}

// Operator is an action of a person on the running service, other than a decision about an
// incident.
type Operator struct {
	Action OperatorAction
	Target string // the source's id, or empty for the whole pipeline
	Who    string
	Why    string
}

// OperatorAction is what an operator did.
type OperatorAction string

// The actions.
const (
	OperatorPause  OperatorAction = "pause"
	OperatorResume OperatorAction = "resume"
	OperatorRate   OperatorAction = "rate"
)

// Kind implements Event.
func (*Operator) Kind() Kind { return KindOperator }
func (*Operator) sealed()    {}

// Kind implements Event.
func (*Started) Kind() Kind { return KindStarted }
func (*Started) sealed()    {}

// Kind implements Event.
func (*PipelineConfigured) Kind() Kind { return KindPipelineConfigured }
func (*PipelineConfigured) sealed()    {}

// Kind implements Event.
func (*Incident) Kind() Kind { return KindIncident }
func (*Incident) sealed()    {}

// Kind implements Event.
func (*Resolved) Kind() Kind { return KindResolved }
func (*Resolved) sealed()    {}
