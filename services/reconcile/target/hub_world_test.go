package target_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hubWorld is a topic on the real broker that HEFU_TEST_KAFKA names, or on a stand-in in memory.
type hubWorld struct {
	t     testing.TB
	fake  *kfake.Cluster // nil on a real broker
	conf  kafkaconn.Config
	topic string
	cl    *kgo.Client
	rows  map[int32][]int64 // offsets of committed rows by partition
}

func newHub(t testing.TB, partitions int32, configs map[string]*string) *hubWorld {
	t.Helper()
	w := &hubWorld{t: t, rows: map[int32][]int64{}, topic: strings.NewReplacer("/", "-", "=", "-").Replace(fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano()))}
	if addr := os.Getenv("HEFU_TEST_KAFKA"); addr != "" {
		w.conf = kafkaconn.Config{Brokers: []string{addr}}
	} else {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		w.fake, w.conf = fake, kafkaconn.Config{Brokers: fake.ListenAddrs()}
	}
	w.cl = w.dial()
	w.create(partitions, configs)
	return w
}

func (w *hubWorld) create(partitions int32, configs map[string]*string) {
	w.t.Helper()
	if configs == nil {
		configs = map[string]*string{}
	}
	configs["retention.ms"] = kadm.StringPtr("-1") // the rows are old
	if _, err := kadm.NewClient(w.cl).CreateTopic(w.ctx(), partitions, 1, configs, w.topic); err != nil {
		w.t.Fatal(err)
	}
}

func (w *hubWorld) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	w.t.Cleanup(cancel)
	return ctx
}

func (w *hubWorld) dial(extra ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	cl, err := kafkaconn.Dial(w.conf, append([]kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(w.topic)}, extra...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(cl.Close)
	return cl
}

// value is a row of the hub, of city partition p and offset o.
func value(p int32, o int64) []byte {
	return fmt.Appendf(nil, `{"sscsdm":"320100","extract_time":"2024-05-01 12:00:00.123456","record":"row %d of %d","city_partition_id":%d,"city_offset_id":%d,"city_ts":"2024-05-01 11:59:59.5"}`, o, p, p, o)
}

var hubTime = time.UnixMilli(1_714_536_000_123)

// put produces rows of a city partition into a hub partition, one after the other, and returns their hub offsets.
func (w *hubWorld) put(cl *kgo.Client, hub, city int32, offsets ...int64) []int64 {
	w.t.Helper()
	var all []*kgo.Record
	for _, o := range offsets {
		all = append(all, &kgo.Record{Topic: w.topic, Partition: hub, Value: value(city, o), Timestamp: hubTime})
	}
	if err := cl.ProduceSync(w.ctx(), all...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	var at []int64
	for _, r := range all {
		at = append(at, r.Offset)
	}
	slices.Sort(at)
	return at
}

// committed is put, of rows that are to be read.
func (w *hubWorld) committed(cl *kgo.Client, hub, city int32, offsets ...int64) []int64 {
	w.t.Helper()
	at := w.put(cl, hub, city, offsets...)
	w.rows[hub] = append(w.rows[hub], at...)
	return at
}

// transaction puts rows into a transaction and ends it.
func (w *hubWorld) transaction(cl *kgo.Client, end kgo.TransactionEndTry, put func()) {
	w.t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	put()
	if err := kafkaconn.EndTransaction(w.ctx(), cl, end, &kgo.Record{Topic: w.topic}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *hubWorld) open(limit int64) *target.Hub {
	w.t.Helper()
	f := domain.FlinkFormat()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		w.t.Fatal(err)
	}
	format := target.NewFormat(&f, zone, target.Digits{proof.CityTime: 3, proof.HubTime: 3, proof.ExtractTime: 6}, false)
	h, err := target.OpenHub(w.ctx(), config.Hub{Config: w.conf, Topic: w.topic}, format, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(h.Close)
	return h
}

// offsets scans a range of one partition.
func (w *hubWorld) offsets(h *target.Hub, p int32, from, to int64) (got []int64, gone domain.Spans, err error) {
	all, err := h.Scan(w.ctx(), map[int32]int64{p: from}, map[int32]int64{p: to}, func(r *target.HubRow) error {
		if r.Broken != "" || r.Hub.Partition != p || r.Hub.Offset != r.Offset || r.Hub.Timestamp != hubTime.UnixMilli() {
			w.t.Errorf("%+v", r)
		}
		got = append(got, r.Offset)
		return nil
	})
	return got, all[p], err
}

// end is the last stable offset of a partition.
func (w *hubWorld) end(h *target.Hub, p int32) int64 {
	w.t.Helper()
	at, err := h.Positions(w.ctx())
	if err != nil {
		w.t.Fatal(err)
	}
	return at[p].LastStable
}
