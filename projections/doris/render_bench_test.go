package doris_test

import (
	"io"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// counted counts what a benchmark renders.
type counted struct{ n int64 }

func (c *counted) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// BenchmarkRender writes the body of a load: 100 events of 1,000 rows of some 300 bytes
// out of a journal in memory. MB/s are of the body.
func BenchmarkRender(b *testing.B) {
	w := newWorld(b, unique)
	text := []byte(`{"plate":"苏A12345","speed":61.5,"lon":118.796877,"lat":32.060255,"at":"2024-05-01 12:00:00","road":"中山路","note":"`)
	for len(text) < 300 {
		text = append(text, 'x')
	}
	text = append(text, `"}`...)
	for range 100 {
		p := part{source: "nanjing", partition: 0}
		for i := range 1000 {
			p.records = append(p.records, record{text, cityTime + int64(i)})
		}
		w.feed(p)
	}
	var commits []*domain.HubCommitted
	for _, e := range w.history(domain.LegHub) {
		if c, ok := e.Event.(*domain.HubCommitted); ok {
			commits = append(commits, c)
		}
	}
	d, _ := w.leg()
	var c counted
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Render(b.Context(), commits, io.Writer(&c)); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(c.n / int64(b.N))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/row")
}
