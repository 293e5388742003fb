package doris

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/server"
)

// mysqlPort accepts SQL connections and owns their goroutines.
type mysqlPort struct {
	s        *frontEnd
	listener net.Listener
	protocol *server.Server

	mu      sync.Mutex
	open    map[net.Conn]struct{}
	closing bool
	running sync.WaitGroup

	connections atomic.Uint32
}

func newMySQLPort(s *frontEnd, l net.Listener) *mysqlPort {
	return &mysqlPort{
		s: s, listener: l, open: map[net.Conn]struct{}{},
		protocol: server.NewServer(mysqlVersion, charsetUTF8, mysql.AUTH_NATIVE_PASSWORD, nil, nil),
	}
}

func (m *mysqlPort) serve(ctx context.Context) {
	defer m.running.Wait()
	for {
		c, err := m.listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				m.s.cfg.Log.ErrorContext(ctx, "accept MySQL connection", slog.Any("error", err))
			}
			return
		}
		if !m.track(c) {
			_ = c.Close() // closing down
			return
		}
		m.running.Go(func() {
			defer m.untrack(c)
			m.handle(ctx, c)
		})
	}
}

func (m *mysqlPort) track(c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return false
	}
	m.open[c] = struct{}{}
	return true
}

func (m *mysqlPort) untrack(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.open, c)
	_ = c.Close() // it is closed already when the client went away in order
}

func (m *mysqlPort) closeAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closing = true
	for c := range m.open {
		_ = c.Close() // its goroutine notices
	}
}

// handle serves one connection until its client goes.
func (m *mysqlPort) handle(ctx context.Context, raw net.Conn) {
	h := &handshake{conn: raw, in: bufio.NewReaderSize(raw, 16<<10), id: m.connections.Add(1)}
	if err := m.login(h, raw.RemoteAddr()); err != nil {
		return // the client was told, or is gone
	}
	session := newSession(ctx, m.s)
	session.user, session.db, session.id = h.user, h.db, h.id
	w := &wire{Conn: raw, in: h.in, out: bufio.NewWriterSize(raw, 64<<10), replay: replayed(h.user)}
	conn, err := m.protocol.NewCustomizedConn(w, noPasswords{}, session)
	if err != nil {
		m.s.cfg.Log.ErrorContext(ctx, "hand over MySQL connection", slog.Any("error", err))
		return
	}
	w.through = true
	session.conn = conn
	for !conn.Closed() {
		if err := conn.HandleCommand(); err != nil || conn.Conn == nil {
			return // the client is gone
		}
	}
}

// login lets a client in, or says why not: first who it is, then whether it may have the database that it asks for.
func (m *mysqlPort) login(h *handshake, from net.Addr) error {
	if err := h.greet(); err != nil {
		return err
	}
	if err := h.response(); err != nil {
		return err
	}
	return h.end(m.refusal(h, from))
}

func (m *mysqlPort) refusal(h *handshake, from net.Addr) *mysql.MyError {
	switch {
	case h.user == rootUser && isLoopback(from): // with any password: so does a real one (doris-wire.md §11.6)
	case !m.s.accounts.scrambled(h.user, h.salt, h.auth):
		return h.denied(from)
	}
	if h.db == "" {
		return nil
	}
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return m.s.useRefusal(h.user, h.db)
}

func isLoopback(a net.Addr) bool {
	ip := net.ParseIP(hostOf(a))
	return ip != nil && ip.IsLoopback()
}

// noPasswords is for go-mysql's own handshake, which meets nobody but replayed.
type noPasswords struct{}

func (noPasswords) CheckUsername(string) (bool, error) { return true, nil }

func (noPasswords) GetCredential(string) (string, bool, error) { return "", true, nil }

// replayed is the response of a user without a password to go-mysql's greeting.
func replayed(user string) []byte {
	p := binary.LittleEndian.AppendUint32(nil, mysql.CLIENT_PROTOCOL_41|mysql.CLIENT_SECURE_CONNECTION|mysql.CLIENT_PLUGIN_AUTH)
	p = append(p, make([]byte, 4+1+23)...)
	p = append(append(p, user...), 0, 0) // and the length of the password
	p = append(append(p, mysql.AUTH_NATIVE_PASSWORD...), 0)
	return append([]byte{byte(len(p)), byte(len(p) >> 8), byte(len(p) >> 16), 1}, p...)
}

// wire collects small writes until the server waits for the client. Before it is through, go-mysql shakes hands with
// nobody: it is answered by replay, and what it says is lost.
type wire struct {
	net.Conn
	in      *bufio.Reader
	out     *bufio.Writer
	replay  []byte
	through bool
}

func (w *wire) Read(p []byte) (int, error) {
	if len(w.replay) > 0 {
		n := copy(p, w.replay)
		w.replay = w.replay[n:]
		return n, nil
	}
	if err := w.out.Flush(); err != nil {
		return 0, err
	}
	return w.in.Read(p)
}

func (w *wire) Write(p []byte) (int, error) {
	if !w.through {
		return len(p), nil
	}
	return w.out.Write(p)
}

func (w *wire) Close() error {
	return errors.Join(w.out.Flush(), w.Conn.Close())
}
