package domain_test

import (
	"slices"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

func begunAt(seq domain.Seq) domain.Ref {
	return domain.Ref{Stream: domain.Stream{Pipeline: "p", Shard: 1, Leg: domain.LegHub}, Seq: seq, Hash: domain.Hash{byte(seq)}}
}

func ingestAt(seq domain.Seq) domain.Ref {
	return domain.Ref{Stream: domain.Stream{Pipeline: "p", Shard: 1, Leg: domain.LegIngest}, Seq: seq, Hash: domain.Hash{byte(seq)}}
}

// settling is a hub stream with or without a commit (of the Begun at 10) and an open
// Begun (at 20), and a record that names an event, or none.
func settling(c, b bool, record *domain.Ref) domain.HubFound {
	runs := []domain.HubRun{{Ingest: 3, N: 5, Partition: 2, Offset: 100}}
	f := domain.HubFound{
		Journal: domain.JournalID{1}, ClusterID: "hub", TopicID: [16]byte{7}, BegunRef: domain.Ref{},
		HighWater: map[int32]int64{2: 105},
	}
	if c {
		f.Commit = &domain.HubCommitted{Begun: begunAt(10), Cursor: ingestAt(5), Runs: runs}
		f.Ends = domain.CommittedEndsOf(f.Commit, domain.ExactlyOnce)
	}
	if b {
		f.Begun, f.BegunRef = &domain.HubBegun{Last: ingestAt(8)}, begunAt(20)
	}
	if record != nil {
		f.Record = &domain.ProgressRecord{Journal: f.Journal, Begun: *record, ClusterID: f.ClusterID, TopicID: f.TopicID, Runs: slices.Clone(runs)}
		if f.Record.Cursor = ingestAt(5); *record == begunAt(20) {
			f.Record.Cursor = ingestAt(8)
		}
	}
	return f
}

// Every cell of architecture.md, "Hub projection" 2.
func TestSettleHub(t *testing.T) {
	ofC, ofB := begunAt(10), begunAt(20)
	forged, elsewhere, ahead := ofB, ofB, begunAt(99)
	forged.Hash[9]++
	elsewhere.Stream.Shard++
	const ahe, lost = domain.IncidentHubAhead, domain.IncidentHubLost
	for name, row := range map[string]struct {
		c, b   bool
		record *domain.Ref
		action domain.HubAction
		kind   domain.IncidentKind
	}{
		"– – none": {false, false, nil, domain.HubGoOn, ""},
		"– – any":  {false, false, &ahead, domain.HubIncidents, ahe},
		"– – zero": {false, false, &domain.Ref{}, domain.HubIncidents, ahe},

		"– B none":      {false, true, nil, domain.HubAbort, ""},
		"– B of B":      {false, true, &ofB, domain.HubCommit, ""},
		"– B of C":      {false, true, &ofC, domain.HubIncidents, ahe},
		"– B ahead":     {false, true, &ahead, domain.HubIncidents, ahe},
		"– B forged":    {false, true, &forged, domain.HubIncidents, ahe},
		"– B elsewhere": {false, true, &elsewhere, domain.HubIncidents, ahe},

		"C – none": {true, false, nil, domain.HubIncidents, lost},
		"C – of C": {true, false, &ofC, domain.HubGoOn, ""},
		"C – of B": {true, false, &ofB, domain.HubIncidents, ahe},
		"C – zero": {true, false, &domain.Ref{}, domain.HubIncidents, ahe},

		"C B none":   {true, true, nil, domain.HubIncidents, lost},
		"C B of C":   {true, true, &ofC, domain.HubAbort, ""},
		"C B of B":   {true, true, &ofB, domain.HubCommit, ""},
		"C B ahead":  {true, true, &ahead, domain.HubIncidents, ahe},
		"C B forged": {true, true, &forged, domain.HubIncidents, ahe},
	} {
		t.Run(name, func(t *testing.T) {
			action, kind, facts := domain.SettleHub(settling(row.c, row.b, row.record))
			if action != row.action || kind != row.kind || (len(facts) > 0) != (kind != "") {
				t.Fatalf("%d %q %v, want %d %q", action, kind, facts, row.action, row.kind)
			}
		})
	}
}

// What contradicts the record or the journal's last commit stops every row of the table.
func TestSettleHubComparesAllOfIt(t *testing.T) {
	ofC, ofB := begunAt(10), begunAt(20)
	for name, c := range map[string]struct {
		change func(f *domain.HubFound)
		kind   domain.IncidentKind
		fact   string
	}{
		"journal":   {func(f *domain.HubFound) { f.Record.Journal[3]++ }, domain.IncidentHubAhead, "the hub's progress record was written by another journal"},
		"cluster":   {func(f *domain.HubFound) { f.Record.ClusterID = "x" }, domain.IncidentHubLost, "the progress record was written on another hub cluster"},
		"topic":     {func(f *domain.HubFound) { f.Record.TopicID[3]++ }, domain.IncidentHubLost, "the hub topic was made anew since the last commit"},
		"hub cut":   {func(f *domain.HubFound) { f.HighWater[2] = 104 }, domain.IncidentHubLost, "the hub topic ends before the last committed run"},
		"partition": {func(f *domain.HubFound) { delete(f.HighWater, 2) }, domain.IncidentHubLost, "the hub topic ends before the last committed run"},
	} {
		for _, open := range []bool{false, true} {
			for _, record := range []domain.Ref{ofC, ofB} {
				if record == ofB && !open {
					continue
				}
				f := settling(true, open, &record)
				c.change(&f)
				action, kind, facts := domain.SettleHub(f)
				if action != domain.HubIncidents || kind != c.kind || len(facts) == 0 || facts[0].Value != c.fact {
					t.Errorf("%s, open %v, record of %s: %d %q %v", name, open, record, action, kind, facts)
				}
			}
		}
	}
}

func TestSettleHubComparesTheContent(t *testing.T) {
	ofC, ofB := begunAt(10), begunAt(20)
	for name, c := range map[string]struct {
		record domain.Ref
		change func(r *domain.ProgressRecord)
		stops  bool
	}{
		"last commit, another cursor":        {ofC, func(r *domain.ProgressRecord) { r.Cursor.Hash[5]++ }, true},
		"last commit, another offset":        {ofC, func(r *domain.ProgressRecord) { r.Runs[0].Offset++ }, true},
		"last commit, a run less":            {ofC, func(r *domain.ProgressRecord) { r.Runs = nil }, true},
		"open intent, another cursor":        {ofB, func(r *domain.ProgressRecord) { r.Cursor.Seq++ }, true},
		"open intent, its runs are the news": {ofB, func(r *domain.ProgressRecord) { r.Runs[0].Offset = 105 }, false},
	} {
		f := settling(true, true, &c.record)
		c.change(f.Record)
		action, kind, facts := domain.SettleHub(f)
		if stops := action == domain.HubIncidents && kind == domain.IncidentHubAhead && len(facts) > 0; stops != c.stops {
			t.Errorf("%s: %d %q %v", name, action, kind, facts)
		}
	}
}
