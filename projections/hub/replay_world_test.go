package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
)

// chaos is a pipeline that has come to rest after transactions that were aborted, or whose
// answer was lost, and rows that the hub could not carry. Each of its transactions has one
// event; keys and headers are passed.
func chaos(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.cfg.Pipeline.Format.PassKey, w.cfg.Pipeline.Format.PassHeaders = true, true
	w.cfg.MaxRecordBytes = 600
	w.cfg.Batch.Rows = 1
	h, f := w.process(), &faults{}
	h.WrapSender(f.wrap)
	for _, fault := range []func(*faults){
		func(*faults) {},
		func(f *faults) { f.produce = journal.FaultAfter },
		func(f *faults) { f.commit = journal.FaultBefore },
		func(f *faults) { f.commit = journal.FaultAfter },
	} {
		f.set(fault)
		w.keyed(place{"nanjing", 0}, place{"wuxi", 2})
		w.kept(h, w.mixed())
	}
	return w
}

// keyed journals an event of six rows for each place, of which the hub carries the first, the
// fifth and the last.
func (w *world) keyed(at ...place) {
	w.t.Helper()
	var runs []domain.Run
	for _, p := range at {
		first := w.next[p]
		w.next[p] += 6
		v := values(p.source, p.partition, first, 6)
		long := string(make([]byte, 600))
		runs = append(runs, run(p.source, p.partition, first, 6,
			fullBatch(first, kmsg.Record{Key: []byte("k" + v[0]), Value: []byte(v[0])}, kmsg.Record{Value: []byte(long)}),
			undecodable(first+2, 2),
			fullBatch(first+4, kmsg.Record{Key: []byte{}, Value: []byte(v[4]), Headers: []kmsg.Header{{Key: "h"}, {Key: "h", Value: []byte("2")}}}),
			fullBatch(first+5, kmsg.Record{Value: []byte(v[5])})))
	}
	w.append(runs...)
}

// replay is a plan over a world whose live leg is at rest.
type replay struct {
	*world
	of   *projections.Replay
	cfg  hub.Config
	live map[int32][]*kgo.Record // of the live topic
	want map[int32][]string      // what of them the shadow must have
}

// plan plans a replay of what is committed, as far as rows takes it, and makes its topics.
func (w *world) plan(rows domain.Selection) *replay {
	w.t.Helper()
	r := w.planned(rows)
	must(w.t, hub.MakeShadowTopic(w.ctx, r.cfg))
	return r
}

func (w *world) planned(rows domain.Selection) *replay {
	w.t.Helper()
	tail, err := w.j.Tail(w.ctx, w.stream())
	must(w.t, err)
	now := time.Now().UnixNano()
	plan := &domain.Plan{
		ID: domain.PlanID{byte(now >> 24), byte(now >> 16), byte(now >> 8), byte(now)}, Pipeline: w.j.Pipeline(), Rows: rows,
		Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeShadow, Name: w.cfg.Pipeline.HubTopic + "-shadow"},
		Lanes:  []domain.PlanLane{{First: 1, Last: tail.Ref()}},
	}
	r := &replay{world: w, cfg: w.cfg, of: &projections.Replay{Plan: plan, Lane: plan.Lanes[0], Pace: projections.NewPace(plan.Limits)}}
	r.cfg.Replay = r.of
	brought := w.brought()
	r.live = w.records(w.cfg.Pipeline.HubTopic)
	r.want = shown(r.live, func(rec *kgo.Record) bool { return w.takes(rows, rec, brought) })
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, _ = kadm.NewClient(w.cl).DeleteTopics(ctx, plan.Target.Name, hub.ShadowProgress(plan.Target.Name))
	})
	return r
}

// records is what a read_committed reader gets of a topic.
func (w *world) records(topic string) map[int32][]*kgo.Record {
	w.t.Helper()
	live := w.cfg.Pipeline.HubTopic
	w.cfg.Pipeline.HubTopic = topic
	defer func() { w.cfg.Pipeline.HubTopic = live }()
	return w.visible()
}

// shown is timestamp, value, key and headers of each record in their order.
func shown(records map[int32][]*kgo.Record, taken func(*kgo.Record) bool) map[int32][]string {
	out := map[int32][]string{}
	for p, list := range records {
		for _, r := range list {
			if taken == nil || taken(r) {
				out[p] = append(out[p], fmt.Sprintf("%d %s %q %t %v", r.Timestamp.UnixMilli(), r.Value, r.Key, r.Key == nil, r.Headers))
			}
		}
	}
	return out
}

func count[T any](rows map[int32][]T) (n int) {
	for _, list := range rows {
		n += len(list)
	}
	return n
}

// takes says of a record of the live topic what a plan says, by what the record itself says.
func (w *world) takes(rows domain.Selection, r *kgo.Record, brought map[domain.HubSpan]domain.Seq) bool {
	var v struct {
		City      domain.City `json:"sscsdm"`
		Partition int32       `json:"city_partition_id"`
		Offset    int64       `json:"city_offset_id"`
	}
	must(w.t, json.Unmarshal(r.Value, &v))
	hub := len(rows.Hub) == 0 || slices.ContainsFunc(rows.Hub, func(s domain.HubSpan) bool {
		return s.Partition == r.Partition && s.Span.Contains(r.Offset)
	})
	city := len(rows.Cities) == 0 || slices.ContainsFunc(rows.Cities, func(s domain.CitySpan) bool {
		source, known := w.cfg.Pipeline.Source(s.Source)
		return known && source.City == v.City && s.Partition == v.Partition && s.Span.Contains(v.Offset)
	})
	seq := brought[domain.HubSpan{Partition: r.Partition, Span: domain.Span{First: r.Offset}}]
	event := len(rows.Ingest) == 0 || slices.ContainsFunc(rows.Ingest, func(s domain.SeqSpan) bool { return s.First <= seq && seq <= s.Last })
	return hub && city && event
}

// brought is the ingest event of each place of the live topic.
func (w *world) brought() map[domain.HubSpan]domain.Seq {
	w.t.Helper()
	out := map[domain.HubSpan]domain.Seq{}
	for k, at := range w.said() {
		out[domain.HubSpan{Partition: at.Partition, Span: domain.Span{First: at.Offset}}] = k.ingest
	}
	return out
}

// process is the replay's leg of one more process.
func (r *replay) process() *hub.Hub {
	r.t.Helper()
	h, err := hub.New(r.cfg, r.j, r.started(), 1, projections.Incidents{Control: r.control}, projections.NewReporter(r.of.Stream()), r.log)
	must(r.t, err)
	return h
}

// finish runs the replay to its end under a Runner.
func (r *replay) finish(h projections.Opener) {
	r.t.Helper()
	runner := &projections.Runner{
		Stream: r.of.Stream(), Opener: h, Incidents: projections.Incidents{Control: r.control}, Ends: true,
		Reporter: projections.NewReporter(r.of.Stream()), Log: slog.New(slog.DiscardHandler),
		Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
	}
	if err := runner.Run(r.ctx); err != nil || r.ctx.Err() != nil {
		r.t.Fatalf("replay ended with %v, context %v, last said: %s", err, r.ctx.Err(), runner.Reporter.Status().Error)
	}
}

// events are those of the replay's stream without Genesis.
func (r *replay) events() (out []domain.Event) {
	r.t.Helper()
	tail, err := r.j.Tail(r.ctx, r.of.Stream())
	must(r.t, err)
	for seq := domain.Seq(2); seq <= tail.Seq; seq++ {
		e, err := r.j.Get(r.ctx, r.of.Stream(), seq)
		must(r.t, err)
		out = append(out, e.Event)
	}
	return out
}

// same demands that the shadow topic has what the plan takes of the live one, row by row, and
// that the replay's stream says where; and that one more process finds the lane done.
func (r *replay) same() {
	r.t.Helper()
	got := r.records(r.of.Plan.Target.Name)
	if diff := cmp.Diff(r.want, shown(got, nil), cmpopts.EquateEmpty()); diff != "" {
		r.t.Errorf("shadow topic, - the live one's:\n%s", diff)
	}
	r.says(got)
	before := len(r.events())
	leg := open(r.world, r.process())
	defer leg.Close()
	if leg.Cursor() != r.of.Lane.Last {
		r.t.Errorf("the next process begins at %s, the lane ends at %s", leg.Cursor(), r.of.Lane.Last)
	}
	must(r.t, leg.Run(r.ctx))
	if after := r.events(); len(after) != before+1 {
		r.t.Errorf("a lane that is done was carried again: %d events after %d", len(after), before)
	}
}

// says demands of the commits of the replay that they name each row once, where it is: the
// value there must be the one of the live place that the journal says for it.
func (r *replay) says(got map[int32][]*kgo.Record) {
	r.t.Helper()
	var rows, bytes int64
	seen := map[key]bool{}
	for _, e := range r.events() {
		c, ok := e.(*domain.HubCommitted)
		if !ok {
			continue
		}
		rows += c.Rows
		bytes += c.Bytes
		if c.Cursor.Stream != r.stream() {
			r.t.Errorf("cursor %s", c.Cursor)
		}
		for _, run := range c.Runs {
			for i := range run.N {
				k := key{run.Ingest, run.Run, run.First + i}
				if seen[k] {
					r.t.Errorf("%+v was carried twice", k)
				}
				seen[k] = true
			}
		}
	}
	n := count(got)
	if int(rows) != n || len(seen) != n || (bytes > 0) != (rows > 0) {
		r.t.Errorf("commits have %d rows, %d of them named, %d bytes; the topic has %d", rows, len(seen), bytes, n)
	}
	shadow, live := r.places(got, r.of.Stream()), r.places(r.live, r.stream())
	for k := range seen {
		if shadow[k] == "" || shadow[k] != live[k] {
			r.t.Errorf("%+v is %s, in the live topic %s", k, shadow[k], live[k])
		}
	}
}

// places is the value of each row among records, found where the commits of a stream say.
func (r *replay) places(records map[int32][]*kgo.Record, s domain.Stream) map[key]string {
	r.t.Helper()
	at := map[domain.HubSpan]string{}
	for _, list := range records {
		for _, rec := range list {
			at[domain.HubSpan{Partition: rec.Partition, Span: domain.Span{First: rec.Offset}}] = string(rec.Value)
		}
	}
	out := map[key]string{}
	tail, err := r.j.Tail(r.ctx, s)
	must(r.t, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := r.j.Get(r.ctx, s, seq)
		must(r.t, err)
		c, ok := e.Event.(*domain.HubCommitted)
		if !ok {
			continue
		}
		for _, run := range c.Runs {
			for i := range run.N {
				out[key{run.Ingest, run.Run, run.First + i}] = at[domain.HubSpan{Partition: run.Partition, Span: domain.Span{First: run.Offset + i}}]
			}
		}
	}
	return out
}
