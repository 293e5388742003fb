package kafka_test

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(ctx context.Context, t *testing.T, c kafka.Config) *kafka.Server {
	t.Helper()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s, err := kafka.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dial(t *testing.T, addr string, extra ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{addr}}, extra...)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// write begins a transaction with rows and leaves it open.
func write(ctx context.Context, t *testing.T, cl *kgo.Client, rows ...string) {
	t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "rows", Value: []byte(row)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// rows reads read_committed until n rows have come, and what comes with them.
func rows(ctx context.Context, t *testing.T, addr string, n int) string {
	t.Helper()
	cl := dial(t, addr, kgo.ConsumeTopics("rows"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer cl.Close()
	var got []string
	for len(got) < n {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return strings.Join(got, " ")
}

func TestReopen(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := kafka.Config{Dir: t.TempDir()}
	s := open(ctx, t, c)
	addr := s.Addr()
	w := dial(t, addr, kgo.TransactionalID("writer"))
	defer func() { w.Close() }()
	if err := kafkaconn.EnsureTopic(ctx, w, "rows", 1, kafkaconn.ProgressConfig()); err != nil {
		t.Fatal(err)
	}
	before, err := kafkaconn.Describe(ctx, w, "rows")
	if err != nil {
		t.Fatal(err)
	}
	write(ctx, t, w, "a", "b")
	if err := kafkaconn.EndTransaction(ctx, w, kgo.TryCommit, &kgo.Record{Topic: "rows"}); err != nil {
		t.Fatal(err)
	}
	if err := kafkaconn.CommitGroup(ctx, w, "readers", "rows", map[int32]int64{0: 1}); err != nil {
		t.Fatal(err)
	}
	write(ctx, t, w, "undecided")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(ctx, t, c)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if s.Addr() != addr {
		t.Errorf("came back at %s, was at %s", s.Addr(), addr)
	}
	next := dial(t, addr, kgo.TransactionalID("writer"))
	defer next.Close()
	after, err := kafkaconn.Describe(ctx, next, "rows")
	if err != nil || after.Cluster != before.Cluster || after.ID != before.ID || !after.Compacted {
		t.Errorf("topic is %+v, %v; was %+v", after, err, before)
	}
	got, err := kafkaconn.Committed(ctx, next, "readers", "rows")
	if err != nil || !maps.Equal(got, map[int32]int64{0: 1}) {
		t.Errorf("group is at %v, %v", got, err)
	}
	write(ctx, t, next, "c") // the first request of the id aborts "undecided"
	if err := kafkaconn.EndTransaction(ctx, next, kgo.TryCommit, &kgo.Record{Topic: "rows"}); err != nil {
		t.Fatal(err)
	}
	if got := rows(ctx, t, addr, 3); got != "a b c" {
		t.Errorf("rows %q, want a b c", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	ctx := t.Context()
	dirs := [2]string{t.TempDir(), t.TempDir()}
	var clusters [2]string
	for i, dir := range dirs {
		s := open(ctx, t, kafka.Config{Dir: dir, Addr: "127.0.0.1:0"})
		defer s.Close()
		cl := dial(t, s.Addr())
		defer cl.Close()
		if err := kafkaconn.EnsureTopic(ctx, cl, "rows", 1, nil); err != nil {
			t.Fatal(err)
		}
		topic, err := kafkaconn.Describe(ctx, cl, "rows")
		if err != nil {
			t.Fatal(err)
		}
		clusters[i] = topic.Cluster
	}
	if clusters[0] == clusters[1] || !strings.HasPrefix(clusters[0], "standin") {
		t.Errorf("cluster ids %q", clusters)
	}
	// At a port of its own, so that it is the directory that refuses.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s, err := kafka.Open(ctx, kafka.Config{Dir: dirs[0], Addr: l.Addr().String(), Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		s.Close()
		t.Error("two in one directory: no error")
	}
}

func TestAddrGiven(t *testing.T) {
	ctx := t.Context()
	first := open(ctx, t, kafka.Config{Dir: t.TempDir()})
	addr := first.Addr()
	if s, err := kafka.Open(ctx, kafka.Config{Dir: t.TempDir(), Addr: addr}); err == nil {
		s.Close()
		t.Errorf("address %s in use: no error", addr)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(ctx, t, kafka.Config{Dir: t.TempDir(), Addr: addr})
	defer s.Close()
	if s.Addr() != addr {
		t.Errorf("at %s, asked for %s", s.Addr(), addr)
	}
}

func TestNotClosedIsToldOnce(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	var told bytes.Buffer
	c := kafka.Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&told, nil))}
	closeNow := func(s *kafka.Server) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	closeNow(open(ctx, t, c))
	closeNow(open(ctx, t, c))
	if told.Len() > 0 {
		t.Errorf("after a clean stop it said %s", told.String())
	}
	// What a killed process leaves.
	if err := os.WriteFile(filepath.Join(dir, "running"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	closeNow(open(ctx, t, c))
	if !strings.Contains(told.String(), "was not closed") {
		t.Errorf("after an unclean stop it said %q", told.String())
	}
	told.Reset()
	closeNow(open(ctx, t, c))
	if told.Len() > 0 {
		t.Errorf("two stops later it said %s", told.String())
	}
}
