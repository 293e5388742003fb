package main

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// relay stands before a server and counts what it answers.
type relay struct {
	l        net.Listener
	server   string
	answered atomic.Int64
	conns    sync.WaitGroup
}

func newRelay(ctx context.Context, server string) (*relay, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{l: l, server: server}
	r.conns.Go(func() { r.accept(context.WithoutCancel(ctx)) })
	return r, nil
}

func (r *relay) addr() string { return r.l.Addr().String() }

// close takes no more connections and waits for the end of those that there are: whoever has
// one is to be gone before.
func (r *relay) close() error {
	err := r.l.Close()
	r.conns.Wait()
	return err
}

func (r *relay) accept(ctx context.Context) {
	for {
		front, err := r.l.Accept()
		if err != nil {
			return // it was closed
		}
		var dialer net.Dialer
		back, err := dialer.DialContext(ctx, "tcp", r.server)
		if err != nil {
			_ = front.Close() // the client sees that the server is not there
			continue
		}
		r.conns.Go(func() {
			defer back.Close()
			_, _ = io.Copy(back, front) // until the client is done
		})
		r.conns.Go(func() {
			defer front.Close()
			_, _ = io.Copy(io.MultiWriter(front, r), back) // until the server is
		})
	}
}

// Write counts.
func (r *relay) Write(b []byte) (int, error) {
	r.answered.Add(int64(len(b)))
	return len(b), nil
}
