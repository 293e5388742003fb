package lineage_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

// wire stands between the leg and a server, and knows an INSERT when it sees one.
type wire struct {
	w  *world
	to string
	l  net.Listener
	g  sync.WaitGroup
}

func newWire(t *testing.T, w *world, to string) *wire {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	x := &wire{w: w, to: to, l: l}
	x.g.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			x.g.Go(func() { x.join(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); x.g.Wait() })
	return x
}

func (x *wire) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, x.l.Addr().String())
}

// relay is one connection. An INSERT that is to be cut before is not handed on; of one that is
// to be cut after, what the server says once the rows are on their way is not handed back.
type relay struct {
	client, server net.Conn

	mu      sync.Mutex
	cut     clickhouse.Cut
	replies int  // of the server since the INSERT
	rows    bool // are on their way
}

func (x *wire) join(client net.Conn) {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(x.w.ctx, "tcp", x.to)
	if err != nil {
		return
	}
	r := &relay{client: client, server: server}
	var both sync.WaitGroup
	both.Go(r.back)
	buf := make([]byte, 1<<20)
	for {
		n, err := client.Read(buf)
		if err != nil || !r.pass(x.w, buf[:n]) {
			break
		}
		if _, err := server.Write(buf[:n]); err != nil {
			break
		}
	}
	_ = server.Close()
	both.Wait()
}

// pass reports whether bytes of the client go on.
func (r *relay) pass(w *world, b []byte) bool {
	if bytes.Contains(b, []byte("INSERT INTO")) {
		cut := w.onRequest(clickhouse.Request{Query: "INSERT"})
		r.mu.Lock()
		defer r.mu.Unlock()
		r.cut, r.replies, r.rows = cut, 0, false
		return cut != clickhouse.CutBefore
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = r.rows || r.replies > 0
	return true
}

// back hands on what the server says.
func (r *relay) back() {
	defer r.client.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := r.server.Read(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.replies++
		unheard := r.cut == clickhouse.CutAfter && r.rows
		r.mu.Unlock()
		if unheard {
			return
		}
		if _, err := r.client.Write(buf[:n]); err != nil {
			return
		}
	}
}
