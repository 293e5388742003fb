package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// A running hefu finds a row that was altered; a person lists it, accepts it, and sees both in
// the status. A compare goes through it, and ends with the table.
func TestFindingsOfARunningHefu(t *testing.T) {
	k := keep(t)
	quick(t, k.ConfigFile())
	r := k.some(t, 100)
	k.exec(t, "UPDATE ods.ODS_QL_JC_SSJC SET record = 'x' WHERE hw_partition_id = ? AND hw_offset_id = ?", r.hubPartition, r.hubOffset)
	p := launch(t, "run", "-c", k.ConfigFile())
	defer http.DefaultClient.CloseIdleConnections()
	eventually(t, "it is found", func() bool { return hefu(t, "findings", "-c", k.ConfigFile()).code == exitNotGood })
	if e := hefu(t, "status", "-c", k.ConfigFile()).want(t, exitNotGood); !strings.Contains(e.stdout, "\nproof    DOES NOT HOLD: 1 finding that nobody accepted (1 altered): hefu findings; looked ") {
		t.Error(e.stdout)
	}
	e := hefu(t, "findings", "-c", k.ConfigFile()).want(t, exitNotGood)
	place := fmt.Sprintf("altered in doris, pipeline bridge, city %s source %s/1 partition %d offset %d, hub %d:%d, record", r.city, sourceOf(r.city), r.cityPart, r.cityOffset, r.hubPartition, r.hubOffset)
	if !strings.Contains(e.stdout, place) {
		t.Errorf("no %q in\n%s", place, e.stdout)
	}
	e = hefu(t, "findings", "-c", k.ConfigFile(), "-o", "json").want(t, exitNotGood)
	var list []reconcile.FindingReport
	if err := json.Unmarshal([]byte(e.stdout), &list); err != nil || len(list) != 1 || list[0].Finding.Class != domain.Altered {
		t.Fatalf("%v: %s", err, e.stdout)
	}
	id := list[0].Finding.ID.String()
	if e := hefu(t, "findings", "accept", id[:12], "-c", k.ConfigFile()).want(t, exitUnknown); !strings.Contains(e.stderr, "--why is needed") {
		t.Error(e.stderr)
	}
	if e := hefu(t, "findings", "accept", "ffff", "--why", "x", "-c", k.ConfigFile()).want(t, exitUnknown); !strings.Contains(e.stderr, "0 findings begin so") {
		t.Error(e.stderr)
	}
	hefu(t, "findings", "accept", id[:12], "--who", "wang", "--why", "by hand", "-c", k.ConfigFile()).want(t, exitGood)
	if e := hefu(t, "findings", "-c", k.ConfigFile()).want(t, exitGood); !strings.Contains(e.stdout, "accepted by wang: by hand") {
		t.Error(e.stdout)
	}
	eventually(t, "all runs", func() bool { e = hefu(t, "status", "-c", k.ConfigFile()); return e.code == exitGood })
	for _, text := range []string{"\nproof    holds, but for 1 accepted finding; looked ", "; hub-doris windows 1 diverged", "\nsigned   ", "; key hefu.io/journal+"} {
		if !strings.Contains(e.stdout, text) {
			t.Errorf("no %q in\n%s", text, e.stdout)
		}
	}
	e = hefu(t, "reconcile", "-c", k.ConfigFile()).want(t, exitGood)
	if !strings.Contains(e.stdout, "by wang: by hand") {
		t.Error(e.stdout)
	}
	if e := hefu(t, "report", "ls", "-c", k.ConfigFile()).want(t, exitGood); !strings.Contains(e.stdout, "verified") {
		t.Error(e.stdout)
	}
	file := k.ConfigFile()
	k.stop(t)
	if e := hefu(t, "reconcile", "-c", file).want(t, exitUnknown); !strings.Contains(e.stderr, "not checked") {
		t.Error(e.stderr)
	}
	p.end(t, syscall.SIGTERM, exitGood)
}

// quick lets the reconciler look each second.
func quick(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const at = "    hub:\n"
	before, after, found := strings.Cut(string(text), at)
	if !found {
		t.Fatalf("no hub in\n%s", text)
	}
	if err := os.WriteFile(file, []byte(before+"    reconcile: {interval: 1s}\n"+at+after), 0o600); err != nil {
		t.Fatal(err)
	}
}
