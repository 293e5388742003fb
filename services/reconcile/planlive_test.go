package reconcile_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/checkpoint"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// filledTopic makes a topic of records in their order. A nil one is two offsets that readers do not
// see: a record of a transaction that is aborted, and its marker.
func (w *world) filledTopic(name string, rows map[int32][]*kgo.Record) {
	w.t.Helper()
	_, err := kadm.NewClient(w.cl).CreateTopic(w.t.Context(), w.config.HubPartitions, 1, nil, name)
	must(w.t, err)
	other, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(name))
	must(w.t, err)
	defer other.Close()
	for h, list := range rows {
		for len(list) > 0 {
			n := slices.Index(list, nil)
			if n == 0 {
				must(w.t, other.BeginTransaction())
				must(w.t, other.ProduceSync(w.t.Context(), &kgo.Record{Topic: name, Partition: h, Value: []byte("aborted")}).FirstErr())
				must(w.t, other.EndTransaction(w.t.Context(), kgo.TryAbort))
				list = list[1:]
				continue
			}
			if n < 0 {
				n = len(list)
			}
			var out []*kgo.Record
			for _, r := range list[:n] {
				out = append(out, &kgo.Record{Topic: name, Partition: h, Value: r.Value, Timestamp: r.Timestamp})
			}
			w.puts(out...)
			list = list[n:]
		}
	}
}

// What was filled into the live topic is verified at the very offsets, with nothing beside it; what
// is not of the plan, before it and behind it, is not looked at.
func TestProveLiveTopic(t *testing.T) {
	w := newWorld(t)
	w.opened()
	w.moves(100)
	foreign := func() *kgo.Record { return &kgo.Record{Value: []byte("of somebody else")} }
	w.puts(foreign(), foreign()) // offsets without a row
	w.moves(100)
	rows := w.hubRows()
	plan := w.plan(domain.TargetTopic, domain.ModeFillMissing, "")
	plan.Rows.Hub = []domain.HubSpan{{Partition: 0, Span: domain.Span{First: 40, Next: 202}}, {Partition: 2, Span: domain.Span{First: 150, Next: 200}}}
	early, late, two := rows[0][:100], rows[0][102:], rows[2]
	whole := slices.Concat(early, []*kgo.Record{nil}, late)
	touched := *two[170]
	touched.Timestamp = touched.Timestamp.Add(time.Millisecond)
	shifted := []string{"lost in topic 2/150"}
	for o := 151; o < 200; o++ {
		shifted = append(shifted, fmt.Sprintf("altered in topic 2/%d hw_offset_id", o))
	}
	for i, c := range []struct {
		zero, two []*kgo.Record
		want      []string
	}{
		{whole, two, nil},
		{slices.Concat(whole, []*kgo.Record{foreign()}), slices.Concat(two[:30], []*kgo.Record{foreign()}, two[31:]), nil},
		{whole[:len(whole)-1], two, []string{"lost in topic 0/201"}},
		{slices.Concat(early, []*kgo.Record{foreign(), foreign()}, late), two, []string{"strayed in topic 0/100", "strayed in topic 0/101"}},
		{whole, slices.Concat(two[:170], []*kgo.Record{&touched}, two[171:]), []string{"altered in topic 2/170 hw_ts"}},
		{whole, slices.Concat(two[:160], []*kgo.Record{two[161], two[160]}, two[162:]), []string{"altered in topic 2/160 hw_offset_id", "reordered in topic 2/160"}},
		{whole, slices.Concat(two[:10], two[11:]), shifted},
	} {
		plan.Target.Name = fmt.Sprintf("live-%d", i)
		w.filledTopic(plan.Target.Name, map[int32][]*kgo.Record{0: c.zero, 2: c.two})
		r, _ := w.provesPlan(plan)
		names(t, plan.Target.Name, r, c.want...)
		if c.want == nil && (r.Coverage[0].Verified != 210 || r.Scope.Plan.Rows != 210 || !slices.Contains(r.Scope.Columns[report.PlanTopic], "hw_offset_id")) {
			t.Errorf("%s: %+v of %+v, columns %v", plan.Target.Name, r.Coverage, r.Scope.Plan, r.Scope.Columns)
		}
	}
}

// Rows of the live topic that cannot be read yet, since somebody has a transaction open before them, are
// no loss: it is said what holds them back. Those that retention has deleted again were not compared.
func TestProveLiveTopicHidden(t *testing.T) {
	w := newWorld(t)
	w.opened()
	w.moves(100)
	foreign := &kgo.Record{Value: []byte("of somebody else")}
	w.puts(foreign, &kgo.Record{Value: foreign.Value}) // offsets without a row
	w.moves(100)
	rows := w.hubRows()
	plan := w.plan(domain.TargetTopic, domain.ModeFillMissing, "")
	plan.Rows.Hub = []domain.HubSpan{{Partition: 0, Span: domain.Span{First: 40, Next: 202}}}

	plan.Target.Name = "live-open"
	w.filledTopic(plan.Target.Name, map[int32][]*kgo.Record{0: rows[0][:100]})
	other, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("other"))
	must(t, err)
	defer other.Close()
	must(t, other.BeginTransaction())
	for range 2 {
		must(t, other.ProduceSync(t.Context(), &kgo.Record{Topic: plan.Target.Name, Value: []byte("open")}).FirstErr())
	}
	var late []*kgo.Record
	for _, r := range rows[0][102:] {
		late = append(late, &kgo.Record{Topic: plan.Target.Name, Value: r.Value, Timestamp: r.Timestamp})
	}
	w.puts(late...)
	still, err := checkpoint.OpenStill(t.Context(), w.j, w.dir, filepath.Join(w.dir, "key"))
	must(t, err)
	defer still.Close()
	_, _, err = reconcile.ProvePlan(t.Context(), &w.p, w.j, w.dir, plan, still, reconcile.Maker{Version: "test", Sync: "always"}, nil)
	if err == nil || !strings.Contains(err.Error(), "the last stable offset is 100") {
		t.Errorf("proven with %v", err)
	}
	still.Close()

	plan.Target.Name = "live-expired"
	w.filledTopic(plan.Target.Name, map[int32][]*kgo.Record{0: slices.Concat(rows[0][:100], []*kgo.Record{nil}, rows[0][102:])})
	upTo := kadm.Offsets{}
	upTo.AddOffset(plan.Target.Name, 0, 60, -1)
	_, err = kadm.NewClient(w.cl).DeleteRecords(t.Context(), upTo)
	must(t, err)
	r, _ := w.provesPlan(plan)
	want := report.Unchecked{Where: "topic", Rows: 20, Why: "the topic's retention has deleted them again, since they have the time that they had"}
	if !slices.Contains(r.Unchecked, want) || r.Coverage[0].Verified != 140 || len(r.Findings) > 0 {
		t.Errorf("not compared: %+v; %+v, findings %+v", r.Unchecked, r.Coverage, r.Findings)
	}
}
