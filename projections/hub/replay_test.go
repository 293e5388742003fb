package hub_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
)

// TestReplay: the shadow topic has the rows of the live one. Many of its transactions are one,
// whose time is that of the last.
func TestReplay(t *testing.T) {
	w := chaos(t)
	r := w.plan(domain.Selection{})
	r.cfg.Batch = hub.Limits{}
	r.finish(r.process())
	r.same()
	var last domain.Micros
	for _, e := range w.history() {
		if c, ok := e.(*domain.HubCommitted); ok {
			last = c.Time
		}
	}
	var got []domain.Micros
	for _, e := range r.events() {
		if c, ok := e.(*domain.HubCommitted); ok {
			got = append(got, c.Time)
		}
	}
	if len(got) != 1 || got[0] != last {
		t.Errorf("transactions of %v, want one of %d", got, last)
	}
}

// TestReplayCut: a plan takes what its conditions say, by what the rows say of themselves.
func TestReplayCut(t *testing.T) {
	w := chaos(t)
	tail, err := w.j.Tail(w.ctx, domain.Stream{Pipeline: w.j.Pipeline(), Leg: domain.LegIngest})
	must(t, err)
	for name, rows := range map[string]domain.Selection{
		"a city": {Cities: []domain.CitySpan{
			{Source: "wuxi", Partition: 0, Span: domain.Span{Next: 1 << 40}},
			{Source: "wuxi", Partition: 1, Span: domain.Span{Next: 1 << 40}},
			{Source: "wuxi", Partition: 2, Span: domain.Span{Next: 1 << 40}},
		}},
		"offsets of a city": {Cities: []domain.CitySpan{
			{Source: "nanjing", Partition: 0, Span: domain.Span{First: 1, Next: 2}},
			{Source: "nanjing", Partition: 0, Span: domain.Span{First: 4, Next: 8}},
			{Source: "nanjing", Partition: 0, Span: domain.Span{First: 19, Next: 23}},
			{Source: "wuxi", Partition: 2, Span: domain.Span{First: 5, Next: 7}},
		}},
		"offsets of the hub": {Hub: []domain.HubSpan{
			{Partition: 0, Span: domain.Span{First: 2, Next: 9}},
			{Partition: 0, Span: domain.Span{First: 12, Next: 14}},
			{Partition: 3, Span: domain.Span{First: 1, Next: 2}},
		}},
		"ingest events": {Ingest: []domain.SeqSpan{{First: 4, Last: tail.Seq / 2}}},
		"all at once": {
			Ingest: []domain.SeqSpan{{First: 4, Last: tail.Seq / 2}}, Hub: []domain.HubSpan{{Partition: 0, Span: domain.Span{First: 2, Next: 40}}},
			Cities: []domain.CitySpan{{Source: "nanjing", Partition: 0, Span: domain.Span{First: 4, Next: 30}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.planned(rows)
			r.of.Plan.Target.Name += strings.ReplaceAll(name, " ", "-")
			must(t, hub.MakeShadowTopic(w.ctx, r.cfg))
			if n := count(r.want); n == 0 || n == count(r.live) {
				t.Fatalf("the plan takes %d of %d rows: this tests nothing", n, count(r.live))
			}
			r.finish(r.process())
			r.same()
		})
	}
}

// TestReplayOfNothing: a lane without a single row comes to its end, which is on record; one
// without events is at its end.
func TestReplayOfNothing(t *testing.T) {
	w := chaos(t)
	r := w.plan(domain.Selection{Ingest: []domain.SeqSpan{{First: 1 << 40, Last: 1 << 41}}})
	r.finish(r.process())
	r.same()
	empty := w.planned(domain.Selection{})
	empty.of.Lane = domain.PlanLane{}
	empty.of.Plan.Target.Name += "-empty"
	must(t, hub.MakeShadowTopic(w.ctx, empty.cfg))
	empty.finish(empty.process())
	if got := count(empty.records(empty.of.Plan.Target.Name)); got != 0 || len(empty.events()) != 1 {
		t.Errorf("%d rows, events %v", got, empty.events())
	}
}

// TestReplayBounds: a lane begins and ends with the events that the plan names, and a journal
// that has others there is not carried.
func TestReplayBounds(t *testing.T) {
	w := chaos(t)
	var commits []domain.Ref
	tail, err := w.j.Tail(w.ctx, w.stream())
	must(t, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := w.j.Get(w.ctx, w.stream(), seq)
		must(t, err)
		if _, ok := e.Event.(*domain.HubCommitted); ok {
			commits = append(commits, e.Ref())
		}
	}
	r := w.plan(domain.Selection{})
	r.of.Lane.First, r.of.Lane.Last = commits[2].Seq, commits[5]
	var want int64
	for _, ref := range commits[2:6] {
		e, err := w.j.Get(w.ctx, w.stream(), ref.Seq)
		must(t, err)
		want += e.Event.(*domain.HubCommitted).Rows
	}
	r.finish(r.process())
	got := r.records(r.of.Plan.Target.Name)
	if int64(count(got)) != want {
		t.Errorf("%d rows, the lane has %d", count(got), want)
	}
	r.says(got)

	other := w.planned(domain.Selection{})
	other.of.Plan.Target.Name += "-other"
	other.of.Lane.Last.Hash[3]++
	must(t, hub.MakeShadowTopic(w.ctx, other.cfg))
	leg := open(w, other.process())
	defer leg.Close()
	var broken *journal.IntegrityError
	if err := leg.Run(w.ctx); !errors.As(err, &broken) || broken.Seq != other.of.Lane.Last.Seq {
		t.Errorf("ended with %v", err)
	}
	if n := count(other.records(other.of.Plan.Target.Name)); n != 0 {
		t.Errorf("%d rows came of a journal that is not the plan's", n)
	}
}

// TestReplayRefused: what a replay must never do is refused before anything is connected.
func TestReplayRefused(t *testing.T) {
	for want, change := range map[string]func(*hub.Config){
		"has no hub leg":              func(c *hub.Config) { c.Pipeline.Direct = true },
		"never into a topic that has": func(c *hub.Config) { c.Replay.Plan.Target.Mode = domain.ModeFillMissing },
		"target table":                func(c *hub.Config) { c.Replay.Plan.Target.Kind = domain.TargetTable },
		"is the live one":             func(c *hub.Config) { c.Replay.Plan.Target.Name = "live" },
		"topic live-p is the live":    func(c *hub.Config) { c.Replay.Plan.Target.Name = "live-p" },
		"would stand in x-progress":   func(c *hub.Config) { c.Replay.Plan.Target.Name, c.ProgressTopic = "x", "x-progress" },
	} {
		plan := &domain.Plan{Pipeline: "p", Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeShadow, Name: "shadow"}}
		c := hub.Config{
			Pipeline:      domain.PipelineConfig{Timezone: "UTC", Format: domain.FlinkFormat(), HubTopic: "live", HubPartitions: 1, Shards: 1},
			ProgressTopic: "live-p", Replay: &projections.Replay{Plan: plan, Pace: projections.NewPace(domain.PlanLimits{})},
		}
		change(&c)
		j, err := journal.Open(t.Context(), "p", journal.Options{Store: journal.NewMemory()})
		must(t, err)
		_, err = hub.New(c, j, 1, 1, projections.Incidents{}, nil, nil)
		var refusal *projections.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want: %s", err, want)
		}
		if err := hub.MakeShadowTopic(t.Context(), c); !errors.As(err, &refusal) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want: %s", err, want)
		}
	}
}

// TestReplayTooLarge: a row that the live topic took and the shadow does not take stops the
// replay, which leaves nothing out.
func TestReplayTooLarge(t *testing.T) {
	w := newWorld(t)
	w.moved(open(w, w.process()), w.append(run("nanjing", 0, 0, 1, recordBatch(0, strings.Repeat("x", 3000)+"/0/0"))))
	r := w.planned(domain.Selection{})
	w.makeHub(r.of.Plan.Target.Name, map[string]string{"max.message.bytes": "2000", "retention.ms": "-1", "retention.bytes": "-1"})
	must(t, hub.MakeShadowTopic(w.ctx, r.cfg))
	leg := open(w, r.process())
	defer leg.Close()
	if err := leg.Run(w.ctx); err == nil || !strings.Contains(err.Error(), "run 0 row 0, which is in hub partition 0, is larger than the topic takes: raise its max.message.bytes") {
		t.Errorf("ended with %v", err)
	}
}

// TestReplayPace: the limits bound how much comes at once, and may be lifted meanwhile.
func TestReplayPace(t *testing.T) {
	w := newWorld(t)
	w.cfg.Batch.Rows = 1
	var to domain.Ref
	for range 40 {
		to = w.feed(5, place{"nanjing", 0})
	}
	w.moved(open(w, w.process()), to)
	r := w.plan(domain.Selection{})
	r.cfg.Batch = hub.Limits{}
	r.of.Pace.Set(domain.PlanLimits{Rows: 20}) // 4 of them at once
	began, first := time.Now(), true
	h := r.process()
	h.WrapSender((&faults{before: func(rows int) error {
		if took := time.Since(began); first && (rows != 20 || took < 700*time.Millisecond) {
			t.Errorf("%d rows after %s", rows, took)
		}
		first = false
		r.of.Pace.Set(domain.PlanLimits{})
		return nil
	}}).wrap)
	r.finish(h)
	r.same()
}

// TestReplayOld: rows keep the timestamps of their day, by which the brokers take them from the
// live topic and not from the shadow.
func TestReplayOld(t *testing.T) {
	w := newWorld(t)
	w.slow.Store(24 * 60)
	w.moved(open(w, w.process()), w.mixed())
	r := w.plan(domain.Selection{})
	r.finish(r.process())
	if w.fake != nil { // a real broker looks every few minutes
		w.fake.ApplyRetention()
		if n := count(w.records(w.cfg.Pipeline.HubTopic)); n != 0 {
			t.Errorf("the live topic has %d rows: this tests nothing", n)
		}
	}
	r.same()
}
