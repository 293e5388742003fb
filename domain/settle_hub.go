package domain

import "slices"

// ProgressRecord is what the last committed hub transaction of a shard says about
// itself, in the shard's partition of the progress topic.
type ProgressRecord struct {
	Journal   JournalID
	Begun     Ref // its HubBegun
	Cursor    Ref // the last ingest event that the transaction carries
	ClusterID string
	TopicID   [16]byte
	Runs      []HubRun
}

// HubFound is everything that settling a hub stream looks at.
type HubFound struct {
	Journal   JournalID
	ClusterID string   // of the connected hub
	TopicID   [16]byte // of the hub topic as it is now, zero where the broker has none

	Commit    *HubCommitted   // C: the last one, nil for none
	Begun     *HubBegun       // B: without outcome, nil for none
	BegunRef  Ref             // of B
	Record    *ProgressRecord // of the progress partition, nil for none
	HighWater map[int32]int64 // of each hub partition, by number
}

// HubAction is what the table says.
type HubAction uint8

// The outcomes of settling.
const (
	HubGoOn      HubAction = 1 // nothing is open
	HubAbort     HubAction = 2 // append HubAborted for B
	HubCommit    HubAction = 3 // append HubCommitted for B, from the record
	HubIncidents HubAction = 4 // the machine may not decide
)

// SettleHub is the total table of architecture.md, "Hub projection" 2. With
// HubIncidents it returns the incident's kind and what contradicts what.
func SettleHub(f HubFound) (HubAction, IncidentKind, []Fact) {
	if kind, facts := recordMismatch(f); kind != "" {
		return HubIncidents, kind, facts
	}
	if f.Commit != nil {
		for _, r := range f.Commit.Runs {
			if end := r.Offset + r.N; f.HighWater[r.Partition] < end {
				return HubIncidents, IncidentHubLost, []Fact{
					{"found", "the hub topic ends before the last committed run"},
					{"hub partition", itoa(int64(r.Partition))},
					{"committed end", itoa(end)},
					{"high watermark", itoa(f.HighWater[r.Partition])},
					{"last commit", f.Commit.Begun.String()},
				}
			}
		}
	}
	if facts := contentMismatch(f); facts != nil {
		return HubIncidents, IncidentHubAhead, facts
	}
	isC := f.Record != nil && f.Commit != nil && f.Record.Begun == f.Commit.Begun
	isB := f.Record != nil && f.Begun != nil && f.Record.Begun == f.BegunRef
	switch {
	case f.Record == nil && f.Commit == nil && f.Begun == nil:
		return HubGoOn, "", nil
	case f.Record == nil && f.Commit == nil:
		return HubAbort, "", nil
	case f.Record == nil:
		return HubIncidents, IncidentHubLost, []Fact{
			{"found", "no progress record, though this journal committed"},
			{"last commit", f.Commit.Begun.String()},
			{"do", "put the progress topic back; nothing is written meanwhile"},
		}
	case isB:
		return HubCommit, "", nil
	case isC && f.Begun == nil:
		return HubGoOn, "", nil
	case isC:
		return HubAbort, "", nil
	default:
		return HubIncidents, IncidentHubAhead, []Fact{
			{"found", "the hub's progress record names a batch that is neither the last commit nor the open intent of this journal"},
			{"record", f.Record.Begun.String()},
			{"record hash", f.Record.Begun.Hash.String()},
			{"last commit", refOf(f.Commit)},
			{"do", "put the right journal back, then resolve with retry"},
		}
	}
}

// contentMismatch compares what the record says of a batch with what the journal says
// of the same one.
func contentMismatch(f HubFound) []Fact {
	r := f.Record
	switch {
	case r == nil:
		return nil
	case f.Commit != nil && r.Begun == f.Commit.Begun && (r.Cursor != f.Commit.Cursor || !slices.Equal(r.Runs, f.Commit.Runs)):
		return []Fact{
			{"found", "the hub's progress record says another content of the last commit than this journal"},
			{"record", r.Begun.String()},
			{"record's cursor", r.Cursor.String()},
			{"journal's cursor", f.Commit.Cursor.String()},
			{"record's runs", itoa(int64(len(r.Runs)))},
			{"journal's runs", itoa(int64(len(f.Commit.Runs)))},
		}
	case f.Begun != nil && r.Begun == f.BegunRef && r.Cursor != f.Begun.Last:
		return []Fact{
			{"found", "the hub's progress record says another last event of the open intent than this journal"},
			{"record", r.Begun.String()},
			{"record's cursor", r.Cursor.String()},
			{"intent's last event", f.Begun.Last.String()},
		}
	}
	return nil
}

func refOf(c *HubCommitted) string {
	if c == nil {
		return "none"
	}
	return c.Begun.String()
}

func recordMismatch(f HubFound) (IncidentKind, []Fact) {
	r := f.Record
	if r == nil {
		return "", nil
	}
	switch {
	case r.Journal != f.Journal:
		return IncidentHubAhead, []Fact{
			{"found", "the hub's progress record was written by another journal"},
			{"record's journal", r.Journal.String()},
			{"this journal", f.Journal.String()},
			{"do", "put that journal back, or take a new hub topic and progress topic"},
		}
	case r.ClusterID != f.ClusterID:
		return IncidentHubLost, []Fact{
			{"found", "the progress record was written on another hub cluster"},
			{"record's cluster", r.ClusterID},
			{"this cluster", f.ClusterID},
		}
	case r.TopicID != f.TopicID:
		return IncidentHubLost, []Fact{
			{"found", "the hub topic was made anew since the last commit"},
			{"record's topic id", hexID(r.TopicID)},
			{"topic id now", hexID(f.TopicID)},
		}
	}
	return "", nil
}
