package checkpoint

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// plans has a plan approved that fills a table, with a lane in each shard.
func (r *rig) plans(id byte, shards ...int) *domain.Plan {
	r.t.Helper()
	p := &domain.Plan{ID: domain.PlanID{id}, Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetTable}}
	for _, shard := range shards {
		p.Lanes = append(p.Lanes, domain.PlanLane{Shard: shard, First: 1})
	}
	r.says(&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text())})
	r.moves(p, domain.PlanRunning)
	return p
}

func (r *rig) moves(p *domain.Plan, to domain.PlanState) {
	r.t.Helper()
	r.says(&domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: to})
}

func (r *rig) says(e domain.Event) {
	r.t.Helper()
	_, err := r.control.Append(r.t.Context(), func(*domain.ControlState) (domain.Event, error) { return e, nil })
	r.ok(err)
}

// writes takes a stream over for a process, and appends to it.
func (r *rig) writes(s domain.Stream, incarnation domain.Seq, n int) *journal.Writer {
	r.t.Helper()
	w, err := r.j.Takeover(r.t.Context(), s, incarnation, 1)
	r.ok(err)
	for range n {
		_, err := w.Append(r.t.Context(), &domain.DorisAborted{Owned: w.Owned(), Trail: w.Trail(), Why: "x"})
		r.ok(err)
	}
	return w
}

// told are the streams of which a keeper tells the hub.
func (r *rig) told(k *keeper) (out []domain.Stream) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range headsOf(k.awake()) {
		out = append(out, h.Ref.Stream)
	}
	return out
}

// The stream of a replay is signed from its approval on, everywhere. When the replay has ended and
// control has its end, it rests, until something is settled there. A report has it all the same.
func TestReplayIsSigned(t *testing.T) {
	r := newRig(t)
	p := r.plans(1, 0)
	s := p.Stream(0)
	w := r.writes(s, r.k.o.Incarnation, 3)
	r.ok(r.due(r.k))
	demand := func(when string, rests bool) {
		t.Helper()
		if got := r.heads()[s].Ref; got != w.Tail() {
			t.Errorf("%s: signed on control is %s, the stream ends at %s", when, got, w.Tail())
		}
		file, err := checkpoint.OpenFile(checkpoint.FilePath(r.dir))
		r.ok(err)
		if heads := file.Heads(); !slices.ContainsFunc(heads, func(h checkpoint.Kept) bool { return h.Ref == w.Tail() }) {
			t.Errorf("%s: the file has %v", when, heads)
		}
		tree, err := checkpoint.OpenTree(checkpoint.TreePath(r.dir, r.j.ID(), s))
		r.ok(err)
		if got := domain.Seq(tree.Size()); got != w.Tail().Seq {
			t.Errorf("%s: the tree has %d events", when, got)
		}
		r.ok(tree.Close())
		if told := r.told(r.k); slices.Contains(told, s) == rests {
			t.Errorf("%s: the hub is told of %v", when, told)
		}
		now, err := r.k.now(t.Context())
		r.ok(err)
		if !slices.ContainsFunc(now, func(h checkpoint.Kept) bool { return h.Ref == w.Tail() }) {
			t.Errorf("%s: a report has %v", when, now)
		}
	}
	demand("while it runs", false)
	r.moves(p, domain.PlanCancelled)
	w = r.writes(s, r.k.o.Incarnation, 2) // what was under way is settled
	r.ok(r.due(r.k))
	demand("when it has ended", true)
	r.open()
	r.ok(r.due(r.k))
	demand("in the next process", true)
	w = r.writes(s, r.k.o.Incarnation, 1) // it settles once more
	r.ok(r.due(r.k))
	demand("settled there", true)
	w = r.writes(s, r.k.o.Incarnation, 1) // and it dies, before it signs that
	r.open()
	r.ok(r.due(r.k))
	demand("signed for one that died", true)
}

// An end of it that was lost is found as of every other stream.
func TestReplayThatLostItsEnd(t *testing.T) {
	r := newRig(t)
	p := r.plans(1, 0)
	r.writes(p.Stream(0), r.k.o.Incarnation, 20)
	r.ok(r.due(r.k))
	r.store.Truncate(p.Stream(0), 9)
	r.ends(domain.IncidentJournalRegressed, "journal regressed", "p.0.replay-01000000@22", "put the journal back")
}

// Of a replay with lanes in two processes each signs its own stream, and for a report the other
// one's, too.
func TestReplayOfTwoProcesses(t *testing.T) {
	a, b, _ := two(t)
	p := a.plans(1, 0, 1)
	b.ok(b.control.CatchUp(t.Context()))
	a.writes(p.Stream(0), a.k.o.Incarnation, 3)
	b.writes(p.Stream(1), b.k.o.Incarnation, 4)
	if mine, _ := a.signed(); mine[p.Stream(0)].Ref.Seq != 5 || mine[p.Stream(1)].Ref.Seq != 6 {
		t.Errorf("a report has %v", mine)
	}
	for _, x := range []*process{a, b} {
		x.ok(x.due(x.k))
	}
	if one, other := a.told(a.k), b.told(b.k); !slices.Contains(one, p.Stream(0)) || slices.Contains(one, p.Stream(1)) || !slices.Contains(other, p.Stream(1)) {
		t.Errorf("the one signs %v, the other %v", one, other)
	}
	a.moves(p, domain.PlanCancelled)
	late := a.writes(p.Stream(1), b.k.o.Incarnation, 1) // settled, and not signed by its writer
	if mine, _ := a.signed(); mine[p.Stream(1)].Ref != late.Tail() {
		t.Errorf("a report has %v, the stream ends at %s", mine[p.Stream(1)].Ref, late.Tail())
	}
}

// Who takes a shard over takes over its replays: the process before it can append nothing more to
// them, and the new one signs them.
func TestReplayIsTakenOver(t *testing.T) {
	a, _, store := two(t)
	p := a.plans(1, 0)
	before := a.writes(p.Stream(0), a.k.o.Incarnation, 3)
	a.ok(a.due(a.k))
	c := newProcess(t, store, 0)
	after := c.writes(p.Stream(0), c.k.o.Incarnation, 2)
	var fenced *journal.FencedError
	if _, err := before.Append(t.Context(), &domain.DorisAborted{Owned: before.Owned(), Trail: before.Trail(), Why: "y"}); !errors.As(err, &fenced) || fenced.Owner != c.k.o.Incarnation {
		t.Errorf("the process before appends: %v", err)
	}
	if _, err := a.j.Takeover(t.Context(), p.Stream(0), a.k.o.Incarnation, 1); !errors.As(err, &fenced) {
		t.Errorf("the process before takes it back: %v", err)
	}
	c.ok(c.due(c.k))
	if got := c.heads()[p.Stream(0)].Ref; got != after.Tail() {
		t.Errorf("signed is %s, the stream ends at %s", got, after.Tail())
	}
}

// The hub is told of replays while they run.
func TestHubIsToldOfReplays(t *testing.T) {
	r := newRig(t)
	c := r.hubOf()
	cl, err := kafkaconn.Dial(c.Kafka)
	r.ok(err)
	defer cl.Close()
	r.ok(kafkaconn.EnsureTopic(t.Context(), cl, progress, 2, kafkaconn.ProgressConfig()))
	p := r.plans(1, 0)
	w := r.writes(p.Stream(0), r.k.o.Incarnation, 3)
	tell := func() []domain.Ref {
		t.Helper()
		r.ok(r.due(r.k))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r.ok(r.k.tellAll(ctx))
		return r.remembered(c, 0)
	}
	if got := tell(); !slices.Contains(got, w.Tail()) {
		t.Errorf("the hub has %v", got)
	}
	r.moves(p, domain.PlanCancelled)
	if got := tell(); slices.ContainsFunc(got, func(ref domain.Ref) bool { return ref.Stream == p.Stream(0) }) || len(got) != 2 {
		t.Errorf("the hub has %v", got)
	}
}
