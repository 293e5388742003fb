package hub_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/kafka"
)

// refill is a plan over a world whose hub has lost the ends of some partitions.
type refill struct {
	*replay
	cut    func(at map[int32]int64)
	before map[int32][]string // what a read_committed reader had, with the offsets
	// hides says that the hub hides the rows of a transaction whose marker is lost, as brokers do: then
	// that marker may come behind the last row.
	hides bool
	// foreign is where somebody else wrote.
	foreign int64
}

// lossy is a hub on a stand-in that keeps what it has on disk, so that it can lose a part of it.
// What is fed is committed in transactions of one event each: aborted ones are among them, and
// rows that the hub cannot carry.
func lossy(t *testing.T) *refill {
	t.Helper()
	s, err := kafka.Open(t.Context(), kafka.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &refill{replay: &replay{world: newWorldAt(t, s.Addr())}}
	r.cut = func(at map[int32]int64) {
		for p, offset := range at {
			_, err := s.Cut(r.ctx, r.topic(), p, offset)
			must(t, err)
		}
	}
	r.carry()
	return r
}

// carry feeds rows and has the live leg carry them.
func (r *refill) carry() {
	r.t.Helper()
	w := r.world
	w.cfg.Pipeline.Format.PassKey, w.cfg.Pipeline.Format.PassHeaders = true, true
	w.cfg.MaxRecordBytes, w.cfg.Batch.Rows = 600, 1
	h, f := w.process(), &faults{}
	h.WrapSender(f.wrap)
	for _, fault := range []func(*faults){
		func(*faults) {},
		func(f *faults) { f.produce = journal.FaultAfter }, // a gap of its rows and a marker
		func(f *faults) { f.commit = journal.FaultBefore },
		func(f *faults) { f.commit = journal.FaultAfter },
	} {
		f.set(fault)
		w.keyed(place{"nanjing", 0}, place{"wuxi", 2})
		w.kept(h, w.mixed())
	}
}

// placed is shown with the offsets.
func placed(records map[int32][]*kgo.Record) map[int32][]string {
	out := map[int32][]string{}
	for p, list := range records {
		for _, r := range list {
			out[p] = append(out[p], fmt.Sprintf("@%d %d %s %q %t %v", r.Offset, r.Timestamp.UnixMilli(), r.Value, r.Key, r.Key == nil, r.Headers))
		}
	}
	return out
}

// lose cuts partitions and plans to fill them in.
func (r *refill) lose(at map[int32]int64) {
	r.t.Helper()
	r.before = placed(r.visible())
	r.cut(at)
	r.planFill()
}

func (r *refill) topic() string { return r.world.cfg.Pipeline.HubTopic }

// planFill plans as it is now: the ends of the partitions against the committed ones.
func (r *refill) planFill() {
	r.t.Helper()
	high, err := hub.Tails(r.ctx, r.world.cfg, r.j.ID())
	must(r.t, err)
	committed := map[int32]int64{}
	for _, at := range r.said() {
		committed[at.Partition] = max(committed[at.Partition], at.Offset+1)
	}
	var rows domain.Selection
	for p := range int32(hubPartitions) {
		if high[p] < committed[p] {
			rows.Hub = append(rows.Hub, domain.HubSpan{Partition: p, Span: domain.Span{First: high[p], Next: committed[p]}})
		}
	}
	tail, err := r.j.Tail(r.ctx, r.stream())
	must(r.t, err)
	now := time.Now().UnixNano()
	plan := &domain.Plan{
		ID: domain.PlanID{byte(now >> 24), byte(now >> 16), byte(now >> 8), byte(now)}, Pipeline: r.j.Pipeline(), Rows: rows,
		Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing, Name: r.topic()},
		Lanes:  []domain.PlanLane{{First: 1, Last: tail.Ref()}},
	}
	of := &projections.Replay{Plan: plan, Lane: plan.Lanes[0], Pace: projections.NewPace(plan.Limits)}
	r.replay = &replay{world: r.world, cfg: r.world.cfg, of: of}
	r.replay.cfg.Replay, r.replay.cfg.Batch = of, hub.Limits{Rows: 20}
}

// refilled demands that a reader gets what it got before the loss, at the same offsets; that
// the stream of the replay says of each lost row that it is where it was; and that nothing comes
// of one more process. Then the live leg goes on.
func (r *refill) refilled() {
	r.t.Helper()
	if diff := cmp.Diff(r.before, placed(r.visible()), cmpopts.EquateEmpty()); diff != "" {
		r.t.Errorf("hub topic, - as it was:\n%s", diff)
	}
	want, got := map[key]domain.Coord{}, map[key]domain.Coord{}
	for k, at := range r.said() {
		if slices.ContainsFunc(r.of.Plan.Rows.Hub, func(s domain.HubSpan) bool {
			return s.Partition == at.Partition && s.Span.Contains(at.Offset)
		}) {
			want[k] = domain.Coord{Partition: at.Partition, Offset: at.Offset}
		}
	}
	for _, e := range r.events() {
		c, ok := e.(*domain.HubCommitted)
		if !ok {
			continue
		}
		for _, run := range c.Runs {
			for i := range run.N {
				got[key{run.Ingest, run.Run, run.First + i}] = domain.Coord{Partition: run.Partition, Offset: run.Offset + i}
			}
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(key{})); diff != "" || len(want) == 0 {
		r.t.Errorf("%d rows were lost; the replay says, - what was lost:\n%s", len(want), diff)
	}
	leg := open(r.world, r.process())
	must(r.t, leg.Run(r.ctx))
	leg.Close()
	if leg.Cursor() != r.of.Lane.Last {
		r.t.Errorf("the next process begins at %s, the lane ends at %s", leg.Cursor(), r.of.Lane.Last)
	}
	ends := r.ends()
	for _, s := range r.of.Plan.Rows.Hub {
		if end := ends[s.Partition]; end != s.Span.Next && (!r.hides || end != s.Span.Next+1) {
			r.t.Errorf("partition %d ends at %d, want %d", s.Partition, ends[s.Partition], s.Span.Next)
		}
	}
	r.kept(r.world.process(), r.mixed())
	r.everyRow()
}

// everyRow demands that the live topic has a row where the live leg's commits say, and nowhere else.
func (r *refill) everyRow() {
	r.t.Helper()
	want, got := map[domain.Coord]bool{}, map[domain.Coord]bool{}
	for _, at := range r.said() {
		want[at] = true
	}
	for p, list := range r.visible() {
		for _, rec := range list {
			got[domain.Coord{Partition: p, Offset: rec.Offset, Timestamp: rec.Timestamp.UnixMilli()}] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("rows of the live topic, - as committed:\n%s", diff)
	}
}

// ends is where the partitions end.
func (r *refill) ends() map[int32]int64 {
	r.t.Helper()
	bounds, err := kafkaconn.Offsets(r.ctx, r.cl, r.topic())
	must(r.t, err)
	out := map[int32]int64{}
	for p, b := range bounds {
		out[p] = b.HighWatermark
	}
	return out
}

// saysNoMore demands that each row which the replay says is there is the one that was.
func (r *refill) saysNoMore() {
	r.t.Helper()
	now := placed(r.visible())
	for _, e := range r.events() {
		c, ok := e.(*domain.HubCommitted)
		if !ok {
			continue
		}
		for _, run := range c.Runs {
			for i := range run.N {
				place := fmt.Sprintf("@%d ", run.Offset+i)
				is := func(s string) bool { return strings.HasPrefix(s, place) }
				was, there := slices.IndexFunc(r.before[run.Partition], is), slices.IndexFunc(now[run.Partition], is)
				if was < 0 || there < 0 || r.before[run.Partition][was] != now[run.Partition][there] {
					r.t.Errorf("hub partition %d %sis committed, and is not what was there", run.Partition, place)
				}
			}
		}
	}
}
