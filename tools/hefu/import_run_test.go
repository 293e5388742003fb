package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/deploy"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/stack"
)

const (
	seedSQL   = "../../domain/flink/testdata/golden/seed.sql"
	seedGroup = "QL_JC_SSJC_NJ_QL_JC_SSJC_SOURCE"
	seedTable = "doris_d.ods_ql_jc_ssjc"
)

// TestImportRuns imports the original job, fills in what its document masks, and runs what comes out: the rows that
// Flink had not read go from the city to the hub and into the table.
func TestImportRuns(t *testing.T) {
	plain(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	s, err := stack.Start(ctx, os.Args[0], filepath.Join(dir, "stack"), []stack.Source{{ID: "nj", City: "320100", Topic: "QL_JC_SSJC"}}, stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	db, err := s.OpenDoris()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	makeSeedTable(t, db)
	feedSeed(t, s)

	yaml, report := filepath.Join(dir, "hefu.yaml"), filepath.Join(dir, "report.md")
	e := hefu(t, "import", "flink", seedSQL, "-o", yaml, "--report", report).want(t, exitGood)
	if !strings.Contains(e.stderr, "0 refused; 10 things to do by hand") {
		t.Errorf("says %s", e.stderr)
	}
	if e := hefu(t, "check", "-c", yaml).want(t, exitNotGood); !strings.Contains(e.stderr, `brokers[0]: is "172.*.*.*:21007"; allowed: host:port`) {
		t.Errorf("check of a file that is not filled in says %s", e.stderr)
	}
	fillIn(t, yaml, dir, s)
	hefu(t, "check", "-c", yaml).want(t, exitGood)

	p := launch(t, "run", "-c", yaml)
	count := func() (n int) {
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+seedTable).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	deadline := time.Now().Add(time.Minute)
	for tick := time.NewTicker(50 * time.Millisecond); count() < 15; <-tick.C {
		if time.Now().After(deadline) || isClosed(p.ended) {
			t.Fatalf("%d rows in the table, want 15\n%s", count(), p.log())
		}
	}
	p.end(t, syscall.SIGTERM, exitGood)
	seedRows(t, db, s)
}

// makeSeedTable makes the table that the job names, as an operator does.
func makeSeedTable(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, statement := range deploy.DorisStatements() {
		statement = strings.NewReplacer("ods.ODS_QL_JC_SSJC", seedTable, "EXISTS ods", "EXISTS doris_d").Replace(statement)
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// feedSeed sends 10 records to each partition of the city; Flink has read 5 of the first.
func feedSeed(t *testing.T, s *stack.Stack) {
	t.Helper()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{s.Addresses().Cities}}, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range 20 {
		r := &kgo.Record{Topic: "QL_JC_SSJC", Partition: int32(i % 2), Value: fmt.Appendf(nil, "苏A%05d", i)}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := kafkaconn.CommitGroup(t.Context(), cl, seedGroup, "QL_JC_SSJC", map[int32]int64{0: 5}); err != nil {
		t.Fatal(err)
	}
}

// fillIn does what the report lists, for a stack without logins.
func fillIn(t *testing.T, file, dir string, s *stack.Stack) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a := s.Addresses()
	yaml := regexp.MustCompile(`(?m)^      sasl:.*\n(        .*\n)+`).ReplaceAllString(string(text), "")
	for _, f := range []struct{ pattern, with string }{
		{`brokers: \[.*:21007"\]`, "brokers: [" + a.Hub + "]"},
		{`brokers: \["172\.\*\.\*\.\*:9092"\]`, "brokers: [" + a.Cities + "]"},
		{`fe: \["http.*\]`, `fe: ["http://` + a.FE + `"]`},
		{`mysql: \[.*\]`, "mysql: [" + a.MySQL + "]"},
		{`password_file: .*`, `password_file: ""`},
	} {
		next := regexp.MustCompile(f.pattern).ReplaceAllString(yaml, f.with)
		if next == yaml {
			t.Fatalf("%s is not in\n%s", f.pattern, yaml)
		}
		yaml = next
	}
	head := fmt.Sprintf("data_dir: %q\napi:\n  listen: 127.0.0.1:0\n", filepath.Join(dir, "data"))
	if err := os.WriteFile(file, []byte(head+yaml), 0o600); err != nil {
		t.Fatal(err)
	}
}

// seedRows reads the rows with their lineage, which the original's SQL left out, from the table and from the hub.
func seedRows(t *testing.T, db *sql.DB, s *stack.Stack) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT sscsdm, record, city_partition_id, city_offset_id FROM "+seedTable+" ORDER BY city_partition_id, city_offset_id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got, want []string
	for rows.Next() {
		var city, record string
		var partition, offset int
		if err := rows.Scan(&city, &record, &partition, &offset); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %d/%d", city, record, partition, offset))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if p, o := i/10, i%10; p == 1 || o >= 5 {
			want = append(want, fmt.Sprintf("320100 苏A%05d %d/%d", 2*o+p, p, o))
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	value := firstOfHub(t, s)
	form := `^\{"sscsdm":"320100","extract_time":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?","record":"苏A\d{5}","city_partition_id":\d,"city_offset_id":\d,"city_ts":"\d{4}-\d\d-\d\d .*"\}$`
	if !regexp.MustCompile(form).MatchString(value) {
		t.Errorf("a hub record is %s", value)
	}
}

func firstOfHub(t *testing.T, s *stack.Stack) string {
	t.Helper()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{s.Addresses().Hub}}, kgo.ConsumeTopics(stack.HubTopic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	f := cl.PollRecords(t.Context(), 1)
	if err := f.Err(); err != nil || f.NumRecords() == 0 {
		t.Fatalf("%d records of the hub: %v", f.NumRecords(), err)
	}
	return string(f.Records()[0].Value)
}
