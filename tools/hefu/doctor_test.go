package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/stack"
	"github.com/hefu-io/hefu/services/doctor"
)

// doctorReport has a check of each verdict.
func doctorReport() *doctor.Report {
	return &doctor.Report{Checks: []doctor.Check{
		{System: "hub bridge", Name: "reachable", Verdict: doctor.Good, Found: "a:1", Needed: "an answer", Setting: "brokers", Why: "rows wait"},
		{System: "hub bridge", Name: "copies", Verdict: doctor.Note, Found: "1", Needed: "3", Setting: "replication factor", Why: "one disk", Do: "reassign"},
		{System: "doris bridge", Name: "table", Verdict: doctor.Bad, Found: "is not there", Why: "nothing is loaded", Do: "CREATE TABLE t;"},
		{System: "doris bridge", Name: "clock", Verdict: doctor.Unknown, Found: "reset"},
		{System: "doris bridge", Name: "versions", Verdict: doctor.Unchecked, Found: "needs ADMIN", Why: "loads are refused", Do: "ask by hand"},
	}}
}

// TestPrintDoctor: signs or words, the systems one after the other, and of what is well
// or cannot be told one short line.
func TestPrintDoctor(t *testing.T) {
	for _, c := range []struct {
		look look
		want string
	}{
		{look{}, `hub bridge
  ✓ reachable: a:1
  ! copies: 1; needed: 3 [replication factor]: one disk
      do: reassign

doris bridge
  ✗ table: is not there: nothing is loaded
      do: CREATE TABLE t;
  ? clock: reset
  – versions: needs ADMIN

1 good, 1 worth knowing, 1 not good, 1 without an answer, 1 that nobody tells
`},
		{look{plain: true, why: true}, `hub bridge
  good      reachable: a:1; needed: an answer [brokers]: rows wait
  note      copies: 1; needed: 3 [replication factor]: one disk
      do: reassign

doris bridge
  NOT GOOD  table: is not there: nothing is loaded
      do: CREATE TABLE t;
  NO ANSWER clock: reset
  unchecked versions: needs ADMIN: loads are refused
      do: ask by hand

1 good, 1 worth knowing, 1 not good, 1 without an answer, 1 that nobody tells
`},
	} {
		var b strings.Builder
		if err := printDoctor(&b, doctorReport(), c.look); err != nil || b.String() != c.want {
			t.Errorf("%v, %+v:\n%s\nwant\n%s", err, c.look, b.String(), c.want)
		}
	}
	var b strings.Builder
	if err := printDoctor(&b, doctorReport(), look{color: true}); err != nil || !strings.Contains(b.String(), "\x1b[31;1m✗\x1b[0m table") {
		t.Errorf("%v: %q", err, b.String())
	}
}

func TestDoctorOutcome(t *testing.T) {
	for _, c := range []struct {
		verdicts []doctor.Verdict
		code     int
	}{
		{[]doctor.Verdict{doctor.Good, doctor.Note, doctor.Unchecked}, exitGood},
		{[]doctor.Verdict{doctor.Good, doctor.Unknown}, exitUnknown},
		{[]doctor.Verdict{doctor.Unknown, doctor.Bad}, exitNotGood},
	} {
		r := &doctor.Report{}
		for _, v := range c.verdicts {
			r.Checks = append(r.Checks, doctor.Check{Verdict: v})
		}
		var coded interface{ ExitCode() int }
		code, err := exitGood, doctorOutcome(r)
		switch {
		case errors.Is(err, errNotGood):
			code = exitNotGood
		case errors.As(err, &coded):
			code = coded.ExitCode()
		}
		if code != c.code {
			t.Errorf("%q: exit code %d, want %d", c.verdicts, code, c.code)
		}
	}
}

// TestDoctorCommand examines a stack of stand-ins: all is well, then Doris is gone.
func TestDoctorCommand(t *testing.T) {
	plain(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), program, filepath.Join(t.TempDir(), "stack"), citySources(2), stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	defer stop()
	got := hefu(t, "doctor", "-c", s.ConfigFile())
	if got.code != exitGood || got.stderr != "" || strings.Contains(got.stdout, "\x1b") {
		t.Errorf("exit code %d, %q\n%s", got.code, got.stderr, got.stdout)
	}
	for _, want := range []string{"\nhub bridge\n  ✓ reachable", "\ncity bridge/nanjing\n", "  ✓ table ods.ODS_QL_JC_SSJC: fits", "0 not good, 0 without an answer"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in\n%s", want, got.stdout)
		}
	}
	got = hefu(t, "doctor", "-c", s.ConfigFile(), "-o", "json")
	var r doctor.Report
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || got.code != exitGood || r.Count(doctor.Good) < 40 {
		t.Errorf("exit code %d, %v: %d good checks\n%s", got.code, err, r.Count(doctor.Good), got.stdout)
	}
	stop()
	got = hefu(t, "doctor", "-c", s.ConfigFile(), "--plain")
	if got.code != exitUnknown || !strings.Contains(got.stdout, "doris bridge\n  NO ANSWER") || !strings.Contains(got.stdout, "city bridge/nanjing\n  NO ANSWER reachable") {
		t.Errorf("exit code %d, %q\n%s", got.code, got.stderr, got.stdout)
	}
	got = hefu(t, "doctor", "-c", filepath.Join(s.Dir(), "nothing.yaml"))
	if got.code != exitUnknown || !strings.Contains(got.stderr, "nothing.yaml") {
		t.Errorf("exit code %d, %q", got.code, got.stderr)
	}
}
