package reconcile_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// hubRows are the records of the hub, by partition.
func (w *world) hubRows() map[int32][]*kgo.Record {
	w.t.Helper()
	ends, err := kadm.NewClient(w.cl).ListEndOffsets(w.t.Context(), "hub")
	must(w.t, err)
	at, left := map[int32]kgo.Offset{}, int64(0)
	ends.Each(func(o kadm.ListedOffset) {
		at[o.Partition] = kgo.NewOffset().AtStart()
		left += o.Offset
	})
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"hub": at}))
	must(w.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	out := map[int32][]*kgo.Record{}
	for left > 0 {
		got := cl.PollFetches(ctx)
		must(w.t, got.Err())
		got.EachRecord(func(r *kgo.Record) { out[r.Partition], left = append(out[r.Partition], r), left-1 })
	}
	return out
}

// shadowTopic makes a topic of records, in their order.
func (w *world) shadowTopic(name string, rows map[int32][]*kgo.Record) {
	w.t.Helper()
	_, err := kadm.NewClient(w.cl).CreateTopic(w.t.Context(), w.config.HubPartitions, 1, nil, name)
	must(w.t, err)
	for h, list := range rows {
		var out []*kgo.Record
		for _, r := range list {
			out = append(out, &kgo.Record{Topic: name, Partition: h, Value: r.Value, Timestamp: r.Timestamp})
		}
		w.puts(out...)
	}
}

// A shadow topic is verified by what its partitions have, in which order; its offsets are its own.
func TestProveShadowTopic(t *testing.T) {
	w := newWorld(t)
	s := w.opened()
	w.moves(100)
	w.puts(&kgo.Record{Partition: 0, Value: []byte("of somebody else")}) // so that offsets differ
	w.moves(100)
	rows := w.hubRows()
	rows[0] = slices.DeleteFunc(rows[0], func(r *kgo.Record) bool { return strings.HasPrefix(string(r.Value), "of ") })
	w.ingests(s, w.run(s, "wuxi", 0, 5, 0))
	plan := w.plan(domain.TargetTopic, domain.ModeShadow, "")
	with := func(h int32, list []*kgo.Record) map[int32][]*kgo.Record {
		out := map[int32][]*kgo.Record{0: rows[0], 1: rows[1], 2: rows[2]}
		out[h] = list
		return out
	}
	changed := func(r *kgo.Record, from, to string) *kgo.Record {
		value := strings.Replace(string(r.Value), from, to, 1)
		if value == string(r.Value) {
			t.Fatalf("%q is not in %s", from, r.Value)
		}
		return &kgo.Record{Value: []byte(value), Timestamp: r.Timestamp}
	}
	of := rows[0]
	late := &kgo.Record{Value: of[40].Value, Timestamp: of[40].Timestamp.Add(time.Millisecond)}
	for i, c := range []struct {
		rows map[int32][]*kgo.Record
		want []string
	}{
		{with(0, of), nil},
		{with(0, slices.Concat(of[:40], of[41:])), []string{"lost in topic 0/40"}},
		{with(0, of[:180]), lostFrom(181, 201)},
		{with(0, slices.Concat(of[:40], of[39:])), []string{"doubled in topic 0/-1"}},
		{with(0, slices.Concat(of, of[199:])), []string{"doubled in topic 0/-1"}},
		{with(0, slices.Concat(of[:40], []*kgo.Record{changed(of[40], "nanjing", "nanking")}, of[41:])), []string{"altered in topic 0/40 record"}},
		{with(0, slices.Concat(of[:40], []*kgo.Record{late}, of[41:])), []string{"altered in topic 0/40 hw_ts"}},
		{with(0, slices.Concat(of[:40], []*kgo.Record{of[41], of[40]}, of[42:])), []string{"reordered in topic 0/-1"}},
		{with(0, slices.Concat(of[:40], []*kgo.Record{changed(of[40], `"city_offset_id":40`, `"city_offset_id":4000`)}, of[40:])), []string{"strayed in topic 0/-1"}},
		{with(3, []*kgo.Record{of[7]}), []string{"strayed in topic 3/-1"}},
	} {
		plan.Target.Name = fmt.Sprintf("shadow-%d", i)
		w.shadowTopic(plan.Target.Name, c.rows)
		r, _ := w.provesPlan(plan)
		names(t, plan.Target.Name, r, c.want...)
		if i == 0 && (r.Coverage[0].Proof != report.PlanTopic || r.Coverage[0].Verified != 600 || len(r.Evidence) != hubPartitions) {
			t.Errorf("%+v, %d positions", r.Coverage, len(r.Evidence))
		}
	}
}

// lostFrom are rows of hub partition 0 that are lost.
func lostFrom(first, next int) (out []string) {
	for o := first; o < next; o++ {
		out = append(out, fmt.Sprintf("lost in topic 0/%d", o))
	}
	return out
}
