package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/stack"
	"github.com/hefu-io/hefu/services/report"
)

// kept is a demo's directory, with its stack up again.
type kept struct {
	*stack.Stack
	db *sql.DB
}

// keep runs a small demo and starts what it kept.
func keep(t *testing.T) *kept {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) }) // the last one: it runs when everything is closed
	dir := filepath.Join(t.TempDir(), "demo")
	hefu(t, "demo", "--rows", "3000", "--cities", "3", "--dir", dir).want(t, exitGood)
	k := &kept{}
	k.start(t, dir)
	return k
}

func (k *kept) start(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := stack.Start(ctx, os.Args[0], dir, nil, stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if k.Stack = s; len(s.Sources()) != 3 {
		t.Fatalf("%d sources, the demo had 3", len(s.Sources()))
	}
	if k.db, err = s.OpenDoris(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.stop(t) })
}

func (k *kept) stop(t *testing.T) {
	t.Helper()
	if k.Stack == nil {
		return
	}
	if err := k.db.Close(); err != nil {
		t.Error(err)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	k.Stack = nil
}

// row is one of the table's, in its columns' order.
type row struct {
	hubPartition int32
	hubOffset    int64
	city         string
	extract      string
	record       string
	cityPart     int32
	cityOffset   int64
	cityTime     string
	hubTime      string
}

// some picks a row that is neither first nor last.
func (k *kept) some(t *testing.T, after int) row {
	t.Helper()
	var r row
	err := k.db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT * FROM ods.ODS_QL_JC_SSJC ORDER BY hw_partition_id, hw_offset_id LIMIT 1 OFFSET %d", after)).
		Scan(&r.hubPartition, &r.hubOffset, &r.city, &r.extract, &r.record, &r.cityPart, &r.cityOffset, &r.cityTime, &r.hubTime)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (k *kept) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := k.db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// reconcile compares, demands the exit code, and returns the findings.
func (k *kept) reconcile(t *testing.T, code int) []report.Finding {
	t.Helper()
	e := hefu(t, "reconcile", "-c", k.ConfigFile(), "-o", "json", "--deep").want(t, code)
	var reports []report.Report
	if err := json.Unmarshal([]byte(e.stdout), &reports); err != nil || len(reports) != 1 {
		t.Fatalf("%d reports (%v): %s", len(reports), err, e.stdout)
	}
	return reports[0].Findings
}

// exactly demands one finding, of this row.
func exactly(t *testing.T, found []report.Finding, class domain.Class, where string, r row, column string) {
	t.Helper()
	if len(found) != 1 {
		t.Fatalf("%d findings, want one: %+v", len(found), found)
	}
	f := found[0]
	d := f.Domain()
	got := fmt.Sprintf("%s in %s: city %s %s, hub %s, column %q", f.Class, f.Where, f.City, d.Row.City, d.Row.Hub, f.Column)
	want := fmt.Sprintf("%s in %s: city %s %d/%d, hub %d/%d, column %q", class, where, r.city, r.cityPart, r.cityOffset, r.hubPartition, r.hubOffset, column)
	if got != want {
		t.Fatalf("found %s\nwant  %s", got, want)
	}
}

// TestReconcileNamesTheRow spoils one row at a time, in the way that the name says, and
// puts it right again.
func TestReconcileNamesTheRow(t *testing.T) {
	whole(t)
	whole := t
	k := keep(t)
	if found := k.reconcile(t, exitGood); len(found) > 0 {
		t.Fatalf("nothing was touched, and there are findings: %+v", found)
	}
	const at = " WHERE hw_partition_id = ? AND hw_offset_id = ?"
	t.Run("a row deleted in Doris", func(t *testing.T) {
		r := k.some(t, 100)
		k.exec(t, "DELETE FROM ods.ODS_QL_JC_SSJC"+at, r.hubPartition, r.hubOffset)
		exactly(t, k.reconcile(t, exitNotGood), domain.Lost, "doris", r, "")
		e := hefu(t, "reconcile", "-c", k.ConfigFile()).want(t, exitNotGood)
		named := fmt.Sprintf("lost in doris: source %s city %s, city %d/%d, hub %d/%d", sourceOf(r.city), r.city, r.cityPart, r.cityOffset, r.hubPartition, r.hubOffset)
		if !strings.Contains(e.stdout, named) || !strings.Contains(e.stdout, "verdict: diverged: 1 finding") {
			t.Errorf("no line %q, or no verdict:\n%s", named, e.stdout)
		}
		k.exec(t, "INSERT INTO ods.ODS_QL_JC_SSJC VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			r.hubPartition, r.hubOffset, r.city, r.extract, r.record, r.cityPart, r.cityOffset, r.cityTime, r.hubTime)
	})
	t.Run("a byte of a record altered in Doris", func(t *testing.T) {
		r := k.some(t, 200)
		k.exec(t, "UPDATE ods.ODS_QL_JC_SSJC SET record = ?"+at, strings.Replace(r.record, "value", "walue", 1), r.hubPartition, r.hubOffset)
		exactly(t, k.reconcile(t, exitNotGood), domain.Altered, "doris", r, "record")
		k.exec(t, "UPDATE ods.ODS_QL_JC_SSJC SET record = ?"+at, r.record, r.hubPartition, r.hubOffset)
	})
	for column, value := range map[string]func(row) string{
		"hw_ts": func(r row) string { return r.hubTime }, "city_ts": func(r row) string { return r.cityTime }, "extract_time": func(r row) string { return r.extract },
	} {
		t.Run("a "+column+" altered in Doris", func(t *testing.T) {
			r := k.some(t, 300)
			was := value(r)
			another := was[:len(was)-1] + "0"
			if another == was {
				another = was[:len(was)-1] + "1"
			}
			k.exec(t, "UPDATE ods.ODS_QL_JC_SSJC SET "+column+" = ?"+at, another, r.hubPartition, r.hubOffset)
			exactly(t, k.reconcile(t, exitNotGood), domain.Altered, "doris", r, column)
			k.exec(t, "UPDATE ods.ODS_QL_JC_SSJC SET "+column+" = ?"+at, was, r.hubPartition, r.hubOffset)
		})
	}
	t.Run("a row that nobody sent in Doris", func(t *testing.T) {
		r := k.some(t, 400)
		r.hubOffset += 1_000_000
		k.exec(t, "INSERT INTO ods.ODS_QL_JC_SSJC VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			r.hubPartition, r.hubOffset, r.city, r.extract, r.record, r.cityPart, r.cityOffset, r.cityTime, r.hubTime)
		exactly(t, k.reconcile(t, exitNotGood), domain.Strayed, "doris", r, "")
		k.exec(t, "DELETE FROM ods.ODS_QL_JC_SSJC"+at, r.hubPartition, r.hubOffset)
	})
	if found := k.reconcile(t, exitGood); len(found) > 0 {
		t.Fatalf("everything was put right, and there are findings: %+v", found)
	}
	t.Run("a byte of a record altered in the hub", func(t *testing.T) {
		r := k.some(t, 500)
		dir := k.Dir()
		k.stop(t)
		spoilHub(t, dir, r, true)
		k.start(whole, dir)
		exactly(t, k.reconcile(t, exitNotGood), domain.Altered, "hub", r, "record")
		k.stop(t)
		spoilHub(t, dir, r, false)
		k.start(whole, dir)
	})
	t.Run("a row doubled in the hub", func(t *testing.T) {
		r := k.some(t, 600)
		r.hubOffset = double(t, k.Addresses().Hub, r)
		exactly(t, k.reconcile(t, exitNotGood), domain.Doubled, "hub", r, "")
	})
}

func sourceOf(city string) string {
	for _, c := range cityCodes {
		if c.code == city {
			return c.id
		}
	}
	return ""
}

// double sends the value of a hub row once more, and returns its offset.
func double(t *testing.T, hub string, r row) int64 {
	t.Helper()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{hub}}, kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{stack.HubTopic: {r.hubPartition: kgo.NewOffset().At(r.hubOffset)}}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	found := cl.PollRecords(ctx, 1).Records()
	if len(found) != 1 || found[0].Offset != r.hubOffset {
		t.Fatalf("hub row %d/%d: got %v", r.hubPartition, r.hubOffset, found)
	}
	again := &kgo.Record{Topic: stack.HubTopic, Partition: r.hubPartition, Value: found[0].Value}
	if err := cl.ProduceSync(ctx, again).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return again.Offset
}
