package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// small starts a Kafka with the topics of a hub, ODS, and of a city, QL, and writes a hefu.yaml of
// them, in which DATA stands for the data directory and BROKER for the address.
func small(t *testing.T, yaml string) (file, broker string) {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "ODS", "QL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	dir := t.TempDir()
	file, broker = filepath.Join(dir, "hefu.yaml"), k.ListenAddrs()[0]
	text := strings.NewReplacer("DATA", filepath.Join(dir, "data"), "BROKER", strconv.Quote(broker)).Replace(strings.TrimPrefix(yaml, "\n"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, broker
}
