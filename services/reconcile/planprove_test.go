package reconcile_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/checkpoint"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// plan is one of everything that the hub has.
func (w *world) plan(kind domain.TargetKind, mode domain.TargetMode, name string) *domain.Plan {
	return &domain.Plan{ID: domain.PlanID{1, 2, 3, 4}, Pipeline: "p", Lanes: w.lanes(), Target: domain.PlanTarget{Kind: kind, Mode: mode, Name: name}}
}

// provesPlan gives the report of a plan, which is to verify, as a file too.
func (w *world) provesPlan(plan *domain.Plan) (*report.Report, []byte) {
	w.t.Helper()
	still, err := checkpoint.OpenStill(w.t.Context(), w.j, w.dir, filepath.Join(w.dir, "key"))
	must(w.t, err)
	defer still.Close()
	_, file, err := reconcile.ProvePlan(w.t.Context(), &w.p, w.j, w.dir, plan, still, reconcile.Maker{Version: "test", Sync: "always"}, nil)
	must(w.t, err)
	v, err := report.Verify(file)
	must(w.t, err)
	return v.Report, file
}

// shadow makes a table with all rows that the live one has.
func (w *world) shadow(model string) {
	w.t.Helper()
	w.exec("CREATE TABLE ods.s " + fmt.Sprintf(tableOf, model))
	rows, err := w.db.QueryContext(w.t.Context(), "SELECT hw_partition_id, hw_offset_id, sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_ts FROM ods.t")
	must(w.t, err)
	defer rows.Close()
	var all [][]any
	for rows.Next() {
		cells, texts, at := make([]any, 9), make([]string, 9), make([]any, 9)
		for i := range at {
			at[i] = &texts[i]
		}
		must(w.t, rows.Scan(at...))
		for i := range cells {
			cells[i] = texts[i]
		}
		all = append(all, cells)
	}
	must(w.t, rows.Err())
	for part := range slices.Chunk(all, 500) {
		args := slices.Concat(part...)
		w.exec("INSERT INTO ods.s VALUES "+strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?, ?), ", len(part)), ", "), args...)
	}
}

// names demands the findings of a report, each as class, place in the hub and column, and a
// verdict that goes with them.
func names(t *testing.T, what string, r *report.Report, want ...string) {
	t.Helper()
	var got []string
	for i := range r.Findings {
		f := &r.Findings[i]
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s in %s %d/%d %s", f.Class, f.Where, f.HubPartition, f.HubOffset, f.Column)))
	}
	slices.Sort(got)
	slices.Sort(want)
	verdict := domain.Verified
	if len(want) > 0 {
		verdict = domain.Diverged
	}
	if !slices.Equal(got, want) || r.Verdict != verdict {
		t.Errorf("%s: %s (%s):\n got %q\nwant %q", what, r.Verdict, r.Why, got, want)
	}
}

// A shadow table is verified when it has the plan's rows and no others, anywhere.
func TestProveShadowTable(t *testing.T) {
	w := newWorld(t)
	w.opened()
	for range 3 {
		w.moves(100)
	}
	w.shadow("UNIQUE")
	plan := w.plan(domain.TargetTable, domain.ModeShadow, "ods.s")
	w.moves(20) // which are none of the plan's
	r, file := w.provesPlan(plan)
	names(t, "complete", r)
	if c := r.Coverage; len(c) != 1 || c[0].Proof != report.PlanTable || c[0].Verified != 900 || r.Scope.Plan.Rows != 900 || r.Scope.Plan.Digest != plan.Digest() {
		t.Errorf("%+v of %+v", c, r.Scope.Plan)
	}
	for _, forged := range [][2]string{{`"verdict": "verified"`, `"verdict": "diverged"`}, {`"id": "01020304"`, `"id": "01020305"`}, {`"rows": 900`, `"rows": 901`}} {
		text := bytes.Replace(file, []byte(forged[0]), []byte(forged[1]), 1)
		if _, err := report.Verify(text); err == nil || bytes.Equal(text, file) {
			t.Errorf("verifies with %s", forged[1])
		}
	}
	for _, c := range []struct{ do, undo, want string }{
		{"DELETE FROM ods.s WHERE hw_partition_id = 1 AND hw_offset_id = 77", "", "lost in doris 1/77"},
		{"UPDATE ods.s SET record = 'x' WHERE hw_partition_id = 2 AND hw_offset_id = 5", "", "altered in doris 2/5 record"},
		{"INSERT INTO ods.s VALUES (1, 900, '320100', NULL, 'x', 0, 8, NULL, '2024-05-01 12:00:00')", "DELETE FROM ods.s WHERE hw_offset_id = 900", "doubled in doris 1/900"},
		{"INSERT INTO ods.s VALUES (77, 5, '320100', NULL, 'x', 0, 123456, NULL, '2024-05-01 12:00:00')", "DELETE FROM ods.s WHERE hw_partition_id = 77", "strayed in doris 77/5"},
	} {
		w.exec(c.do)
		r, _ := w.provesPlan(plan)
		names(t, c.do, r, c.want)
		if c.undo == "" {
			w.exec("DROP TABLE ods.s")
			w.exec("DELETE FROM ods.t WHERE hw_offset_id >= 2000")
			w.shadow("UNIQUE")
			// What was moved since is none of the plan's.
			names(t, "more than the plan takes", first(w.provesPlan(plan)), w.beyond(plan)...)
			for _, k := range w.beyondKeys(plan) {
				w.exec("DELETE FROM ods.s WHERE hw_partition_id = ? AND hw_offset_id = ?", k.Partition, k.Offset)
			}
			continue
		}
		w.exec(c.undo)
		names(t, "put right", first(w.provesPlan(plan)))
	}
}

func first[A, B any](a A, _ B) A { return a }

// beyondKeys are the rows of the live table that are none of the plan's: the last ones.
func (w *world) beyondKeys(*domain.Plan) (out []domain.RowKey) {
	last := map[int32][]domain.RowKey{}
	for _, k := range w.keys("ods.t") {
		last[k.Partition] = append(last[k.Partition], k)
	}
	for _, list := range last {
		out = append(out, list[len(list)-20:]...)
	}
	return out
}

func (w *world) beyond(plan *domain.Plan) (out []string) {
	for _, k := range w.beyondKeys(plan) {
		out = append(out, fmt.Sprintf("strayed in doris %d/%d", k.Partition, k.Offset))
	}
	return out
}

// lines writes the live table as the file of a plan.
func (w *world) lines(plan *domain.Plan) string {
	w.t.Helper()
	rows, err := w.db.QueryContext(w.t.Context(), "SELECT hw_partition_id, hw_offset_id, sscsdm, CAST(extract_time AS STRING), record, city_partition_id, city_offset_id, CAST(city_ts AS STRING), CAST(hw_ts AS STRING) FROM ods.t ORDER BY hw_partition_id, hw_offset_id")
	must(w.t, err)
	defer rows.Close()
	var out bytes.Buffer
	for rows.Next() {
		var c [9]string
		must(w.t, rows.Scan(&c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &c[7], &c[8]))
		for _, i := range []int{3, 7, 8} {
			c[i] = strings.TrimSuffix(strings.TrimRight(c[i], "0"), ".") // as Flink writes it
		}
		fmt.Fprintf(&out, `{"sscsdm":%q,"extract_time":%q,"record":%q,"city_partition_id":%s,"city_offset_id":%s,"city_ts":%q,"hw_partition_id":%s,"hw_offset_id":%s,"hw_ts":%q}`+"\n",
			c[2], c[3], c[4], c[5], c[6], c[7], c[0], c[1], c[8])
	}
	must(w.t, rows.Err())
	path := filepath.Join(w.dir, "replays", plan.ID.String(), "0.jsonl")
	must(w.t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(w.t, os.WriteFile(path, out.Bytes(), 0o600))
	return path
}

// A file is verified line by line.
func TestProveFile(t *testing.T) {
	w := newWorld(t)
	w.opened()
	w.moves(100)
	plan := w.plan(domain.TargetFile, "", "replays/01020304")
	path := w.lines(plan)
	names(t, "complete", first(w.provesPlan(plan)))
	good, err := os.ReadFile(path)
	must(t, err)
	all := slices.Collect(bytes.Lines(good))
	for what, c := range map[string]struct {
		lines [][]byte
		want  []string
	}{
		"one less":  {slices.Concat(all[:150], all[151:]), []string{"lost in file 1/50"}},
		"one twice": {slices.Concat(all[:150], all[149:]), []string{"doubled in file 1/49"}},
		"another":   {slices.Concat(all[:7], [][]byte{bytes.Replace(all[7], []byte("nanjing"), []byte("nanking"), 1)}, all[8:]), []string{"altered in file 0/7 record"}},
		"not of it": {slices.Concat(all, [][]byte{bytes.Replace(all[0], []byte(`"hw_offset_id":0`), []byte(`"hw_offset_id":4000`), 1)}), []string{"doubled in file 0/4000"}},
		"reordered": {slices.Concat(all[:7], [][]byte{all[8], all[7]}, all[9:]), []string{"reordered in file 0/7"}},
		"cut off":   {slices.Concat(all[:299], [][]byte{all[299][:20]}), []string{"lost in file 2/99", fmt.Sprintf("strayed in file -1/%d", len(good)-len(all[299]))}},
	} {
		must(t, os.WriteFile(path, slices.Concat(c.lines...), 0o600))
		names(t, what, first(w.provesPlan(plan)), c.want...)
	}
}
