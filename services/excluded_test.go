package services_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/report"
)

// Rows that the table cannot hold, as hefu.yaml says, and rows that Doris refuses for a
// reason of its own are left out and listed; the reconciler and the books count them as
// such, and nothing as lost.
func TestLeftOutIsNotLost(t *testing.T) {
	w := newWorld(t)
	w.cfg.Pipelines[0].Doris.MaxRecordBytes = 1000
	w.start()
	deadline := time.Now().Add(60 * time.Second)
	for open := false; !open; {
		r, _ := w.report()
		for _, p := range r.Pipelines {
			for _, l := range p.Legs {
				open = open || l.Leg == string(domain.LegDoris) && l.State == string(projections.StateRunning)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the Doris leg does not run: %+v", r)
		}
	}
	// The table is made anew under the open leg, and takes shorter records than before.
	db, err := sql.Open("mysql", "root@tcp("+w.cfg.Pipelines[0].Doris.MySQL[0]+")/ods?interpolateParams=true")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{"DROP TABLE ods.ODS_QL_JC_SSJC", strings.Replace(ddl, "record STRING", "record VARCHAR(500)", 1)} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	w.feed("south", 0, 50)
	w.untilRows(100)
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range 20 {
		r := &kgo.Record{Topic: "north", Partition: 1, Value: []byte("short")}
		switch i {
		case 4, 7:
			r.Value = []byte(strings.Repeat("x", 501))
		case 10: // the leg must not learn of the new table before, by being opened again
			w.untilRows(108)
		case 15:
			r.Value = []byte(strings.Repeat("x", 1001))
		}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	w.untilRows(117)
	w.end()
	b := w.books()
	reasons := map[string]int64{}
	for _, x := range b.Excluded {
		if x.Leg == domain.LegDoris && x.Key.Source == "north" {
			reasons[x.Reason] += x.Count
		}
	}
	if len(b.Findings) > 0 || len(reasons) != 2 || reasons[domain.ExcludedByDoris] != 2 || reasons[domain.ExcludedTooLargeDoris] != 1 {
		t.Errorf("books: %v; excluded %v", b.Findings, reasons)
	}
	got := prove(t, w.cfg, &w.cfg.Pipelines[0])
	isVerified(t, got)
	if n := sum(got, "north"); n.InHub != 20 || n.InDoris != 17 || n.ExcludedDoris != 3 || covered(got, report.CityJournal).Verified != sum(got, "").Rows {
		t.Errorf("%+v %+v", n, got.Coverage)
	}
}
