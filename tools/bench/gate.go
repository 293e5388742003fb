package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// trouble is what a gate does to the connections that pass it.
type trouble string

// The troubles of a city's cluster.
const (
	sound    trouble = "sound"
	down     trouble = "down"     // every connection is cut
	slow     trouble = "slow"     // answers at one byte a second
	flapping trouble = "flapping" // down and sound by turns, three seconds each
)

// flap is how long a flapping cluster stays as it is.
const flap = 3 * time.Second

// gate stands before a broker. Whoever feeds it comes in by the back door, where there is no
// trouble: it is the city's network that is bad, not the city.
type gate struct {
	front, back net.Listener
	accepted    chan accepted
	closed      chan struct{}
	once        sync.Once

	mu      sync.Mutex
	state   trouble       // never flapping
	changed chan struct{} // closed and replaced at each change
	conns   map[*gated]struct{}
}

type accepted struct {
	conn net.Conn
	err  error
}

// listen is kfake's ListenFn.
func (g *gate) listen(network, address string) (net.Listener, error) {
	var err error
	var lc net.ListenConfig
	if g.front, err = lc.Listen(context.Background(), network, address); err != nil {
		return nil, err
	}
	if g.back, err = lc.Listen(context.Background(), network, "127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, g.front.Close())
	}
	g.state, g.changed, g.conns = sound, make(chan struct{}), map[*gated]struct{}{}
	g.accepted, g.closed = make(chan accepted), make(chan struct{})
	go g.take(g.front, g.pass)
	go g.take(g.back, func(c net.Conn) net.Conn { return c })
	return g, nil
}

// take accepts until the listener is closed.
func (g *gate) take(l net.Listener, pass func(net.Conn) net.Conn) {
	for {
		c, err := l.Accept()
		if err == nil {
			if c = pass(c); c == nil {
				continue
			}
		}
		select {
		case g.accepted <- accepted{c, err}:
		case <-g.closed:
			if err == nil {
				_ = c.Close()
			}
			return
		}
		if err != nil {
			return
		}
	}
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case a := <-g.accepted:
		return a.conn, a.err
	case <-g.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (g *gate) Close() error {
	var err error
	g.once.Do(func() {
		close(g.closed)
		err = errors.Join(g.front.Close(), g.back.Close())
	})
	return err
}

// Addr implements net.Listener: where clients are sent.
func (g *gate) Addr() net.Addr { return g.front.Addr() }

// pass lets a connection in, nil when it was cut.
func (g *gate) pass(c net.Conn) net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == down {
		_ = c.Close()
		return nil
	}
	through := &gated{Conn: c, gate: g}
	g.conns[through] = struct{}{}
	return through
}

// set changes what happens to connections, those that are open too.
func (g *gate) set(t trouble) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = t
	close(g.changed)
	g.changed = make(chan struct{})
	if t == down {
		for c := range g.conns {
			_ = c.Conn.Close()
			delete(g.conns, c)
		}
	}
}

func (g *gate) now() (trouble, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state, g.changed
}

// be makes the trouble last for a while, and ends sound.
func (g *gate) be(ctx context.Context, t trouble, during time.Duration) error {
	defer g.set(sound)
	end := time.NewTimer(during)
	defer end.Stop()
	turn := time.NewTicker(flap)
	defer turn.Stop()
	if t == flapping {
		g.set(down)
	} else {
		g.set(t)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case <-turn.C:
			if t != flapping {
				continue
			}
			if g.sound() {
				g.set(down)
			} else {
				g.set(sound)
			}
		}
	}
}

func (g *gate) sound() bool {
	state, _ := g.now()
	return state == sound
}

// gated is a connection that came in at the front.
type gated struct {
	net.Conn
	gate *gate
}

// Write writes a byte a second while the cluster is slow.
func (c *gated) Write(b []byte) (int, error) {
	for sent := 0; ; sent++ {
		state, changed := c.gate.now()
		if state != slow || sent == len(b) {
			n, err := c.Conn.Write(b[sent:])
			return sent + n, err
		}
		if _, err := c.Conn.Write(b[sent : sent+1]); err != nil {
			return sent, err
		}
		select {
		case <-changed:
		case <-c.gate.closed:
			return sent, net.ErrClosed
		case <-time.After(time.Second):
		}
	}
}

// Close implements net.Conn.
func (c *gated) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
