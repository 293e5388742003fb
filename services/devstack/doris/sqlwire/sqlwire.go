// Package sqlwire stands between a client and the stand-in's port for questions, and breaks the
// connection at a statement: before it is done, or once it is and nobody heard. The stand-in itself
// cannot: what is lost is not the front end's doing.
package sqlwire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/hefu-io/hefu/journal"
)

// Wire passes statements on. Its methods may be called from several goroutines.
type Wire struct {
	to       string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	word  string // of the statements that fail
	times int    // how many of them
	fault journal.Fault
	met   int      // statements with the word
	first string   // of the statement that before waits for
	do    func()   // what is done before it
	seen  []string // statements that change something
	open  []net.Conn
	over  bool
}

// Open listens for clients of the address that it passes on to. ctx is of the opening alone.
func Open(ctx context.Context, to string) (*Wire, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen before %s: %w", to, err)
	}
	w := &Wire{to: to, listener: l}
	w.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			w.running.Go(func() { w.join(client) })
		}
	})
	return w, nil
}

// Addr is where clients find it.
func (w *Wire) Addr() string { return w.listener.Addr().String() }

// Close breaks all connections and waits for their goroutines.
func (w *Wire) Close() error {
	err := w.listener.Close()
	w.mu.Lock()
	w.over = true
	for _, c := range w.open {
		_ = c.Close() // most are closed by now
	}
	w.mu.Unlock()
	w.running.Wait()
	return err
}

// Arm makes the next statements that have a word fail, so many of them.
func (w *Wire) Arm(word string, times int, fault journal.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.word, w.times, w.fault, w.met = word, times, fault, 0
}

// Before calls do, once, when the next statement that has a word comes and before it is passed on or
// fails. do may call Before and Arm.
func (w *Wire) Before(word string, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first, w.do = word, do
}

// Met is how many statements with the word came since it was armed.
func (w *Wire) Met() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.met
}

// Changes are the statements so far that change something.
func (w *Wire) Changes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.seen...)
}

// keep takes note of connections that Close is to break; false: it has been called.
func (w *Wire) keep(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, conns...)
	return !w.over
}

// join passes on what a client and the stand-in say to each other until one of them is gone.
func (w *Wire) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.to) //nolint:noctx // it is on this host, and Close breaks it
	if err != nil {
		return
	}
	defer server.Close()
	if !w.keep(client, server) {
		return
	}
	mute := make(chan struct{}) // closed when the client is to hear nothing more
	var answers sync.WaitGroup
	answers.Go(func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			select {
			case <-mute:
				return // what was answered is lost
			default:
			}
			if _, e := client.Write(buf[:n]); err != nil || e != nil {
				return
			}
		}
	})
	_ = w.forward(client, server, mute) // whatever ended it, the connection is over
	_ = server.Close()
	answers.Wait()
}

// errBroken ends a connection before a statement is done.
var errBroken = errors.New("broken before the statement")

// forward passes the packets of a client on.
func (w *Wire) forward(client io.Reader, server io.Writer, mute chan struct{}) error {
	for {
		packet := make([]byte, 4)
		if _, err := io.ReadFull(client, packet); err != nil {
			return err
		}
		body := make([]byte, int(packet[0])|int(packet[1])<<8|int(packet[2])<<16)
		if _, err := io.ReadFull(client, body); err != nil {
			return err
		}
		const query = 0x03
		if len(body) > 0 && body[0] == query {
			w.announce(string(body[1:]))
			switch w.look(string(body[1:])) {
			case journal.FaultBefore:
				return errBroken
			case journal.FaultAfter:
				close(mute)
			case journal.FaultNone:
			}
		}
		if _, err := server.Write(append(packet, body...)); err != nil {
			return err
		}
	}
}

// announce does what was to be done before a statement.
func (w *Wire) announce(statement string) {
	w.mu.Lock()
	do := w.do
	if do == nil || !strings.Contains(statement, w.first) {
		w.mu.Unlock()
		return
	}
	w.do = nil
	w.mu.Unlock()
	do()
}

// look is what becomes of a statement.
func (w *Wire) look(statement string) journal.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, word := range []string{"CREATE", "ALTER", "DROP", "DELETE"} {
		if strings.HasPrefix(statement, word) {
			w.seen = append(w.seen, statement)
		}
	}
	if w.word == "" || !strings.Contains(statement, w.word) {
		return journal.FaultNone
	}
	if w.met++; w.met > w.times {
		return journal.FaultNone
	}
	return w.fault
}
