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

// A running hefu finds rows that were altered; a person lists them, accepts one by its id and the
// others by the report that has them, and sees both in the status. A compare goes through it, and
// ends with the table.
func TestFindingsOfARunningHefu(t *testing.T) {
	whole(t)
	k := keep(t)
	quick(t, k.ConfigFile())
	r := k.some(t, 100)
	for _, n := range []int{100, 200, 300} {
		row := k.some(t, n)
		k.exec(t, "UPDATE ods.ODS_QL_JC_SSJC SET record = 'x' WHERE hw_partition_id = ? AND hw_offset_id = ?", row.hubPartition, row.hubOffset)
	}
	p := launch(t, "run", "-c", k.ConfigFile())
	defer http.DefaultClient.CloseIdleConnections()
	eventually(t, "they are found", func() bool { return strings.Count(hefu(t, "findings", "-c", k.ConfigFile()).stdout, "finding ") == 3 })
	if e := hefu(t, "status", "-c", k.ConfigFile()).want(t, exitNotGood); !strings.Contains(e.stdout, "\nproof    DOES NOT HOLD: 3 findings that nobody accepted (3 altered): hefu findings; looked ") {
		t.Error(e.stdout)
	}
	e := hefu(t, "findings", "-c", k.ConfigFile()).want(t, exitNotGood)
	place := fmt.Sprintf("altered in doris, pipeline bridge, city %s source %s/1 partition %d offset %d, hub %d:%d, record", r.city, sourceOf(r.city), r.cityPart, r.cityOffset, r.hubPartition, r.hubOffset)
	if !strings.Contains(e.stdout, place) {
		t.Errorf("no %q in\n%s", place, e.stdout)
	}
	e = hefu(t, "findings", "-c", k.ConfigFile(), "-o", "json").want(t, exitNotGood)
	var list []reconcile.FindingReport
	if err := json.Unmarshal([]byte(e.stdout), &list); err != nil || len(list) != 3 || list[0].Finding.Class != domain.Altered {
		t.Fatalf("%v: %s", err, e.stdout)
	}
	k.acceptsSome(t, list[0].Finding.ID.String())
	eventually(t, "all runs, is looked at and signed", func() bool {
		e = hefu(t, "status", "-c", k.ConfigFile())
		return e.code == exitGood && strings.Contains(e.stdout, " diverged") && strings.Contains(e.stdout, "\nsigned   ")
	})
	for _, text := range []string{"\nproof    holds, but for 3 accepted findings; looked ", "; hub-doris windows 1 diverged", "\nsigned   ", "; key hefu.io/journal+"} {
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

// acceptsSome refuses what is not clear, and accepts one of three findings by its id and the others
// by a report.
func (k *kept) acceptsSome(t *testing.T, id string) {
	t.Helper()
	ask := func(more ...string) ended {
		return hefu(t, append([]string{"findings", "-c", k.ConfigFile()}, more...)...)
	}
	for want, args := range map[string][]string{
		"--why is needed":                           {"accept", id[:12]},
		"0 findings begin so":                       {"accept", "x", "--why", "x"},
		"which findings?":                           {"accept", "--why", "x"},
		"leave one of them":                         {"accept", "--why", "x", "--all", "--in", "doris"},
		"--class loss: want one of lost, doubled, ": {"accept", "--why", "x", "--class", "loss"},
		"--in table: want journal, hub or doris":    {"--in", "table"},
		"read the report":                           {"accept", "--why", "x", "--report", "none"},
	} {
		if e := ask(args...).want(t, exitUnknown); !strings.Contains(e.stderr, want) {
			t.Errorf("%q: %s", args, e.stderr)
		}
	}
	if e := ask("--class", "lost").want(t, exitGood); e.stdout != "no finding fits\n" {
		t.Error(e.stdout)
	}
	if e := ask("--class", "altered", "--in", "doris").want(t, exitNotGood); strings.Count(e.stdout, "  accept:  ") != 3 {
		t.Error(e.stdout)
	}
	e := ask("accept", id[:12], "--who", "wang", "--why", "by hand").want(t, exitGood)
	if !strings.HasPrefix(e.stdout, "finding "+id+": accepted by wang: altered in doris, pipeline bridge, city ") || strings.Count(e.stdout, "\n") != 1 {
		t.Error(e.stdout)
	}
	_, name, _ := strings.Cut(hefu(t, "reconcile", "-c", k.ConfigFile()).want(t, exitNotGood).stdout, "\nkept as ")
	name, _, _ = strings.Cut(name, ":")
	if e := ask("accept", "--report", name, "--in", "hub", "--why", "by hand").want(t, exitGood); e.stdout != "nothing was accepted: no finding that is open fits\n" {
		t.Error(e.stdout)
	}
	e = ask("accept", "--report", name, "--class", "altered", "--who", "li", "--why", "by hand, too").want(t, exitGood)
	if strings.Count(e.stdout, ": accepted by li: ") != 2 || strings.Contains(e.stdout, id) {
		t.Error(e.stdout)
	}
	if e := ask("accept", "--all", "--why", "x").want(t, exitGood); !strings.HasPrefix(e.stdout, "nothing was accepted") {
		t.Error(e.stdout)
	}
	if e := ask("--report", name).want(t, exitGood); strings.Count(e.stdout, "accepted by wang: by hand") != 1 || strings.Count(e.stdout, "accepted by li: by hand, too") != 2 {
		t.Error(e.stdout)
	}
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
