package ingest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

// together makes one batch of what is produced at once, with a stall between its rows, too;
// ProduceSync waits that long only for the first one of a topic.
var together = kgo.ProducerLinger(250 * time.Millisecond)

// rewriting changes what a stand-in answers to fetches of one partition of one topic,
// as long as rewrite wants to.
func rewriting(t *testing.T, fake *kfake.Cluster, c kafkaconn.Config, rewrite func(offset int64, batches []byte) []byte) {
	t.Helper()
	behind := dial(t, c)
	if err := behind.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	fake.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		if len(req.Topics) != 1 || req.MaxWaitMillis == 7 { // our own
			return nil, nil, false
		}
		offset := req.Topics[0].Partitions[0].FetchOffset
		answered := make(chan *kmsg.FetchResponse, 1)
		fake.SleepControl(func() { // it returns before this does, when the stand-in is closed
			own := *req
			own.MaxWaitMillis = 7
			kresp, err := behind.Broker(0).Request(t.Context(), &own)
			switch {
			case err == nil:
				answered <- kresp.(*kmsg.FetchResponse)
			case t.Context().Err() == nil:
				t.Errorf("fetch behind the rewriting: %v", err)
			}
		})
		var resp *kmsg.FetchResponse
		select {
		case resp = <-answered:
		default:
			return nil, nil, false
		}
		resp.Version = req.Version
		for i := range resp.Topics[0].Partitions {
			p := &resp.Topics[0].Partitions[i]
			p.RecordBatches = rewrite(offset, p.RecordBatches)
		}
		return resp, nil, true
	})
}

// On a topic that compacts, what is left of the last journaled batch is compared record
// by record.
func TestCompacted(t *testing.T) {
	ctx := deadline(t)
	fake, c := standin(t)
	cl := dial(t, c, together)
	if err := fake.CreateTopic("rows", 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	// The last journaled batch loses two of its rows while nobody looks.
	produceKeys(t, cl, "a", "b", "c", "d")
	r := newRig(ctx, t)
	p := r.start(config(source(c, "rows")))
	r.reaches(p, 0, cl, "rows")
	_ = p.stop()
	produceKeys(t, cl, "a", "c")
	produceKeys(t, cl, "z") // the last batch is never touched
	fake.Compact()
	leaves := r.city(c, "rows", 0, 0)
	if _, there := leaves.rows[0]; there {
		t.Fatalf("nothing was compacted: %v", leaves.rows)
	}
	p = r.start(config(source(c, "rows")))
	r.reaches(p, 0, cl, "rows")
	if s := p.status(ctx, "running", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running }); s.Error != "" {
		t.Error(s.Error)
	}
	_ = p.stop()
	a := r.books()[place{"a", 1, 0}]
	if len(a.rows) != 7 {
		t.Errorf("%d rows, gaps %v", len(a.rows), a.gaps)
	}
}

func produceKeys(t *testing.T, cl *kgo.Client, keys ...string) {
	t.Helper()
	var records []*kgo.Record
	for i, k := range keys {
		records = append(records, &kgo.Record{Topic: "rows", Key: []byte(k), Value: fmt.Appendf(nil, "value %d of %d", i, len(keys))})
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// The log holds another batch where the last journaled one stood: on a topic that does
// not compact that is another log, whatever its records; on one that does it is when
// its records are others.
func TestLogReplaced(t *testing.T) {
	for name, test := range map[string]struct {
		policy   string
		values   [2]string // of the batch that stands there now
		incident bool
	}{
		"delete, same records":  {"delete", [2]string{"1", "2"}, true},
		"delete, other records": {"delete", [2]string{"1", "3"}, true},
		"compact, same records": {"compact", [2]string{"1", "2"}, false},
		"compact, other record": {"compact", [2]string{"1", "3"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := deadline(t)
			fake, c := standin(t)
			cl := dial(t, c, together)
			if err := fake.CreateTopic("rows", 1, map[string]string{"cleanup.policy": test.policy}); err != nil {
				t.Fatal(err)
			}
			produceValues(t, cl, "1", "2")
			r := newRig(ctx, t)
			p := r.start(config(source(c, "rows")))
			r.reaches(p, 0, cl, "rows")
			_ = p.stop()
			now := otherBatch(t, r, test.values[:]...)
			rewriting(t, fake, c, func(offset int64, b []byte) []byte {
				if offset == 0 {
					return now
				}
				return b
			})
			p = r.start(config(source(c, "rows")))
			if !test.incident {
				p.status(ctx, "running", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running })
				_ = p.stop()
				return
			}
			in := r.incident(p, domain.IncidentSourceRecreated)
			wantFacts(t, in, "last journaled batch: 0", "new generation begins at: 2", "because: end of leader epoch 0")
			_ = p.stop()
		})
	}
}

// otherBatch is a batch at offset 0 that another producer would have written.
func otherBatch(t *testing.T, r *rig, values ...string) []byte {
	t.Helper()
	_, c := standin(t, kfake.SeedTopics(1, "rows"))
	cl := dial(t, c, together, kgo.ProducerBatchCompression(kgo.GzipCompression()))
	produceValues(t, cl, values...)
	return r.city(c, "rows", 0, 0).batches[0]
}

func produceValues(t *testing.T, cl *kgo.Client, values ...string) {
	t.Helper()
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, &kgo.Record{Topic: "rows", Value: []byte(v), Timestamp: time.UnixMilli(1700000000000)})
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// A batch whose bytes are not those of its checksum is not journaled; what came before
// it is.
func TestDamagedBatch(t *testing.T) {
	ctx := deadline(t)
	fake, c := standin(t, kfake.SeedTopics(1, "rows"))
	cl := dial(t, c, together)
	produceKeys(t, cl, "a", "b")
	produceKeys(t, cl, "c", "d")
	rewriting(t, fake, c, func(_ int64, b []byte) []byte {
		h, _, _, err := batch.Next(b)
		if err == nil && h.BaseOffset == 2 {
			b[len(b)-1]++
		} else if err == nil && len(b) > h.Size {
			b[len(b)-1]++
		}
		return b
	})
	r := newRig(ctx, t)
	p := r.start(config(source(c, "rows")))
	in := r.incident(p, domain.IncidentSourceBatch)
	wantFacts(t, in, "next offset: 2")
	p.status(ctx, "rows before it", 0, func(s ingest.SourceStatus) bool { return s.Rows == 2 && s.State == ingest.InIncident })
	fake.DropControl()
	_ = p.stop()
	a := r.books()[place{"a", 1, 0}]
	if len(a.rows) != 2 {
		t.Errorf("%d rows", len(a.rows))
	}
}
