package hub_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// The steps that bring a world into a cell of the settle table.

// commits leaves a C.
func (w *world) commits() {
	w.t.Helper()
	w.moved(open(w, w.process()), w.feed(2, place{"nanjing", 0}))
}

// dies leaves a B: the process is gone after the fault.
func (w *world) dies(f *faults) {
	w.t.Helper()
	h := w.process()
	h.WrapSender(f.wrap)
	w.feed(3, place{"nanjing", 0}, place{"wuxi", 0})
	leg := open(w, h)
	defer leg.Close()
	if err := leg.Run(w.ctx); !errors.Is(err, errLost) {
		w.t.Fatalf("run: %v", err)
	}
}

// emptiesProgress makes the progress topic anew.
func (w *world) emptiesProgress() {
	w.t.Helper()
	w.deletes(w.cfg.ProgressTopic)
	must(w.t, kafkaconn.EnsureTopic(w.ctx, w.cl, w.cfg.ProgressTopic, shards, kafkaconn.ProgressConfig()))
}

func (w *world) deletes(topic string) {
	w.t.Helper()
	_, err := kadm.NewClient(w.cl).DeleteTopic(w.ctx, topic)
	must(w.t, err)
	for {
		_, err := kafkaconn.Describe(w.ctx, w.cl, topic)
		if errors.Is(err, kafkaconn.ErrNoTopic) {
			return
		}
		must(w.t, err)
	}
}

// cutsProgress deletes the progress records but not the topic.
func (w *world) cutsProgress() {
	w.t.Helper()
	if w.fake == nil {
		w.t.Skip("Kafka refuses to delete records of a compacted topic")
	}
	bounds, err := kafkaconn.Offsets(w.ctx, w.cl, w.cfg.ProgressTopic)
	must(w.t, err)
	must(w.t, w.fake.DeleteRecords(w.cfg.ProgressTopic, 0, bounds[0].HighWatermark))
}

// strangerRecord puts a progress record of another journal behind ours.
func (w *world) strangerRecord() {
	w.t.Helper()
	const hash = "0000000000000000000000000000000000000000000000000000000000000007"
	ref := `{"stream":"p.0.hub","seq":7,"hash":"` + hash + `"}`
	value := `{"v":1,"journal":"00000000000000000000000000000001","begun":` + ref + `,"cursor":` + ref +
		`,"cluster":"x","topic_id":"00000000000000000000000000000000","bytes":1,"runs":[[1,0,0,1,0,0]]}`
	cl, err := kafkaconn.Dial(w.cfg.Kafka, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(w.t, err)
	defer cl.Close()
	must(w.t, cl.ProduceSync(w.ctx, &kgo.Record{Topic: w.cfg.ProgressTopic, Key: []byte("0"), Value: []byte(value)}).FirstErr())
}

// rolledBack drops the hub stream's events after the one at seq: a restored journal.
func (w *world) rolledBack(seq domain.Seq) {
	w.t.Helper()
	w.store.Truncate(w.stream(), seq+1)
	w.reopen(w.j.Pipeline())
}

// TestSettleTable goes through every cell of architecture.md, "Hub projection" 2.
func TestSettleTable(t *testing.T) {
	notDone := func(w *world) { w.dies(&faults{commit: journal.FaultBefore}) }
	done := func(w *world) { w.dies(&faults{commit: journal.FaultAfter}) }
	for _, c := range []struct {
		name     string
		made     func(w *world)
		settled  domain.Kind         // the event that Open appends; "" for none
		incident domain.IncidentKind // or the one it is refused with
		found    string
	}{
		{"none none none", func(*world) {}, "", "", ""},
		{"none none else", func(w *world) { w.commits(); w.newJournal(w.j.Pipeline()) }, "", domain.IncidentHubAhead, "another journal"},
		{"none none later", func(w *world) { w.commits(); w.rolledBack(2) }, "", domain.IncidentHubAhead, "neither"},
		{"none B none", notDone, domain.KindHubAborted, "", ""},
		{"none B of B", done, domain.KindHubCommitted, "", ""},
		{"none B else", func(w *world) { notDone(w); w.strangerRecord() }, "", domain.IncidentHubAhead, "another journal"},
		{"C none none", func(w *world) { w.commits(); w.emptiesProgress() }, "", domain.IncidentHubLost, "no progress record"},
		{"C none no topic", func(w *world) { w.commits(); w.deletes(w.cfg.ProgressTopic) }, "", domain.IncidentHubLost, "progress topic is gone"},
		{"C none cut off", func(w *world) { w.commits(); w.cutsProgress() }, "", domain.IncidentHubLost, "no progress record"},
		{"C none of C", (*world).commits, "", "", ""},
		{"C none else", func(w *world) { w.commits(); w.strangerRecord() }, "", domain.IncidentHubAhead, "another journal"},
		{"C none later", func(w *world) { w.commits(); w.commits(); w.rolledBack(4) }, "", domain.IncidentHubAhead, "neither"},
		{"C B none", func(w *world) { w.commits(); notDone(w); w.emptiesProgress() }, "", domain.IncidentHubLost, "no progress record"},
		{"C B of C", func(w *world) { w.commits(); notDone(w) }, domain.KindHubAborted, "", ""},
		{"C B of B", func(w *world) { w.commits(); done(w) }, domain.KindHubCommitted, "", ""},
		{"C B else", func(w *world) { w.commits(); done(w); w.strangerRecord() }, "", domain.IncidentHubAhead, "another journal"},
		{"hub topic made anew", func(w *world) { w.commits(); w.deletes(w.cfg.Pipeline.HubTopic); w.makeHubTopic(nil) }, "", domain.IncidentHubLost, "made anew"},
		{"hub topic gone", func(w *world) { w.commits(); w.deletes(w.cfg.Pipeline.HubTopic) }, "", domain.IncidentHubLost, "hub topic is gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.made(w)
			var before []domain.Kind
			if exists, err := w.j.Exists(w.ctx, w.stream()); err != nil || exists {
				must(t, err)
				before = w.kinds()
			}
			h := w.process()
			leg, err := try(w, h)
			want := append(slices.Clone(before), domain.KindOpened)
			if c.incident != "" {
				w.mustBeIncident(err, c.incident, c.found)
				wantKinds(t, w, want...)
				return
			}
			must(t, err)
			if c.settled != "" {
				want = append(want, c.settled)
			}
			wantKinds(t, w, want...)
			w.moved(leg, w.feed(1, place{"wuxi", 1}))
			w.tally()
		})
	}
}

// mustBeIncident demands that the error is an incident which is on record.
func (w *world) mustBeIncident(err error, kind domain.IncidentKind, text string) *domain.Incident {
	w.t.Helper()
	var in *domain.Incident
	if !errors.As(err, &in) || in.What != kind || !strings.Contains(in.Error(), text) {
		w.t.Fatalf("got %v, want incident %s: %s", err, kind, text)
	}
	w.control.State(func(s *domain.ControlState) {
		if s.Incidents[in.ID] == nil || s.Resolved[in.ID] != nil {
			w.t.Errorf("incident %s is not open on record", in.ID)
		}
	})
	return in
}

// TestFinder: who found the outcome, and what the record says is what the batch did.
func TestFinder(t *testing.T) {
	w := newWorld(t)
	h, f := w.process(), &faults{commit: journal.FaultAfter}
	h.WrapSender(f.wrap)
	to := w.feed(4, place{"nanjing", 0}, place{"wuxi", 1})
	leg := open(w, h)
	if err := leg.Run(w.ctx); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	leg.Close()
	open(w, h).Close()
	w.dies(&faults{commit: journal.FaultAfter})
	open(w, w.process()).Close()
	w.tally()
	var got []domain.Finder
	for _, e := range w.history() {
		if c, ok := e.(*domain.HubCommitted); ok {
			got = append(got, c.FoundBy)
			// How much of it went into the first batch depends on how far the reader had come.
			if len(got) == 1 && c.Cursor.Seq > to.Seq {
				t.Errorf("commit carries %s, fed up to %s", c.Cursor, to)
			}
		}
	}
	if want := []domain.Finder{domain.FoundBySelf, domain.FoundByNextOwner}; !slices.Equal(got, want) {
		t.Errorf("found by %v, want %v", got, want)
	}
}
