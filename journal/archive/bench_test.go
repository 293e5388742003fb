package archive_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
)

// records is what a city sends in about n bytes: rows of a vehicle inspection, as JSON.
func records(r *rand.Rand, n int) []byte {
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, `{"jclsh":"%09d%010d","hphm":"苏A%05X","hpzl":"%02d","clsbdh":"LSV%014X","jcxdh":"%d","jyjgbh":"3201%06d","jycs":%d,"jyrq":"2025-0%d-%02d %02d:%02d:%02d","zjzt":"%s","sszz":%d.%02d,"bz":null}`,
			r.IntN(1e9), r.IntN(1e9), r.IntN(1<<20), r.IntN(24), r.Uint64()>>8, r.IntN(9), r.IntN(400), 1+r.IntN(3), 1+r.IntN(9), 1+r.IntN(28),
			r.IntN(24), r.IntN(60), r.IntN(60), []string{"合格", "不合格", "复检"}[r.IntN(3)], r.IntN(4000), r.IntN(100))
	}
	return b.Bytes()
}

// ingested is a segment of an ingest stream of some size; sent compressed by the city, or not.
func ingested(b *testing.B, bytes int64, compressed bool) (*archive.Store, *journal.Journal, domain.Stream, domain.Seq) {
	b.Helper()
	l, err := archive.OpenLocal(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	store := archive.New(journal.NewMemory(), l)
	j, err := journal.Open(b.Context(), pipeline, journal.Options{Store: store, SegmentBytes: bytes})
	if err != nil {
		b.Fatal(err)
	}
	s := domain.Stream{Pipeline: pipeline, Leg: domain.LegIngest}
	w, err := j.Takeover(b.Context(), s, 1, 1)
	if err != nil {
		b.Fatal(err)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer z.Close()
	r := rand.New(rand.NewPCG(1, 2))
	for {
		batch := records(r, 512<<10)
		if compressed {
			batch = z.EncodeAll(batch, nil)
		}
		_, err := w.Append(b.Context(), &domain.Ingested{Owned: w.Owned(), Runs: []domain.Run{{Source: "nanjing", Generation: 1, Next: 1, Rows: 1, Batches: [][]byte{batch}}}})
		if err != nil {
			b.Fatal(err)
		}
		list, err := store.Segments(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		if len(list) > 1 {
			return store, j, s, list[1].First - 1
		}
	}
}

// How fast a segment is archived (read, checked, compressed, written, synced, read back
// and checked again), how fast it is read back alone, and how much smaller it is.
func BenchmarkArchive(b *testing.B) {
	for name, compressed := range map[string]bool{"plain": false, "compressed by the city": true} {
		const size = 128 << 20
		b.Run(name+"/write", func(b *testing.B) {
			store, j, s, last := ingested(b, size, compressed)
			b.SetBytes(size)
			var a *domain.Archived
			for b.Loop() {
				// A file that is there is not written again.
				l, err := archive.OpenLocal(b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				if a, err = archive.New(store.Store, l).Write(b.Context(), j, s, 1, last, domain.Hash{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)/float64(a.Bytes), "smaller")
		})
		b.Run(name+"/verify", func(b *testing.B) {
			store, j, s, last := ingested(b, size, compressed)
			a, err := store.Write(b.Context(), j, s, 1, last, domain.Hash{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			for b.Loop() {
				if err := store.Verify(b.Context(), j, a); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/follow", func(b *testing.B) {
			store, j, s, last := ingested(b, size, compressed)
			a, err := store.Write(b.Context(), j, s, 1, last, domain.Hash{})
			if err != nil {
				b.Fatal(err)
			}
			control, err := j.OpenControl(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			for _, e := range []domain.Event{a, &domain.Dropped{Stream: s, First: 1, Last: last}} {
				if _, err := control.Append(b.Context(), func(*domain.ControlState) (domain.Event, error) { return e, nil }); err != nil {
					b.Fatal(err)
				}
			}
			if err := store.Drop(b.Context(), s, 1); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			for b.Loop() {
				r, err := j.Read(b.Context(), s, domain.Cursor{})
				if err != nil {
					b.Fatal(err)
				}
				for seq := domain.Seq(0); seq < last; seq++ {
					if _, err := r.Next(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				r.Close()
			}
		})
	}
}
