package external_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/external"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoSigs, o.NoLog, o.JetStream, o.StoreDir = "127.0.0.1", true, true, true, t.TempDir()
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	ns, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
	if !ns.ReadyForConnections(time.Minute) {
		t.Fatal("server is not ready")
	}
	return ns
}

func TestJournalOnAServerOfItsOwn(t *testing.T) {
	ns := start(t, server.Options{MaxPayload: 2 << 20})
	dir := filepath.Join(t.TempDir(), "data")
	var ids []domain.JournalID
	for range 2 {
		c, err := external.Open(t.Context(), external.Config{Servers: []string{ns.ClientURL()}, Dir: dir, Replicas: 1})
		if err != nil {
			t.Fatal(err)
		}
		if c.MaxPayload() != 2<<20 {
			t.Errorf("max_payload %d", c.MaxPayload())
		}
		j, err := journal.Open(t.Context(), "p", journal.Options{Store: c.Store(), Manifest: c.Manifest()})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, j.ID())
		if id, ok := c.Manifest().Journal("p"); !ok || id != j.ID() {
			t.Errorf("manifest %s %v", id, ok)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if ids[0] != ids[1] {
		t.Fatalf("journals %v", ids)
	}
}

// lines is a log that a test reads while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), what)
}

func TestEachReasonIsLoggedOnce(t *testing.T) {
	ns := start(t, server.Options{Username: "a", Password: "b"})
	var log lines
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opened := make(chan error, 1)
	go func() {
		_, err := external.Open(ctx, external.Config{Servers: []string{ns.ClientURL()}, Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		opened <- err
	}()
	for deadline := time.Now().Add(time.Minute); ; {
		v, err := ns.Varz(nil)
		if err != nil {
			t.Fatal(err)
		}
		if v.TotalConnections > 3 {
			break // three attempts have heard the answer
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d attempts within a minute", v.TotalConnections)
		}
		<-time.After(10 * time.Millisecond)
	}
	cancel()
	err := <-opened
	if err == nil || !strings.Contains(err.Error(), "connect to nats "+ns.ClientURL()+": wrong credentials") {
		t.Fatal(err)
	}
	if n := log.count("nats is not reachable, trying again"); n != 1 {
		t.Fatalf("said %d times:\n%s", n, log.b.String())
	}
}

func TestOpenWaitsForTheServer(t *testing.T) {
	gone := start(t, server.Options{})
	address, port := gone.ClientURL(), gone.Addr().String()
	gone.Shutdown()
	gone.WaitForShutdown()

	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := external.Open(short, external.Config{Servers: []string{address}, Dir: t.TempDir()}); err == nil || errors.Is(err, journal.ErrMissing) {
		t.Fatal(err)
	}

	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	opened := make(chan error, 1)
	var log lines
	go func() {
		c, err := external.Open(ctx, external.Config{Servers: []string{address}, Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err == nil {
			err = c.Close()
		}
		opened <- err
	}()
	for log.count("nats is not reachable") == 0 && ctx.Err() == nil {
		<-time.After(10 * time.Millisecond)
	}
	start(t, server.Options{Port: portOf(t, port)})
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
