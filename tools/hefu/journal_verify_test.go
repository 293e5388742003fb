package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// TestJournalVerify: a journal is verified beside a running hefu and without one, exported so
// that its chain can be checked with nothing but SHA-256, and what somebody does to it is said.
func TestJournalVerify(t *testing.T) {
	plain(t)
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "ODS", "QL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	dir, broker := t.TempDir(), k.ListenAddrs()[0]
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "hefu.yaml")
	text := fmt.Sprintf(`
data_dir: %s
api: {listen: "127.0.0.1:0"}
pipelines:
  - name: bridge
    reconcile: {interval: 0s}
    hub: {brokers: [%q], topic: ODS}
    sources: [{id: north, city: "1", brokers: [%q], topic: QL}]
`, data, broker, broker)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if e := hefu(t, "journal", "verify", "-c", file).want(t, exitUnknown); !strings.Contains(e.stderr, "has no journal in") {
		t.Error(e.stderr)
	}
	p := launch(t, "run", "-c", file)
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic("QL"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range 20 {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Value: fmt.Appendf(nil, "row %d", i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the rows are in the hub", func() bool {
		return strings.Contains(hefu(t, "status", "-c", file).stdout, " 20 ")
	})
	running := verified(t, exitGood, "-c", file)
	if !running.Sound || running.Streams[1].Events < 3 {
		t.Errorf("beside a running one: %+v", running)
	}
	p.end(t, syscall.SIGTERM, 0)
	if v := verified(t, exitGood, "--deep", "-c", file); !v.Sound || v.Streams[1].Rows != 20 || v.Streams[1].Heads == 0 || v.Keys[v.Key] == 0 || len(v.Keys) != 1 {
		t.Errorf("deep: %+v", v)
	}
	e := hefu(t, "journal", "verify", "bridge", "--deep", "-c", file).want(t, exitGood)
	for _, want := range []string{"bridge.0.ingest", "read in", "the key of this data directory", "sound: the chain of every stream, every record batch"} {
		if !strings.Contains(e.stdout, want) {
			t.Errorf("%q is missing in %s", want, e.stdout)
		}
	}
	exported(t, file)
	flipIngest(t, data)
	v := verified(t, exitNotGood, "-c", file)
	if v.Sound || len(v.Wrong) == 0 || !strings.Contains(v.Wrong[0], "journal ") || !strings.Contains(v.Wrong[0], "bridge.0.ingest@") {
		t.Errorf("flipped: %+v", v)
	}
	// Somebody else holds the store, and is no hefu that could be asked.
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	store, err := pipeline.OpenStore(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if e := hefu(t, "journal", "verify", "-c", file).want(t, exitUnknown); !strings.Contains(e.stderr, "ask the running hefu") {
		t.Error(e.stderr)
	}
}

func verified(t *testing.T, code int, args ...string) *pipeline.Verification {
	t.Helper()
	e := hefu(t, append([]string{"journal", "verify", "-o", "json"}, args...)...).want(t, code)
	var list []*pipeline.Verification
	if err := json.Unmarshal([]byte(e.stdout), &list); err != nil || len(list) != 1 || len(list[0].Streams) < 2 {
		t.Fatalf("%v: %s", err, e.stdout)
	}
	return list[0]
}

// exported checks the chain as docs/journal.md says, knowing nothing of Hefu.
func exported(t *testing.T, file string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "evidence")
	hefu(t, "journal", "export", "bridge.0.ingest", "--stored", "--out", out, "-c", file).want(t, exitGood)
	hefu(t, "journal", "export", "bridge.0.ingest", "--out", out, "-c", file).want(t, exitUnknown) // it is there
	b, err := os.ReadFile(filepath.Join(out, "bridge.0.ingest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	before, n := strings.Repeat("0", 64), 0
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); n++ {
		var l struct {
			Seq        int
			Hash, Prev string
			Stored     []byte
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(l.Stored)
		prev, err := hex.DecodeString(l.Prev)
		if err != nil || l.Seq != n+1 || l.Hash != hex.EncodeToString(sum[:]) || l.Prev != before || !bytes.Contains(l.Stored, prev) {
			t.Fatalf("line %d: %v %+v", n+1, err, l)
		}
		before = l.Hash
	}
	if n < 3 {
		t.Errorf("%d events", n)
	}
	if e := hefu(t, "journal", "export", "bridge.0.ingest", "--records", "-c", file).want(t, exitGood); !strings.Contains(e.stdout, `"Batches":["`) {
		t.Error(e.stdout)
	}
}

// flipIngest flips a bit in the middle of the stored ingest events.
func flipIngest(t *testing.T, data string) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(data, "journal/nats/jetstream/$G/streams/HEFU_bridge_0_ingest_1/msgs/*.blk"))
	if err != nil || len(list) == 0 {
		t.Fatal(err, list)
	}
	b, err := os.ReadFile(list[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(list[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
}
