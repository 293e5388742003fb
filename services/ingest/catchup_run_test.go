package ingest_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/services/ingest"
)

// A source that is behind reads no more in a second than it may: 40 batches of 4 KiB at
// 100 KiB/s are not there at once. The bound is far below the 0.8 s that the rate gives.
func TestCatchUpIsSlow(t *testing.T) {
	ctx := deadline(t)
	fake, c := standin(t)
	cl := dial(t, c, kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err := fake.CreateTopic("rows", 1, nil); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "rows", Value: bytes.Repeat([]byte("x"), 4<<10)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := source(c, "rows")
	s.CatchUp = 100 << 10
	r := newRig(ctx, t)
	began := time.Now()
	p := r.start(config(s))
	p.status(ctx, "the backlog", 0, func(s ingest.SourceStatus) bool { return s.Rows == 40 })
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("the backlog was read in %s", took)
	}
}
