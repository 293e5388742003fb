package flink

import (
	"strings"
	"testing"
	"time"
)

// benchRecords are what the benchmarks write: the shapes that speed.md measures.
func benchRecords() map[string][]byte {
	pipe := "320100000000010101|苏A12345|20240501120000|118.796877|32.060255|03|1|0|62.5|"
	object := `{"plate":"苏A12345","dev":"320583-000123","x":118.796,"y":32.06,"t":"2024-05-01 12:00:00","lane":3},`
	cut := func(piece string, size int) []byte { // may end within a character, as nothing in production does
		return []byte(strings.ToValidUTF8(strings.Repeat(piece, size/len(piece)+1)[:size], ""))
	}
	return map[string][]byte{
		"pipe_200":    cut(pipe, 200),
		"json_200":    cut(object, 200),
		"pipe_1KiB":   cut(pipe, 1024),
		"json_1KiB":   cut(object, 1024),
		"chinese_200": cut("南京市公安局交通卡口", 200),
		"gbk_200":     []byte(strings.Repeat("\xcb\xd5A12345,\xbd\xbb\xcd\xa8\xbf\xa8\xbf\xda", 12)),
	}
}

func BenchmarkAppendHubJSON(b *testing.B) {
	for name, record := range benchRecords() {
		b.Run(name, func(b *testing.B) {
			format := NewRowFormat(loadZone(b, "Asia/Shanghai"))
			row := Row{City: "320100", ExtractTime: 1714536000120000, Record: record, CityOffset: 1_000_000, CityTimestamp: 1714536000000}
			dst := make([]byte, 0, 16<<10)
			b.SetBytes(int64(len(record)))
			b.ReportAllocs()
			for b.Loop() {
				row.CityOffset++
				row.CityTimestamp++
				dst = format.AppendHubJSON(dst[:0], &row)
			}
		})
	}
}

// BenchmarkAppendDorisJSON writes lines of a load; MB/s are of the lines.
func BenchmarkAppendDorisJSON(b *testing.B) {
	for name, record := range benchRecords() {
		b.Run(name, func(b *testing.B) {
			format := NewRowFormat(loadZone(b, "Asia/Shanghai"))
			row := Row{
				City: "320100", ExtractTime: 1714536000120000, Record: record, CityOffset: 1_000_000, CityTimestamp: 1714536000000,
				HubPartition: 7, HubOffset: 100_000_000, HubTimestamp: 1714536002500,
			}
			dst := make([]byte, 0, 16<<10)
			b.ReportAllocs()
			for b.Loop() {
				row.CityOffset++
				row.CityTimestamp++
				row.HubOffset++
				dst = format.AppendDorisJSON(dst[:0], &row)
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}

func BenchmarkAppendJSONString(b *testing.B) {
	for name, record := range benchRecords() {
		b.Run(name, func(b *testing.B) {
			dst := make([]byte, 0, 16<<10)
			b.SetBytes(int64(len(record)))
			for b.Loop() {
				dst = AppendJSONString(dst[:0], record)
			}
		})
	}
}

func BenchmarkTimestamp(b *testing.B) {
	zone := loadZone(b, "Asia/Shanghai")
	dst := make([]byte, 0, 64)
	b.Run("kept_hour", func(b *testing.B) {
		hour := hourText{loc: zone}
		for ms := int64(1714536000000); b.Loop(); ms++ {
			dst = hour.appendMillis(dst[:0], ms)
		}
	})
	b.Run("other_hour_each_time", func(b *testing.B) {
		hour := hourText{loc: zone}
		for ms := int64(1714536000123); b.Loop(); ms += time.Hour.Milliseconds() {
			dst = hour.appendMillis(dst[:0], ms)
		}
	})
	b.Run("nothing_kept", func(b *testing.B) {
		for ms := int64(1714536000000); b.Loop(); ms++ {
			dst = AppendTimestampMillis(dst[:0], ms, zone)
		}
	})
}
