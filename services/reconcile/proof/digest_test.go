package proof_test

import (
	"context"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

func golden() proof.Row {
	r := proof.Row{}
	r.Text = [proof.Columns]string{
		proof.City: "320583", proof.CityPartition: "0", proof.CityOffset: "77", proof.CityTime: "1700000000001",
		proof.HubPartition: "3", proof.HubOffset: "1024", proof.HubTime: "1700000000123", proof.Record: `{"a":1}`,
	}
	return r
}

// TestDigest has the golden rows of doris-wire.md §5.3, which leave extract_time out, and what
// a statement gives that says the same (services/devstack/doris and its xxhash_64).
func TestDigest(t *testing.T) {
	lineage := proof.All &^ proof.MaskOf(proof.ExtractTime)
	isNull := func(c int) func(*proof.Row) {
		return func(r *proof.Row) { r.Null = proof.MaskOf(c) }
	}
	for _, c := range []struct {
		name   string
		mask   proof.Mask
		change func(*proof.Row)
		want   int64
	}{
		{"golden", lineage, func(*proof.Row) {}, 2124098818213904367},
		{"golden, record NULL", lineage, isNull(proof.Record), -3083002750968980010},
		{"xxhash_64('hello')", proof.MaskOf(proof.City), func(r *proof.Row) { r.Text[proof.City] = "hello" }, -7685981735718036227},
		{"xxhash_64('hello', 'world')", proof.MaskOf(proof.City, proof.CityTime), func(r *proof.Row) {
			r.Text[proof.City], r.Text[proof.CityTime] = "hello", "world"
		}, 7001965798170371843},
		{"xxhash_64('')", proof.MaskOf(proof.City), func(r *proof.Row) { r.Text[proof.City] = "" }, 3244421341483603138},
		{"no column", 0, func(*proof.Row) {}, 0},
	} {
		r := golden()
		c.change(&r)
		if got := proof.Digest(&r, c.mask); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestDigestTells: each column has a part in it, and null and empty differ in each.
func TestDigestTells(t *testing.T) {
	r := golden()
	r.Text[proof.ExtractTime] = "2024-05-01 12:00:00.123456"
	seen := map[int64]string{proof.Digest(&r, proof.All): "the row"}
	for c := range proof.Columns {
		for name, change := range map[string]func(*proof.Row){
			" altered": func(r *proof.Row) { r.Text[c] += "x" },
			" empty":   func(r *proof.Row) { r.Text[c] = "" },
			" null":    func(r *proof.Row) { r.Null = proof.MaskOf(c) },
		} {
			other := r
			change(&other)
			d := proof.Digest(&other, proof.All)
			if before := seen[d]; before != "" {
				t.Errorf("%s and %s have one digest", proof.ColumnName(c)+name, before)
			}
			seen[d] = proof.ColumnName(c) + name
			if proof.Digest(&other, proof.All&^proof.MaskOf(c)) != proof.Digest(&r, proof.All&^proof.MaskOf(c)) {
				t.Errorf("%s has a part in a digest without it", proof.ColumnName(c))
			}
		}
	}
}

// TestDigestAllocates nothing.
func TestDigestAllocates(t *testing.T) {
	r := golden()
	if n := testing.AllocsPerRun(100, func() { proof.Digest(&r, proof.All) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func benchRows() []proof.Row {
	w := newWorld(100_000)
	rows := make([]proof.Row, 0, 4096)
	for o := int64(1); len(rows) < cap(rows); o++ {
		if o%17 != 0 {
			rows = append(rows, w.row(0, o, current))
		}
	}
	return rows
}

func size(r *proof.Row) (n int64) {
	for _, t := range r.Text {
		n += int64(len(t))
	}
	return n
}

func BenchmarkDigest(b *testing.B) {
	rows := benchRows()
	b.SetBytes(size(&rows[0]))
	for i := 0; b.Loop(); i++ {
		proof.Digest(&rows[i%len(rows)], proof.All)
	}
}

// BenchmarkVerify is the work of a look per row: digest and tally, rows in order.
func BenchmarkVerify(b *testing.B) {
	rows := benchRows()
	b.SetBytes(size(&rows[0]))
	b.ReportAllocs()
	tallies := proof.Tallies{Mask: proof.All}
	for i := 0; b.Loop(); i++ {
		r := &rows[i%len(rows)]
		r.Offset = int64(i)
		w := newWindow(r.Offset)
		if err := tallies.Add(w, r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkRows is a part that differs, read row by row on both sides.
func BenchmarkRows(b *testing.B) {
	rows := benchRows()
	none := listed(rows)
	one := listed(append(append([]proof.Row{}, rows[:2000]...), rows[2001:]...))
	in := proof.Range{Window: newWindow(0), Span: newWindow(0).Span()}
	in.Next = 2 * int64(len(rows))
	b.ReportAllocs()
	read := int64(0)
	for b.Loop() {
		s := proof.Search{Left: none, Right: one, Mask: proof.All}
		look, err := s.Look(b.Context(), in)
		if err != nil {
			b.Fatal(err)
		}
		read += look.Read
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "rows/s")
}

// listed is a place with some rows.
type listed []proof.Row

func (l listed) Name() string { return "list" }

// Vectors differ from those of any other list.
func (l listed) Vectors(_ context.Context, in proof.Range, step int64, _ proof.Mask) (map[int64]domain.Vector, error) {
	out := map[int64]domain.Vector{}
	for first := in.First; first < in.Next; first += step {
		out[first] = domain.Vector{Digest: domain.Sum{Lo: uint64(len(l))}}
	}
	return out, nil
}

func (l listed) Rows(_ context.Context, _ proof.Range, each func(proof.Row) error) error {
	for i := range l {
		if err := each(l[i]); err != nil {
			return err
		}
	}
	return nil
}
