package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// The whole of `bench replay` with so few rows that its numbers mean nothing: every line of
// the tables is there, and every number in it is one that can be.
func TestBenchReplay(t *testing.T) {
	whole(t)
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("the bench reads /proc")
	}
	var out bytes.Buffer
	profiles := t.TempDir()
	o := replayOptions{
		rows: 10_010, size: 200, runs: 1, live: time.Second, settle: 500 * time.Millisecond, rounds: 1, rate: 1_000, backlog: 200_000,
		dir: t.TempDir(), profile: profiles, out: &out,
	}
	if err := runReplay(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	const number, ratio, ms = `[1-9][0-9]*`, ` +[0-9.]+`, ` +[0-9.]+ ms`
	for _, line := range []string{
		`Kafka and Doris stand-ins in processes of their own, UNIQUE key; .*`,
		`10010 rows of 200 B, 4[0-9][0-9] bytes of JSON each, .*; medians of 1 rounds`,
		`rows/s +of live +CPU-µs per row +of live +Doris stand-in, CPU-µs per row +loads +peak RSS`,
		`live path into the table +` + number + ` +1.00` + ratio + ` +1.00` + ratio + ` +` + number + ` +` + number + ` MiB`,
		`replay into a shadow table +` + number + ratio + ratio + ratio + ratio + ` +` + number + ` +` + number + ` MiB`,
		`replay into a file +` + number + ratio + ratio + ratio + ratio + ` +0 +` + number + ` MiB`,
		`replay into nothing \(null\) +` + number + ratio + ratio + ratio + ratio + ` +0 +` + number + ` MiB`,
		`1000 live rows/s from 2 cities; windows of 1s by turns, medians of 1 rounds; .*`,
		`without a replay` + ms + ms + ms + ms + ` +0 +[0-9.]+ %`,
		`with one` + ms + ms + ms + ms + ` +[0-9]+ +[0-9.]+ %`,
		`ratio in a round` + ratio + ratio + ratio + ratio,
		`aim +≤ 1.10 +≤ 1.10`,
	} {
		if !regexp.MustCompile(`(?m)^ *` + line + ` *$`).MatchString(out.String()) {
			t.Errorf("no line like %q in\n%s", line, &out)
		}
	}
	for _, by := range allWays() {
		if f, err := os.Stat(filepath.Join(profiles, string(by)+"-0.pprof")); err != nil || f.Size() == 0 {
			t.Errorf("profile of %s: %v", by, err)
		}
	}
}

// A replay that carries less, or other bytes, must not pass for a fast one.
func TestReplaysCarryTheSame(t *testing.T) {
	good := func() round {
		r := round{}
		for _, by := range allWays() {
			r[by] = &dorisRun{leg: legResult{Rows: 10, Bytes: 4_000}}
		}
		return r
	}
	if err := good().same(10); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(round){
		"table carried 9 rows of 4000 bytes, 10 of 4000 were to be": func(r round) { r[wayTable].leg.Rows = 9 },
		"file carried 10 rows of 3999 bytes, 10 of 4000 were to be": func(r round) { r[wayFile].leg.Bytes = 3_999 },
		"the lines of the file have SHA-256 aa, those of null ":     func(r round) { r[wayFile].leg.Sum = "aa" },
	} {
		r := good()
		spoil(r)
		if err := r.same(10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Delays are weighed by rows, and belong to the window in which the rows were fetched.
func TestDelays(t *testing.T) {
	d := delays{{3 * time.Second, 1}, {time.Second, 98}, {2 * time.Second, 1}}
	for q, want := range map[float64]time.Duration{0: time.Second, 0.5: time.Second, 0.985: time.Second, 0.99: 2 * time.Second, 1: 3 * time.Second} {
		if got := d.quantile(q); got != want {
			t.Errorf("quantile %v is %s, want %s", q, got, want)
		}
	}
	if got := (delays{}).quantile(0.5); got != 0 {
		t.Errorf("of nothing %s", got)
	}
	at := time.UnixMicro(1_790_000_000_000_000)
	windows := []window{{from: at, to: at.Add(time.Second)}, {from: at.Add(time.Second), to: at.Add(2 * time.Second)}}
	first := domain.Micros(at.UnixMicro())
	note(windows, []brought{{first - 1, 1}, {first, 2}, {first + 999_999, 3}, {first + 1_000_000, 4}, {first + 2_000_000, 5}}, first+3_000_000,
		func(w *window) *delays { return &w.hub })
	for i, want := range []delays{{{3 * time.Second, 2}, {2_000_001 * time.Microsecond, 3}}, {{2 * time.Second, 4}}} {
		if got := windows[i].hub; len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("window %d has %v, want %v", i, got, want)
		}
	}
}
