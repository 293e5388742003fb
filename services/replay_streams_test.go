package services_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/file"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/replay"
)

// The stream of a replay is a part of the journal: by the time that the replay is done control has
// its signed end, verify reads it and demands that, and the books list it.
func TestReplayIsPartOfTheJournal(t *testing.T) {
	whole(t)
	w := newWorld(t)
	e := newEngine(t, w)
	e.begins()
	e.feed("north", 0, 250)
	e.untilRows(500)
	o := operator{w}
	r, err := o.plans(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetFile})
	must(t, err)
	o.carriesOut(r)
	opened, _ := e.set.Opened()
	j, s := opened[0].Journal, domain.Stream{Pipeline: "bridge", Leg: domain.ReplayLeg(r.ID)}
	tail, err := j.Tail(t.Context(), s)
	must(t, err)
	var signed domain.Ref
	opened[0].Control.State(func(c *domain.ControlState) { signed = c.Heads[s].Ref })
	if signed != tail.Ref() {
		t.Errorf("signed is %s, the stream ends at %s", signed, tail.Ref())
	}
	v, err := pipeline.Verify(t.Context(), e.cfg, j, true, nil)
	must(t, err)
	i := slices.IndexFunc(v.Streams, func(x pipeline.VerifiedStream) bool { return x.Stream == s })
	if !v.Sound || i < 0 || v.Streams[i].Last != tail.Seq || v.Streams[i].Heads == 0 {
		t.Errorf("verified: %+v", v)
	}
	b, err := pipeline.ReadBooks(t.Context(), j)
	must(t, err)
	if len(b.Findings) > 0 || len(b.Apart) != 1 || b.Apart[0].Stream != s || b.Apart[0].Committed != 1 {
		t.Errorf("books: %v, %+v", b.Findings, b.Apart)
	}
}

// What a replay has to read may be in the archive alone: it is planned, carried and proven out of
// there.
func TestReplayOutOfTheArchive(t *testing.T) {
	whole(t)
	w := newWorld(t)
	w.cfg.Journal.SegmentBytes = 20_000
	w.start()
	for i := range 5 {
		w.feed("north", 100*i, 100)
		w.feed("south", 100*i, 100)
	}
	w.untilRows(2000)
	w.end()
	w.reconciled()
	w.cfg.Journal.Archive = &config.Archive{Dir: t.TempDir(), Drop: true, Interval: 50 * time.Millisecond}
	w.start()
	w.untilDropped()
	o := operator{w}
	r, err := o.plans(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetFile})
	must(t, err)
	o.carriesOut(r)
	w.end()
	lines, err := os.ReadFile(filepath.Join(w.cfg.DataDir, filepath.FromSlash(file.Name(r.ID, 0))))
	must(t, err)
	if n := bytes.Count(lines, []byte("\n")); n != 2000 {
		t.Errorf("%d lines of 2000 rows", n)
	}
}

// Of processes that share the legs of the same shards, one carries a replay into a file: two would
// fence each other off, and end.
func TestReplayOfProcessesByLeg(t *testing.T) {
	whole(t)
	a, b := pair(t)
	a.startLegs(domain.LegIngest, domain.LegHub)
	b.startLegs(domain.LegDoris)
	a.feed("north", 0, 100)
	b.untilRows(200)
	o := operator{b}
	for _, kind := range []domain.TargetKind{domain.TargetNull, domain.TargetFile} {
		r, err := o.plans(domain.PlanScope{}, domain.PlanTarget{Kind: kind})
		must(t, err)
		o.approves(r)
		if end := o.ends(r.ID); end.State != domain.PlanDone {
			t.Fatalf("%s: %+v", kind, end)
		}
	}
	a.feed("north", 100, 100)
	b.untilRows(400)
	b.end()
	a.end()
}

// Whoever takes over the legs takes over their replays: the process before it is fenced off and
// ends, and rows, signatures and the verification go on from where it was.
func TestReplayIsTakenOver(t *testing.T) {
	whole(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	a, b := pair(t)
	all := []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}
	a.startLegs(all...)
	a.parts(2000, a)
	before, after := operator{a}, operator{b}
	r, err := before.asks(replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTable}, Limits: domain.PlanLimits{Rows: 50}})
	must(t, err)
	before.may(r.ID, replay.Approve, replay.Decision{Digest: &r.Digest})
	before.carries(r.ID)
	b.startLegs(all...)
	var ended *services.EndedError
	if err := <-a.done; !errors.As(err, &ended) || ended.Code != 3 {
		t.Fatalf("the process before ended with %v", err)
	}
	after.until(r.ID, "gone on with", func(r *replay.Shown) bool { return r.Progress != nil })
	after.may(r.ID, replay.Limit, replay.Decision{Limits: &domain.PlanLimits{}})
	after.isDone(r.ID)
	b.end()
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(t.Context(), b.cfg, log)
	must(t, err)
	defer func() { must(t, store.Close()) }()
	j, err := store.OpenJournal(t.Context(), b.cfg, "bridge", log)
	must(t, err)
	v, err := pipeline.Verify(t.Context(), b.cfg, j, true, nil)
	must(t, err)
	signed := 0
	for _, s := range v.Streams {
		if s.Stream.Leg == domain.ReplayLeg(r.ID) && s.Heads > 0 {
			signed++
		}
	}
	if !v.Sound || signed != 2 || v.Keys[a.public()] == 0 || v.Keys[b.public()] == 0 {
		t.Errorf("%d streams of the replay are signed, by %v: %v", signed, v.Keys, v.Wrong)
	}
	control, err := j.OpenControl(t.Context())
	must(t, err)
	control.State(func(c *domain.ControlState) {
		for shard := range 2 {
			if key := c.Signed[r.Plan.Stream(shard)]; key != b.public() {
				t.Errorf("the end of %s is signed with %s", r.Plan.Stream(shard), key)
			}
		}
	})
}
