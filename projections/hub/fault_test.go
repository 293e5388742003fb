package hub_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/hub"
)

// TestFaultPairs: each verb failed and did not happen, failed and did happen.
func TestFaultPairs(t *testing.T) {
	for _, c := range []struct {
		name            string
		produce, commit journal.Fault
		want            domain.Kind
	}{
		{"produce not done", journal.FaultBefore, journal.FaultNone, domain.KindHubAborted},
		{"produce done", journal.FaultAfter, journal.FaultNone, domain.KindHubAborted},
		{"commit not done", journal.FaultNone, journal.FaultBefore, domain.KindHubAborted},
		{"commit done", journal.FaultNone, journal.FaultAfter, domain.KindHubCommitted},
	} {
		for _, second := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s second %v", c.name, second), func(t *testing.T) {
				w := newWorld(t)
				want := []domain.Kind{domain.KindOpened}
				h := w.process()
				f := &faults{}
				h.WrapSender(f.wrap)
				if second {
					w.moved(open(w, h), w.feed(4, place{"nanjing", 0}))
					want = append(want, domain.KindHubBegun, domain.KindHubCommitted)
				}
				f.produce, f.commit = c.produce, c.commit
				to := w.feed(7, place{"nanjing", 0}, place{"wuxi", 3})
				leg := open(w, h)
				if err := leg.Run(w.ctx); !errors.Is(err, errLost) {
					t.Fatalf("run: %v", err)
				}
				leg.Close()
				want = append(want, domain.KindHubBegun)
				wantKinds(t, w, want...)
				leg = open(w, h)
				want = append(want, c.want)
				wantKinds(t, w, want...)
				if c.want == domain.KindHubCommitted {
					if leg.Cursor() != to {
						t.Errorf("settled at %s, want %s", leg.Cursor(), to)
					}
					leg.Close()
				} else {
					w.moved(leg, to)
				}
				w.tally()
			})
		}
	}
}

// TestWire: a connection is cut on the way there and on the way back, at each request
// that a leg writes with.
func TestWire(t *testing.T) {
	for _, version := range []string{"", "3.9"} {
		for _, at := range []struct {
			name string
			key  kmsg.Key
			skip int
		}{
			{"rows", kmsg.Produce, 0},
			{"progress record", kmsg.Produce, 1},
			{"second rows", kmsg.Produce, 2},
			{"commit", kmsg.EndTxn, 0},
			{"second commit", kmsg.EndTxn, 1},
			{"fence", kmsg.InitProducerID, 0},
		} {
			for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
				t.Run(fmt.Sprintf("kafka%s %s fault %d", version, at.name, fault), func(t *testing.T) {
					w := newWorld(t, as(t, version)...)
					h, cut := w.process(), &wire{}
					h.SenderOptions(cut.option())
					cut.arm(at.key, at.skip, fault)
					opens := 0
					h.WrapSender(func(s hub.Sender) hub.Sender { opens++; return s })
					w.kept(h, w.mixed())
					w.kept(h, w.mixed())
					if at.key == kmsg.EndTxn && fault == journal.FaultAfter && version == "3.9" && opens != 3 {
						t.Errorf("opened %d times: below transaction.version 2 no commit is sent twice", opens)
					}
					if cut.cut() != 1 {
						t.Errorf("connections were cut %d times", cut.cut())
					}
					w.tally()
				})
			}
		}
	}
}

// TestOutOfOrder: a broker that misses something before a batch refuses it, and the producer
// with it. The leg ends; opened again it aborts the batch, and writes it anew.
func TestOutOfOrder(t *testing.T) {
	if realKafka() != "" {
		t.Skip("no real broker refuses on demand")
	}
	for _, version := range []string{"", "3.9"} {
		for _, what := range []string{"rows", "progress record"} {
			t.Run("kafka"+version+" "+what, func(t *testing.T) {
				w := newWorld(t, as(t, version)...)
				h, topic := w.process(), w.cfg.Pipeline.HubTopic
				if what != "rows" {
					topic = w.cfg.ProgressTopic
				}
				w.moved(open(w, h), w.mixed())
				w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: kerr.OutOfOrderSequenceNumber})
				if opens := w.kept(h, w.mixed()); opens != 2 {
					t.Errorf("opened %d times, want 2", opens)
				}
				var why []string
				for _, e := range w.history() {
					if a, ok := e.(*domain.HubAborted); ok {
						why = append(why, a.Why)
					}
				}
				if len(why) != 1 || !strings.Contains(why[0], what) || !strings.Contains(why[0], kerr.OutOfOrderSequenceNumber.Message) {
					t.Errorf("aborted: %q", why)
				}
				w.tally()
			})
		}
	}
}

// as makes the stand-in like a release of Kafka; a real broker is what it is.
func as(t *testing.T, version string) []kfake.Opt {
	t.Helper()
	if version == "" {
		return nil
	}
	if realKafka() != "" {
		t.Skip("the broker has its own version")
	}
	return []kfake.Opt{kfake.MaxVersions(kversion.FromString(version))}
}

// TestRefusedCommit: a transaction that was not ended leaves a progress record which
// never counts, neither alone nor before one by the same producer that does.
func TestRefusedCommit(t *testing.T) {
	if realKafka() != "" {
		t.Skip("no real broker refuses on demand")
	}
	w := newWorld(t)
	w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true})
	h := w.process()
	to := w.feed(3, place{"nanjing", 0})
	leg := open(w, h)
	if err := leg.Run(w.ctx); err == nil || !strings.Contains(err.Error(), "commit transaction: UNKNOWN_SERVER_ERROR") {
		t.Fatalf("ended with %v", err)
	}
	leg.Close()
	f := &faults{commit: journal.FaultAfter}
	h.WrapSender(f.wrap)
	leg = open(w, h)
	if err := leg.Run(w.ctx); !errors.Is(err, errLost) {
		t.Fatalf("ended with %v", err)
	}
	leg.Close()
	leg = open(w, w.process())
	leg.Close()
	if leg.Cursor() != to {
		t.Errorf("settled at %s, want %s", leg.Cursor(), to)
	}
	wantKinds(t, w, domain.KindOpened, domain.KindHubBegun, domain.KindHubAborted, domain.KindHubBegun, domain.KindOpened, domain.KindHubCommitted)
	w.tally()
}

// TestLies: what a broker acknowledges without saying where, or where something else
// stands, is not committed.
func TestLies(t *testing.T) {
	if realKafka() != "" {
		t.Skip("no real broker lies on demand")
	}
	for what, offset := range map[string]int64{"acknowledged without an offset": -1, "row at offset 0 after one at 2": 0} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			h := w.process()
			leg := open(w, h)
			done := make(chan error, 1)
			go func() { done <- leg.Run(w.ctx) }()
			must(t, w.reaches(w.ctx, w.feed(3, place{"nanjing", 0}), done))
			w.fake.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
				return lie(r.(*kmsg.ProduceRequest), offset), nil, true
			})
			to := w.feed(1, place{"nanjing", 0})
			if err := <-done; err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("ended with %v, want: %s", err, what)
			}
			leg.Close()
			w.kept(h, to)
			w.tally()
		})
	}
}

// lie acknowledges a request of which nothing is written.
func lie(r *kmsg.ProduceRequest, offset int64) kmsg.Response {
	resp := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, rt := range r.Topics {
		t := kmsg.NewProduceResponseTopic()
		t.Topic, t.TopicID = rt.Topic, rt.TopicID
		for _, rp := range rt.Partitions {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition, p.BaseOffset = rp.Partition, offset
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}
