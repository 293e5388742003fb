package doris_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/hefu-io/hefu/journal"
)

// sqlWire stands between clients and the stand-in's port for questions, and breaks the
// connection at a statement: before it is done, or once it is and nobody heard.
type sqlWire struct {
	to       string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	word  string // of the statement that fails, once
	fault journal.Fault
	seen  []string // statements that change something
	open  []net.Conn
}

func newSQLWire(t testing.TB, to string) *sqlWire {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	w := &sqlWire{to: to, listener: l}
	w.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			w.running.Go(func() { w.join(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.mu.Lock()
		for _, c := range w.open {
			_ = c.Close()
		}
		w.mu.Unlock()
		w.running.Wait()
	})
	return w
}

func (w *sqlWire) arm(word string, f journal.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.word, w.fault = word, f
}

// used reports whether the fault that was armed came to pass.
func (w *sqlWire) used() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.word == ""
}

// changes are the statements so far that change something.
func (w *sqlWire) changes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.seen...)
}

func (w *sqlWire) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer server.Close()
	w.mu.Lock()
	w.open = append(w.open, client, server)
	w.mu.Unlock()
	mute := make(chan struct{}) // closed when the client is to hear nothing more
	var both sync.WaitGroup
	both.Go(func() {
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
	w.forward(client, server, mute)
	both.Wait()
}

// forward passes packets of a client on.
func (w *sqlWire) forward(client, server net.Conn, mute chan struct{}) {
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(client, head); err != nil {
			_ = server.Close()
			return
		}
		body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
		if _, err := io.ReadFull(client, body); err != nil {
			_ = server.Close()
			return
		}
		const query = 0x03
		fault := journal.FaultNone
		if len(body) > 0 && body[0] == query {
			fault = w.look(string(body[1:]))
		}
		switch fault {
		case journal.FaultBefore:
			_ = server.Close()
			return
		case journal.FaultAfter:
			close(mute)
		case journal.FaultNone:
		}
		if _, err := server.Write(append(head, body...)); err != nil {
			_ = server.Close()
			return
		}
	}
}

// look is what becomes of a statement.
func (w *sqlWire) look(statement string) journal.Fault {
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
	w.word = ""
	return w.fault
}
