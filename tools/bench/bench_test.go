package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test binary play the children's parts, as the command does.
func TestMain(m *testing.M) {
	if child(os.Args[1:]) != nil {
		os.Exit(execute(context.Background(), os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// The whole bench with so few rows that its numbers mean nothing: every line of the
// table is there, and every number in it is one that can be.
func TestBench(t *testing.T) {
	whole(t)
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("the bench reads /proc")
	}
	var out bytes.Buffer
	err := run(t.Context(), options{
		rows200: 20_000, rows1k: 4_000, runs: 1, rate: 2_000, during: 500 * time.Millisecond, kills: 1, dir: t.TempDir(), out: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	const number = `[1-9][0-9]*`
	for _, line := range []string{
		`fsync after an append of 256 KiB: p50 [0-9.]+ ms, p99 [0-9.]+ ms`,
		`20000 rows of 200 B +rows/s +CPU-s per M +peak RSS`,
		`4000 rows of 1024 B +rows/s +CPU-s per M +peak RSS`,
		`naive +` + number + ` +[0-9.]+ +` + number + ` MiB`,
		`hefu +` + number + ` +[0-9.]+ +` + number + ` MiB`,
		`hefu / naive +[0-9.]+ +[0-9.+InfNa]+ +[0-9.]+`,
		`aim for hefu +≥ 0.85 of naive +≤ 1.60 +≤ 256 MiB`,
		`aim for hefu +≥ 0.85 of naive +- +≤ 256 MiB`,
		`2000 rows/s for 500ms +produced → visible p50 +p99 +CPU-s per M`,
		`naive +[0-9.]+ ms +[0-9.]+ ms +[0-9.]+`,
		`hefu +[0-9.]+ ms +[0-9.]+ ms +[0-9.]+`,
		`SIGKILL → first row +median +worst of 1 +aim`,
		`hefu +[0-9.]+ ms +[0-9.]+ ms +≤ 1000.0 ms`,
	} {
		if !regexp.MustCompile(`(?m)^ *` + line + ` *$`).MatchString(out.String()) {
			t.Errorf("no line like %q in\n%s", line, &out)
		}
	}
}

// Rows that are in the hub twice must not pass for speed.
func TestDoubledRowsAreAnError(t *testing.T) {
	o := options{dir: t.TempDir()}
	s, err := startStack(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	b := &bench{options: o, stack: s}
	j, err := b.newJob(t.Context(), contender{name: nameNaive})
	if err != nil {
		t.Fatal(err)
	}
	f, err := newFeeder(j, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.cl.Close()
	if err := f.fill(t.Context(), 100, 200); err != nil {
		t.Fatal(err)
	}
	p, err := startNaive(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.kill(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := newHub(s.cl, j.hub).await(t.Context(), p, 100, warmTimeout); err != nil {
		t.Fatal(err)
	}
	if _, err := newHub(s.cl, j.hub).await(t.Context(), p, 99, warmTimeout); err == nil || !strings.Contains(err.Error(), "100 rows are in the hub, 99 were sent") {
		t.Fatalf("one row too many: %v", err)
	}
	if err := p.kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := newHub(s.cl, j.hub).await(t.Context(), p, 101, warmTimeout); err == nil || !strings.Contains(err.Error(), "naive ended by itself") {
		t.Fatalf("a process that is gone: %v", err)
	}
}

func TestRowsCarryTheirTime(t *testing.T) {
	made := time.Unix(1_790_000_000, 123_456_789)
	for _, size := range []int{200, 1024} {
		row := appendRow(nil, made, 7, size)
		if len(row) != size {
			t.Errorf("a row of %d bytes, want %d", len(row), size)
		}
		at, ok := madeAt([]byte(`{"sscsdm":"320100","record":"` + string(row) + `"}`))
		if !ok || !at.Equal(made) {
			t.Errorf("made at %v, want %v", at, made)
		}
	}
	if _, ok := madeAt([]byte(`{"record":"someone else's"}`)); ok {
		t.Error("a time was found in a row without one")
	}
}

func TestFlinkReadsBothCities(t *testing.T) {
	j := job{name: "x", addr: "127.0.0.1:9092", hub: "x-hub", cities: [2]city{{"320100", "x-a"}, {"320200", "x-b"}}}
	sql := flinkSQL(j)
	for _, want := range []string{
		"'topic' = 'x-a'", "'topic' = 'x-b'", "'topic' = 'x-hub'", "FROM SOURCE_320100\nUNION ALL\n", "FROM SOURCE_320200\n;",
		"'sink.delivery-guarantee' = 'exactly-once'", "'execution.checkpointing.interval' = '1s'", "'read_committed'",
	} {
		if !strings.Contains(sql, want) {
			t.Errorf("no %q in\n%s", want, sql)
		}
	}
}

func TestMiddle(t *testing.T) {
	for want, values := range map[int][]int{0: nil, 5: {5}, 2: {9, 2}, 3: {9, 1, 3}} {
		if got := middle(values); got != want {
			t.Errorf("median of %v is %d, want %d", values, got, want)
		}
	}
}
