// Package report is the reconciler's report: what it holds, how it is signed and checked
// offline, how it is shown, kept and compared. It knows no Kafka, no Doris and no journal
// store: a report is checked with nothing but the file and a public key.
//
// Who makes a report fills in what it saw and calls Seal, which counts the coverage, gives the
// verdict, checks that everything adds up (Check, the same that an auditor's Verify does) and
// signs. Nobody else says "verified".
package report

import (
	"time"

	"github.com/hefu-io/hefu/domain"
)

// Version is the version of the form, the property "version" of docs/report.schema.json.
const Version = 1

// CityJournal is the proof that is not about carried rows: the cities' rows, read again, held
// against the journal's batches. It covers a sample, see Coverage.
const CityJournal domain.Proof = "city-journal"

// Report is one look at a pipeline, or a part of it, that somebody can check without us. Every
// figure names the place that said it (a Witness); what nobody looked at is in Coverage and
// Unchecked, never in a sum of what is good. Times are UTC.
type Report struct {
	Version  int            `json:"version"`
	Scope    Scope          `json:"scope"`
	Began    time.Time      `json:"began"`
	Done     time.Time      `json:"done"`
	Verdict  domain.Verdict `json:"verdict"` // Judge's
	Why      string         `json:"why"`     // Judge's one sentence for people
	Software Software       `json:"software"`
	Journal  Journal        `json:"journal"`
	Previous *Previous      `json:"previous"` // the pipeline's report before this one; null: the first
	Sources  []Source       `json:"sources"`
	Hub      []HubPartition `json:"hub"`
	Windows  []Window       `json:"windows"`
	Gaps     []Gap          `json:"gaps"`
	Evidence []Position     `json:"evidence"`
	Outcomes []Outcome      `json:"outcomes"` // loads and transactions of the scope, the newest ones
	Queries  []Query        `json:"queries"`
	Coverage []Coverage     `json:"coverage"` // Covered's
	Findings []Finding      `json:"findings"`
	More     int64          `json:"more_findings"` // that are counted and not listed
	// Unchecked is what could not be compared, and why: with it the verdict is never verified.
	Unchecked []Unchecked `json:"unchecked"`
	Others    []Count     `json:"others"`  // rows that are not of these books, by what they are
	Threats   []string    `json:"threats"` // what the report proves, against whom, and what not; ThreatModel where empty
}

// Scope is what was asked for.
type Scope struct {
	Pipeline string     `json:"pipeline"`
	Sources  []string   `json:"sources"` // empty: all
	From     *time.Time `json:"from"`    // by extract_time; null: from the beginning
	To       *time.Time `json:"to"`      // null: to the end
	Depth    string     `json:"depth"`   // "lineage", "content" or "deep": see domain.Reconciled
	Sample   int        `json:"sample"`  // per cent of city windows that were read again
	Timezone string     `json:"timezone"`
	// Proofs are those that the pipeline has: no "city-hub" where it reads the hub, no
	// "hub-doris" without a table. All windows of each are in the report.
	Proofs []domain.Proof `json:"proofs"`
	// Columns are those that the two places of each proof are compared by.
	Columns map[domain.Proof][]string `json:"columns"`
	// Plan is the replay that was verified; without one the report is of the pipeline's own rows.
	Plan *Plan `json:"plan,omitempty"`
}

// Whole says whether the report is about all rows of the pipeline.
func (s *Scope) Whole() bool {
	return len(s.Sources) == 0 && s.From == nil && s.To == nil && s.Plan == nil
}

// Software says what made the report.
type Software struct {
	Version string      `json:"version"`
	Binary  domain.Hash `json:"binary_sha256"`
	Config  domain.Hash `json:"config_sha256"` // of the journaled configuration in force
	Host    string      `json:"host"`
}

// Journal says which journal it was and that it only grew.
type Journal struct {
	ID      domain.JournalID `json:"id"`
	Created time.Time        `json:"created"`
	Key     string           `json:"key"`     // the verifier key of the checkpoints and of the report
	Streams []Stream         `json:"streams"` // all of the pipeline
	Sync    string           `json:"sync"`    // "always", or "assumed" where a client cannot see it
	// Rebased is there where it took the place of another journal.
	Rebased *Rebased `json:"rebased,omitempty"`
}

// Stream is one stream's tree when the look began and when it was done, with the proof that
// the first is a prefix of the second (RFC 6962 consistency proof, as sumdb/tlog makes it).
type Stream struct {
	Stream domain.Stream `json:"stream"`
	Before string        `json:"before"` // signed checkpoint, empty: none was made yet
	After  string        `json:"after"`  // empty: nobody signs this journal, and the verdict is never verified
	Proof  []domain.Hash `json:"proof"`  // of Before in After
	Last   Ref           `json:"last"`   // the last event that the look took into account; seq 0: none
	// LastProof is the RFC 6962 inclusion proof of Last in After.
	LastProof []domain.Hash `json:"last_proof"`
	Earlier   []Earlier     `json:"earlier"`
}

// Earlier is a signed checkpoint from before the look, such as the last one of the report
// before, with the proof that it is a prefix of After. Who kept that checkpoint can see that
// the journal only grew since. The newest one of a stream that another process writes is there
// too: it is signed with that process' key, while Before and After are with the report's.
type Earlier struct {
	Note  string        `json:"note"`
	Proof []domain.Hash `json:"proof"`
	Key   string        `json:"key,omitempty"` // the verifier key, if it is not the report's
}

// Previous names the report before this one.
type Previous struct {
	Name   string      `json:"name"` // under which it is kept
	Digest domain.Hash `json:"sha256"`
	Done   time.Time   `json:"done"`
}

// Ref points at an event of the journal; a domain.Ref converts to it.
type Ref struct {
	Stream domain.Stream `json:"stream"`
	Seq    domain.Seq    `json:"seq"`
	Hash   domain.Hash   `json:"hash"`
}

// Source is one source partition's books inside the scope: Next - First = Rows + the gaps,
// Rows = InHub + ExcludedHub + Pending, InHub = InDoris + ExcludedDoris + PendingDoris. The
// windows of proof city-hub between First and Next have InHub + Pending rows.
type Source struct {
	Source        string            `json:"source"`
	City          string            `json:"city"`
	Name          string            `json:"name,omitempty"` // of the city, for people
	Generation    domain.Generation `json:"generation"`
	Partition     int32             `json:"partition"`
	First         int64             `json:"first"`
	Next          int64             `json:"next"`
	Rows          int64             `json:"rows"`
	Gaps          map[string]int64  `json:"gaps"` // by reason
	InHub         int64             `json:"in_hub"`
	ExcludedHub   int64             `json:"excluded_hub"`
	Pending       int64             `json:"pending"` // the open tail, on its way to the hub
	InDoris       int64             `json:"in_doris"`
	ExcludedDoris int64             `json:"excluded_doris"`
	PendingDoris  int64             `json:"pending_doris"`
	FromTime      *time.Time        `json:"from_time"` // extract_time of its first and last row in the scope
	ToTime        *time.Time        `json:"to_time"`
}

// HubPartition is one hub partition inside the scope: its offsets, and the rows that the hub
// has there and Doris is to have.
type HubPartition struct {
	Partition int32 `json:"partition"`
	First     int64 `json:"first"`
	Next      int64 `json:"next"`
	Rows      int64 `json:"rows"`
}

// Window is one window with what each place said of it. The windows of a partition leave out
// nothing between its first and next offset, except what one listed run of a Gap explains.
type Window struct {
	WindowID
	State domain.WindowState `json:"state"`
	// First and Through bound the offsets that were compared, inside the window and the scope:
	// First <= offset < Through. Both the same: none was.
	First     int64       `json:"first"`
	Through   int64       `json:"through"`
	Rows      int64       `json:"rows"`    // in the window and the scope that the right place is to have in the end
	Pending   int64       `json:"pending"` // of them, on their way: not compared
	Witnesses []Witnessed `json:"witnesses"`
	FromTime  *time.Time  `json:"from_time"` // extract_time of its rows
	ToTime    *time.Time  `json:"to_time"`
	Why       string      `json:"why,omitempty"`
}

// WindowID names a window; a domain.Window converts to it.
type WindowID struct {
	Proof      domain.Proof      `json:"proof"`
	Source     domain.SourceID   `json:"source"` // empty: of the hub
	Generation domain.Generation `json:"generation"`
	Partition  int32             `json:"partition"`
	Index      int64             `json:"index"`
}

// Witnessed is what one place said.
type Witnessed struct {
	Witness string `json:"witness"` // "city", "journal", "hub" or "doris", of a replay "topic" or "file"; the left place of the proof is first
	Vector  Vector `json:"vector"`
}

// Vector is what a place says of the compared rows of a window; a domain.Vector converts to it.
type Vector struct {
	Rows     int64      `json:"rows"`
	Distinct int64      `json:"distinct"`
	Min      int64      `json:"min"`
	Max      int64      `json:"max"`
	Offsets  domain.Sum `json:"offsets"`
	Digest   domain.Sum `json:"digest"`
	Xor      uint64     `json:"xor,string"`
}

// Gap is a run of offsets without a row, or all runs with one reason of a source partition
// where they are too many to be listed; First and Next are then their bounds.
type Gap struct {
	Source     string            `json:"source"`
	Generation domain.Generation `json:"generation"`
	Partition  int32             `json:"partition"`
	Reason     string            `json:"reason"`
	First      int64             `json:"first"`
	Next       int64             `json:"next"`
	Runs       int64             `json:"runs"`
	Offsets    int64             `json:"offsets"` // in all of them; of one run, Next - First
}

// Position is what a Kafka cluster said of a partition.
type Position struct {
	Witness     string `json:"witness"`
	Source      string `json:"source,omitempty"`
	Cluster     string `json:"cluster"`
	Topic       string `json:"topic"`
	TopicID     string `json:"topic_id"`
	Partition   int32  `json:"partition"`
	LeaderEpoch int32  `json:"leader_epoch"`
	LogStart    int64  `json:"log_start"`
	LastStable  int64  `json:"last_stable"`
	HighWater   int64  `json:"high_water"`
}

// Outcome is a hub transaction or a Doris load of the scope.
type Outcome struct {
	Ref   Ref       `json:"ref"`
	Kind  string    `json:"kind"`
	Label string    `json:"label,omitempty"` // or the transactional id
	Txn   int64     `json:"txn,omitempty"`
	State string    `json:"state"`
	Rows  int64     `json:"rows"`
	Time  time.Time `json:"time"`
}

// Query is a question that was asked, so that somebody can ask it again.
type Query struct {
	Witness string        `json:"witness"`
	Text    string        `json:"text"`
	Answer  domain.Hash   `json:"answer_sha256"` // of the rows as text, tab between columns, newline after each row
	Rows    int64         `json:"rows"`
	Took    time.Duration `json:"took_ns"`
}

// Coverage says, for one proof, what became of its rows: Rows = Verified + Diverged +
// NotChecked + Pending.
type Coverage struct {
	Proof      domain.Proof `json:"proof"`
	Rows       int64        `json:"rows"`
	Verified   int64        `json:"verified"`
	Diverged   int64        `json:"diverged"` // in windows that differ
	NotChecked int64        `json:"not_checked"`
	Pending    int64        `json:"pending"` // on their way
}

// Finding is one finding and what a person said about it; FindingOf makes it. Partitions are
// -1 where nothing is known.
type Finding struct {
	ID            domain.FindingID  `json:"id"`
	Class         domain.Class      `json:"class"`
	Where         string            `json:"where"`
	Source        domain.SourceID   `json:"source"`
	Generation    domain.Generation `json:"generation"`
	City          domain.City       `json:"city"`
	CityPartition int32             `json:"city_partition"`
	CityOffset    int64             `json:"city_offset"`
	CityTime      int64             `json:"city_time_ms"` // milliseconds since 1970, as on the wire
	HubPartition  int32             `json:"hub_partition"`
	HubOffset     int64             `json:"hub_offset"`
	HubTime       int64             `json:"hub_time_ms"`
	Column        string            `json:"column,omitempty"`
	Detail        string            `json:"detail"`
	Accepted      *Accepted         `json:"accepted,omitempty"`
}

// FindingOf is a finding as reports have it.
func FindingOf(f *domain.Finding, accepted *Accepted) Finding {
	return Finding{
		ID: f.ID(), Class: f.Class, Where: f.Where, Source: f.Source, Generation: f.Generation, City: f.City,
		CityPartition: f.Row.City.Partition, CityOffset: f.Row.City.Offset, CityTime: f.Row.City.Timestamp,
		HubPartition: f.Row.Hub.Partition, HubOffset: f.Row.Hub.Offset, HubTime: f.Row.Hub.Timestamp,
		Column: f.Column, Detail: f.Detail, Accepted: accepted,
	}
}

// Domain is the finding as the domain has it.
func (f *Finding) Domain() domain.Finding {
	return domain.Finding{
		Class: f.Class, Where: f.Where, Source: f.Source, Generation: f.Generation, City: f.City,
		Row: domain.Lineage{
			City: domain.Coord{Partition: f.CityPartition, Offset: f.CityOffset, Timestamp: f.CityTime},
			Hub:  domain.Coord{Partition: f.HubPartition, Offset: f.HubOffset, Timestamp: f.HubTime},
		},
		Column: f.Column, Detail: f.Detail,
	}
}

// Accepted says who took a finding as it is. It stays a finding.
type Accepted struct {
	Who string `json:"who"`
	Why string `json:"why"`
	Ref Ref    `json:"ref"`
}

// Unchecked are rows, or a column of them, that were not compared.
type Unchecked struct {
	Source string `json:"source,omitempty"` // empty: of several
	City   string `json:"city,omitempty"`
	Where  string `json:"where"`            // "city", "hub" or "doris": the place that was not held against the one before it
	Column string `json:"column,omitempty"` // empty: all of them
	Rows   int64  `json:"rows"`
	Why    string `json:"why"`
}

// Count is a number of rows with what they are.
type Count struct {
	What string `json:"what"`
	Rows int64  `json:"rows"`
}
