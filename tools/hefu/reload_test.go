package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/hefu-io/hefu/services/status"
)

// TestReload: a running hefu takes over another file by command and by signal, says what it
// did, and goes on as it was when the file is bad. What is paused is fine.
func TestReload(t *testing.T) {
	file, broker := small(t, `
data_dir: DATA
api: {listen: "127.0.0.1:0"}
pipelines:
  - name: bridge
    hub: {brokers: [BROKER], topic: ODS}
    sources:
`)
	head, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write := func(sources ...string) {
		t.Helper()
		text := string(head)
		for _, s := range sources {
			text += fmt.Sprintf("      - {brokers: [%q], topic: QL, %s}\n", broker, s)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const north, south = `id: north, city: "1"`, `id: south, city: "2"`
	write(north)
	e := hefu(t, "reload", "-c", file, "--why", "nobody is there").want(t, exitUnknown)
	if !strings.Contains(e.stderr, "is `hefu run` up?") {
		t.Error(e.stderr)
	}
	p := launch(t, "run", "-c", file)
	runs := func() bool { return hefu(t, "status", "-c", file).code == exitGood }
	eventually(t, "it runs", runs)

	e = hefu(t, "reload", "-c", file).want(t, exitUnknown)
	if !strings.Contains(e.stderr, "--why is needed") {
		t.Error(e.stderr)
	}
	write(north, south)
	e = hefu(t, "reload", "-c", file, "--why", "it is ready").want(t, exitGood)
	if !strings.Contains(e.stdout, "  source south: added\n") {
		t.Error(e.stdout)
	}
	write(north, south+", paused: true")
	e = hefu(t, "reload", "-c", file, "--who", "wang", "--why", "the city asked", "-o", "json").want(t, exitGood)
	var r status.ReloadReport
	if err := json.Unmarshal([]byte(e.stdout), &r); err != nil || r.Who != "wang" || r.Pipelines[0].Sources[0].Change != "paused" {
		t.Errorf("%s: %v", e.stdout, err)
	}
	eventually(t, "it is paused", func() bool { return strings.Contains(hefu(t, "status", "-c", file).stdout, "paused") })
	eventually(t, "and that is fine", runs)
	if out := hefu(t, "status", "-c", file).stdout; !strings.Contains(out, "by wang: the city asked") {
		t.Error(out)
	}
	write(north, south+", topik: x")
	e = hefu(t, "reload", "-c", file, "--why", "by mistake").want(t, exitNotGood)
	if !strings.Contains(e.stderr, "nothing changed: hefu.yaml:8:") || !strings.Contains(e.stderr, "topik: is not a key here") {
		t.Error(e.stderr)
	}
	write(north, `id: south, city: "3"`)
	e = hefu(t, "reload", "-c", file, "--why", "by mistake").want(t, exitNotGood)
	if !strings.Contains(e.stderr, "source south is city 2 topic QL for ever") {
		t.Error(e.stderr)
	}
	write(north)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the signal is heeded", func() bool {
		var s status.Report
		_ = json.Unmarshal([]byte(hefu(t, "status", "-c", file, "-o", "json").stdout), &s)
		return s.Reloaded != nil && s.Reloaded.Who == "SIGHUP" && s.Pipelines[0].Sources[len(s.Pipelines[0].Sources)-1].State == "ended"
	})
	p.end(t, syscall.SIGTERM, exitGood)
}
