package pipeline_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// replayWorld is a journal with a replay that is done, whose stream of twenty events nobody opens
// any more.
type replayWorld struct {
	*vouchWorld
	plan *domain.Plan
	refs []domain.Ref
}

func newReplayWorld(t *testing.T) *replayWorld {
	t.Helper()
	w := &replayWorld{vouchWorld: &vouchWorld{T: t, store: journal.NewMemory()}}
	w.plan = &domain.Plan{ID: domain.PlanID{7}, Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetNull}, Lanes: []domain.PlanLane{{First: 1}}}
	j, control := w.opened()
	says(t, control, approved(w.plan)...)
	wr, err := j.Takeover(t.Context(), w.plan.Stream(0), 2, 1)
	w.ok(err)
	for range 9 {
		begun, err := wr.Append(t.Context(), &domain.DorisBegun{Owned: wr.Owned(), Trail: wr.Trail()})
		w.ok(err)
		last, err := wr.Append(t.Context(), &domain.DorisAborted{Owned: wr.Owned(), Trail: wr.Trail(), Begun: begun, Why: "x"})
		w.ok(err)
		w.refs = append(w.refs, begun, last)
	}
	says(t, control, &domain.ReplayMoved{ID: w.plan.ID, Digest: w.plan.Digest(), To: domain.PlanVerifying}, &domain.ReplayMoved{ID: w.plan.ID, Digest: w.plan.Digest(), To: domain.PlanDone})
	return w
}

func (w *replayWorld) opened() (*journal.Journal, *journal.Control) {
	w.Helper()
	if w.manifest == nil {
		var err error
		w.manifest, err = journal.OpenManifest(filepath.Join(w.TempDir(), "manifest"))
		w.ok(err)
	}
	j, err := journal.Open(w.Context(), "p", journal.Options{Store: w.store, Manifest: w.manifest})
	w.ok(err)
	control, err := j.OpenControl(w.Context())
	w.ok(err)
	return j, control
}

// What is wrong with the stream of a replay stops a start, whatever it is.
func TestReplayIsVouchedFor(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(w *replayWorld)
		is   func(error) bool
	}{
		"nothing":       {func(*replayWorld) {}, func(err error) bool { return err == nil }},
		"a flipped bit": {func(w *replayWorld) { w.damage(w.refs[4]) }, breaks(journal.BreachDamaged)},
		"another end": {func(w *replayWorld) {
			_, control := w.opened()
			says(w.T, control, &domain.Checkpoint{Heads: []domain.TreeHead{{Ref: w.refs[17]}}})
			w.store.Truncate(w.plan.Stream(0), w.refs[9].Seq)
		}, breaks(journal.BreachRegressed)},
		"it is gone": {func(w *replayWorld) { w.ok(w.store.Drop(w.Context(), w.plan.Stream(0), 1)) }, func(err error) bool { return errors.Is(err, journal.ErrMissing) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newReplayWorld(t)
			c.harm(w)
			if err := w.vouch(config.CheckAll); !c.is(err) || err != nil && !strings.Contains(err.Error(), "p.0.replay-07000000") {
				t.Errorf("%v", err)
			}
		})
	}
}

func breaks(what journal.Breach) func(error) bool {
	return func(err error) bool {
		var b *journal.BreachError
		return errors.As(err, &b) && b.What == what
	}
}

// Verify reads it, too.
func TestReplayIsVerified(t *testing.T) {
	w := newReplayWorld(t)
	look := func() *pipeline.VerifiedStream {
		j, _ := w.opened()
		v, err := pipeline.Verify(t.Context(), &config.Config{DataDir: t.TempDir()}, j, true, nil)
		w.ok(err)
		i := slices.IndexFunc(v.Streams, func(s pipeline.VerifiedStream) bool { return s.Stream == w.plan.Stream(0) })
		if i < 0 || v.Sound != (v.Streams[i].Wrong == "") {
			t.Fatalf("%+v", v)
		}
		return &v.Streams[i]
	}
	if s := look(); s.Wrong != "" || s.Last != w.refs[17].Seq {
		t.Errorf("%+v", s)
	}
	w.damage(w.refs[4])
	if s := look(); s.Wrong == "" || s.Last > w.refs[4].Seq {
		t.Errorf("damaged: %+v", s)
	}
}

// The books list what a replay did, and count none of it as the pipeline's.
func TestBooksOfAReplay(t *testing.T) {
	w := newReplayWorld(t)
	j, _ := w.opened()
	ingest, err := j.Takeover(t.Context(), domain.Stream{Pipeline: "p", Leg: domain.LegIngest}, 2, 1)
	w.ok(err)
	books := func() *pipeline.Books {
		b, err := pipeline.ReadBooks(t.Context(), j)
		w.ok(err)
		return b
	}
	b := books()
	want := pipeline.StreamIntents{Stream: w.plan.Stream(0), Intents: pipeline.Intents{Begun: 9, Aborted: 9}}
	if len(b.Findings) > 0 || !slices.Equal(b.Apart, []pipeline.StreamIntents{want}) || b.Shards[0].Doris != (pipeline.Intents{}) {
		t.Errorf("%v %+v %+v", b.Findings, b.Apart, b.Shards)
	}
	if s := b.Streams[len(b.Streams)-1]; s.Stream != want.Stream || s.Kinds[domain.KindDorisAborted] != 9 || s.Events != int64(w.refs[17].Seq) || ingest.Tail().Seq == 0 {
		t.Errorf("%+v", b.Streams)
	}
	wr, err := j.Takeover(t.Context(), w.plan.Stream(0), 3, 1)
	w.ok(err)
	for range 2 {
		_, err = wr.Append(t.Context(), &domain.DorisBegun{Owned: wr.Owned(), Trail: wr.Trail()})
		w.ok(err)
	}
	if b := books(); len(b.Findings) != 1 || !strings.Contains(b.Findings[0], want.Stream.String()) {
		t.Errorf("two are open, and found is %v", b.Findings)
	}
}

// With journal.check_at_start: carried, a start reads what a replay still has to carry as well: of
// ingest, where an event is damaged that the hub has, as its one commit at 4 says.
func TestCheckOfWhatAReplayCarries(t *testing.T) {
	w := newVouchWorld(t, 80)
	w.damage(w.ingest[4])
	j, err := journal.Open(t.Context(), "p", journal.Options{Store: w.store})
	w.ok(err)
	control, err := j.OpenControl(t.Context())
	w.ok(err)
	hub, err := j.Tail(t.Context(), domain.Stream{Pipeline: "p", Leg: domain.LegHub})
	w.ok(err)
	demand := func(when string, refused bool) {
		t.Helper()
		var breach *journal.BreachError
		if err := w.vouch(config.CheckCarried); errors.As(err, &breach) != refused || !refused && err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	plan := func(id byte, first domain.Seq) *domain.Plan {
		p := &domain.Plan{ID: domain.PlanID{id}, Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetNull}, Lanes: []domain.PlanLane{{First: first, Last: hub.Ref()}}}
		says(t, control, approved(p)...)
		return p
	}
	demand("no replay", false)
	plan(1, 5)
	demand("it begins behind", false)
	p := plan(2, 1)
	demand("it begins at the beginning", true)
	says(t, control, &domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: domain.PlanCancelled})
	demand("it is cancelled", false)
	p = plan(3, 3)
	demand("it begins before", true)
	wr, err := j.Takeover(t.Context(), p.Stream(0), 2, 1)
	w.ok(err)
	begun, err := wr.Append(t.Context(), &domain.DorisBegun{Owned: wr.Owned(), Trail: wr.Trail()})
	w.ok(err)
	_, err = wr.Append(t.Context(), &domain.DorisCommitted{Owned: wr.Owned(), Trail: wr.Trail(), Begun: begun, Cursor: hub.Ref()})
	w.ok(err)
	demand("it has carried all", false)
}
