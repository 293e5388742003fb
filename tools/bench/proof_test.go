package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The whole of `bench proof` with so few rows that its numbers mean nothing: every line of
// the tables is there, and every number in it is one that can be. And
// rows that are not there must not pass for speed.
func TestBenchProof(t *testing.T) {
	whole(t)
	if _, err := os.Stat("/proc/self/io"); err != nil {
		t.Skip("the bench reads /proc")
	}
	var out bytes.Buffer
	o := proofOptions{rows: 20_010, cities: 2, live: 2 * time.Second, settle: time.Second, rate: 1_000, dir: t.TempDir(), out: &out}
	if err := runProof(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	const number = `[1-9][0-9]*`
	for _, line := range []string{
		`2 cities of 2 partitions, rows of 200 B; .*`,
		`300 rows an event +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +≤ 1`,
		`5000 rows an event +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +≤ 1`,
		`journal, every event +[0-9.]+ +[0-9.]+ +[0-9]+ +[0-9.]+ +≥ 1 M rows/s`,
		`journal, --deep: every record too +[0-9.]+ +[0-9.]+ +[0-9]+ +[0-9.]+ +≥ 1 M rows/s`,
		`reconcile of 20010 rows +seconds +of it, Doris answers +rows/s without +CPU-s per M +peak RSS`,
		`hefu reconcile +[0-9.]+ +[0-9.]+ +` + number + ` +[0-9.]+ +` + number + ` MiB`,
		`hefu reconcile +` + number + ` MiB +` + number + ` MiB +` + number + ` KiB +` + number + ` MiB`,
		`report, offline +[0-9.]+ +8 +` + number + ` +20010, [0-9]+ M/s +[0-9.]+ +≥ 1 M rows/s`,
		`report of 20 times the sources +[0-9.]+ +160 +` + number + ` +400200, [0-9]+ M/s +[0-9.]+ +≥ 1 M rows/s`,
		`hefu run without looks +[0-9.]+ % +- +0 +` + number + ` +[0-9]+ +- +- +` + number + ` MiB +-`,
		`a look every 10s +[0-9.]+ % +[-0-9.]+ % +[0-9]+ +` + number + ` +[0-9]+ +[-0-9]+ +[-0-9.]+ +` + number + ` MiB +≤ 10 %`,
		`a look every 1m0s +[0-9.]+ % +[-0-9.]+ % +[0-9]+ +` + number + ` +[0-9]+ +[-0-9]+ +[-0-9.]+ +` + number + ` MiB +≤ 10 %`,
	} {
		if !regexp.MustCompile(`(?m)^ *` + line + ` *$`).MatchString(out.String()) {
			t.Errorf("no line like %q in\n%s", line, &out)
		}
	}
	w := proofWorld{proofOptions: o}
	w.rows++
	if _, err := w.audit(t.Context(), true); err == nil || !strings.Contains(err.Error(), "has 20010 rows, 20011 were sent") {
		t.Errorf("a row too few: %v", err)
	}
}
