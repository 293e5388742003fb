package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/stack"
)

// TestDevstackDorisCluster starts a cluster with a control endpoint, as a script does.
func TestDevstackDorisCluster(t *testing.T) {
	p := launch(t, "devstack", "doris", "--dir", filepath.Join(t.TempDir(), "doris"), "--fe", "3", "--be", "2", "--control", "127.0.0.1:0")
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log())
	}
	var ready stack.DorisReady
	if err := json.Unmarshal([]byte(line), &ready); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	if len(ready.FEs) != 3 || len(ready.BEs) != 2 || len(ready.MySQLs) != 3 || ready.FE != ready.FEs[0] || ready.MySQL != ready.MySQLs[0] {
		t.Errorf("ready line: %s", line)
	}
	c := newControl(ready.Control)
	defer c.close()
	if err := c.order(t.Context(), http.MethodPost, "/fe/2/stop", nil, nil); err != nil {
		t.Fatal(err)
	}
	for i, at := range append(slices.Clone(ready.FEs), ready.BEs...) {
		if at = strings.TrimPrefix(at, "http://"); listens(at) != (i != 2) {
			t.Errorf("%s, number %d: listens is %v", at, i, listens(at))
		}
	}
	err = c.order(t.Context(), http.MethodPut, "/faults/none", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "there is drop-precommit-reply") {
		t.Errorf("a fault that there is not: %v", err)
	}
	p.end(t, syscall.SIGTERM, exitGood)
}

// TestDevstackRefuses asks for what there cannot be.
func TestDevstackRefuses(t *testing.T) {
	dir := t.TempDir()
	for flags, want := range map[string]string{
		"--fe 0":              "--fe 0: 1 to 16",
		"--be 17":             "--be 17: 1 to 16",
		"--control 0.0.0.0:1": "0.0.0.0:1 is not a loopback address",
	} {
		got := hefu(t, append([]string{"devstack", "doris", "--dir", dir}, strings.Fields(flags)...)...).want(t, exitUnknown)
		if !strings.Contains(got.stderr, want) {
			t.Errorf("%s: %s, want %s", flags, got.stderr, want)
		}
	}
}

// TestDevstackCluster starts a whole stack with several front ends, which hefu.yaml names, and again without saying so.
func TestDevstackCluster(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stack")
	var last string
	for _, flags := range [][]string{{"--fe", "2", "--be", "2", "--control", "127.0.0.1:0"}, nil} {
		p := launch(t, append([]string{"devstack", "--dir", dir}, flags...)...)
		var said strings.Builder
		for !strings.Contains(said.String(), "next:") {
			line, err := p.out.ReadString('\n')
			if err != nil {
				t.Fatalf("%v\n%s", err, p.log())
			}
			said.WriteString(line)
		}
		if strings.Contains(said.String(), "control endpoint http://127.0.0.1:") != (flags != nil) {
			t.Errorf("says %s", said.String())
		}
		yaml, err := os.ReadFile(filepath.Join(dir, "hefu.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(yaml), "\n") {
			key, list, _ := strings.Cut(strings.TrimSpace(line), ": [")
			if key != "fe" && key != "mysql" {
				continue
			}
			at := strings.Split(strings.TrimSuffix(list, "]"), ", ")
			if len(at) != 2 {
				t.Errorf("%s of hefu.yaml: %v", key, at)
			}
			for _, a := range at {
				if a = strings.TrimPrefix(strings.Trim(a, `"`), "http://"); !listens(a) {
					t.Errorf("nobody listens at %s", a)
				}
			}
		}
		hefu(t, "check", "-c", filepath.Join(dir, "hefu.yaml")).want(t, exitGood)
		if last != "" && last != string(yaml) {
			t.Errorf("came back elsewhere:\n%s\n%s", last, yaml)
		}
		last = string(yaml)
		p.end(t, syscall.SIGTERM, exitGood)
	}
}
