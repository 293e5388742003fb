package hub_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/projectiontest"
)

func newWorldWith(t *testing.T, s domain.Semantic, like ...kfake.Opt) *world {
	t.Helper()
	w := newWorld(t, like...)
	w.cfg.Semantic = s
	return w
}

// TestContractBySemantic: the contract of every projection, with the tally of what is
// promised.
func TestContractBySemantic(t *testing.T) {
	for _, s := range []domain.Semantic{domain.AtLeastOnce, domain.None} {
		t.Run(string(s), func(t *testing.T) {
			projectiontest.Run(t, func(t *testing.T) projectiontest.World {
				return loose{&contract{w: newWorldWith(t, s), f: &faults{}}}
			})
		})
	}
}

// loose is a contract's world whose rows may be doubled or, with none, excluded.
type loose struct{ *contract }

func (l loose) Tally() { l.w.looseTally() }

// looseTally demands that each row is where a committed run says that it is, or, with
// none, is listed as excluded; and that nothing else is in the hub. It returns how many
// records are there more often than once, and how many rows are excluded.
func (w *world) looseTally() (doubled, excluded int) {
	w.t.Helper()
	said, out := w.said(), w.excluded()
	at := map[string]string{} // what stands at a hub offset
	seen := map[string]int{}
	for p, records := range w.visible() {
		for _, r := range records {
			text := w.describe(r)
			at[fmt.Sprintf("%d/%d", p, r.Offset)] = text
			seen[text[strings.Index(text, " "):]]++
		}
	}
	cities := map[domain.SourceID]domain.City{}
	for _, s := range w.cfg.Pipeline.Sources {
		cities[s.ID] = s.City
	}
	for _, r := range w.want {
		name := fmt.Sprintf(" %s %s/%d/%d", cities[r.source], r.source, r.partition, r.offset)
		k := key{r.ingest, r.run, r.ordinal}
		where, carried := said[k]
		switch {
		case carried == out[k]:
			w.t.Errorf("row%s: in a committed run %v, and excluded %v", name, carried, out[k])
		case carried && at[fmt.Sprintf("%d/%d", where.Partition, where.Offset)] != fmt.Sprintf("%d@%d%s", where.Offset, where.Timestamp, name):
			w.t.Errorf("row%s must be at %s, there is %q", name, where, at[fmt.Sprintf("%d/%d", where.Partition, where.Offset)])
		}
		if out[k] {
			excluded++
		}
		doubled += max(0, seen[name]-1)
		delete(seen, name)
		delete(said, k)
	}
	if len(said) > 0 || len(seen) > 0 {
		w.t.Errorf("committed runs hold %v, and the hub holds %v, which nobody fed", said, seen)
	}
	return doubled, excluded
}

// excluded are the rows that committed batches left out.
func (w *world) excluded() map[key]bool {
	w.t.Helper()
	out := map[key]bool{}
	for _, e := range w.history() {
		c, ok := e.(*domain.HubCommitted)
		if !ok {
			continue
		}
		for _, x := range c.Excluded {
			for i := range x.Count {
				k := key{x.Ingest, x.Run, x.Ordinal + i}
				if out[k] || x.Reason != domain.ExcludedUnacknowledged {
					w.t.Errorf("%+v is excluded again, or for another reason: %+v", k, x)
				}
				out[k] = true
			}
		}
	}
	return out
}

const begun, committed, aborted, opened = domain.KindHubBegun, domain.KindHubCommitted, domain.KindHubAborted, domain.KindOpened

// TestFaultPairsBySemantic: each verb failed and did not happen, failed and did happen;
// the same process settles, or the next one.
func TestFaultPairsBySemantic(t *testing.T) {
	const before, after, no = journal.FaultBefore, journal.FaultAfter, journal.FaultNone
	for _, c := range []struct {
		name              string
		semantic          domain.Semantic
		produce, commit   journal.Fault
		ends              domain.Kind // of the failed batch
		doubled, excluded int
	}{
		{"produce not done", domain.AtLeastOnce, before, no, aborted, 0, 0},
		{"produce done", domain.AtLeastOnce, after, no, aborted, 3, 0},
		{"record not done", domain.AtLeastOnce, no, before, aborted, 3, 0},
		{"record done", domain.AtLeastOnce, no, after, committed, 0, 0},
		{"produce not done", domain.None, before, no, committed, 0, 3},
		{"produce done", domain.None, after, no, committed, 0, 3},
		{"record not done", domain.None, no, before, committed, 0, 0},
		{"record done", domain.None, no, after, committed, 0, 0},
	} {
		t.Run(string(c.semantic)+" "+c.name, func(t *testing.T) {
			w := newWorldWith(t, c.semantic)
			f := &faults{}
			h := w.process()
			h.WrapSender(f.wrap)
			w.moved(open(w, h), w.feed(4, place{"nanjing", 0}))
			f.produce, f.commit = c.produce, c.commit
			at := w.feed(3, place{"nanjing", 0})
			leg := open(w, h)
			if err := leg.Run(w.ctx); !errors.Is(err, errLost) {
				t.Fatalf("run: %v", err)
			}
			leg.Close()
			leg = open(w, w.process())
			if c.ends == aborted {
				w.moved(leg, at)
			} else {
				if leg.Cursor() != at {
					t.Errorf("went on at %s, want %s", leg.Cursor(), at)
				}
				leg.Close()
			}
			w.moved(open(w, w.process()), w.feed(1, place{"wuxi", 0}))
			want := []domain.Kind{opened, begun, committed, begun}
			switch {
			case c.semantic == domain.None:
				want = append(want, committed, opened, opened, begun, committed)
			case c.ends == aborted:
				want = append(want, opened, aborted, begun, committed, opened, begun, committed)
			default:
				want = append(want, opened, committed, opened, begun, committed)
			}
			wantKinds(t, w, want...)
			if doubled, excluded := w.looseTally(); doubled != c.doubled || excluded != c.excluded {
				t.Errorf("%d rows doubled and %d excluded, want %d and %d", doubled, excluded, c.doubled, c.excluded)
			}
		})
	}
}

// TestWireBySemantic: a connection is cut at the rows, or at the record.
func TestWireBySemantic(t *testing.T) {
	for _, c := range []struct {
		semantic          domain.Semantic
		at                string
		skip              int
		fault             journal.Fault
		doubled, excluded int
	}{
		// The idempotent producer sends again what it has heard nothing of; the broker
		// knows its sequence numbers.
		{domain.AtLeastOnce, "rows", 0, journal.FaultBefore, 0, 0},
		{domain.AtLeastOnce, "rows", 0, journal.FaultAfter, 0, 0},
		{domain.AtLeastOnce, "record", 1, journal.FaultBefore, 0, 0},
		{domain.AtLeastOnce, "record", 1, journal.FaultAfter, 0, 0},
		// This one sends once, and hears or not; what never left is not sent twice.
		{domain.None, "rows", 0, journal.FaultBefore, 0, 0},
		{domain.None, "rows", 0, journal.FaultAfter, 0, 1},
		{domain.None, "record", 1, journal.FaultBefore, 0, 0},
		{domain.None, "record", 1, journal.FaultAfter, 0, 0},
	} {
		t.Run(fmt.Sprintf("%s %s fault %d", c.semantic, c.at, c.fault), func(t *testing.T) {
			w := newWorldWith(t, c.semantic)
			h, cut := w.process(), &wire{}
			h.SenderOptions(cut.option())
			cut.arm(kmsg.Produce, c.skip, c.fault)
			// A single row is a single request; of more, the first one of a new client may
			// leave alone, when the topic is looked up while they are flushed.
			w.kept(h, w.feed(1, place{"nanjing", 0}))
			w.kept(h, w.feed(2, place{"wuxi", 1}))
			if cut.cut() != 1 {
				t.Errorf("connections were cut %d times", cut.cut())
			}
			if doubled, excluded := w.looseTally(); doubled != c.doubled || excluded != c.excluded {
				t.Errorf("%d rows doubled and %d excluded, want %d and %d", doubled, excluded, c.doubled, c.excluded)
			}
		})
	}
}

// TestNoneLeavesOutWhatIsRefused: of one batch the rows of one partition arrive and
// those of another do not.
func TestNoneLeavesOutWhatIsRefused(t *testing.T) {
	if realKafka() != "" {
		t.Skip("no real broker refuses on demand")
	}
	w := newWorldWith(t, domain.None)
	h := w.process()
	refused := domain.HubPartition(2, 1, hubPartitions) // wuxi/1
	w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: w.cfg.Pipeline.HubTopic, Partitions: []int32{refused}, Err: kerr.NotEnoughReplicas})
	at := w.feed(3, place{"nanjing", 0}, place{"wuxi", 1}, place{"nanjing", 1})
	leg := open(w, h)
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	err := leg.Run(ctx)
	leg.Close()
	if err == nil || !strings.Contains(err.Error(), "3 rows were not acknowledged, and are not sent again") || !errors.Is(err, kerr.NotEnoughReplicas) {
		t.Errorf("run: %v", err)
	}
	if leg = open(w, h); leg.Cursor() != at {
		t.Errorf("went on at %s, want %s", leg.Cursor(), at)
	}
	w.moved(leg, w.feed(1, place{"wuxi", 1}))
	wantKinds(t, w, opened, begun, committed, begun, committed)
	if doubled, excluded := w.looseTally(); doubled != 0 || excluded != 3 {
		t.Errorf("%d rows doubled and %d excluded", doubled, excluded)
	}
	for k := range w.excluded() {
		if k.run != 1 {
			t.Errorf("%+v is excluded", k)
		}
	}
}

// TestSemanticChanges: an intent is settled by its own semantic, whatever the next
// process is told.
func TestSemanticChanges(t *testing.T) {
	all := []domain.Semantic{domain.None, domain.AtLeastOnce, domain.ExactlyOnce}
	for _, first := range all {
		for _, second := range all {
			for _, f := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
				t.Run(fmt.Sprintf("%s then %s fault %d", first, second, f), func(t *testing.T) {
					w := newWorldWith(t, first)
					w.commits()
					at := w.crashes(f)
					w.cfg.Semantic = second
					leg := open(w, w.process())
					wantDoubled, wantExcluded, settled := 0, 0, committed
					switch {
					case first == domain.None:
						wantExcluded = 3
					case f == journal.FaultBefore:
						settled = aborted
						if first == domain.AtLeastOnce {
							wantDoubled = 3
						}
					}
					if got := w.kinds(); got[len(got)-1] != settled {
						t.Errorf("settled as %s, want %s", got[len(got)-1], settled)
					}
					if settled == aborted {
						w.moved(leg, at)
					} else {
						leg.Close()
					}
					w.moved(open(w, w.process()), w.feed(2, place{"wuxi", 1}))
					if doubled, excluded := w.looseTally(); doubled != wantDoubled || excluded != wantExcluded {
						t.Errorf("%d rows doubled and %d excluded, want %d and %d", doubled, excluded, wantDoubled, wantExcluded)
					}
				})
			}
		}
	}
}

// crashes leaves an intent open as a process that is gone does: its rows are sent, and
// its record is there or not.
func (w *world) crashes(f journal.Fault) domain.Ref {
	w.t.Helper()
	h := w.process()
	died := &faults{commit: f}
	h.WrapSender(died.wrap)
	at := w.feed(3, place{"nanjing", 0})
	leg := open(w, h)
	err := leg.Run(w.ctx)
	leg.Close()
	if !errors.Is(err, errLost) {
		w.t.Fatalf("run: %v", err)
	}
	if kinds := w.kinds(); kinds[len(kinds)-1] == committed { // none's: it died before that
		w.rolledBack(domain.Seq(len(kinds)))
	}
	if kinds := w.kinds(); kinds[len(kinds)-1] != begun {
		w.t.Fatalf("left behind: %v", kinds)
	}
	return at
}
