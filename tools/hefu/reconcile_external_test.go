package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/hefu-io/hefu/services/devstack/nats"
)

// With an external journal its store keeps nobody out: that the trees of the data directory are
// kept by a running hefu tells hefu reconcile to ask it, and a second hefu that it is one too many.
func TestReconcileBesideExternal(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "ODS", "QL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	ns, err := nats.Open(t.Context(), nats.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ns.Close() })
	dir, broker := t.TempDir(), k.ListenAddrs()[0]
	file := filepath.Join(dir, "hefu.yaml")
	text := fmt.Sprintf("data_dir: %s\napi: {listen: \"127.0.0.1:0\"}\njournal: {mode: external, servers: [%q], replicas: 1}\npipelines:\n  - name: bridge\n    hub: {brokers: [%q], topic: ODS}\n    sources:\n      - {id: north, city: \"320100\", brokers: [%q], topic: QL}\n",
		filepath.Join(dir, "data"), ns.URL(), broker, broker)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
