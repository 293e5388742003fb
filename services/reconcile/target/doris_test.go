package target_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
	"github.com/hefu-io/hefu/services/report"
)

// nasty are texts that are easy to get wrong.
func nasty() []any {
	return []any{
		nil, "", "plain", "NULL", "(null)", "0", "1", `quote ' and back\slash "`, "line\nend\ttab\r", "nul\x00nul", "合符 🀄", "\uFFFD", " ", "é" + strings.Repeat("长", 4000), "%d ?",
	}
}

// fill puts nasty rows into two hub partitions: one beside the other, far apart, twice, with NULL in columns.
func (w *table) fill() {
	w.t.Helper()
	for i, text := range nasty() {
		o := int64(i)
		w.put(3, 10*o, "320100", "2024-05-01 12:00:00.123456", text, 0, 7*o, "2024-05-01 12:00:00.120", "2024-02-29 23:59:59.999")
		w.put(4, 65_530+o, "", "9999-12-31 23:59:59.999999", text, -5, math.MaxInt64-o, "1970-01-01 07:59:59.999", "1970-01-01 00:00:00")
	}
	w.put(3, 11, nil, nil, nil, nil, nil, nil, "2024-05-01 00:00:00")
	w.put(3, 12, "320100", "2024-05-01 12:00:00", "twice", math.MinInt64, math.MinInt64, "0000-01-01 00:00:00", "2024-05-01 00:00:00.100")
	w.put(3, 12, "320100", "2024-05-01 12:00:00", "twice", math.MinInt64, math.MinInt64, "0000-01-01 00:00:00", "2024-05-01 00:00:00.100")
	w.put(3, int64(math.MaxInt64), "320100", "2024-05-01 12:00:00", "far away", 1, 1, "2024-05-01 12:00:00", "2024-05-01 12:00:00")
	w.put(-9, -1, "320100", "2024-05-01 12:00:00", "foreign", 1, 1, "2024-05-01 12:00:00", "2024-05-01 12:00:00")
}

// TestDorisDigests: for nasty rows, tables of any precision and any columns, the server's sums are those of its rows, counted
// here one by one with proof.Digest.
func TestDorisDigests(t *testing.T) {
	for _, c := range []struct {
		city, hub, extract int
		typ                string
		digits             string // of city_ts, hw_ts, extract_time as they are shown
	}{{3, 3, 6, "", "3 3 6"}, {6, 6, 6, "", "6 6 6"}, {0, 0, 0, "", "0 0 0"}, {3, 3, 6, "TIMESTAMP(3)", "3 3 3"}, {4, 5, 6, "TIMESTAMP(0)", "4 5 0"}} {
		t.Run(fmt.Sprint(c.city, c.hub, c.extract, c.typ), func(t *testing.T) {
			w := newTable(t, c.city, c.hub, c.extract)
			w.fill()
			d, doris := w.open(c.typ, nil)
			if !d.Digests() || !strings.Contains(d.Version(), "stand-in") {
				t.Fatalf("%t %q", d.Digests(), d.Version())
			}
			for _, in := range []proof.Range{hubRange(3, 0, 1<<17), hubRange(4, 0, 1<<17), hubRange(3, 5, 13), hubRange(4, 65_535, 65_537), hubRange(9, 0, 100), hubRange(3, math.MaxInt64-10, math.MaxInt64)} {
				rows := rowsOf(t, doris, in)
				for i := range rows {
					text := rows[i].Text
					if got := fmt.Sprint(digits(text[proof.CityTime]), digits(text[proof.HubTime]), digits(text[proof.ExtractTime])); !rows[i].Null.Has(proof.CityTime) && got != c.digits {
						t.Fatalf("%q", text)
					}
				}
				for _, mask := range []proof.Mask{proof.All, 0, 1 << proof.Record, proof.All &^ (1<<proof.CityTime | 1<<proof.Record), 1 << proof.ExtractTime, 1<<proof.City | 1<<proof.CityOffset} {
					for _, step := range []int64{1, 64, domain.WindowSize, 1 << 20} {
						if mask != proof.All && step != 64 {
							continue
						}
						d.AskFor(1 << 16)
						got, err := doris.Vectors(t.Context(), in, step, mask)
						if want := tallied(rows, step, mask); err != nil || !maps.Equal(got, want) {
							t.Fatalf("%s by %d, mask %b: %v\ngot  %v\nwant %v", in, step, mask, err, got, want)
						}
					}
				}
			}
		})
	}
}

// TestWithoutDigests: a server that does not make digests is asked for the rows, and says the same.
func TestWithoutDigests(t *testing.T) {
	w := newTable(t, 3, 3, 6)
	w.fill()
	var told []report.Query
	d, doris := w.open("", func(q report.Query) { told = append(told, q) })
	in := hubRange(3, 0, 1<<17)
	d.WithoutDigests()
	for _, mask := range []proof.Mask{proof.All, 0} {
		rows := rowsOf(t, doris, in)
		told = nil
		got, err := doris.Vectors(t.Context(), in, 64, mask)
		if want := tallied(rows, 64, mask); err != nil || !maps.Equal(got, want) {
			t.Fatalf("mask %b: %v\ngot  %v\nwant %v", mask, err, got, want)
		}
		if sums := strings.Contains(told[0].Text, "COUNT"); sums != (mask == 0) || strings.Contains(told[0].Text, "xxhash") {
			t.Errorf("mask %b: %s", mask, told[0].Text)
		}
	}
}

// digits are how many digits of a second a text has.
func digits(text string) int {
	_, fraction, _ := strings.Cut(text, ".")
	return len(fraction)
}

// TestDorisRows: rows come in the order of the hub, with what each column has.
func TestDorisRows(t *testing.T) {
	w := newTable(t, 3, 3, 6)
	w.fill()
	_, doris := w.open("", nil)
	rows := rowsOf(t, doris, hubRange(3, 0, 1<<20))
	if len(rows) != len(nasty())+3 {
		t.Fatalf("%d rows", len(rows))
	}
	for i := range rows[1:] {
		if rows[i].Offset > rows[i+1].Offset {
			t.Errorf("%d before %d", rows[i].Offset, rows[i+1].Offset)
		}
	}
	want := proof.Row{
		Offset: 10, Hub: domain.Coord{Partition: 3, Offset: 10, Timestamp: -1},
		Text: [proof.Columns]string{"320100", "0", "7", "2024-05-01 12:00:00.120", "3", "10", "2024-02-29 23:59:59.999", "2024-05-01 12:00:00.123456", ""},
	}
	if rows[1] != want {
		t.Errorf("%+v", rows[1])
	}
	if null := rows[2]; null.Null != proof.All&^(1<<proof.HubPartition|1<<proof.HubOffset|1<<proof.HubTime) || null.Offset != 11 {
		t.Errorf("%+v", null)
	}
	if !rows[0].Null.Has(proof.Record) || rows[0].Text[proof.Record] != "" {
		t.Errorf("%+v", rows[0])
	}
	enough := errors.New("enough")
	if err := doris.Rows(t.Context(), hubRange(3, 0, 100), func(proof.Row) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}

// TestSweep: every row of the table is in its answer, wherever it lies.
func TestSweep(t *testing.T) {
	w := newTable(t, 3, 3, 6)
	w.fill()
	d, _ := w.open("", nil)
	got, err := d.Sweep(t.Context())
	n := int64(len(nasty()))
	want := []target.PartitionRows{{Partition: -9, Rows: 1, Min: -1, Max: -1}, {Partition: 3, Rows: n + 4, Min: 0, Max: math.MaxInt64}, {Partition: 4, Rows: n, Min: 65_530, Max: 65_529 + n}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}

// TestQuestions: each question is told, as it can be asked again, with the digest of what the stock client prints of the
// answer; a long range is several of them.
func TestQuestions(t *testing.T) {
	w := newTable(t, 3, 3, 6)
	w.put(3, 1, nil, nil, "a\tb", 0, 1, nil, "2024-05-01 12:00:00")
	w.put(3, 2, "", "2024-05-01 12:00:00", nil, 0, 2, "2024-05-01 12:00:00", "2024-05-01 12:00:00")
	var told []report.Query
	d, doris := w.open("", func(q report.Query) { told = append(told, q) })
	told = nil
	_ = rowsOf(t, doris, hubRange(3, 0, 100))
	const printed = "NULL\t0\t1\tNULL\t3\t1\t2024-05-01 12:00:00.000\tNULL\ta\tb\n\t0\t2\t2024-05-01 12:00:00.000\t3\t2\t2024-05-01 12:00:00.000\t2024-05-01 12:00:00.000000\tNULL\n"
	const text = "SELECT sscsdm, city_partition_id, city_offset_id, city_ts, hw_partition_id, hw_offset_id, hw_ts, extract_time, record FROM `ods`.`T`" +
		" WHERE hw_partition_id = 3 AND hw_offset_id >= 0 AND hw_offset_id < 100 ORDER BY hw_offset_id"
	if len(told) != 1 || told[0].Text != text || told[0].Answer != sha256.Sum256([]byte(printed)) || told[0].Rows != 2 || told[0].Took <= 0 || told[0].Witness != "doris" {
		t.Errorf("%+v", told)
	}
	told = nil
	d.AskFor(1 << 16)
	if _, err := doris.Vectors(t.Context(), hubRange(3, 100, 1<<20), 1<<16, proof.All); err != nil {
		t.Fatal(err)
	}
	next := int64(100)
	for _, q := range told {
		var from, to int64
		if _, err := fmt.Sscanf(q.Text[strings.Index(q.Text, "hw_offset_id >="):], "hw_offset_id >= %d AND hw_offset_id < %d", &from, &to); err != nil || from != next {
			t.Fatalf("%s: %v", q.Text, err)
		}
		next = to
	}
	if next != 1<<20 || len(told) < 2 {
		t.Errorf("%d questions up to %d", len(told), next)
	}
}

// TestDorisRefuses: a table that is not there, or lacks a column, is named, and so is a question that is refused.
func TestDorisRefuses(t *testing.T) {
	w := newTable(t, 3, 3, 6)
	_, doris := w.open("", nil)
	w.exec("DROP TABLE ods.T")
	w.exec("CREATE TABLE ods.T (" + strings.Replace(fmt.Sprintf(columns, 6, "STRING", 3, 3), "city_ts", "another", 1) +
		") DUPLICATE KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id) BUCKETS 1")
	for what, err := range map[string]error{
		"it has no column city_ts":                    opened(w, "T"),
		"table `ods`.`nope`":                          opened(w, "nope"),
		"it is not there, or its user may not see it": opened(w, "it's"),
		"hub partition 3 [0,10): Error 1105":          doris.Rows(t.Context(), hubRange(3, 0, 10), func(proof.Row) error { return nil }),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func opened(w *table, name string) error {
	conf := w.conf
	conf.Table = name
	d, err := target.OpenDoris(w.t.Context(), &conf, time.Millisecond, nil)
	if err == nil {
		d.Close()
	}
	return err
}
