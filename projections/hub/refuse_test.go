package hub_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// TestHalved: after "did not happen" a batch is at most half as large, down to a
// single event, and then they grow again.
func TestHalved(t *testing.T) {
	w := newWorld(t)
	var to domain.Ref
	for range 16 {
		to = w.feed(1, place{"nanjing", 0})
	}
	refused := errors.New("too much at once")
	var tried []int
	f := &faults{before: func(rows int) error {
		if tried = append(tried, rows); rows > 1 {
			return refused
		}
		return nil
	}}
	h := w.process()
	h.WrapSender(f.wrap)
	w.kept(h, to)
	w.tally()
	grew := false
	for i, n := range tried[1:] {
		if before := tried[i]; before > 1 && n > max(1, before/2) {
			t.Errorf("batches had %v rows: after %d rows failed, %d were tried", tried, before, n)
		}
		grew = grew || n > tried[i]
	}
	// How large the first one is depends on how far the reader had come.
	if !grew || slices.Max(tried) < 2 {
		t.Errorf("batches had %v rows: want large ones, smaller ones and larger ones again", tried)
	}
	for _, e := range w.history() {
		if a, ok := e.(*domain.HubAborted); ok && (a.Why != refused.Error() || a.FoundBy != domain.FoundBySelf) {
			t.Errorf("aborted by %s: %s", a.FoundBy, a.Why)
		}
	}
}

// TestRefused: a single event that fails again and again is an incident, with what
// the broker said; a retry of the operator's goes on.
func TestRefused(t *testing.T) {
	w := newWorld(t)
	to, mended, failed := w.feed(2, place{"nanjing", 0}), false, 0
	f := &faults{before: func(int) error {
		if !mended {
			failed++
			return errors.New("RECORD_LIST_TOO_LARGE")
		}
		return nil
	}}
	h := w.process()
	h.WrapSender(f.wrap)
	var err error
	for i := 0; err == nil || !errors.As(err, new(*domain.Incident)); i++ {
		if i > 10 {
			t.Fatalf("no incident after %d attempts, last: %v", i, err)
		}
		var leg projections.Leg
		if leg, err = try(w, h); err == nil {
			err = leg.Run(w.ctx)
			leg.Close()
		}
	}
	in := w.mustBeIncident(err, domain.IncidentHubRefused, "RECORD_LIST_TOO_LARGE")
	if failed != 10 || !strings.Contains(in.Error(), to.String()) {
		t.Errorf("after %d attempts: %v", failed, in)
	}
	_, err = w.control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) {
		return &domain.Resolved{ID: in.ID, Choice: domain.ChoiceRetry, Who: "test", Why: "mended"}, nil
	})
	must(t, err)
	mended = true
	w.moved(open(w, h), to)
	w.tally()
}

// TestForeignTransaction: a transaction that somebody else has open in our progress
// partition costs time. Read up to the last stable offset only, the commit behind it
// would be hidden, and its rows would be written twice.
func TestForeignTransaction(t *testing.T) {
	w := newWorld(t)
	w.commits()
	h, f := w.process(), &faults{commit: journal.FaultAfter}
	h.WrapSender(f.wrap)
	leg := open(w, h)
	foreign, err := kafkaconn.Dial(w.cfg.Kafka, kgo.TransactionalID(w.cfg.ProgressTopic+"-foreign"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer foreign.Close()
	must(t, foreign.BeginTransaction())
	theirs := &kgo.Record{Topic: w.cfg.ProgressTopic, Key: []byte("somebody's"), Value: []byte("not ours")}
	must(t, foreign.ProduceSync(w.ctx, theirs).FirstErr())
	must(t, kafkaconn.EndTransaction(w.ctx, foreign, kgo.TryCommit, theirs))
	must(t, foreign.BeginTransaction())
	must(t, foreign.ProduceSync(w.ctx, &kgo.Record{Topic: w.cfg.ProgressTopic, Key: []byte("0"), Value: []byte("aborted anyway")}).FirstErr())
	w.feed(3, place{"nanjing", 0}, place{"wuxi", 0})
	if err := leg.Run(w.ctx); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	leg.Close()

	type opened struct {
		leg projections.Leg
		err error
	}
	done := make(chan opened, 1)
	go func() {
		leg, err := try(w, w.process())
		done <- opened{leg, err}
	}()
	select {
	case o := <-done:
		t.Fatalf("opened with the transaction still there: %v", o.err)
	case <-time.After(300 * time.Millisecond):
	}
	must(t, foreign.EndTransaction(w.ctx, kgo.TryAbort))
	o := <-done
	must(t, o.err)
	w.moved(o.leg, w.feed(1, place{"wuxi", 2}))
	w.tally()
}

// TestRefusedTopics: what an operator must mend is said at Open.
func TestRefusedTopics(t *testing.T) {
	for _, c := range []struct {
		name, want string
		made       func(w *world)
	}{
		{"no hub topic", "--create --topic", func(w *world) { w.deletes(w.cfg.Pipeline.HubTopic) }},
		{"LogAppendTime", "message.timestamp.type=LogAppendTime, which is refused", func(w *world) {
			w.deletes(w.cfg.Pipeline.HubTopic)
			w.makeHubTopic(map[string]string{"message.timestamp.type": "LogAppendTime"})
		}},
		{"few hub partitions", "has 4 partitions, the pipeline was made with 5", func(w *world) { w.cfg.Pipeline.HubPartitions = 5 }},
		{"progress without compaction", "set cleanup.policy=compact", func(w *world) {
			must(w.t, kafkaconn.EnsureTopic(w.ctx, w.cl, w.cfg.ProgressTopic, 1, map[string]string{"cleanup.policy": "delete"}))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.made(w)
			if _, err := try(w, w.process()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestRefusedConfig: New says what cannot work.
func TestRefusedConfig(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		want string
		bad  func(*hub.Config)
	}{
		{"no progress topic", func(c *hub.Config) { c.ProgressTopic = "" }},
		{"no hub topic", func(c *hub.Config) { c.Pipeline.HubTopic = "" }},
		{"5 shards over 4 hub partitions", func(c *hub.Config) { c.Pipeline.Shards = 5 }},
		{"pipeline has 1 shards", func(c *hub.Config) { c.Shard = 1 }},
		{"timezone", func(c *hub.Config) { c.Pipeline.Timezone = "Mars/Olympus" }},
	} {
		cfg := w.cfg
		c.bad(&cfg)
		_, err := hub.New(cfg, w.j, 1, 1, projections.Incidents{}, projections.NewReporter(w.stream()), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// TestProgressGuard: what ingest sees of a shard's record, before and after there is one.
func TestProgressGuard(t *testing.T) {
	w := newWorld(t)
	guard := func() *domain.ProgressRecord {
		t.Helper()
		ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		p, err := hub.ProgressGuard(ctx, w.cfg)
		must(t, err)
		return p
	}
	if p := guard(); p != nil {
		t.Errorf("no topic, and the record is %+v", p)
	}
	leg := open(w, w.process())
	if p := guard(); p != nil {
		t.Errorf("empty topic, and the record is %+v", p)
	}
	to := w.mixed()
	w.moved(leg, to)
	p := guard()
	if p == nil || p.Journal != w.j.ID() || p.Cursor != to {
		t.Fatalf("record is %+v, want cursor %s", p, to)
	}
	events := w.history()
	c := events[len(events)-1].(*domain.HubCommitted)
	if p.Begun != c.Begun || fmt.Sprint(p.Runs) != fmt.Sprint(c.Runs) {
		t.Errorf("record %+v, committed %+v", p, c)
	}
}
