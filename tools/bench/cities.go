package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// citiesOptions are what a person may choose of `bench cities`.
type citiesOptions struct {
	cities int
	rate   int           // rows a second of each city
	during time.Duration // of each trouble, and of the quiet before it
	only   string
	dir    string
	hefu   string
	out    io.Writer
}

// benchCities measures what the trouble of one city's cluster does to the others: each city
// has a cluster of its own and the same feed all the time, one of them gets into trouble,
// and what the others' rows take on their way to a reader of the hub is compared with the
// time before.
func benchCities(ctx context.Context, args []string) int {
	o := citiesOptions{out: os.Stdout}
	f := flag.NewFlagSet("bench cities", flag.ContinueOnError)
	f.IntVar(&o.cities, "cities", 13, "`clusters`, one for each city")
	f.IntVar(&o.rate, "rate", 100, "`rows` a second of each city")
	f.DurationVar(&o.during, "during", 5*time.Minute, "`time` that each trouble lasts, and the quiet before it")
	f.StringVar(&o.only, "only", "", "`troubles`, as in down,flapping (default all: down, slow, flapping)")
	f.StringVar(&o.hefu, "hefu", "", "`binary` of hefu (default: built from this module)")
	return work(f, args, &o.dir, func() error { return runCities(ctx, o) })
}

func runCities(ctx context.Context, o citiesOptions) (err error) {
	stack, err := startStack(ctx, options{dir: o.dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.close()) }()
	const hub = "bench-cities-hub"
	if err := kafkaconn.EnsureTopic(ctx, stack.cl, hub, int32(o.cities), nil); err != nil {
		return err
	}
	var all []*cityCluster
	for n := range o.cities {
		c, err := newCityCluster(n)
		if err != nil {
			return err
		}
		defer c.close()
		all = append(all, c)
	}
	binary, err := buildHefu(ctx, options{dir: o.dir, hefu: o.hefu})
	if err != nil {
		return err
	}
	file := filepath.Join(o.dir, "hefu.yaml")
	if err := os.WriteFile(file, []byte(citiesConfig(o.dir, stack.addr, hub, all)), 0o600); err != nil {
		return err
	}
	p, err := start(o.dir, nameHefu, string(binary), "run", "-c", file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.kill()) }()
	r, err := newCityReader(stack.addr, hub)
	if err != nil {
		return err
	}
	inner, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	reading.Go(func() { r.run(inner) })
	defer reading.Wait()
	defer cancel()
	return troubles(ctx, o, all, r, p)
}

// troubles feeds all cities, brings the first one into each trouble, and waits until every
// row is in the hub.
func troubles(ctx context.Context, o citiesOptions, all []*cityCluster, r *cityReader, p *process) error {
	feeding, stop := context.WithCancel(ctx)
	defer stop()
	g := new(errgroup.Group)
	for _, c := range all {
		g.Go(func() error { return c.feed(feeding, o.rate) })
	}
	victim := all[0]
	report := citiesReport{citiesOptions: o, victim: victim.code}
	for _, t := range []trouble{down, slow, flapping} {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+string(t)+",") {
			continue
		}
		if err := caughtUp(ctx, all, r, p); err != nil {
			return err
		}
		m := measured{trouble: t}
		r.others(victim.code)
		if err := sleepFor(ctx, o.during); err != nil {
			return err
		}
		m.before = newAges(r.others(victim.code), o.during)
		if err := victim.gate.be(ctx, t, o.during); err != nil {
			return err
		}
		m.meanwhile = newAges(r.others(victim.code), o.during)
		m.held = victim.sent.Load() - r.count(victim.code)
		began := time.Now()
		if err := caughtUp(ctx, all, r, p); err != nil {
			return err
		}
		m.back = time.Since(began)
		report.measured = append(report.measured, m)
	}
	stop()
	if err := g.Wait(); err != nil {
		return err
	}
	err := caughtUp(ctx, all, r, p)
	for _, c := range all {
		err = errors.Join(err, r.complete(c.code, c.sent.Load()))
		report.rows += c.sent.Load()
	}
	return errors.Join(err, report.print())
}

// caughtUp waits until the hub has what each city had when it was asked.
func caughtUp(ctx context.Context, all []*cityCluster, r *cityReader, p *process) error {
	for _, c := range all {
		want := c.sent.Load()
		err := eventually(ctx, 2*time.Minute, func() (bool, error) { return r.count(c.code) >= want, p.running() })
		if err != nil {
			return fmt.Errorf("wait for %d rows of city %s, %d came: %w", want, c.code, r.count(c.code), err)
		}
	}
	return nil
}

func sleepFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// cityCluster is a city with a cluster of its own.
type cityCluster struct {
	code  string
	gate  *gate
	kafka *kfake.Cluster
	sent  atomic.Int64 // rows that the cluster has
}

const cityTopic = "QL_JC_SSJC"

func newCityCluster(n int) (*cityCluster, error) {
	c := &cityCluster{code: fmt.Sprintf("3201%02d", n), gate: &gate{}}
	var err error
	c.kafka, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, cityTopic), kfake.ListenFn(c.gate.listen))
	return c, err
}

func (c *cityCluster) close() { c.kafka.Close() }

// feed writes rows at a rate, by the back door, until the context ends.
func (c *cityCluster) feed(ctx context.Context, rate int) error {
	var dialer net.Dialer
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.kafka.ListenAddrs()...), kgo.DisableClientMetrics(), kgo.ProducerLinger(0),
		kgo.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, c.gate.back.Addr().String())
		}))
	if err != nil {
		return err
	}
	defer cl.Close()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	began, number := time.Now(), int64(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var rows []*kgo.Record
		for due := int64(time.Since(began).Seconds() * float64(rate)); number < due; number++ {
			rows = append(rows, &kgo.Record{Topic: cityTopic, Value: appendRow(nil, time.Now(), number, 200)})
		}
		if err := cl.ProduceSync(context.WithoutCancel(ctx), rows...).FirstErr(); err != nil {
			return fmt.Errorf("feed city %s: %w", c.code, err)
		}
		c.sent.Add(int64(len(rows)))
	}
}

func citiesConfig(dir, hub, topic string, all []*cityCluster) string {
	var b strings.Builder
	fmt.Fprintf(&b, `instance: bench
data_dir: %s
api: {listen: "127.0.0.1:0"}
log: {level: warn, format: text}
pipelines:
  - name: cities
    hub: {brokers: [%q], topic: %s}
    sources:
`, filepath.Join(dir, "data"), hub, topic)
	for _, c := range all {
		fmt.Fprintf(&b, "      - {id: c%s, city: %q, brokers: [%q], topic: %s}\n", c.code, c.code, c.kafka.ListenAddrs()[0], cityTopic)
	}
	return b.String()
}
