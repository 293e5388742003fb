package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// asHefu makes this test binary be hefu: so the commands run in processes of their own,
// as they do for everybody, and so do the children that they start.
const asHefu = "HEFU_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asHefu) == "1" {
		os.Exit(execute(os.Args[1:]))
	}
	if err := os.Setenv(asHefu, "1"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"hefu": func() { os.Exit(execute(os.Args[1:])) }})
}

// TestScripts runs what reads best as a session at a terminal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(e *testscript.Env) error { e.Setenv(asHefu, "1"); return nil },
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits CODE PROGRAM ARGS… demands an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Check(err)
		}
		code = ended.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// ended is how a command ended.
type ended struct {
	code           int
	stdout, stderr string
}

// hefu runs a command to its end.
func hefu(t *testing.T, args ...string) ended {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("hefu %v: %v\n%s", args, err, stderr.String())
	}
	return ended{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// want demands an exit code.
func (e ended) want(t *testing.T, code int) ended {
	t.Helper()
	if e.code != code {
		t.Fatalf("exit code %d, want %d\n%s%s", e.code, code, e.stdout, e.stderr)
	}
	return e
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not so after a minute: %s", what)
		}
		<-tick.C
	}
}
