package target_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

func equal(a, b []int64) bool { return slices.Equal(a, b) }

// within are the offsets of a range.
func within(all []int64, from, to int64) (out []int64) {
	for _, o := range all {
		if o >= from && o < to {
			out = append(out, o)
		}
	}
	return out
}

// TestScan: every range of a partition gives its committed rows and no others, and ends, wherever its ends are: in a
// transaction, an aborted one, at a marker.
func TestScan(t *testing.T) {
	w := newHub(t, 3, nil)
	tx := w.dial(kgo.TransactionalID(w.topic))
	other := w.dial(kgo.TransactionalID(w.topic + "-other"))
	w.transaction(tx, kgo.TryCommit, func() { w.committed(tx, 0, 5, 1, 2, 3); w.committed(tx, 1, 6, 1) })
	w.transaction(tx, kgo.TryAbort, func() { w.put(tx, 0, 5, 4, 5); w.put(tx, 1, 6, 2) })
	if err := other.BeginTransaction(); err != nil { // lies around one that is aborted, and one that is not
		t.Fatal(err)
	}
	w.committed(other, 0, 7, 1)
	w.transaction(tx, kgo.TryAbort, func() { w.put(tx, 0, 5, 4) })
	w.committed(other, 0, 7, 2)
	w.transaction(tx, kgo.TryCommit, func() { w.committed(tx, 0, 5, 4, 5) })
	if err := kafkaconn.EndTransaction(w.ctx(), other, kgo.TryCommit, &kgo.Record{Topic: w.topic}); err != nil {
		t.Fatal(err)
	}
	for _, codec := range []kgo.CompressionCodec{kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(), kgo.NoCompression()} {
		w.committed(w.dial(kgo.ProducerBatchCompression(codec)), 0, 5, 6, 7)
	}
	w.transaction(tx, kgo.TryAbort, func() { w.put(tx, 0, 5, 8, 9) })
	h := w.open(0)
	for p, all := range w.rows {
		end := w.end(h, p)
		for from := int64(0); from <= end; from++ {
			for to := from; to <= end; to++ {
				got, gone, err := w.offsets(h, p, from, to)
				if want := within(all, from, to); err != nil || len(gone) > 0 || !equal(got, want) {
					t.Fatalf("partition %d [%d,%d): %v %v %v, want %v", p, from, to, got, gone, err, want)
				}
			}
		}
	}
	// All at once, an empty one among them.
	var got []string
	to := map[int32]int64{0: w.end(h, 0), 1: w.end(h, 1), 2: 0}
	if _, err := h.Scan(w.ctx(), nil, to, func(r *target.HubRow) error { got = append(got, fmt.Sprint(r.Hub.Partition, r.Offset)); return nil }); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, p := range slices.Sorted(maps.Keys(w.rows)) {
		for _, o := range w.rows[p] {
			want = append(want, fmt.Sprint(p, o))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	enough := errors.New("enough")
	if _, err := h.Scan(w.ctx(), nil, to, func(*target.HubRow) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}

// TestScanBeyond: what is not committed is not waited for, and rows that the log does not have any more are said.
func TestScanBeyond(t *testing.T) {
	w := newHub(t, 2, nil)
	w.committed(w.cl, 0, 5, 1, 2, 3, 4, 5, 6)
	h := w.open(0)
	short := func(what string, from, to, stable int64) {
		t.Helper()
		_, _, err := w.offsets(h, 0, from, to)
		var s *target.ShortError
		if !errors.As(err, &s) || s.Stable != stable || s.Wanted != to || s.Partition != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	short("beyond the end", 0, 7, 6)
	short("from beyond the end", 9, 11, 6)
	tx := w.dial(kgo.TransactionalID(w.topic))
	if err := tx.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	w.put(tx, 0, 5, 7)
	w.put(w.cl, 0, 5, 8) // committed, and behind what is open
	short("an open transaction", 3, 8, 6)
	if err := kafkaconn.EndTransaction(w.ctx(), tx, kgo.TryCommit, &kgo.Record{Topic: w.topic}); err != nil {
		t.Fatal(err)
	}
	if got, _, err := w.offsets(h, 0, 3, 9); err != nil || !equal(got, []int64{3, 4, 5, 6, 7}) {
		t.Errorf("%v %v", got, err)
	}
	del := kadm.Offsets{}
	del.Add(kadm.Offset{Topic: w.topic, Partition: 0, At: 4})
	if _, err := kadm.NewClient(w.cl).DeleteRecords(w.ctx(), del); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to int64
		got      []int64
		gone     domain.Span
	}{{0, 9, []int64{4, 5, 6, 7}, domain.Span{First: 0, Next: 4}}, {2, 6, []int64{4, 5}, domain.Span{First: 2, Next: 4}}, {1, 3, nil, domain.Span{First: 1, Next: 3}}, {4, 5, []int64{4}, domain.Span{}}} {
		got, gone, err := w.offsets(h, 0, c.from, c.to)
		if err != nil || !equal(got, c.got) || c.gone.Len() > 0 && (len(gone) != 1 || gone[0] != c.gone) || c.gone.Len() == 0 && len(gone) > 0 {
			t.Errorf("[%d,%d): %v %v %v", c.from, c.to, got, gone, err)
		}
	}
}

// TestScanAnotherTopic: offsets of a topic that was made anew under the name mean others.
func TestScanAnotherTopic(t *testing.T) {
	w := newHub(t, 1, nil)
	w.committed(w.cl, 0, 5, 1)
	h := w.open(0)
	if _, err := kadm.NewClient(w.cl).DeleteTopics(w.ctx(), w.topic); err != nil {
		t.Fatal(err)
	}
	w.create(1, nil)
	w.put(w.dial(), 0, 5, 1)
	if got, _, err := w.offsets(h, 0, 0, 1); err == nil || len(got) > 0 || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("%v %v", got, err)
	}
	if _, err := h.Positions(w.ctx()); err == nil || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("positions: %v", err)
	}
}

// TestScanCompacted: offsets that are compacted away are passed over, at the end of a range, too.
func TestScanCompacted(t *testing.T) {
	w := newHub(t, 1, map[string]*string{"cleanup.policy": kadm.StringPtr("compact")})
	if w.fake == nil {
		t.Skip("SKIPPED: a real broker compacts when it likes")
	}
	keyed := func(keys ...string) {
		for _, key := range keys {
			r := &kgo.Record{Topic: w.topic, Key: []byte(key), Value: value(5, 1), Timestamp: hubTime}
			if err := w.cl.ProduceSync(w.ctx(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	keyed("0", "b", "a", "b", "c", "a", "b", "z")
	w.fake.Compact()
	h := w.open(0)
	all, gone, err := w.offsets(h, 0, 0, 8)
	if err != nil || len(all) == 8 || len(all) < 4 || len(gone) > 0 {
		t.Fatalf("%v %v %v", all, gone, err)
	}
	for to := int64(1); to <= 8; to++ {
		if got, gone, err := w.offsets(h, 0, 0, to); err != nil || len(gone) > 0 || !equal(got, within(all, 0, to)) {
			t.Errorf("to %d: %v %v %v", to, got, gone, err)
		}
	}
}

// TestScanTrouble: a leader that has moved, a broker that answers nothing, a batch that is not what it was.
func TestScanTrouble(t *testing.T) {
	w := newHub(t, 1, nil)
	if w.fake == nil {
		t.Skip("SKIPPED: a real broker does not fail when it is asked to")
	}
	w.committed(w.cl, 0, 5, 1, 2, 3)
	h := w.open(0)
	answers := []func(*kmsg.FetchResponseTopicPartition){
		func(p *kmsg.FetchResponseTopicPartition) { p.ErrorCode = kerr.NotLeaderForPartition.Code },
		func(p *kmsg.FetchResponseTopicPartition) { p.ErrorCode = kerr.FencedLeaderEpoch.Code },
		func(p *kmsg.FetchResponseTopicPartition) { p.LastStableOffset = 3 }, // nothing, as with a quota
	}
	w.fake.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		if len(answers) == 0 {
			return nil, nil, false
		}
		w.fake.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		rt := kmsg.NewFetchResponseTopic()
		rt.Topic, rt.TopicID = req.Topics[0].Topic, req.Topics[0].TopicID
		rp := kmsg.NewFetchResponseTopicPartition()
		answers[0](&rp)
		answers = answers[1:]
		rt.Partitions = append(rt.Partitions, rp)
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	if got, _, err := w.offsets(h, 0, 0, 3); err != nil || !equal(got, w.rows[0]) || len(answers) > 0 {
		t.Errorf("%v %v, %d answers left", got, err, len(answers))
	}
	answers = append(answers, func(p *kmsg.FetchResponseTopicPartition) { p.ErrorCode = kerr.TopicAuthorizationFailed.Code })
	if _, _, err := w.offsets(h, 0, 0, 3); !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.Contains(err.Error(), w.topic+"/0 at 0") {
		t.Error(err)
	}
	broken := []byte("........\x00\x00\x00\x40....\x02" + strings.Repeat("x", 0x40))
	for _, c := range []struct {
		bytes []byte
		says  string
	}{{broken, "checksum"}, {append(append([]byte{}, broken[:16]...), append([]byte{1}, broken[17:]...)...), "format 1"}} {
		answers = append(answers, func(p *kmsg.FetchResponseTopicPartition) { p.RecordBatches = c.bytes })
		if _, _, err := w.offsets(h, 0, 0, 3); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.says, err)
		}
	}
}

// TestPositions: what a cluster says of the topic.
func TestPositions(t *testing.T) {
	w := newHub(t, 2, nil)
	w.committed(w.cl, 1, 5, 1, 2, 3)
	tx := w.dial(kgo.TransactionalID(w.topic))
	if err := tx.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	w.put(tx, 1, 5, 4, 5)
	at, err := w.open(0).Positions(w.ctx())
	if err != nil || len(at) != 2 {
		t.Fatalf("%+v %v", at, err)
	}
	p := at[1]
	if p.Partition != 1 || p.LogStart != 0 || p.LastStable != 3 || p.HighWater != 5 || p.Topic != w.topic || len(p.TopicID) != 32 || p.Cluster == "" || p.LeaderEpoch < 0 || p.Witness != "hub" {
		t.Errorf("%+v", p)
	}
	if err := tx.EndTransaction(w.ctx(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
}
