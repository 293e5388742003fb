package domain_test

import (
	"slices"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// loose is a hub stream with a commit (of the Begun at 10) and an open Begun (at 20) of
// some semantics, "-" for none of them; and records of both kinds that name a Begun by its
// seq, 0 for none.
func loose(c, b domain.Semantic, fenced, unfenced domain.Seq, known bool) domain.HubFound {
	f := settling(c != "-", b != "-", nil)
	f.CommitSemantic = c
	if f.Commit != nil {
		f.Ends = domain.CommittedEndsOf(f.Commit, c)
	}
	if b != "-" {
		f.Begun.Semantic = b
	}
	record := func(seq domain.Seq) *domain.ProgressRecord {
		if seq == 0 {
			return nil
		}
		ref := begunAt(seq)
		return settling(true, true, &ref).Record
	}
	f.Record, f.Unfenced = record(fenced), record(unfenced)
	f.RecordKnown, f.UnfencedKnown = known, known
	return f
}

// Every semantic of the open intent, after a commit of every semantic.
func TestSettleHubBySemantic(t *testing.T) {
	const none, least, exact = domain.None, domain.AtLeastOnce, domain.ExactlyOnce
	const ahead, lost = domain.IncidentHubAhead, domain.IncidentHubLost
	const goOn, abort, commit, assume, stop = domain.HubGoOn, domain.HubAbort, domain.HubCommit, domain.HubAssume, domain.HubIncidents
	for name, row := range map[string]struct {
		c, b             domain.Semantic
		fenced, unfenced domain.Seq
		known            bool
		action           domain.HubAction
		kind             domain.IncidentKind
	}{
		"least: first, no record":                {"-", least, 0, 0, false, abort, ""},
		"least: first, its record":               {"-", least, 0, 20, false, commit, ""},
		"least: after least, no record":          {least, least, 0, 0, false, stop, lost},
		"least: after least, of C":               {least, least, 0, 10, false, abort, ""},
		"least: after least, of B":               {least, least, 0, 20, false, commit, ""},
		"least: after least, a zombie's":         {least, least, 0, 15, true, abort, ""},
		"least: after least, nobody's":           {least, least, 0, 15, false, stop, ahead},
		"least: after exact, of C":               {exact, least, 10, 0, false, abort, ""},
		"least: after exact, of B":               {exact, least, 10, 20, false, commit, ""},
		"least: after exact, no record":          {exact, least, 0, 0, false, stop, lost},
		"least: after exact, B's but none of C":  {exact, least, 0, 20, false, stop, lost},
		"least: after exact, a zombie's":         {exact, least, 10, 15, true, abort, ""},
		"least: after none, no record":           {none, least, 0, 0, false, abort, ""},
		"least: after none, an old transaction":  {none, least, 5, 0, true, abort, ""},
		"least: after none, a transaction ahead": {none, least, 25, 0, false, stop, ahead},

		"exact: after least, of C":                  {least, exact, 0, 10, false, abort, ""},
		"exact: after least, of B":                  {least, exact, 20, 10, false, commit, ""},
		"exact: after least, an old transaction":    {least, exact, 5, 10, true, abort, ""},
		"exact: after least, another transaction":   {least, exact, 5, 10, false, stop, ahead},
		"exact: a zombie's does not make it happen": {exact, exact, 10, 20, true, abort, ""},
		"exact: a zombie's does not hide it":        {exact, exact, 20, 15, true, commit, ""},
		"exact: after none, no record":              {none, exact, 0, 0, false, abort, ""},
		"exact: after none, of B":                   {none, exact, 20, 0, false, commit, ""},
		"exact: only old transactions of exact":     {exact, exact, 5, 0, true, stop, ahead},
		"exact: empty is exact":                     {"", "", 20, 0, false, commit, ""},
		"exact: empty is exact, no record":          {"", "", 0, 0, false, stop, lost},

		"none: first, no record":   {"-", none, 0, 0, false, assume, ""},
		"none: first, its record":  {"-", none, 0, 20, false, assume, ""},
		"none: after none, of C":   {none, none, 0, 10, false, assume, ""},
		"none: after exact, of C":  {exact, none, 10, 0, false, assume, ""},
		"none: after exact, gone":  {exact, none, 0, 0, false, stop, lost},
		"none: nobody's":           {none, none, 0, 15, false, stop, ahead},
		"none: after least, gone":  {least, none, 0, 0, false, stop, lost},
		"none: journal set back":   {none, none, 25, 0, false, stop, ahead},
		"nothing open, after none": {none, "-", 0, 0, false, goOn, ""},
		"nothing open, of C":       {least, "-", 0, 10, false, goOn, ""},
		"nothing open, a zombie's": {least, "-", 0, 12, true, goOn, ""},
		"nothing open, gone":       {least, "-", 0, 0, false, stop, lost},
	} {
		action, kind, facts := domain.SettleHub(loose(row.c, row.b, row.fenced, row.unfenced, row.known))
		if action != row.action || kind != row.kind || (len(facts) > 0) != (kind != "") {
			t.Errorf("%s: %d %q %v, want %d %q", name, action, kind, facts, row.action, row.kind)
		}
	}
}

// What contradicts an unfenced record stops as well; only what none never promised, or
// only assumed, does not.
func TestSettleHubComparesUnfenced(t *testing.T) {
	for name, c := range map[string]struct {
		semantic domain.Semantic // of the commit
		change   func(f *domain.HubFound)
		stops    bool
	}{
		"another journal":         {domain.AtLeastOnce, func(f *domain.HubFound) { f.Unfenced.Journal[3]++ }, true},
		"another cluster":         {domain.None, func(f *domain.HubFound) { f.Unfenced.ClusterID = "x" }, true},
		"another topic":           {domain.AtLeastOnce, func(f *domain.HubFound) { f.Unfenced.TopicID[3]++ }, true},
		"another content":         {domain.AtLeastOnce, func(f *domain.HubFound) { f.Unfenced.Runs[0].Offset++ }, true},
		"another cursor":          {domain.AtLeastOnce, func(f *domain.HubFound) { f.Unfenced.Cursor.Seq++ }, true},
		"hub cut":                 {domain.AtLeastOnce, func(f *domain.HubFound) { f.HighWater[2] = 104 }, true},
		"none: another content":   {domain.None, func(f *domain.HubFound) { f.Unfenced.Runs[0].Offset++ }, false},
		"none: the hub lost it":   {domain.None, func(f *domain.HubFound) { f.HighWater[2] = 104 }, false},
		"none: its record is C's": {domain.None, func(*domain.HubFound) {}, false},
	} {
		f := loose(c.semantic, "-", 0, 10, false)
		c.change(&f)
		if action, kind, facts := domain.SettleHub(f); (action == domain.HubIncidents) != c.stops {
			t.Errorf("%s: %d %q %v", name, action, kind, facts)
		}
	}
}

func TestUnacknowledged(t *testing.T) {
	gap := func(first, next int64) domain.Gap { return domain.Gap{Span: domain.Span{First: first, Next: next}} }
	e := &domain.Ingested{Runs: []domain.Run{
		{First: 100, Next: 110, Rows: 10},
		{First: 0, Next: 10, Rows: 6, Gaps: []domain.Gap{gap(0, 1), gap(3, 5), gap(9, 10)}}, // rows 1 2, 5 6 7 8
		{First: 7, Next: 8, Gaps: []domain.Gap{gap(7, 8)}},
	}}
	left := func(run int, ordinal, count, offset int64) domain.Exclusion {
		return domain.Exclusion{Ingest: 4, Run: run, Ordinal: ordinal, Count: count, Offset: offset, Reason: domain.ExcludedUnacknowledged}
	}
	for name, c := range map[string]struct {
		runs     []domain.HubRun
		excluded []domain.Exclusion
		want     []domain.Exclusion
	}{
		"nothing known": {nil, nil, []domain.Exclusion{left(0, 0, 10, 100), left(1, 0, 2, 1), left(1, 2, 4, 5)}},
		"all known": {
			[]domain.HubRun{{Ingest: 4, Run: 0, N: 10}, {Ingest: 4, Run: 1, N: 4}},
			[]domain.Exclusion{{Ingest: 4, Run: 1, Ordinal: 4, Count: 2}},
			nil,
		},
		"some known, of other events too": {
			[]domain.HubRun{{Ingest: 4, Run: 0, First: 2, N: 3}, {Ingest: 5, Run: 0, N: 10}, {Ingest: 4, Run: 1, First: 1, N: 2}, {Ingest: 3, Run: 8, N: 1}},
			[]domain.Exclusion{{Ingest: 4, Run: 0, Ordinal: 9, Count: 1}, {Ingest: 3, Run: 1, Ordinal: 5, Count: 1}},
			[]domain.Exclusion{left(0, 0, 2, 100), left(0, 5, 4, 105), left(1, 0, 1, 1), left(1, 3, 3, 6)},
		},
	} {
		if got := domain.Unacknowledged(4, e, c.runs, c.excluded); !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, c.want)
		}
	}
}
