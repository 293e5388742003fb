package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// lanes are everything that the hub has.
func (w *world) lanes() (out []domain.PlanLane) {
	for i, s := range w.shards {
		of := s.hub
		if of == nil {
			of = s.ingest
		}
		out = append(out, domain.PlanLane{Shard: i, First: 1, Last: of.Tail()})
	}
	return out
}

func (w *world) differs(table string, lanes []domain.PlanLane, rows domain.Selection) *domain.Difference {
	w.t.Helper()
	d, err := reconcile.Difference(w.t.Context(), &w.p, w.j, lanes, rows, table, nil)
	must(w.t, err)
	return d
}

// same demands a difference, of which only the keys of altered rows count.
func same(t *testing.T, what string, got, want *domain.Difference, altered ...string) {
	t.Helper()
	var named []string
	for i := range got.Altered {
		f := &got.Altered[i]
		named = append(named, fmt.Sprintf("%s %s/%d %s %s", f.Class, f.Source, f.Generation, f.Row.Hub, f.Column))
	}
	if !slices.Equal(named, altered) {
		t.Errorf("%s: altered %q, want %q", what, named, altered)
	}
	one := *got
	one.Altered = nil
	if !reflect.DeepEqual(&one, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, one, *want)
	}
}

// keys are all keys of the table, in order.
func (w *world) keys(table string) (out []domain.RowKey) {
	w.t.Helper()
	rows, err := w.db.QueryContext(w.t.Context(), "SELECT hw_partition_id, hw_offset_id FROM "+table+" ORDER BY hw_partition_id, hw_offset_id")
	must(w.t, err)
	defer rows.Close()
	for rows.Next() {
		var k domain.RowKey
		must(w.t, rows.Scan(&k.Partition, &k.Offset))
		out = append(out, k)
	}
	must(w.t, rows.Err())
	return out
}

// removes deletes rows from a table and gives the spans that are missing then.
func (w *world) removes(table string, keys []domain.RowKey) (missing []domain.HubSpan) {
	w.t.Helper()
	slices.SortFunc(keys, compareKeys)
	by := map[int32][]string{}
	for _, k := range keys {
		by[k.Partition] = append(by[k.Partition], fmt.Sprint(k.Offset))
		if n := len(missing); n > 0 && missing[n-1].Partition == k.Partition && missing[n-1].Span.Next == k.Offset {
			missing[n-1].Span.Next++
		} else {
			missing = append(missing, domain.HubSpan{Partition: k.Partition, Span: domain.Span{First: k.Offset, Next: k.Offset + 1}})
		}
	}
	for h, list := range by {
		w.exec(fmt.Sprintf("DELETE FROM %s WHERE hw_partition_id = %d AND hw_offset_id IN (%s)", table, h, strings.Join(list, ", ")))
	}
	return missing
}

func compareKeys(a, b domain.RowKey) int {
	if a.Partition != b.Partition {
		return int(a.Partition - b.Partition)
	}
	return int(a.Offset - b.Offset)
}

// copies puts copies of rows into the table, each under another key.
func (w *world) copies(from, to []domain.RowKey) {
	w.t.Helper()
	const columns = "sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_ts"
	for i := range from {
		var c [7]string
		row := w.db.QueryRowContext(w.t.Context(), "SELECT "+columns+" FROM ods.t WHERE hw_partition_id = ? AND hw_offset_id = ?", from[i].Partition, from[i].Offset)
		must(w.t, row.Scan(&c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6]))
		w.exec("INSERT INTO ods.t (hw_partition_id, hw_offset_id, "+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			to[i].Partition, to[i].Offset, c[0], c[1], c[2], c[3], c[4], c[5], c[6])
	}
}

// What a table lacks, and has too much, comes out exactly: wherever it is, also while more is
// loaded, and whatever it is that was asked about.
func TestDifference(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and many rows: the plain run does this")
	}
	w := newWorld(t)
	s := w.opened()
	for range 8 {
		w.moves(700)
	}
	lanes := w.lanes()
	total := int64(8 * 3 * 700)
	same(t, "clean", w.differs("ods.t", lanes, domain.Selection{}), &domain.Difference{Expected: total, Present: total})
	all := w.keys("ods.t")
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's choice
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	// Copies behind everything, before it, in a partition that is none, and in its own partition.
	var doubled []domain.RowKey
	for i := range 50 {
		doubled = append(doubled, domain.RowKey{Partition: int32(i % 5), Offset: 1<<40 + int64(i)})
	}
	w.copies(all[100:150], doubled)
	missing := w.removes("ods.t", all[:100])
	slices.SortFunc(doubled, compareKeys)
	w.exec("UPDATE ods.t SET record = 'x' WHERE hw_partition_id = ? AND hw_offset_id = ?", all[200].Partition, all[200].Offset)
	w.exec("INSERT INTO ods.t VALUES (1, 77777777, '320100', NULL, 'x', 0, 99999999, NULL, '2024-05-01 12:00:00')") // of no row: not asked about
	w.ingests(s, w.run(s, "nanjing", 0, 50, 0), w.run(s, "wuxi", 0, 50, 0))
	w.carries(s)
	w.loads(s)
	altered := fmt.Sprintf("altered %s/1 %d/%d record", w.sourceAt(all[200]), all[200].Partition, all[200].Offset)
	want := &domain.Difference{Expected: total, Present: total - 101, Missing: missing, Doubled: doubled}
	same(t, "everything", w.differs("ods.t", lanes, domain.Selection{}), want, altered)

	// Of just what is missing.
	d := w.differs("ods.t", lanes, domain.Selection{Hub: missing})
	same(t, "the missing", d, &domain.Difference{Expected: 100, Missing: missing})
	// Of keys that are none of the journal's.
	var spans []domain.HubSpan
	for _, k := range doubled {
		spans = append(spans, domain.HubSpan{Partition: k.Partition, Span: domain.Span{First: k.Offset, Next: k.Offset + 1}})
	}
	same(t, "keys of others", w.differs("ods.t", lanes, domain.Selection{Hub: spans}), &domain.Difference{Foreign: doubled})
	// A lane that is not loaded to its end.
	w.ingests(s, w.run(s, "nanjing", 0, 5, 0))
	w.carries(s)
	if _, err := reconcile.Difference(t.Context(), &w.p, w.j, w.lanes(), domain.Selection{}, "ods.t", nil); err == nil || !strings.Contains(err.Error(), "on its way") {
		t.Errorf("a lane beyond the table: %v", err)
	}
}

// sourceAt is the source that has its rows in a hub partition.
func (w *world) sourceAt(k domain.RowKey) string {
	if k.Partition == 2 {
		return "wuxi"
	}
	return "nanjing"
}
