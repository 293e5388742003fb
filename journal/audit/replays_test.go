package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/audit"
)

// replays approves a plan, and writes its stream in shard 0.
func (w *world) replays(id byte) domain.Stream {
	w.Helper()
	p := &domain.Plan{
		ID: domain.PlanID{id}, Pipeline: pipeline, Target: domain.PlanTarget{Kind: domain.TargetNull},
		Lanes: []domain.PlanLane{{First: 1, Last: w.refs[stream(domain.LegHub)][19]}, {Shard: 1, First: 1, Last: w.refs[stream(domain.LegHub)][19]}},
	}
	control, err := w.j.OpenControl(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range []domain.Event{
		&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text()), Who: "li", Why: "a test"},
		&domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: domain.PlanRunning, Who: "li", Why: "a test"},
	} {
		if _, err := control.Append(w.Context(), func(*domain.ControlState) (domain.Event, error) { return e, nil }); err != nil {
			w.Fatal(err)
		}
	}
	wr := w.take(domain.ReplayLeg(p.ID))
	for range 20 {
		w.put(wr, &domain.DorisAborted{Owned: wr.Owned(), Trail: wr.Trail(), Why: strings.Repeat("x", 100)})
	}
	return wr.Stream()
}

// The streams of replays are read with those of their shard, behind them, and what is wrong with
// one is found. A shard in which a replay has written nothing has no stream of it.
func TestReplaysAreRead(t *testing.T) {
	w := newWorld(t)
	first, second := w.replays(9), w.replays(1)
	o := audit.Options{Deep: true, Heads: append(slices.Clone(w.heads), w.head(first, 5), w.head(second, w.refs[second][19].Seq))}
	r := w.audit(o)
	var names []domain.Stream
	for _, s := range r.Streams {
		names = append(names, s.Stream)
	}
	want := []domain.Stream{domain.ControlStream(pipeline), stream(domain.LegIngest), stream(domain.LegHub), first, second}
	if !r.Sound() || !slices.Equal(names, want) || r.Streams[3].Heads != 1 || r.Streams[4].Events != int64(w.refs[second][19].Seq) {
		t.Fatalf("%v, %v", r.Wrong(), names)
	}
	w.open()
	w.store.read = func(s domain.Stream, at domain.Seq, b []byte) []byte {
		if s == second && at == 7 {
			b[len(b)-1] ^= 1
		}
		return b
	}
	if err := w.audit(audit.Options{}).Wrong(); err == nil || !strings.Contains(err.Error(), second.String()+"@8") {
		t.Errorf("a flipped bit: %v", err)
	}
	w.store.read = nil
	o.Heads[4].Root[3]++
	if err := w.audit(o).Wrong(); err == nil || !strings.Contains(err.Error(), "signed checkpoint of "+first.String()+"@5") {
		t.Errorf("another root: %v", err)
	}
}

// Where a whole shard is gone, those behind it are still read.
func TestShardThatIsGone(t *testing.T) {
	w := newWorld(t)
	control, err := w.j.OpenControl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	config := &domain.PipelineConfigured{Config: domain.PipelineConfig{Shards: 3}}
	if _, err := control.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) { return config, nil }); err != nil {
		t.Fatal(err)
	}
	s := domain.Stream{Pipeline: pipeline, Shard: 2, Leg: domain.LegDoris}
	if _, err := w.j.Takeover(t.Context(), s, 2, 1); err != nil {
		t.Fatal(err)
	}
	got, err := audit.Streams(t.Context(), w.j, control)
	if err != nil || !slices.Contains(got, s) {
		t.Errorf("%v, %v", got, err)
	}
}
