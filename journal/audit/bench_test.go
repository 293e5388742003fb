package audit_test

import (
	"fmt"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/embedded"
)

// BenchmarkRun reads a journal of two streams in the embedded store, as hefu journal verify
// does: events of 1 MiB, as a busy pipeline has them, and small ones.
func BenchmarkRun(b *testing.B) {
	for _, c := range []struct {
		bytes, events int
		deep          bool
	}{{1 << 20, 128, false}, {1 << 20, 128, true}, {64 << 10, 1024, false}, {4 << 10, 4096, false}} {
		b.Run(fmt.Sprintf("bytes=%d/deep=%t", c.bytes, c.deep), func(b *testing.B) {
			e, err := embedded.Open(b.Context(), b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			j, err := journal.Open(b.Context(), pipeline, journal.Options{Store: e.Store(), Manifest: e.Manifest()})
			if err != nil {
				b.Fatal(err)
			}
			for shard := range 2 {
				w, err := j.Takeover(b.Context(), domain.Stream{Pipeline: pipeline, Shard: shard, Leg: domain.LegIngest}, 2, 1)
				if err != nil {
					b.Fatal(err)
				}
				rows := c.bytes / 430 // of about 400 bytes
				section := batchOfSize(0, rows, 400)
				for i := range c.events {
					first := int64(i) * int64(rows)
					ev := &domain.Ingested{Owned: w.Owned(), Runs: []domain.Run{{Source: "nanjing", Generation: 1, First: first, Next: first + int64(rows), Rows: int64(rows), Batches: [][]byte{at(section, first)}}}}
					if _, err := w.Append(b.Context(), ev); err != nil {
						b.Fatal(err)
					}
				}
			}
			control, err := j.OpenControl(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			streams, err := audit.Streams(b.Context(), j, control)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r, err := audit.Run(b.Context(), j, streams, audit.Options{Deep: c.deep})
				if err != nil || !r.Sound() {
					b.Fatal(err, r.Wrong())
				}
				b.SetBytes(r.Bytes())
			}
		})
	}
}
