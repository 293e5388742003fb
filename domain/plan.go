package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// PlanID names one replay for ever: random, chosen when it is planned.
type PlanID [4]byte

// String is the id as 8 hex digits.
func (id PlanID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText is the id as 8 hex digits.
func (id PlanID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads 8 hex digits.
func (id *PlanID) UnmarshalText(b []byte) (err error) { *id, err = ParsePlanID(string(b)); return err }

// IsZero reports whether no plan is named.
func (id PlanID) IsZero() bool { return id == PlanID{} }

// ParsePlanID reads 8 hex digits.
func ParsePlanID(s string) (PlanID, error) {
	var id PlanID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) || strings.ToLower(s) != s {
		return id, fmt.Errorf("plan %q: want 8 hex digits", s)
	}
	copy(id[:], b)
	return id, nil
}

// Plan is what a replay will do, resolved when it was planned: whoever runs it, and however
// often, gives the target the same bytes. Its digest is what is approved and what runs.
type Plan struct {
	ID       PlanID     `json:"id"`
	Pipeline string     `json:"pipeline"`
	Created  Micros     `json:"created"`
	Scope    PlanScope  `json:"scope"` // as it was asked for
	Target   PlanTarget `json:"target"`
	Lanes    []PlanLane `json:"lanes"` // of the shards that have a part in it
	Rows     Selection  `json:"rows"`  // which rows of the lanes' events
	// Undecided are the batches without an outcome at the time that AsOf names.
	Undecided []Undecided `json:"undecided,omitempty"`
	Delete    []RowKey    `json:"delete,omitempty"` // of the mode delete-duplicates: the exact keys
	Limits    PlanLimits  `json:"limits"`           // to begin with
	Expect    PlanExpect  `json:"expect"`
	// Notes say what the plan leaves out or takes for granted, for whoever approves it.
	Notes []string `json:"notes,omitempty"`
}

// PlanScope is what an operator asked for: all conditions hold at once, none means everything
// that is committed.
type PlanScope struct {
	Sources    []SourceID  `json:"sources,omitempty"`
	Cities     []CitySpan  `json:"cities,omitempty"` // offsets of source partitions
	Hub        []HubSpan   `json:"hub,omitempty"`    // offsets of hub partitions
	Seqs       []SeqSpan   `json:"seqs,omitempty"`   // events of hub streams; of ingest where the hub is the source
	From       *Micros     `json:"from,omitempty"`   // extract_time, included
	To         *Micros     `json:"to,omitempty"`     // extract_time, excluded
	AsOf       *AsOf       `json:"as_of,omitempty"`
	Report     *Hash       `json:"report,omitempty"`   // the digest of a report, whose findings it is
	Findings   []FindingID `json:"findings,omitempty"` // of the report; none: all
	Quarantine bool        `json:"quarantine,omitempty"`
}

// Everything reports whether no condition is there: all that is committed.
func (s *PlanScope) Everything() bool {
	return len(s.Sources) == 0 && len(s.Cities) == 0 && len(s.Hub) == 0 && len(s.Seqs) == 0 && s.From == nil && s.To == nil &&
		s.AsOf == nil && s.Report == nil && len(s.Findings) == 0 && !s.Quarantine
}

// AsOf is a moment of the journal: the batches that were committed by then, in the order in
// which they were. A time is resolved once; the positions are what counts.
type AsOf struct {
	Time      *Micros `json:"time,omitempty"` // as asked for
	Positions []Ref   `json:"positions"`      // last event of each shard's hub or doris stream that belongs to it
	// Take says whether batches that were undecided then are taken as committed.
	Take bool `json:"take_undecided,omitempty"`
}

// CitySpan is offsets of a partition of a source; generation 0 is any.
type CitySpan struct {
	Source     SourceID   `json:"source"`
	Generation Generation `json:"generation,omitempty"`
	Partition  int32      `json:"partition"`
	Span       Span       `json:"span"`
}

// HubSpan is offsets of a hub partition.
type HubSpan struct {
	Partition int32 `json:"partition"`
	Span      Span  `json:"span"`
}

// SeqSpan is events of a shard's stream, both ends included.
type SeqSpan struct {
	Shard int `json:"shard"`
	First Seq `json:"first"`
	Last  Seq `json:"last"`
}

// PlanLane is the events of one shard that a replay reads: of the hub stream, where the hub is
// the source itself of the ingest stream. Both ends are included.
type PlanLane struct {
	Shard int `json:"shard"`
	First Seq `json:"first"`
	Last  Ref `json:"last"`
}

// Undecided is a batch that had begun at the time of an AsOf and had no outcome: who read then
// may have seen it or not.
type Undecided struct {
	Begun   Ref   `json:"begun"`
	Outcome Ref   `json:"outcome"` // zero: it has none yet
	Rows    int64 `json:"rows"`
	Taken   bool  `json:"taken"`
}

// RowKey is the key of a row of the table.
type RowKey struct {
	Partition int32 `json:"hw_partition_id"`
	Offset    int64 `json:"hw_offset_id"`
}

// TargetKind is where a replay's rows go.
type TargetKind string

// The kinds.
const (
	TargetTable TargetKind = "table"
	TargetTopic TargetKind = "topic"
	TargetFile  TargetKind = "file" // JSON lines, as the table's loads have them
	TargetNull  TargetKind = "null" // read, counted, thrown away
)

// TargetMode is what is done there.
type TargetMode string

// The modes. Shadow makes the target and demands that nobody else writes to it; the other two
// are of what is live.
const (
	ModeShadow           TargetMode = "shadow"
	ModeFillMissing      TargetMode = "fill-missing"
	ModeDeleteDuplicates TargetMode = "delete-duplicates"
)

// PlanTarget is where a replay's rows go, and how.
type PlanTarget struct {
	Kind TargetKind `json:"kind"`
	Mode TargetMode `json:"mode,omitempty"` // of tables and topics
	Name string     `json:"name,omitempty"` // "<db>.<table>", or a topic
	// Shadow is the plan whose shadow this one goes on with; zero: it makes one of its own.
	Shadow PlanID `json:"shadow,omitzero"`
}

// Marker is the plan that a shadow says it is of.
func (p *Plan) Marker() PlanID {
	if !p.Target.Shadow.IsZero() {
		return p.Target.Shadow
	}
	return p.ID
}

// PlanLimits bound what a replay takes from live traffic. They may change while it runs; 0 is
// no limit of its own.
type PlanLimits struct {
	Rows        int64 `json:"rows_per_second"`
	Bytes       int64 `json:"bytes_per_second"`
	Concurrency int   `json:"concurrency"` // lanes at once
}

// PlanExpect is what the dry run counted.
type PlanExpect struct {
	Rows    int64 `json:"rows"`    // that the target is to be given, or of which it is rid
	Bytes   int64 `json:"bytes"`   // of their values in the hub
	Present int64 `json:"present"` // rows of the scope that the target has already
	Batches int64 `json:"batches"` // loads or transactions, at least
	// Seconds is how long it takes at least by the limits to begin with; 0 where they bound nothing.
	Seconds int64 `json:"seconds,omitempty"`
	// Names are how the labels of its loads begin, its transactional ids, or its files below the
	// data directory: one for each lane.
	Names []string `json:"names,omitempty"`
}

// Digest is what is approved: the SHA-256 of the plan as Text writes it.
func (p *Plan) Digest() Hash { return sha256.Sum256(p.Text()) }

// Text is the plan as JSON, the same bytes for the same plan.
func (p *Plan) Text() []byte {
	b, _ := json.Marshal(p) // it has nothing that JSON does not
	return b
}

// ParsePlan reads what Text wrote. A field that this release does not know is an error: what
// it would mean is not run.
func ParsePlan(text []byte) (*Plan, error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	p := &Plan{}
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

// Stream is the stream of the replay's own events in a shard.
func (p *Plan) Stream(shard int) Stream {
	return Stream{Pipeline: p.Pipeline, Shard: shard, Leg: ReplayLeg(p.ID)}
}
