package hub_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// visible reads the hub topic read_committed up to its stable end, which must not be
// held back for long.
func (w *world) visible() map[int32][]*kgo.Record {
	w.t.Helper()
	topic := w.cfg.Pipeline.HubTopic
	var bounds map[int32]kafkaconn.Bounds
	for stable := false; !stable; { // markers follow the end of a transaction
		var err error
		bounds, err = kafkaconn.Offsets(w.ctx, w.cl, topic)
		must(w.t, err)
		stable = true
		for _, b := range bounds {
			stable = stable && b.LSO == b.HighWatermark
		}
	}
	offsets := map[int32]kgo.Offset{}
	for p := range bounds {
		offsets[p] = kgo.NewOffset().AtStart()
	}
	cl, err := kafkaconn.Dial(w.cfg.Kafka, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	must(w.t, err)
	defer cl.Close()
	got, next := map[int32][]*kgo.Record{}, map[int32]int64{}
	behind := func() bool {
		for p, b := range bounds {
			if next[p] < b.LSO {
				return true
			}
		}
		return false
	}
	for behind() {
		fetches := cl.PollFetches(w.ctx)
		must(w.t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			next[r.Partition] = r.Offset + 1
			if !r.Attrs.IsControl() {
				got[r.Partition] = append(got[r.Partition], r)
			}
		})
	}
	return got
}

// history is the hub stream.
func (w *world) history() (events []domain.Event) {
	w.t.Helper()
	tail, err := w.j.Tail(w.ctx, w.stream())
	must(w.t, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := w.j.Get(w.ctx, w.stream(), seq)
		must(w.t, err)
		events = append(events, e.Event)
	}
	return events
}

// kinds is the hub stream in short: the kinds without Genesis.
func (w *world) kinds() (out []domain.Kind) {
	w.t.Helper()
	for _, e := range w.history()[1:] {
		out = append(out, e.Kind())
	}
	return out
}

// tally compares the hub with the journal, both ways: every row that can be carried
// stands once in its partition, in order, as it was; and the runs of the committed
// batches say where, with the timestamp.
func (w *world) tally() {
	w.t.Helper()
	sources := map[domain.SourceID]domain.SourceConfig{}
	for _, s := range w.cfg.Pipeline.Sources {
		sources[s.ID] = s
	}
	said := w.said()
	want := map[int32][]string{}
	for _, r := range w.want {
		h := domain.HubPartition(sources[r.source].Base, r.partition, hubPartitions)
		key := key{r.ingest, r.run, r.ordinal}
		where, ok := said[key]
		if !ok {
			w.t.Errorf("no committed run holds %+v", r)
		}
		delete(said, key)
		want[h] = append(want[h], fmt.Sprintf("%d@%d %s %s/%d/%d", where.Offset, where.Timestamp, sources[r.source].City, r.source, r.partition, r.offset))
	}
	for k := range said {
		w.t.Errorf("a committed run holds %+v, which is nowhere", k)
	}
	for p, records := range w.visible() {
		var got []string
		for _, r := range records {
			if len(r.Key) == 0 && len(r.Headers) == 0 {
				got = append(got, w.describe(r))
			}
		}
		if !slices.Equal(got, want[p]) {
			w.t.Errorf("hub partition %d holds\n%q\nwant\n%q", p, got, want[p])
		}
		delete(want, p)
	}
	for p, rows := range want {
		w.t.Errorf("hub partition %d is empty, want %q", p, rows)
	}
}

// describe reads a hub row back; its record must be the one that its city coordinates
// say.
func (w *world) describe(r *kgo.Record) string {
	w.t.Helper()
	var v struct {
		City      string `json:"sscsdm"`
		Record    string `json:"record"`
		Partition int32  `json:"city_partition_id"`
		Offset    int64  `json:"city_offset_id"`
	}
	if err := json.Unmarshal(r.Value, &v); err != nil {
		w.t.Fatalf("hub row %d/%d: %v: %s", r.Partition, r.Offset, err, r.Value)
	}
	if v.Partition < 0 || !endsWith(v.Record, v.Partition, v.Offset) {
		w.t.Errorf("hub row %d/%d: %s", r.Partition, r.Offset, r.Value)
	}
	return fmt.Sprintf("%d@%d %s %s", r.Offset, r.Timestamp.UnixMilli(), v.City, v.Record)
}

func endsWith(record string, partition int32, offset int64) bool {
	tail := fmt.Sprintf("/%d/%d", partition, offset)
	return len(record) > len(tail) && record[len(record)-len(tail):] == tail
}

type key struct {
	ingest  domain.Seq
	run     int
	ordinal int64
}

// said is where the committed runs of the journal say that each row is.
func (w *world) said() map[key]domain.Coord {
	w.t.Helper()
	out := map[key]domain.Coord{}
	for _, e := range w.history() {
		c, ok := e.(*domain.HubCommitted)
		if !ok {
			continue
		}
		var rows int64
		for _, r := range c.Runs {
			rows += r.N
			for i := range r.N {
				k := key{r.Ingest, r.Run, r.First + i}
				if at, twice := out[k]; twice {
					w.t.Errorf("%+v is committed twice, at %s first", k, at)
				}
				out[k] = domain.Coord{Partition: r.Partition, Offset: r.Offset + i, Timestamp: c.Time.Millis()}
			}
		}
		if rows != c.Rows || (c.Bytes > 0) != (rows > 0) {
			w.t.Errorf("commit of %s says %d rows, %d bytes; its runs hold %d", c.Begun, c.Rows, c.Bytes, rows)
		}
	}
	return out
}

func wantKinds(t *testing.T, w *world, want ...domain.Kind) {
	t.Helper()
	if got := w.kinds(); !slices.Equal(got, want) {
		t.Errorf("hub stream holds %v, want %v", got, want)
	}
}
