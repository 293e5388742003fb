package reconcile_test

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// logOf is every record of the hub, in the order of its partitions.
func (w *world) logOf() (all []*kgo.Record) {
	w.t.Helper()
	ends, err := kadm.NewClient(w.cl).ListEndOffsets(w.t.Context(), "hub")
	must(w.t, err)
	for h := range w.config.HubPartitions {
		end, _ := ends.Lookup("hub", h)
		cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"hub": {h: kgo.NewOffset().At(0)}}))
		must(w.t, err)
		ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
		for n := int64(0); n < end.Offset; {
			got := cl.PollFetches(ctx)
			must(w.t, got.Err())
			got.EachRecord(func(r *kgo.Record) { all = append(all, r); n = r.Offset + 1 })
		}
		cancel()
		cl.Close()
	}
	return all
}

// cuts puts the hub back as it was when some partitions ended earlier: as from a copy, its topic
// is another one with the same rows.
func (w *world) cuts(to map[int32]int64) {
	w.t.Helper()
	all := w.logOf()
	adm := kadm.NewClient(w.cl)
	_, err := adm.DeleteTopics(w.t.Context(), "hub")
	must(w.t, err)
	_, err = adm.CreateTopics(w.t.Context(), w.config.HubPartitions, 1, nil, "hub")
	must(w.t, err)
	w.cl.Close()
	w.cl, err = kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic("hub"))
	must(w.t, err)
	w.t.Cleanup(w.cl.Close)
	var kept []*kgo.Record
	for _, r := range all {
		if end, cut := to[r.Partition]; !cut || r.Offset < end {
			kept = append(kept, &kgo.Record{Partition: r.Partition, Value: r.Value, Timestamp: r.Timestamp})
		}
	}
	w.puts(kept...)
}

// topicID is that of the hub topic now.
func (w *world) topicID() [16]byte {
	w.t.Helper()
	list, err := kadm.NewClient(w.cl).ListTopics(w.t.Context(), "hub")
	must(w.t, err)
	return list["hub"].ID
}
