package pipeline_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// hubWith starts a Kafka stand-in with a topic of eight partitions, or none.
func hubWith(t *testing.T, topics ...string) []string {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(8, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k.ListenAddrs()
}

func file(t *testing.T, brokers []string) *config.Config {
	t.Helper()
	c := config.Default()
	c.Instance, c.DataDir = "test", t.TempDir()
	p := bridge(source("a", "1"))
	p.Hub.Brokers, p.Hub.ProgressTopic = brokers, "progress"
	c.Pipelines = []config.Pipeline{*p}
	return &c
}

// start runs a Set and returns what it opened, and how to end it.
func start(t *testing.T, c *config.Config) (opened []*pipeline.Open, ended <-chan error, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	set := pipeline.NewSet(c, pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}, quiet())
	done := make(chan error, 1)
	go func() { done <- set.Run(ctx) }()
	wait, cancelWait := context.WithTimeout(ctx, time.Minute)
	defer cancelWait()
	opened, err := set.Wait(wait)
	if err != nil {
		cancel()
		t.Fatalf("pipelines did not open: %v, %v", err, <-done)
	}
	return opened, done, func() error { cancel(); return <-done }
}

func TestEmbeddedStoreOpensOnceAndAgain(t *testing.T) {
	c := file(t, hubWith(t, "ODS"))
	opened, _, stop := start(t, c)
	o := opened[0]
	if o.Configured.HubPartitions != 8 || o.Incarnation == 0 || len(o.Shards) != 2 {
		t.Errorf("opened %+v", o)
	}
	second := pipeline.NewSet(c, pipeline.Role{}, quiet())
	err := second.Run(t.Context())
	var coded interface{ ExitCode() int }
	if !errors.Is(err, embedded.ErrLocked) || !errors.As(err, &coded) || coded.ExitCode() != 2 {
		t.Errorf("second process on one store: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	again, _, stop := start(t, c)
	if again[0].Journal.ID() != o.Journal.ID() || again[0].Incarnation <= o.Incarnation || again[0].ConfigSeq != o.ConfigSeq {
		t.Errorf("second start: journal %s incarnation %d config %d, was %s %d %d", again[0].Journal.ID(), again[0].Incarnation,
			again[0].ConfigSeq, o.Journal.ID(), o.Incarnation, o.ConfigSeq)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestHubWithoutTopicIsRefused(t *testing.T) {
	c := file(t, hubWith(t))
	err := pipeline.NewSet(c, pipeline.Role{}, quiet()).Run(t.Context())
	var refused *pipeline.ConfigError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "kafka-topics.sh") {
		t.Fatalf("got %v", err)
	}
}

// With an external journal the configuration is applied once, by hand; a later process
// takes over, and the earlier one learns it from control.
func TestExternalJournalIsAppliedAndTakenOver(t *testing.T) {
	c := file(t, hubWith(t, "ODS"))
	c.Journal.Mode, c.Journal.Servers = config.ModeExternal, []string{natsServer(t)}
	err := pipeline.NewSet(c, pipeline.Role{}, quiet()).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "hefu apply") {
		t.Fatalf("run before apply: %v", err)
	}
	apply(t, c)
	_, ended, _ := start(t, c)
	other := *c
	other.DataDir = t.TempDir()
	_, _, stop := start(t, &other)
	select {
	case err := <-ended:
		var fenced *journal.FencedError
		if !errors.As(err, &fenced) || fenced.ExitCode() != 3 {
			t.Errorf("first process ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("first process was not fenced")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func apply(t *testing.T, c *config.Config) {
	t.Helper()
	store, err := pipeline.OpenStore(t.Context(), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	j, err := store.OpenJournal(t.Context(), c, "bridge", quiet())
	if err != nil {
		t.Fatal(err)
	}
	control, err := j.OpenControl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		changed, err := pipeline.Apply(t.Context(), control, c.Pipelines[0], quiet())
		if err != nil || changed != want {
			t.Fatalf("apply %d: changed %t, %v", i+1, changed, err)
		}
	}
}

// natsServer starts a NATS on a port of its own and returns its URL.
func natsServer(t *testing.T) string {
	t.Helper()
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
		MaxPayload: 16 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(time.Minute) {
		t.Fatal("nats is not ready")
	}
	return "nats://" + net.JoinHostPort("127.0.0.1", portOf(ns))
}

func portOf(ns *server.Server) string {
	_, port, _ := net.SplitHostPort(ns.Addr().String())
	return port
}
