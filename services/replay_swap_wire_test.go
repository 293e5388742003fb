package services_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/hefu-io/hefu/journal"
)

// statements stands between hefu and the stand-in's port for statements, and breaks a connection
// at one: before it is done, or once it is and nobody heard.
type statements struct {
	to       string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	word  string // of the statement that fails
	times int    // how often it fails yet
	fault journal.Fault
	seen  int // statements with the word
	open  []net.Conn
}

func newStatements(t *testing.T, to string) *statements {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	s := &statements{to: to, listener: l}
	s.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.join(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for _, c := range s.open {
			_ = c.Close()
		}
		s.mu.Unlock()
		s.running.Wait()
	})
	return s
}

// arm makes the next statements with a word fail.
func (s *statements) arm(word string, times int, fault journal.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.word, s.times, s.fault, s.seen = word, times, fault, 0
}

// met is how many statements with the word came since.
func (s *statements) met() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *statements) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", s.to)
	if err != nil {
		return
	}
	defer server.Close()
	s.mu.Lock()
	s.open = append(s.open, client, server)
	s.mu.Unlock()
	mute := make(chan struct{}) // closed when the client is to hear nothing more
	var both sync.WaitGroup
	both.Go(func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			select {
			case <-mute:
				return
			default:
			}
			if _, e := client.Write(buf[:n]); err != nil || e != nil {
				return
			}
		}
	})
	s.forward(client, server, mute)
	_ = server.Close()
	both.Wait()
}

// forward passes packets of a client on.
func (s *statements) forward(client, server net.Conn, mute chan struct{}) {
	for {
		packet := make([]byte, 4)
		if _, err := io.ReadFull(client, packet); err != nil {
			return
		}
		body := make([]byte, int(packet[0])|int(packet[1])<<8|int(packet[2])<<16)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		switch s.look(string(body)) {
		case journal.FaultBefore:
			return
		case journal.FaultAfter:
			close(mute)
		case journal.FaultNone:
		}
		if _, err := server.Write(append(packet, body...)); err != nil {
			return
		}
	}
}

// look is what becomes of a packet.
func (s *statements) look(packet string) journal.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.word == "" || !strings.Contains(packet, s.word) {
		return journal.FaultNone
	}
	if s.seen++; s.seen > s.times {
		return journal.FaultNone
	}
	return s.fault
}
