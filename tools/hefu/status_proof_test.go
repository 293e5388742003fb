package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/status"
)

// bubbleStart is when time begins in a synctest bubble, where it stands still: no machine is too slow
// for what is printed of it.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestPrintProven: the first words say whether the proof holds, and the exit code with them.
func TestPrintProven(t *testing.T) {
	ago := bubbleStart.Add(-12 * time.Second)
	in := func(states map[domain.WindowState]int) map[domain.Proof]map[domain.WindowState]int {
		return map[domain.Proof]map[domain.WindowState]int{domain.ProofCityHub: {domain.WindowVerified: 3}, domain.ProofHubDoris: states}
	}
	sound := in(map[domain.WindowState]int{domain.WindowVerified: 2, domain.WindowOpen: 1})
	for name, c := range map[string]struct {
		state   reconcile.State
		says    string
		refuted bool
	}{
		"holds": {
			reconcile.State{Last: &ago, Windows: sound, Rows: map[domain.Proof]int64{domain.ProofHubDoris: 3000}, Report: "r.json"},
			"holds; looked 12s ago; city-hub windows 3 verified, 0 rows; hub-doris windows 1 open, 2 verified, 3,000 rows; newest report r.json\n", false,
		},
		"found":         {reconcile.State{Last: &ago, Windows: sound, Findings: map[domain.Class]int{domain.Lost: 2, domain.Altered: 1}, More: 4}, "DOES NOT HOLD: 7 findings that nobody accepted (1 altered, 2 lost, 4 not listed): hefu findings; looked", true},
		"found, silent": {reconcile.State{Last: &ago, Findings: map[domain.Class]int{domain.Lost: 1}, Error: "no answer"}, "DOES NOT HOLD: 1 finding", true},
		"accepted":      {reconcile.State{Last: &ago, Windows: in(map[domain.WindowState]int{domain.WindowDiverged: 1}), Accepted: 1}, "holds, but for 1 accepted finding; looked", false},
		"diverged":      {reconcile.State{Last: &ago, Windows: in(map[domain.WindowState]int{domain.WindowDiverged: 2})}, "DOES NOT HOLD: 2 windows differing for good", true},
		"suspect":       {reconcile.State{Last: &ago, Windows: in(map[domain.WindowState]int{domain.WindowSuspect: 1})}, "NOT SETTLED: 1 window differing", false},
		"silent":        {reconcile.State{Last: &ago, Windows: sound, Error: "Doris does not answer"}, "NOT KNOWN, the last look failed: Doris does not answer; looked 12s ago", false},
		"never":         {reconcile.State{}, "NOT KNOWN; no look came to its end yet\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			c.state.Pipeline = "bridge"
			var b strings.Builder
			synctest.Test(t, func(*testing.T) {
				printProven(&b, &status.PipelineReport{Name: "bridge"}, []reconcile.State{{Pipeline: "other"}, c.state})
			})
			if !strings.HasPrefix(b.String(), "proof    "+c.says) {
				t.Errorf("it says %s", b.String())
			}
			if refuted(c.state) != c.refuted {
				t.Errorf("refuted: %v", !c.refuted)
			}
		})
	}
	var b strings.Builder
	printProven(&b, &status.PipelineReport{Name: "bridge"}, []reconcile.State{})
	if !strings.HasPrefix(b.String(), "proof    NOT KNOWN: ") {
		t.Errorf("without a reconciler: %s", b.String())
	}
}

// TestPrintJournal: what is signed, by which key, and how far the archive is.
func TestPrintJournal(t *testing.T) {
	ago := bubbleStart.Add(-3 * time.Second)
	many := map[string]uint64{}
	for _, s := range strings.Split("abcdefghi", "") {
		many["bridge."+s] = 1
	}
	some := map[string]uint64{"bridge.control": 9, "bridge.0.hub": 60}
	for name, c := range map[string]struct {
		p    status.PipelineReport
		want string
	}{
		"signed": {
			status.PipelineReport{Checkpoint: &status.Checkpoint{Key: "hefu.io/journal+12ab34cd+AbC+d=", At: ago, Through: some, Anchored: "in the hub since now"}},
			"signed   every event, up to 0.hub@60, control@9; in the hub since now; key hefu.io/journal+12ab34cd\n",
		},
		"unsigned": {
			status.PipelineReport{Checkpoint: &status.Checkpoint{Key: "k", At: ago, Through: many, Unsigned: 1, Anchored: "x"}},
			"signed   all but 1 event (no checkpoint for 3s), up to the ends of 9 streams (-o json lists them); x; key k\n",
		},
		"never signed": {status.PipelineReport{Checkpoint: &status.Checkpoint{At: ago, Unsigned: 2, Anchored: "x"}}, "signed   all but 2 events (no checkpoint for 3s); x; key \n"},
		"no segment":   {status.PipelineReport{Archive: &status.Archive{Place: "/a"}}, "archive  nothing is archived yet; in /a\n"},
		"behind": {
			status.PipelineReport{Archive: &status.Archive{Place: "/a", Segments: 3, Archived: some, Dropped: map[string]uint64{"bridge.0.hub": 30}, Behind: 2}},
			"archive  3 segments, up to 0.hub@60, control@9; dropped from the store up to 0.hub@30; 2 sealed segments not archived yet (hefu journal archive ls); in /a\n",
		},
		"store silent": {
			status.PipelineReport{Archive: &status.Archive{Place: "/a", Error: errors.ErrUnsupported.Error()}},
			"archive  nothing is archived yet; NOT KNOWN what waits for it: unsupported operation; in /a\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.p.Name = "bridge"
			var b strings.Builder
			synctest.Test(t, func(*testing.T) { printProven(&b, &c.p, nil) })
			if b.String() != c.want {
				t.Errorf("it says %q, want %q", b.String(), c.want)
			}
		})
	}
}
