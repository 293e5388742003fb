package ingest_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/ingest"
)

// weighed is a store of any size that a test likes.
type weighed struct {
	*journal.Memory
	size atomic.Int64
}

func (w *weighed) Size(context.Context, string) (int64, error) { return w.size.Load(), nil }

func TestJournalFull(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 100)
	store := &weighed{Memory: journal.NewMemory()}
	store.size.Store(900)
	r := newRigOn(ctx, t, journal.Options{Store: store})
	conf := config(source(c, topic))
	conf.MaxJournalBytes, conf.ReserveBytes = 1000, 100
	p := r.start(conf)
	wait(ctx, t, "full", func() (bool, string) {
		return strings.Contains(p.reporter.Status().Error, "900 bytes of the 900"), p.said.String()
	})
	if rows := p.shard.Sources()[0].Rows; rows != 0 {
		t.Errorf("%d rows in a full journal", rows)
	}
	store.size.Store(0) // a segment was dropped
	wait(ctx, t, "room again", func() (bool, string) { return p.reporter.Status().Error == "", p.said.String() })
	p.status(ctx, "rows", 0, func(s ingest.SourceStatus) bool { return s.Rows == 100 })
}
