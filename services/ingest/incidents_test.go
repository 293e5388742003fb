package ingest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

// deleteRecords cuts a partition off below an offset.
func deleteRecords(r *rig, cl *kgo.Client, topic string, below int64) {
	r.t.Helper()
	var at kadm.Offsets
	at.AddOffset(topic, 0, below, -1)
	if _, err := kadm.NewClient(cl).DeleteRecords(r.ctx, at); err != nil {
		r.t.Fatal(err)
	}
}

// remake deletes a topic and makes it anew under its name.
func remake(r *rig, cl *kgo.Client, topic string) {
	r.t.Helper()
	if _, err := kadm.NewClient(cl).DeleteTopic(r.ctx, topic); err != nil {
		r.t.Fatal(err)
	}
	wait(r.ctx, r.t, "topic gone", func() (bool, string) {
		_, err := kafkaconn.Describe(r.ctx, cl, topic)
		return errors.Is(err, kafkaconn.ErrNoTopic), ""
	})
	if err := kafkaconn.EnsureTopic(r.ctx, cl, topic, 1, nil); err != nil {
		r.t.Fatal(err)
	}
}

func facts(in *domain.Incident) string {
	var b strings.Builder
	for _, f := range in.Evidence {
		b.WriteString(f.Key + ": " + f.Value + "\n")
	}
	return b.String()
}

func wantFacts(t *testing.T, in *domain.Incident, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(facts(in), w+"\n") {
			t.Errorf("evidence lacks %q:\n%s", w, facts(in))
		}
	}
}

func TestDeletedBeforeRead(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 10)
	r := newRig(ctx, t)
	p := r.start(config(source(c, topic)))
	r.reaches(p, 0, cl, topic)
	_ = p.stop()
	for range 20 {
		produce(ctx, t, cl, topic, 0, 1)
	}
	deleteRecords(r, cl, topic, 25)

	p = r.start(config(source(c, topic)))
	in := r.incident(p, domain.IncidentSourceOutOfRange)
	wantFacts(t, in, "partition: 0", "next offset: 10", "deleted: [10,25)", "offsets: 15")
	p.status(ctx, "incident", 0, func(s ingest.SourceStatus) bool {
		return s.State == ingest.InIncident && strings.Contains(s.Error, in.ID.String())
	})
	r.resolve(in, domain.ChoiceRetry) // nothing changed, so that it is open again
	again := r.incident(p, domain.IncidentSourceOutOfRange)
	if again.ID != in.ID {
		t.Errorf("the same situation is another incident: %s, %s", again, in)
	}
	r.resolve(in, domain.ChoiceAcceptGap)
	r.reaches(p, 0, cl, topic)
	_ = p.stop()
	a := r.books()[place{"a", 1, 0}]
	if a.gaps[domain.ReasonDeleted] != 15 || !slices.Contains(a.by, in.ID) || len(a.rows) != 15 {
		t.Errorf("gaps %v by %v, %d rows", a.gaps, a.by, len(a.rows))
	}
}

func TestTopicMadeAnew(t *testing.T) {
	for _, while := range []string{"running", "stopped"} {
		t.Run(while, func(t *testing.T) {
			ctx, c := deadline(t), kafka(t)
			cl := dial(t, c)
			topic := newTopic(ctx, t, cl, 1, nil)
			produce(ctx, t, cl, topic, 0, 10)
			src := source(c, topic)
			src.Start.At = domain.StartEarliest
			r := newRig(ctx, t)
			p := r.start(config(src))
			r.reaches(p, 0, cl, topic)
			if while == "stopped" {
				_ = p.stop()
			}
			remake(r, cl, topic)
			produce(ctx, t, dial(t, c), topic, 0, 30)
			if while == "stopped" {
				src.Start.At = domain.StartLatest // has no say in a new generation
				p = r.start(config(src))
			}
			in := r.incident(p, domain.IncidentSourceRecreated)
			wantFacts(t, in, "generation: 1", "next offset: 10")
			r.resolve(in, domain.ChoiceNewGeneration)
			r.reaches(p, 0, cl, topic)
			_ = p.stop()
			books := r.books()
			if n := len(books[place{"a", 1, 0}].rows); n != 10 {
				t.Errorf("generation 1 has %d rows", n)
			}
			a := books[place{"a", 2, 0}]
			r.matches(c, topic, place{"a", 2, 0}, a)
			if len(a.rows) != 30 || !slices.Contains(a.by, in.ID) {
				t.Errorf("generation 2 has %d rows, by %v", len(a.rows), a.by)
			}
		})
	}
}

// Where no batch is journaled, only the topic's id tells.
func TestEmptyTopicMadeAnew(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	r := newRig(ctx, t)
	p := r.start(config(source(c, topic)))
	p.status(ctx, "running", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running })
	_ = p.stop()
	remake(r, cl, topic)
	p = r.start(config(source(c, topic)))
	in := r.incident(p, domain.IncidentSourceRecreated)
	if !strings.Contains(facts(in), "topic id now: ") {
		t.Error(facts(in))
	}
	_ = p.stop()
}

// The log ends before what was read: another cluster under the address of the first.
func TestLogCut(t *testing.T) {
	ctx := deadline(t)
	_, c := standin(t, kfake.SeedTopics(1, "rows"))
	cl := dial(t, c)
	produceKeys(t, cl, "a", "b", "c")
	r := newRig(ctx, t)
	p := r.start(config(source(c, "rows")))
	r.reaches(p, 0, cl, "rows")
	_ = p.stop()
	_, oc := standin(t, kfake.SeedTopics(1, "rows"), kfake.MaxVersions(kversion.V2_7_0())) // without topic ids
	ocl := dial(t, oc)
	p = r.start(config(source(oc, "rows")))
	in := r.incident(p, domain.IncidentSourceOutOfRange)
	wantFacts(t, in, "next offset: 3", "log end: 0", "new generation begins at: 0", "because: log start")
	produceKeys(t, ocl, "x")
	r.resolve(in, domain.ChoiceNewGeneration)
	r.reaches(p, 0, ocl, "rows")
	_ = p.stop()
	books := r.books()
	r.matches(oc, "rows", place{"a", 2, 0}, books[place{"a", 2, 0}])
	if len(books[place{"a", 1, 0}].rows) != 3 {
		t.Error("generation 1 has changed")
	}
}

func TestNoCursor(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 10)
	src := source(c, topic)
	src.Start, src.Group = domain.StartSpec{At: domain.StartGroupOffsets, Missing: domain.MissingFail}, unique("group")
	r := newRig(ctx, t)
	p := r.start(config(src))
	in := r.incident(p, domain.IncidentSourceNoCursor)
	wantFacts(t, in, "group: "+src.Group, "partition 0: no committed offset")
	if err := kafkaconn.CommitGroup(ctx, cl, src.Group, topic, map[int32]int64{0: 4}); err != nil {
		t.Fatal(err)
	}
	r.resolve(in, domain.ChoiceRetry)
	r.reaches(p, 0, cl, topic)
	wait(ctx, t, "group is told", func() (bool, string) {
		at, err := kafkaconn.Committed(ctx, cl, src.Group, topic)
		return err == nil && at[0] == 10, ""
	})
	_ = p.stop()
	a := r.books()[place{"a", 1, 0}]
	if a.start.First != 4 || a.start.How != "committed offset" || a.policy != "group-offsets" || len(a.rows) != 6 {
		t.Errorf("start %+v, policy %s, %d rows", a.start, a.policy, len(a.rows))
	}
}

func TestBatchLargerThanEvent(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	topic := newTopic(ctx, t, cl, 1, nil)
	produce(ctx, t, cl, topic, 0, 5)
	big := &kgo.Record{Topic: topic, Value: make([]byte, 300<<10)}
	if err := dial(t, c, kgo.ProducerBatchCompression(kgo.NoCompression())).ProduceSync(ctx, big).FirstErr(); err != nil {
		t.Fatal(err)
	}
	r := newRig(ctx, t)
	conf := config(source(c, topic))
	conf.MaxEvent = 256 << 10
	p := r.start(conf)
	in := r.incident(p, domain.IncidentSourceBatch)
	wantFacts(t, in, "next offset: 5", "bytes allowed: 196608")
	_ = p.stop()
	p = r.start(config(source(c, topic))) // the journal takes more now
	r.resolve(in, domain.ChoiceRetry)
	r.reaches(p, 0, cl, topic)
	_ = p.stop()
	books := r.books()
	r.matches(c, topic, place{"a", 1, 0}, books[place{"a", 1, 0}])
}
