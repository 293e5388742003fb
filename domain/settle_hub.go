package domain

import (
	"maps"
	"slices"
)

// ProgressRecord is what the last committed hub batch of a shard says about itself, in
// the shard's partition of the progress topic.
type ProgressRecord struct {
	Journal   JournalID
	Begun     Ref // its HubBegun
	Cursor    Ref // the last ingest event that the batch carries
	ClusterID string
	TopicID   [16]byte
	Runs      []HubRun
}

// HubFound is everything that settling a hub stream looks at. There are two last
// records, since only that of a transaction is fenced: one that an owner of the weaker
// semantics wrote may come after the one of its successor.
type HubFound struct {
	Journal   JournalID
	ClusterID string   // of the connected hub
	TopicID   [16]byte // of the hub topic as it is now, zero where the broker has none

	Commit         *HubCommitted   // C: the last one, nil for none
	CommitSemantic Semantic        // of C's intent
	Begun          *HubBegun       // B: without outcome, nil for none
	BegunRef       Ref             // of B
	Record         *ProgressRecord // the last one in a transaction, nil for none
	Unfenced       *ProgressRecord // the last one of the weaker semantics, nil for none
	RecordKnown    bool            // the journal holds the very intent that Record names
	UnfencedKnown  bool            // and that of Unfenced
	HighWater      map[int32]int64 // of each hub partition, by number
	Ends           []CommittedEnd  // of the commits that C ends
}

// CommittedEnd is where a hub partition ends at least: behind the last row that a commit has there.
type CommittedEnd struct {
	Partition int32
	Next      int64
	Begun     Ref // of the commit
}

// CommittedEndsOf are the ends that a commit's runs come to, by partition. With the semantic none
// the hub never promised to keep what it acknowledged.
func CommittedEndsOf(c *HubCommitted, promised Semantic) []CommittedEnd {
	if promised == None {
		return nil
	}
	next := map[int32]int64{}
	for _, r := range c.Runs {
		next[r.Partition] = max(next[r.Partition], r.Offset+r.N)
	}
	var ends []CommittedEnd
	for _, p := range slices.Sorted(maps.Keys(next)) {
		ends = append(ends, CommittedEnd{p, next[p], c.Begun})
	}
	return ends
}

// HubAction is what the table says.
type HubAction uint8

// The outcomes of settling.
const (
	HubGoOn      HubAction = 1 // nothing is open
	HubAbort     HubAction = 2 // append HubAborted for B
	HubCommit    HubAction = 3 // append HubCommitted for B, from its record
	HubIncidents HubAction = 4 // the machine may not decide
	HubAssume    HubAction = 5 // append HubCommitted for B with all its rows excluded
)

// SettleHub is the total table of architecture.md, "Hub projection" 2, with a column for
// each semantic: B is settled by its own. With HubIncidents it returns the incident's
// kind and what contradicts what.
func SettleHub(f HubFound) (HubAction, IncidentKind, []Fact) {
	for _, check := range []func(HubFound) (IncidentKind, []Fact){foreignRecord, hubCutOff, otherContent, strangeRecord, strangeUnfenced} {
		if kind, facts := check(f); kind != "" {
			return HubIncidents, kind, facts
		}
	}
	switch {
	case f.Begun == nil:
		return HubGoOn, "", nil
	case f.Begun.Semantic == None:
		return HubAssume, "", nil
	case f.Begun.Semantic == AtLeastOnce && f.isB(f.Unfenced), f.Begun.Semantic.Exactly() && f.isB(f.Record):
		return HubCommit, "", nil
	default:
		return HubAbort, "", nil
	}
}

func (f *HubFound) isB(r *ProgressRecord) bool {
	return r != nil && f.Begun != nil && r.Begun == f.BegunRef
}

func (f *HubFound) isC(r *ProgressRecord) bool {
	return r != nil && f.Commit != nil && r.Begun == f.Commit.Begun
}

// strangeRecord looks at the record of a transaction. Where C is one the record is C's
// or B's. Where C is of a weaker semantic it may be of a transaction before C.
func strangeRecord(f HubFound) (IncidentKind, []Fact) {
	exact := f.Commit != nil && f.CommitSemantic.Exactly()
	switch {
	case f.Record == nil && exact:
		return IncidentHubLost, noRecord(f)
	case f.Record == nil, f.isB(f.Record), f.isC(f.Record), f.Commit != nil && !exact && f.RecordKnown:
		return "", nil
	}
	return IncidentHubAhead, []Fact{
		{"found", "the hub's progress record names a batch that is neither the last commit nor the open intent of this journal"},
		{"record", f.Record.Begun.String()},
		{"record hash", f.Record.Begun.Hash.String()},
		{"last commit", refOf(f.Commit)},
		{"do", "put the right journal back, then resolve with retry"},
	}
}

// strangeUnfenced looks at the record of a weaker semantic. Any intent of this journal
// may have written it last: an owner that was replaced writes once more.
func strangeUnfenced(f HubFound) (IncidentKind, []Fact) {
	switch {
	case f.Unfenced == nil && f.Commit != nil && f.CommitSemantic == AtLeastOnce:
		return IncidentHubLost, noRecord(f)
	case f.Unfenced == nil, f.isB(f.Unfenced), f.isC(f.Unfenced), f.UnfencedKnown:
		return "", nil
	}
	return IncidentHubAhead, []Fact{
		{"found", "the hub's progress record names a batch that this journal does not hold"},
		{"record", f.Unfenced.Begun.String()},
		{"record hash", f.Unfenced.Begun.Hash.String()},
		{"last commit", refOf(f.Commit)},
		{"do", "put the right journal back, then resolve with retry"},
	}
}
