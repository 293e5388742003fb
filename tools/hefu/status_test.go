package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/services/status"
)

// TestPrintStatus: what holds rows back and what nobody ends is said, and that nothing is
// known as well.
func TestPrintStatus(t *testing.T) {
	checked := bubbleStart.Add(-time.Minute)
	report := status.Report{Pipelines: []status.PipelineReport{{Name: "bridge", Legs: []status.LegReport{
		{Leg: "hub", State: "running", Rows: 1234567},
		{Leg: "doris", State: "running", Waiting: "one load in 10s", Excluded: 42, Orphans: &status.OrphansReport{
			Checked: &checked, Aborted: 2, More: 4, Found: []status.Orphan{{Label: "hefu-bridge-0-5-abc", Txn: 11, State: "PRECOMMITTED", Done: "aborted"}},
		}},
		{Shard: 1, Leg: "doris", State: "retrying", Error: "too many versions", Waiting: "one load in 20s", Orphans: &status.OrphansReport{Unchecked: "no master"}},
		{Shard: 2, Leg: "doris", State: "running", Orphans: &status.OrphansReport{Checked: &checked}},
	}}}}
	var b strings.Builder
	synctest.Test(t, func(*testing.T) { printStatus(&b, &report, nil) })
	for _, want := range []string{
		"1,234,567", "│       42 │ one load in 10s", "│ too many versions",
		"shard 0: 5 loads without an end, found 1m0s ago:\n  hefu-bridge-0-5-abc (txn 11) PRECOMMITTED: aborted\n  and 4 more\n",
		"shard 0: 2 loads without an end were aborted since the process began\n",
		"shard 1: loads without an end could not be looked for: no master\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "shard 2: ") || strings.Contains(b.String(), "one load in 20s") || strings.Contains(b.String(), "proof") {
		t.Errorf("says too much:\n%s", b.String())
	}
}
