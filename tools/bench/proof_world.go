package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// proofRowSize is the bytes of a row, as the city sent it.
const proofRowSize = 200

// proofWorld is the stand-ins, each in a process of its own, and what was put into them.
type proofWorld struct {
	proofOptions
	stack   *stack
	doris   *process
	at      [3]string // of Doris: front end, back end, SQL
	sql     *relay    // before the last of them
	cluster *dorisconn.Cluster
	binary  hefuBinary
}

func newProofWorld(ctx context.Context, o proofOptions) (w *proofWorld, err error) {
	w = &proofWorld{proofOptions: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.binary, err = buildHefu(ctx, options{dir: o.dir, hefu: o.hefu}); err != nil {
		return w, err
	}
	if w.stack, err = startStack(ctx, options{dir: o.dir}); err != nil {
		return w, err
	}
	for i := range w.at {
		port, err := freePort(ctx)
		if err != nil {
			return w, err
		}
		w.at[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	self, err := os.Executable()
	if err != nil {
		return w, err
	}
	if w.doris, err = start(o.dir, "doris-standin", self, "doris-standin", filepath.Join(o.dir, "doris"), w.at[0], w.at[1], w.at[2]); err != nil {
		return w, err
	}
	if w.sql, err = newRelay(ctx, w.at[2]); err != nil {
		return w, err
	}
	w.cluster, err = dorisconn.Open(dorisconn.Config{FE: []string{"http://" + w.at[0]}, MySQL: []string{w.at[2]}, User: "root"})
	return w, err
}

func (w *proofWorld) close() (err error) {
	if w.cluster != nil {
		w.cluster.Close()
	}
	if w.doris != nil {
		err = w.doris.stop()
	}
	if w.sql != nil {
		err = errors.Join(err, w.sql.close())
	}
	if w.stack != nil {
		err = errors.Join(err, w.stack.close())
	}
	return err
}

// city is the topic of a city.
func (w *proofWorld) city(feed string, n int) string { return fmt.Sprintf("%s-3201%02d", feed, n) }

// cities makes the topics of all cities.
func (w *proofWorld) makeCities(ctx context.Context, feed string) error {
	for n := range w.cities {
		if err := kafkaconn.EnsureTopic(ctx, w.stack.cl, w.city(feed, n), partitions, nil); err != nil {
			return err
		}
	}
	return nil
}

// makePlace makes the hub topic and the table of a pipeline.
func (w *proofWorld) makePlace(ctx context.Context, name string) error {
	if err := kafkaconn.EnsureTopic(ctx, w.stack.cl, name+"-hub", int32(w.cities)*partitions, nil); err != nil {
		return err
	}
	return makeTable(ctx, w.doris, w.cluster, name)
}

// config writes the configuration of a pipeline from the cities of a feed. bounded: it ends
// where the cities end when it begins, and is reconciled as fast as it goes.
func (w *proofWorld) config(feed, name string, interval time.Duration, bounded bool) (file string, err error) {
	dir := filepath.Join(w.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	var b strings.Builder
	limits := ""
	if bounded {
		limits = ", kafka_bytes: 0B, doris_pause: 0s"
	}
	fmt.Fprintf(&b, `instance: bench
data_dir: %s
api: {listen: "127.0.0.1:0"}
log: {level: warn, format: text}
pipelines:
  - name: %s
    hub: {brokers: [%q], topic: %s-hub}
    doris: {fe: ["http://%s"], mysql: [%q], database: %s, table: %s, model: unique}
    reconcile: {interval: %s%s}
    sources:
`, filepath.Join(dir, "data"), name, w.stack.addr, name, w.at[0], w.sql.addr(), dorisDatabase, name, interval, limits)
	for n := range w.cities {
		fmt.Fprintf(&b, "      - {id: c3201%02d, city: \"3201%02d\", brokers: [%q], topic: %s", n, n, w.stack.addr, w.city(feed, n))
		if bounded {
			b.WriteString(", bounded: latest-offset")
		}
		b.WriteString("}\n")
	}
	file = filepath.Join(dir, "hefu.yaml")
	return file, os.WriteFile(file, []byte(b.String()), 0o600)
}

// send writes rows to all cities of a feed, evenly to all partitions, and returns when the
// client has them.
func (w *proofWorld) send(ctx context.Context, cl *kgo.Client, feed string, number, rows int64, kept func(error)) {
	buf := make([]byte, 0, rows*proofRowSize)
	list := make([]kgo.Record, rows)
	now := time.Now()
	for i := range list {
		from := len(buf)
		buf = appendRow(buf, now, number, proofRowSize)
		list[i] = kgo.Record{
			Topic: w.city(feed, int(number%int64(w.cities))), Partition: int32(number / int64(w.cities) % partitions),
			Value: buf[from:len(buf):len(buf)],
		}
		number++
		cl.Produce(ctx, &list[i], func(_ *kgo.Record, err error) { kept(err) })
	}
}

func (w *proofWorld) producer(linger time.Duration) (*kgo.Client, error) {
	return kgo.NewClient(kgo.SeedBrokers(w.stack.addr), kgo.DisableClientMetrics(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(16<<10), kgo.ProducerLinger(linger), kgo.MaxBufferedRecords(100_000))
}
