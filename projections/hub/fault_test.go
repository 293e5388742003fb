package hub_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
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
					w.kept(h, w.mixed())
					w.kept(h, w.mixed())
					if cut.cut() != 1 {
						t.Errorf("connections were cut %d times", cut.cut())
					}
					w.tally()
				})
			}
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
