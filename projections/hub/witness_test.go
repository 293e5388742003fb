package hub_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// signed are heads of the events as they are at the end of streams now.
func (w *world) signed(streams ...domain.Stream) (out []checkpoint.Kept) {
	w.t.Helper()
	k, _, err := checkpoint.OpenKey(filepath.Join(w.t.TempDir(), "hefu.key"))
	must(w.t, err)
	for _, s := range streams {
		e, err := w.j.Tail(w.ctx, s)
		must(w.t, err)
		text, err := checkpoint.Sign(k, w.j.ID(), e.Ref(), e.Hash)
		must(w.t, err)
		out = append(out, checkpoint.Kept{Key: k.VerifierKey(), Head: checkpoint.Head{Journal: w.j.ID(), Ref: e.Ref(), Root: e.Hash, Note: text}})
	}
	return out
}

func (w *world) control2() domain.Stream { return domain.ControlStream(w.j.Pipeline()) }

func (w *world) tells(incarnation domain.Seq, heads []checkpoint.Kept) {
	w.t.Helper()
	witness := hub.NewWitness(w.cfg, incarnation)
	defer witness.Close()
	must(w.t, witness.Tell(w.ctx, 0, heads))
}

// remembers demands that the hub has exactly these anchors, in any order.
func (w *world) remembers(want ...domain.Ref) {
	w.t.Helper()
	anchors, err := hub.Anchors(w.ctx, w.cfg)
	must(w.t, err)
	var got []domain.Ref
	for _, a := range anchors {
		got = append(got, a.Ref)
		if a.Journal != w.j.ID() || !strings.Contains(a.Where, w.cfg.ProgressTopic+"/0@") {
			w.t.Errorf("anchor %+v", a)
		}
	}
	byName := func(a, b domain.Ref) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(got, byName)
	slices.SortFunc(want, byName)
	if !slices.Equal(got, want) {
		w.t.Errorf("the hub remembers %v, want %v", got, want)
	}
}

func (w *world) ensureProgress() {
	w.t.Helper()
	must(w.t, kafkaconn.EnsureTopic(w.ctx, w.cl, w.cfg.ProgressTopic, shards, kafkaconn.ProgressConfig()))
}

// TestWitness: progress and checkpoint records stand side by side, and neither is taken for
// the other; the leg settles over both.
func TestWitness(t *testing.T) {
	w := newWorld(t)
	w.remembers() // not even a topic
	witness := hub.NewWitness(w.cfg, 2)
	if err := witness.Tell(w.ctx, 0, w.signed(w.control2())); !errors.Is(err, hub.ErrNoProgressTopic) {
		t.Errorf("told %v", err)
	}
	if _, err := kafkaconn.Describe(w.ctx, w.cl, w.cfg.ProgressTopic); !errors.Is(err, kafkaconn.ErrNoTopic) {
		t.Errorf("telling made the topic: %v", err)
	}
	w.commits()
	h := w.signed(w.control2(), w.ingest.Stream())
	must(t, witness.Tell(w.ctx, 0, h))
	must(t, witness.Tell(w.ctx, 0, h)) // the newest of a key counts
	witness.Close()
	e, err := w.j.Tail(w.ctx, w.stream())
	must(t, err)
	c, ok := e.Event.(*domain.HubCommitted)
	if !ok {
		t.Fatalf("tail is %s", e.Event.Kind())
	}
	w.remembers(c.Begun, c.Cursor, h[0].Ref, h[1].Ref)
	anchors, err := hub.Anchors(w.ctx, w.cfg)
	must(t, err)
	must(t, w.j.Check(w.ctx, anchors...))
	w.commits() // over the records of checkpoints
	w.tally()
}

// TestWitnesses: a process that was replaced hides nothing, whenever it writes; an owner
// removes what says no more than its own.
func TestWitnesses(t *testing.T) {
	w := newWorld(t)
	w.ensureProgress()
	old := w.signed(w.control2())
	w.started()
	fresh := w.signed(w.control2())
	w.tells(2, old)
	w.remembers(old[0].Ref)
	w.tells(3, fresh)
	w.remembers(fresh[0].Ref) // that of 2 is removed
	w.tells(2, old)           // and comes back: it thawed
	w.remembers(old[0].Ref, fresh[0].Ref)
	w.tells(4, old) // says less than 3 did: removes 2 only
	w.remembers(old[0].Ref, fresh[0].Ref)
	w.tells(5, w.signed(w.control2(), w.ingest.Stream()))
	w.remembers(fresh[0].Ref, w.ingest.Tail())
}

// TestWitnessOfReplays: a replay of which an owner says nothing has ended, and what was said of
// it before does not stay for ever.
func TestWitnessOfReplays(t *testing.T) {
	w := newWorld(t)
	w.ensureProgress()
	s := domain.Stream{Pipeline: w.j.Pipeline(), Leg: domain.ReplayLeg(domain.PlanID{7})}
	replay, err := w.j.Takeover(w.ctx, s, 2, 1)
	must(t, err)
	old := w.signed(w.control2(), s)
	w.tells(2, old)
	w.remembers(old[0].Ref, replay.Tail())
	fresh := w.signed(w.control2())
	w.tells(3, fresh)
	w.remembers(fresh[0].Ref)
}

// TestWitnessFaults: a record that failed, and was or was not written, is there in the end.
func TestWitnessFaults(t *testing.T) {
	for name, fault := range map[string]journal.Fault{"did not happen": journal.FaultBefore, "did happen": journal.FaultAfter} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.ensureProgress()
			h := w.signed(w.control2())
			var line wire
			witness := hub.NewWitness(w.cfg, 2)
			defer witness.Close()
			witness.Options(line.option(), kgo.RecordRetries(0))
			line.arm(kmsg.Produce, 0, fault)
			err := witness.Tell(w.ctx, 0, h)
			if line.cut() != 1 {
				t.Fatalf("the connection was cut %d times", line.cut())
			}
			t.Logf("told: %v", err)
			must(t, witness.Tell(w.ctx, 0, h))
			w.remembers(h[0].Ref)
		})
	}
}

// TestForgedWitness: a record that is not as it was signed is said, with its place, and
// stops no leg.
func TestForgedWitness(t *testing.T) {
	w := newWorld(t)
	w.ensureProgress()
	h := w.signed(w.control2())
	h[0].Note = strings.Replace(h[0].Note, "\n1\n", "\n2\n", 1)
	h[0].Note = strings.Replace(h[0].Note, "control\n", "control\n1", 1)
	w.tells(7, h)
	_, err := hub.Anchors(w.ctx, w.cfg)
	var forged *hub.WitnessError
	if !errors.As(err, &forged) || forged.Key != "0/checkpoint/7" || !strings.Contains(err.Error(), w.cfg.ProgressTopic+"/0@0") || forged.ExitCode() != 2 {
		t.Errorf("%v", err)
	}
	w.commits()
}
