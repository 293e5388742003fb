package domain

import "slices"

// hubCutOff compares the ends of the hub's partitions with what commits gave to each of them: the
// last commit need not have a row in the one that lost its end.
func hubCutOff(f HubFound) (IncidentKind, []Fact) {
	for _, e := range f.Ends {
		if f.HighWater[e.Partition] < e.Next {
			return IncidentHubLost, []Fact{
				{"found", "the hub topic ends before the last committed run"},
				{"hub partition", itoa(int64(e.Partition))},
				{"committed end", itoa(e.Next)},
				{"high watermark", itoa(f.HighWater[e.Partition])},
				{"last commit", e.Begun.String()},
				{"do", "put the replica back that has the end, or fill it in from the journal (hefu replay plan --all --into topic --fill-missing); then resolve with retry"},
			}
		}
	}
	return "", nil
}

// otherContent compares what a record says of a batch with what the journal says of the
// same one. What was assumed of a batch of the semantic none need not be what happened.
func otherContent(f HubFound) (IncidentKind, []Fact) {
	for _, r := range []*ProgressRecord{f.Record, f.Unfenced} {
		switch {
		case f.isC(r) && f.CommitSemantic != None && (r.Cursor != f.Commit.Cursor || !slices.Equal(r.Runs, f.Commit.Runs)):
			return IncidentHubAhead, []Fact{
				{"found", "the hub's progress record says another content of the last commit than this journal"},
				{"record", r.Begun.String()},
				{"record's cursor", r.Cursor.String()},
				{"journal's cursor", f.Commit.Cursor.String()},
				{"record's runs", itoa(int64(len(r.Runs)))},
				{"journal's runs", itoa(int64(len(f.Commit.Runs)))},
			}
		case f.isB(r) && r.Cursor != f.Begun.Last:
			return IncidentHubAhead, []Fact{
				{"found", "the hub's progress record says another last event of the open intent than this journal"},
				{"record", r.Begun.String()},
				{"record's cursor", r.Cursor.String()},
				{"intent's last event", f.Begun.Last.String()},
			}
		}
	}
	return "", nil
}

// foreignRecord says that a record was written by another journal, or of another hub.
func foreignRecord(f HubFound) (IncidentKind, []Fact) {
	for _, r := range []*ProgressRecord{f.Record, f.Unfenced} {
		switch {
		case r == nil:
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
	}
	return "", nil
}

func noRecord(f HubFound) []Fact {
	return []Fact{
		{"found", "no progress record, though this journal committed"},
		{"last commit", f.Commit.Begun.String()},
		{"do", "put the progress topic back; nothing is written meanwhile"},
	}
}

func refOf(c *HubCommitted) string {
	if c == nil {
		return "none"
	}
	return c.Begun.String()
}
