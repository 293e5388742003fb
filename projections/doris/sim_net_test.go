package doris_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// simNet is the network of one simulation: connections are queues in memory, and what
// is written arrives after a while of virtual time that the seed decides. Nothing in it
// waits for anything but channels and timers of its bubble.
type simNet struct {
	seed    uint64
	latency time.Duration // the longest that a write takes to arrive

	mu        sync.Mutex
	dialled   uint64
	listeners map[string]*simListener
}

func newSimNet(seed uint64, latency time.Duration) *simNet {
	return &simNet{seed: seed, latency: latency, listeners: map[string]*simListener{}}
}

// Listen is the stand-in's.
func (n *simNet) Listen(_ context.Context, _, address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[address] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: simAddr(address), Err: syscall.EADDRINUSE}
	}
	l := &simListener{n: n, addr: simAddr(address), queue: make(chan *simConn, 64), done: make(chan struct{})}
	n.listeners[address] = l
	return l, nil
}

type simAddr string

func (simAddr) Network() string  { return "tcp" }
func (a simAddr) String() string { return string(a) }

type simListener struct {
	n     *simNet
	addr  simAddr
	queue chan *simConn
	once  sync.Once
	done  chan struct{}
}

func (l *simListener) Addr() net.Addr { return l.addr }

func (l *simListener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, net.ErrClosed
	case c := <-l.queue:
		return c, nil
	}
}

func (l *simListener) Close() error {
	l.once.Do(func() {
		l.n.mu.Lock()
		delete(l.n.listeners, string(l.addr))
		l.n.mu.Unlock()
		close(l.done)
		for {
			select {
			case c := <-l.queue:
				c.reset()
				continue
			default:
			}
			return
		}
	})
	return nil
}

// simHost is where one process's connections come from; they can be cut and held up
// together.
type simHost struct {
	n *simNet

	mu    sync.Mutex
	until time.Time // nothing arrives before, in either direction
	conns map[*simConn]bool
}

func (n *simNet) host() *simHost { return &simHost{n: n, conns: map[*simConn]bool{}} }

// stall holds everything up for a while, what is under way too.
func (h *simHost) stall(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until := time.Now().Add(d); until.After(h.until) {
		h.until = until
	}
}

func (h *simHost) stalled() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.until
}

// cut breaks all connections; what is under way is lost.
func (h *simHost) cut() {
	h.mu.Lock()
	conns := make([]*simConn, 0, len(h.conns))
	for c := range h.conns {
		conns = append(conns, c)
	}
	h.mu.Unlock()
	for _, c := range conns {
		c.reset()
	}
}

// Dial is the leg's.
func (h *simHost) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	h.n.mu.Lock()
	h.n.dialled++
	id := h.n.dialled
	h.n.mu.Unlock()
	there, back := h.lane(id, 0), h.lane(id, 1)
	wait := there.delay()
	for wait > 0 {
		select {
		case <-ctx.Done():
			return nil, &net.OpError{Op: "dial", Net: network, Addr: simAddr(address), Err: ctx.Err()}
		case <-time.After(wait):
		}
		wait = time.Until(h.stalled())
	}
	h.n.mu.Lock()
	l := h.n.listeners[address]
	h.n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Addr: simAddr(address), Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	local := simAddr(fmt.Sprintf("client:%d", id))
	mine := &simConn{in: back, out: there, local: local, remote: l.addr}
	theirs := &simConn{in: there, out: back, local: l.addr, remote: local}
	mine.peer, theirs.peer = theirs, mine
	select {
	case <-l.done:
		return nil, refused
	case l.queue <- theirs:
	}
	h.mu.Lock()
	h.conns[mine] = true
	h.mu.Unlock()
	mine.gone = func() { h.mu.Lock(); delete(h.conns, mine); h.mu.Unlock() }
	return mine, nil
}

func (h *simHost) lane(id, direction uint64) *simLane {
	return &simLane{
		h: h, dice: rand.New(rand.NewPCG(h.n.seed, 2*id+direction)), wake: make(chan struct{}, 1),
	}
}

// simLane is one direction of a connection.
type simLane struct {
	h    *simHost
	wake chan struct{}

	mu       sync.Mutex
	dice     *rand.Rand
	queue    []simChunk
	last     time.Time // when the newest chunk is due
	deadline time.Time // of the reader
	err      error     // of the reader, once it is broken or closed
}

type simChunk struct {
	due  time.Time
	data []byte // nil: the end
}

func (l *simLane) delay() time.Duration {
	return time.Duration(1 + l.dice.Int64N(int64(l.h.n.latency)))
}

func (l *simLane) put(data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return syscall.EPIPE
	}
	due := time.Now().Add(l.delay())
	if !due.After(l.last) {
		due = l.last.Add(1)
	}
	l.last = due
	l.queue = append(l.queue, simChunk{due, data})
	l.ring()
	return nil
}

func (l *simLane) ring() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *simLane) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err, l.queue = err, nil
	}
	l.ring()
}

func (l *simLane) until(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = t
	l.ring()
}

func (l *simLane) read(b []byte) (int, error) {
	for {
		n, wait, err := l.take(b)
		if wait == 0 {
			return n, err
		}
		var timer <-chan time.Time
		if wait > 0 {
			t := time.NewTimer(wait)
			defer t.Stop()
			timer = t.C
		}
		select {
		case <-l.wake:
		case <-timer:
		}
	}
}

// take reads what is due; wait is 0 when there was something, and -1 when it is for the
// next ring.
func (l *simLane) take(b []byte) (n int, wait time.Duration, err error) {
	stalled := l.h.stalled()
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	wait = -1
	if l.err != nil {
		return 0, 0, l.err
	}
	if !l.deadline.IsZero() {
		if wait = l.deadline.Sub(now); wait <= 0 {
			return 0, 0, os.ErrDeadlineExceeded
		}
	}
	if len(l.queue) == 0 {
		return 0, wait, nil
	}
	due := l.queue[0].due
	if stalled.After(due) {
		due = stalled
	}
	if left := due.Sub(now); left > 0 {
		if wait < 0 || left < wait {
			wait = left
		}
		return 0, wait, nil
	}
	first := &l.queue[0]
	if first.data == nil {
		return 0, 0, io.EOF
	}
	n = copy(b, first.data)
	if first.data = first.data[n:]; len(first.data) == 0 {
		l.queue = l.queue[1:]
	}
	return n, 0, nil
}

// simConn is one end of a connection.
type simConn struct {
	in, out       *simLane
	local, remote simAddr
	peer          *simConn
	gone          func()
	once          sync.Once
}

func (c *simConn) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return c.in.read(b)
}

func (c *simConn) Write(b []byte) (int, error) {
	c.in.mu.Lock()
	closed := errors.Is(c.in.err, net.ErrClosed)
	c.in.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	if len(b) == 0 {
		return 0, nil
	}
	if err := c.out.put(append([]byte(nil), b...)); err != nil {
		return 0, &net.OpError{Op: "write", Net: "tcp", Addr: c.remote, Err: err}
	}
	return len(b), nil
}

// Close is orderly: what was written arrives first.
func (c *simConn) Close() error {
	c.once.Do(func() {
		_ = c.out.put(nil)
		c.in.fail(net.ErrClosed)
		if c.gone != nil {
			c.gone()
		}
	})
	return nil
}

// reset breaks both directions at once.
func (c *simConn) reset() {
	for _, l := range []*simLane{c.in, c.out} {
		l.fail(syscall.ECONNRESET)
	}
}

func (c *simConn) LocalAddr() net.Addr  { return c.local }
func (c *simConn) RemoteAddr() net.Addr { return c.remote }

func (c *simConn) SetDeadline(t time.Time) error     { c.in.until(t); return nil }
func (c *simConn) SetReadDeadline(t time.Time) error { c.in.until(t); return nil }
func (c *simConn) SetWriteDeadline(time.Time) error  { return nil } // a write never waits
