package main

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// TestJournalArchive: segments are archived beside a running hefu and without one, what
// keeps them is said, and once they are dropped the journal reads as before.
func TestJournalArchive(t *testing.T) {
	plain(t)
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "ODS", "QL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	dir, broker := t.TempDir(), k.ListenAddrs()[0]
	file, plain := filepath.Join(dir, "hefu.yaml"), filepath.Join(dir, "plain.yaml")
	text := fmt.Sprintf(`
data_dir: %s
api: {listen: "127.0.0.1:0"}
journal: {segment_bytes: 1MiB, archive: {dir: %s, interval: 24h}}
pipelines:
  - name: bridge
    reconcile: {interval: 0s}
    hub: {brokers: [%q], topic: ODS}
    sources: [{id: north, city: "1", brokers: [%q], topic: QL}]
`, filepath.Join(dir, "data"), filepath.Join(dir, "archive"), broker, broker)
	without := regexp.MustCompile(`, archive: \{[^}]*\}`).ReplaceAllString(text, "")
	for name, text := range map[string]string{file: text, plain: without} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := launch(t, "run", "-c", file)
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic("QL"), kgo.ProducerBatchMaxBytes(64<<10))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	row := make([]byte, 10<<10) // that nothing makes smaller
	for range 300 {
		for i := range row {
			row[i] = byte('!' + rand.IntN(90))
		}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Value: append([]byte(nil), row...)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	status := ""
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\n%s", status, p.log())
		}
	})
	eventually(t, "the rows are in the hub", func() bool {
		status = hefu(t, "status", "-c", file).stdout
		return regexp.MustCompile(`│ hub .*│ 300 `).MatchString(status)
	})
	e := hefu(t, "journal", "archive", "-c", file).want(t, exitGood) // what the service has archived at its start is kept
	if !regexp.MustCompile(`bridge\.0\.ingest +│ 1-\d+ +│ \d\.\d MiB +│ \d\.\d MiB +│ (archived|kept) +│ the reconciler has come to 0 of`).MatchString(e.stdout) {
		t.Error(e.stdout)
	}
	e = hefu(t, "journal", "archive", "nobody", "-c", file).want(t, exitUnknown)
	if !strings.Contains(e.stderr, "has no pipeline nobody") {
		t.Error(e.stderr)
	}
	p.end(t, syscall.SIGTERM, 0)
	before := hefu(t, "journal", "show", "bridge.0.ingest", "1", "9999", "-c", file).want(t, exitGood).stdout
	e = hefu(t, "journal", "archive", "--drop", "-c", file).want(t, exitGood)
	if strings.Contains(e.stdout, "│ dropped") || !strings.Contains(e.stdout, "the reconciler has come to 0 of") {
		t.Error(e.stdout)
	}
	reconcileByHand(t, file)
	e = hefu(t, "journal", "archive", "ls", "bridge", "-c", file).want(t, exitGood)
	if !regexp.MustCompile(`bridge\.0\.ingest +│ 1-\d+ +│ \d\.\d MiB +│ \d\.\d MiB +│ kept +│ nothing keeps it`).MatchString(e.stdout) {
		t.Error(e.stdout)
	}
	e = hefu(t, "journal", "archive", "--drop", "-c", file).want(t, exitGood)
	if !regexp.MustCompile(`bridge\.0\.ingest +│ 1-\d+ .*│ dropped`).MatchString(e.stdout) {
		t.Error(e.stdout)
	}
	if after := hefu(t, "journal", "show", "bridge.0.ingest", "1", "9999", "-c", file).want(t, exitGood).stdout; after != before || strings.Count(after, "\n") < 7 {
		t.Errorf("%d bytes of events, %d before", len(after), len(before))
	}
	hefu(t, "journal", "ls", "-c", file).want(t, exitGood)
	// A configuration without the archive reads nothing as if it had never been.
	e = hefu(t, "journal", "show", "bridge.0.ingest", "1", "-c", plain).want(t, exitUnknown)
	if !strings.Contains(e.stderr, "bridge.0.ingest") {
		t.Error(e.stderr)
	}
	e = hefu(t, "journal", "archive", "-c", plain).want(t, exitUnknown)
	if !strings.Contains(e.stderr, "has no journal.archive") {
		t.Error(e.stderr)
	}
	// Nor does one whose archive is lost.
	if err := os.Rename(filepath.Join(dir, "archive"), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	e = hefu(t, "journal", "show", "bridge.0.ingest", "1", "-c", file).want(t, exitUnknown)
	if !regexp.MustCompile(`bridge\.0\.ingest/\d{20}\.hefu`).MatchString(e.stderr) || !strings.Contains(e.stderr, "put it back") {
		t.Error(e.stderr)
	}
}

// reconcileByHand says on control that everything is reconciled.
func reconcileByHand(t *testing.T, file string) {
	t.Helper()
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(file)
	must(err)
	store, err := pipeline.OpenStore(ctx, cfg, log)
	must(err)
	defer store.Close()
	j, err := store.OpenJournal(ctx, cfg, "bridge", log)
	must(err)
	control, err := j.OpenControl(ctx)
	must(err)
	ev := &domain.Reconciled{}
	for _, leg := range []domain.Leg{domain.LegIngest, domain.LegHub} {
		tail, err := j.Tail(ctx, domain.Stream{Pipeline: "bridge", Leg: leg})
		must(err)
		ev.Through = append(ev.Through, tail.Ref())
	}
	_, err = control.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return ev, nil })
	must(err)
}
