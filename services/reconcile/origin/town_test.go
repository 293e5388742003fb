package origin

import (
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// town is a city's topic on a stand-in, or on the broker that HEFU_TEST_KAFKA names, and a
// journal that read it.
type town struct {
	*world
	kafka kafkaconn.Config
	fake  *kfake.Cluster // nil on a real broker
	topic string
	cl    *kgo.Client
	books *Books
}

func newTown(t *testing.T, topicConfig map[string]*string) *town {
	t.Helper()
	c := kafkaconn.Config{Brokers: []string{os.Getenv("HEFU_TEST_KAFKA")}}
	var fake *kfake.Cluster
	if c.Brokers[0] == "" {
		var err error
		fake, err = kfake.NewCluster(kfake.NumBrokers(1))
		must(t, err)
		t.Cleanup(fake.Close)
		c.Brokers = fake.ListenAddrs()
	}
	n := &town{kafka: c, fake: fake, topic: fmt.Sprintf("nj%d", time.Now().UnixNano())}
	configured := usual()
	configured.Sources[0].Topic = n.topic
	n.world = newWorld(t, configured)
	n.cl = n.client()
	// The rows are old, and a broker lets go of what is older than a week.
	set := map[string]*string{"retention.ms": kadm.StringPtr("-1")}
	maps.Copy(set, topicConfig)
	_, err := kadm.NewClient(n.cl).CreateTopic(n.ctx, 1, 1, set, n.topic)
	must(t, err)
	return n
}

func (n *town) client(opts ...kgo.Opt) *kgo.Client {
	n.t.Helper()
	cl, err := kafkaconn.Dial(n.kafka, append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.UnknownTopicRetries(-1))...)
	must(n.t, err)
	n.t.Cleanup(cl.Close)
	return cl
}

// produce sends rows, each in a batch of its own or all in one. Real rows are from year 10000
// too, and from before 1970.
func (n *town) produce(cl *kgo.Client, rows int) {
	n.t.Helper()
	var batch []*kgo.Record
	for i := range rows {
		at := []int64{timeOf, 253_402_300_800_000, -1}[i%3]
		r := &kgo.Record{Topic: n.topic, Timestamp: time.UnixMilli(at), Value: fmt.Appendf(nil, "row %d\xff", i), Key: []byte("k")}
		if i%4 == 3 {
			r.Value = nil
		}
		batch = append(batch, r)
	}
	must(n.t, cl.ProduceSync(n.ctx, batch...).FirstErr())
}

// transact sends rows in a transaction.
func (n *town) transact(rows int, end kgo.TransactionEndTry) {
	n.t.Helper()
	cl := n.client(kgo.TransactionalID(fmt.Sprintf("t%d", time.Now().UnixNano())))
	must(n.t, cl.BeginTransaction())
	n.produce(cl, rows)
	must(n.t, kafkaconn.EndTransaction(n.ctx, cl, end, &kgo.Record{Topic: n.topic}))
	for { // its marker comes a moment later
		if p := n.partition(); p.bounds.LSO == p.bounds.HighWatermark {
			return
		}
	}
}

func (n *town) partition() *partition {
	n.t.Helper()
	p := &partition{cl: n.cl}
	must(n.t, p.look(n.ctx, n.topic))
	return p
}

// usualRows has seven rows, three that were committed, three that were aborted, and two: the
// offsets 0-6, 7-9, 11-13 and 15-16; at 10 and 14 are markers.
func (n *town) usualRows() {
	n.t.Helper()
	n.produce(n.cl, 7)
	n.transact(3, kgo.TryCommit)
	n.transact(3, kgo.TryAbort)
	n.produce(n.cl, 2)
}

// journal reads the topic as ingest does, and changes what it has before it is journaled.
func (n *town) journal(uncommitted bool, change func(rows []sent, r *domain.Run) []sent) {
	n.t.Helper()
	p := n.partition()
	r := domain.Run{Source: "nanjing", Generation: 1, Partition: 0, First: p.bounds.LogStart, Next: p.stable(uncommitted)}
	var rows []sent
	at := r.First
	gap := func(next int64, reason domain.Reason) {
		if at < next {
			r.Gaps = append(r.Gaps, domain.Gap{Span: domain.Span{First: at, Next: next}, Reason: reason})
		}
		at = next
	}
	must(n.t, p.read(n.ctx, domain.Span{First: r.First, Next: r.Next}, uncommitted, func(row cityRow) error {
		gap(row.offset, domain.ReasonCommitMarker)
		if row.undecided && !uncommitted {
			gap(row.offset+1, domain.ReasonAborted)
			return nil
		}
		value := []byte(row.value)
		if row.null {
			value = nil
		}
		rows, at = append(rows, sent{delta: int32(row.offset), ms: row.time, value: value}), row.offset+1
		return nil
	}))
	gap(r.Next, domain.ReasonAbortMarker)
	if change != nil {
		rows = change(rows, &r)
	}
	r.Rows = int64(len(rows))
	r.Batches = [][]byte{batchOf(n.t, 0, 0, rows...)}
	e := &domain.SourceOpened{
		Owned: n.ingest.Owned(), Source: "nanjing", Generation: 1, ClusterID: p.topic.Cluster, Topic: n.topic, TopicID: p.topic.ID,
		Starts:    []domain.Start{{LogStart: r.First, First: r.First}},
		Positions: []domain.Position{{Source: "nanjing", Generation: 1, Next: r.First, TopicID: p.topic.ID}},
	}
	n.append(n.ingest, e)
	n.positions = e.Positions
	n.ingested(r)
	n.books = n.world.books()
}

func (n *town) city(isolation string) *City {
	p := &config.Pipeline{Sources: []config.Source{{ID: "nanjing", City: "320100", Config: n.kafka, Topic: n.topic, Reading: config.Reading{Isolation: isolation}}}}
	return n.books.o.Cities(p)[0]
}

func (n *town) window() proof.Range {
	w := domain.Window{Proof: domain.ProofCityHub, Source: "nanjing", Generation: 1}
	key := keyOf("nanjing", 1, 0)
	return proof.Range{Window: w, Span: domain.Span{First: n.books.accounts[key].First, Next: n.books.accounts[key].Next}}
}

func (n *town) again(isolation string) *Again {
	n.t.Helper()
	a, err := n.books.ReadAgain(n.ctx, n.city(isolation), n.window())
	must(n.t, err)
	return a
}
