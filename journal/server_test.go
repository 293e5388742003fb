package journal_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/hefu-io/hefu/journal"
)

// startServer runs a NATS server in this process, without a port.
func startServer(t *testing.T, dir string) *server.Server {
	t.Helper()
	ns, err := server.NewServer(&server.Options{
		DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { stopServer(ns) })
	if !ns.ReadyForConnections(time.Minute) {
		t.Fatal("server is not ready")
	}
	return ns
}

func stopServer(ns *server.Server) {
	ns.Shutdown()
	ns.WaitForShutdown()
}

func dial(t *testing.T, url string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, append(opts, nats.ReconnectBufSize(-1), nats.MaxReconnects(-1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func newStore(t *testing.T, nc *nats.Conn, replicas int) *journal.JetStream {
	t.Helper()
	store, err := journal.NewJetStream(nc, replicas, 20*time.Second) // a machine may stand still for some
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// openStore is a JetStream store on a server of its own.
func openStore(t *testing.T) (*journal.JetStream, *nats.Conn) {
	t.Helper()
	nc := dial(t, "", nats.InProcessServer(startServer(t, t.TempDir())))
	return newStore(t, nc, 1), nc
}

// reserving connects to the server of the day.
type reserving struct {
	mu sync.Mutex
	ns *server.Server
}

func (r *reserving) set(ns *server.Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ns = ns
}

// InProcessConn implements nats.InProcessConnProvider.
func (r *reserving) InProcessConn() (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ns.InProcessConn()
}
