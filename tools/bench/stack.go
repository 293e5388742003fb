package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/kafka"
	"github.com/hefu-io/hefu/services/devstack/realkafka"
)

// stack is the Kafka that all pipelines of a run use, as cities and as hub.
type stack struct {
	what    string // for people
	addr    string
	cl      *kgo.Client // for everything but rows
	stop    func() error
	process *process // the stand-in's; nil on a real broker
}

// startTimeout is for a process that only has to start.
const startTimeout = time.Minute

func startStack(ctx context.Context, o options) (*stack, error) {
	s := &stack{}
	if o.kafka {
		b, err := realkafka.Start(ctx, realkafka.Config{Dir: filepath.Join(o.dir, "kafka"), Heap: "1g"})
		if err != nil {
			return nil, err
		}
		s.what, s.addr, s.stop = "Apache Kafka 4.4.0, one broker", b.Addr(), b.Stop
	} else {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		s.what, s.addr = "Kafka stand-in (kfake) in its own process", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		p, err := start(o.dir, "standin", self, "standin", filepath.Join(o.dir, "standin"), s.addr)
		if err != nil {
			return nil, err
		}
		s.stop, s.process = p.stop, p
	}
	var err error
	if s.cl, err = kgo.NewClient(kgo.SeedBrokers(s.addr), kgo.DisableClientMetrics()); err == nil {
		err = eventually(ctx, startTimeout, func() (bool, error) { return s.cl.Ping(ctx) == nil, nil })
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("kafka at %s: %w", s.addr, err), s.stop())
	}
	return s, nil
}

func (s *stack) close() error {
	s.cl.Close()
	return s.stop()
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// standin is the child that is the Kafka stand-in: DIR ADDRESS.
func standin(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("needs a directory and an address")
	}
	s, err := kafka.Open(ctx, kafka.Config{Dir: args[0], Addr: args[1], Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return s.Close()
}

// job is one start of one pipeline: two cities with two partitions each, and a hub.
type job struct {
	name   string // of topics, of the pipeline, of its directory
	addr   string
	cities [2]city
	hub    string
	dir    string
}

type city struct{ code, topic string }

// partitions of each city topic; the hub has as many as all cities together.
const partitions = 2

// newJob makes the topics of a job, so that no pipeline reads or writes after another.
func (b *bench) newJob(ctx context.Context, c contender) (job, error) {
	b.jobs++
	name := fmt.Sprintf("bench-%s-%d", c.name, b.jobs)
	j := job{name: name, addr: b.stack.addr, hub: name + "-hub", dir: filepath.Join(b.dir, name)}
	for i, code := range []string{"320100", "320200"} {
		j.cities[i] = city{code, name + "-" + code}
		if err := kafkaconn.EnsureTopic(ctx, b.stack.cl, j.cities[i].topic, partitions, nil); err != nil {
			return j, err
		}
	}
	if err := kafkaconn.EnsureTopic(ctx, b.stack.cl, j.hub, int32(len(j.cities))*partitions, nil); err != nil {
		return j, err
	}
	return j, os.MkdirAll(j.dir, 0o755)
}

// clear gives the disk back.
func (b *bench) clear(ctx context.Context, j job) error {
	_, err := kadm.NewClient(b.stack.cl).DeleteTopics(ctx, j.cities[0].topic, j.cities[1].topic, j.hub)
	return errors.Join(err, os.RemoveAll(j.dir))
}
