package batch_test

import (
	"testing"

	"github.com/hefu-io/hefu/journal/batch"
)

// BenchmarkDecode reads batches of 1,000 rows of 140 bytes.
func BenchmarkDecode(b *testing.B) {
	for _, codec := range codecNames {
		b.Run(codec.String(), func(b *testing.B) {
			section := build(b, 0, codec, sample(1000))
			var d batch.Decoder
			var size int64
			fn := func(r *batch.Record) error { size += int64(len(r.Value)); return nil }
			b.ReportAllocs()
			for b.Loop() {
				size = 0
				if err := d.Records(section, 0, 1000, fn); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(size)
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkCheckCRC is what ingest pays for every batch.
func BenchmarkCheckCRC(b *testing.B) {
	section := build(b, 0, batch.None, sample(1000))
	b.SetBytes(int64(len(section)))
	for b.Loop() {
		if err := batch.CheckCRC(section); err != nil {
			b.Fatal(err)
		}
	}
}
