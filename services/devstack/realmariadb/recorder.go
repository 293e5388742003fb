package realmariadb

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// Recorder stands between MySQL clients and a server, and keeps the text of every query.
type Recorder struct {
	to       string
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	open    []net.Conn
	queries []string
}

// Record listens on a free port of the loopback for clients of the server at host:port.
func Record(ctx context.Context, to string) (*Recorder, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Recorder{to: to, listener: l}
	r.running.Go(r.accept)
	return r, nil
}

// Addr is where clients connect to.
func (r *Recorder) Addr() string { return r.listener.Addr().String() }

// Queries are all so far, in the order in which they came.
func (r *Recorder) Queries() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.queries...)
}

// Close breaks all connections.
func (r *Recorder) Close() error {
	err := r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for _, c := range r.open {
		_ = c.Close() // its goroutine notices
	}
	r.mu.Unlock()
	r.running.Wait()
	return err
}

func (r *Recorder) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		r.running.Go(func() { _ = r.join(client) }) // whoever is behind it sees its end
	}
}

func (r *Recorder) join(client net.Conn) error {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", r.to)
	if err != nil {
		return err
	}
	defer server.Close()
	if !r.track(client, server) {
		return net.ErrClosed
	}
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() {
		_, _ = io.Copy(client, server) // the end of either is the end of both
		_ = client.Close()
	})
	err = r.listen(client, server)
	return errors.Join(err, server.Close())
}

func (r *Recorder) track(all ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, all...)
	return !r.closed
}

// comQuery is the command byte of a query; each command is the first packet of a sequence.
const comQuery = 3

// listen hands packets on, one by one.
func (r *Recorder) listen(client io.Reader, server io.Writer) error {
	var head [4]byte
	for {
		if _, err := io.ReadFull(client, head[:]); err != nil {
			return err
		}
		payload := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
		if _, err := io.ReadFull(client, payload); err != nil {
			return err
		}
		if head[3] == 0 && len(payload) > 0 && payload[0] == comQuery {
			r.mu.Lock()
			r.queries = append(r.queries, string(payload[1:]))
			r.mu.Unlock()
		}
		if _, err := server.Write(append(head[:], payload...)); err != nil {
			return err
		}
	}
}
