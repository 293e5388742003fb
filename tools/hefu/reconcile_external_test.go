package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/nats"
)

// With an external journal its store keeps nobody out: that the trees of the data directory are
// kept by a running hefu tells hefu reconcile to ask it, and a second hefu that it is one too many.
func TestReconcileBesideExternal(t *testing.T) {
	plain(t)
	ns, err := nats.Open(t.Context(), nats.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ns.Close() })
	file, _ := small(t, fmt.Sprintf(`
data_dir: DATA
api: {listen: "127.0.0.1:0"}
journal: {mode: external, servers: [%q], replicas: 1}
pipelines:
  - name: bridge
    hub: {brokers: [BROKER], topic: ODS}
    sources: [{id: north, city: "320100", brokers: [BROKER], topic: QL}]
`, ns.URL()))
	hefu(t, "apply", "-c", file).want(t, exitGood)
	p := launch(t, "run", "-c", file)
	eventually(t, "it runs", func() bool { return hefu(t, "status", "-c", file).code == exitGood })
	if e := hefu(t, "reconcile", "-c", file).want(t, exitGood); !strings.Contains(e.stdout, "verified") {
		t.Errorf("beside a running hefu: %s", e.stdout)
	}
	if e := hefu(t, "run", "-c", file).want(t, exitUnknown); !strings.Contains(e.stderr, "data directory is in use") {
		t.Errorf("a second hefu: %s", e.stderr)
	}
	p.end(t, syscall.SIGTERM, exitGood)
	hefu(t, "reconcile", "-c", file).want(t, exitGood)
}
