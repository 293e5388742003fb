package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// result is what a run of tests came to.
type result struct {
	built   bool
	passed  int      // tests at the top
	failed  []string // tests at the top, by name
	skipped []string // tests at the top, by name
	output  []string // the last lines
}

// outputKept is how many lines of a run are shown when it is not good.
const outputKept = 12

// String is the end of what the run printed.
func (r *result) String() string {
	return strings.Join(r.output, "\n            ")
}

// goTest runs some tests of a package. That they fail is no error; a run that ends
// before a test has failed by name is none that caught something. -short, under which tests
// elsewhere are skipped and would catch nothing, is for TestSim: a fifth of its schedules is enough.
func goTest(ctx context.Context, root, overlay, pkg, tests string) (*result, error) {
	args := []string{"test", "-json", "-count=1", "-vet=off", "-timeout=5m", "-run", tests}
	if pkg == doris {
		args = append(args, "-short")
	}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("go test %s: %w", pkg, err)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r, err := read(bytes.NewReader(stdout))
	if err != nil {
		return nil, fmt.Errorf("go test %s: %w: %s", pkg, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return r, nil
}

// read reads what go test -json prints.
func read(in io.Reader) (*result, error) {
	r := &result{built: true}
	for dec := json.NewDecoder(in); ; {
		var e struct{ Action, Test, Output string }
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			return r, nil
		} else if err != nil {
			return nil, err
		}
		top := e.Test != "" && !strings.Contains(e.Test, "/")
		switch {
		case e.Action == "build-fail":
			r.built = false
		case e.Action == "fail" && top && !slices.Contains(r.failed, e.Test):
			r.failed = append(r.failed, e.Test)
		case e.Action == "pass" && top:
			r.passed++
		case e.Action == "skip" && top:
			r.skipped = append(r.skipped, e.Test)
		case e.Action == "output", e.Action == "build-output":
			if line := strings.TrimRight(e.Output, "\n"); line != "" {
				r.output = append(r.output, line)
				r.output = r.output[max(0, len(r.output)-outputKept):]
			}
		}
	}
}

// moduleRoot is the folder of the module that the command runs in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if filepath.Base(mod) != "go.mod" {
		return "", errors.New("run it inside the module")
	}
	return filepath.Dir(mod), nil
}
