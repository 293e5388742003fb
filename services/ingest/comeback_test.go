package ingest_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/services/ingest"
)

// hiding makes a stand-in deny its topic as long as hidden is set.
func hiding(fake *kfake.Cluster, hidden *atomic.Bool) {
	fake.ControlKey(int16(kmsg.Metadata), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		req := kreq.(*kmsg.MetadataRequest)
		if !hidden.Load() || len(req.Topics) != 1 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = req.Topics[0].Topic, kerr.UnknownTopicOrPartition.Code
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	fake.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if !hidden.Load() {
			return nil, nil, false
		}
		resp := kreq.ResponseKind().(*kmsg.FetchResponse)
		resp.ErrorCode = kerr.UnknownTopicOrPartition.Code
		return resp, nil, true
	})
}

// A topic goes away while rows of it wait for the journal, and comes back before they
// are in it: the next session goes on behind them.
func TestCityComesBack(t *testing.T) {
	ctx := deadline(t)
	fake, c := standin(t, kfake.SeedTopics(1, "rows"))
	cl := dial(t, c)
	r := newRig(ctx, t)
	room := r.withoutRoom(ctx)
	p := r.start(config(source(c, "rows")))
	p.status(ctx, "running", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running })
	for range 3 {
		produce(ctx, t, cl, "rows", 0, 10)
	}
	wait(ctx, t, "rows in the queue", func() (bool, string) { return p.shard.Queue().Held > minHeld, "" })
	var hidden atomic.Bool
	hidden.Store(true)
	hiding(fake, &hidden)
	p.status(ctx, "retrying", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Retrying })
	pass(t, 500*time.Millisecond) // the session ends
	hidden.Store(false)
	pass(t, 500*time.Millisecond) // nothing that the next one fetches may come before what is queued
	close(room)
	r.reaches(p, 0, cl, "rows")
	p.status(ctx, "running", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running })
	pass(t, 100*time.Millisecond)
	_ = p.stop()
	if said := p.said.String(); strings.Contains(said, "leg is opened again") || !strings.Contains(said, "source is read again") {
		t.Error(said)
	}
	books := r.books()
	r.matches(c, "rows", place{"a", 1, 0}, books[place{"a", 1, 0}])
}

// minHeld is more than a waiting fetch reserves.
const minHeld = 16 << 10

// pass lets time pass in which something must not happen.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(d):
	}
}
