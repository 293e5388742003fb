package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/stack"
	"github.com/hefu-io/hefu/services/pipeline"
)

// realData holds data sets that nobody here made; its README lists their oddities.
const realData = "../../../shared/data"

// TestDemoFromRealFiles sends each data set as it is published. The demo itself compares
// city, hub and Doris; here the journal's bytes are compared with the files'.
func TestDemoFromRealFiles(t *testing.T) {
	plain(t)
	sets, err := os.ReadDir(realData)
	if err != nil {
		t.Skipf("the real data sets are not here: %v", err)
	}
	for _, set := range sets {
		if !set.IsDir() {
			continue // its README
		}
		t.Run(set.Name(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "demo")
			e := hefu(t, "demo", "--from", filepath.Join(realData, set.Name()), "--dir", dir).want(t, exitGood)
			if !strings.Contains(e.stdout, "verdict: clean (verified)") {
				t.Errorf("no verdict: %s", e.stdout)
			}
			journaled := journaledRecords(t, dir)
			for i, file := range dataFiles(t, filepath.Join(realData, set.Name())) {
				sent, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				// Put together again the file is what it was, but for a line feed at its end.
				if got := together(journaled[cityCodes[i].id]); !bytes.Equal(got, bytes.TrimSuffix(sent, []byte{'\n'})) {
					t.Errorf("%s: %d bytes, and the journal's records make %d others", file, len(sent), len(got))
				}
			}
		})
	}
}

// dataFiles lists the files of a set that are data.
func dataFiles(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"*.csv", "*.log"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, files...)
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no data", dir)
	}
	return out
}

// together joins the records of a city, which its feeder dealt to the partitions in turn.
func together(parts map[int32][][]byte) []byte {
	var lines [][]byte
	for n := 0; ; n++ {
		p := parts[int32(n%stack.CityPartitions)]
		if n/stack.CityPartitions >= len(p) {
			return bytes.Join(lines, []byte{'\n'})
		}
		lines = append(lines, p[n/stack.CityPartitions])
	}
}

// journaledRecords is every record of the journal, by source and partition, in order.
func journaledRecords(t *testing.T, dir string) map[string]map[int32][][]byte {
	t.Helper()
	ctx := t.Context()
	cfg, err := config.Load(filepath.Join(dir, "hefu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(ctx, cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	j, err := store.OpenJournal(ctx, cfg, stack.Pipeline, log)
	if err != nil {
		t.Fatal(err)
	}
	ingest := domain.Stream{Pipeline: stack.Pipeline, Leg: domain.LegIngest}
	tail, err := j.Tail(ctx, ingest)
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.ReadFrom(ctx, ingest, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := map[string]map[int32][][]byte{}
	var dec batch.Decoder
	for seq := domain.Seq(0); seq < tail.Seq; {
		e, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		seq = e.Seq
		in, ok := e.Event.(*domain.Ingested)
		if !ok {
			continue
		}
		for i := range in.Runs {
			run := &in.Runs[i]
			source := string(run.Source)
			if out[source] == nil {
				out[source] = map[int32][][]byte{}
			}
			err := projections.Rows(&dec, run, func(_ int64, rec *batch.Record) error {
				out[source][run.Partition] = append(out[source][run.Partition], bytes.Clone(rec.Value))
				return nil
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}
