package services_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// TestRebuildFences: whoever still has the old journal and a transaction open in the hub when the
// rebuild is approved cannot commit it any more.
func TestRebuildFences(t *testing.T) {
	w := newWorld(t)
	id := w.ran(0)
	must(t, os.RemoveAll(w.cfg.DataDir))
	plan := w.looksGood()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: w.kafka}, kgo.TransactionalID("hefu-bridge-0"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer cl.Close()
	must(t, cl.BeginTransaction())
	late := &kgo.Record{Topic: "ODS", Partition: 0, Value: []byte("of the old owner")}
	must(t, cl.ProduceSync(t.Context(), late).FirstErr())
	_, err = w.job().Approve(t.Context(), plan.Digest.String(), "li", whyRebuilt)
	must(t, err)
	if err := kafkaconn.EndTransaction(t.Context(), cl, kgo.TryCommit, late); err == nil {
		t.Error("the old owner committed")
	}
	w.goesOn(100, id)
}

// TestRebuildMeetsAnother: a journal that somebody made in the store while the rebuild was under way,
// and that has events, is not taken for the new one; once it is moved away the rebuild goes on.
func TestRebuildMeetsAnother(t *testing.T) {
	w := newWorld(t)
	id := w.ran(0)
	must(t, os.RemoveAll(filepath.Join(w.cfg.DataDir, "journal")))
	plan := w.looksGood()
	job := w.job()
	job.At = func(step string) error {
		if step == "moved after" {
			w.applies()
		}
		return nil
	}
	_, err := job.Approve(t.Context(), plan.Digest.String(), "li", whyRebuilt)
	if err == nil || !strings.Contains(err.Error(), "which has events and is not of this rebuild: nothing was appended to it") {
		t.Fatalf("another journal in the place of the new one: %v", err)
	}
	if said := w.refused(); !strings.Contains(said, "another journal") {
		t.Errorf("a start on it says %s", said)
	}
	must(t, os.RemoveAll(filepath.Join(w.cfg.DataDir, "journal")))
	_, err = w.job().Approve(t.Context(), plan.Digest.String(), "li", whyRebuilt)
	must(t, err)
	w.goesOn(100, id)
}
