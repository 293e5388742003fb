package doris

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"sync"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/server"
)

// greeting is what front ends from 2.1 to 4.0 advertise; in particular no DEPRECATE_EOF and no length-encoded
// authentication, so clients must speak the older forms.
const greeting uint32 = mysql.CLIENT_LONG_FLAG | mysql.CLIENT_CONNECT_WITH_DB | mysql.CLIENT_LOCAL_FILES |
	mysql.CLIENT_PROTOCOL_41 | mysql.CLIENT_SECURE_CONNECTION | mysql.CLIENT_PLUGIN_AUTH

const charsetUTF8 = 33

// mysqlPort accepts SQL connections and owns their goroutines.
type mysqlPort struct {
	s        *Server
	listener net.Listener
	protocol *server.Server

	mu      sync.Mutex
	open    map[net.Conn]struct{}
	closing bool
	running sync.WaitGroup
}

func newMySQLPort(s *Server, l net.Listener) *mysqlPort {
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

func (m *mysqlPort) handle(ctx context.Context, raw net.Conn) {
	session := newSession(ctx, m.s)
	conn, err := m.protocol.NewCustomizedConn(&wire{Conn: raw, out: bufio.NewWriterSize(raw, 64<<10)}, users{m.s}, session)
	if err != nil {
		return // the client was told
	}
	session.conn = conn
	session.user = conn.GetUser()
	for !conn.Closed() {
		if err := conn.HandleCommand(); err != nil || conn.Conn == nil {
			return // the client is gone
		}
	}
}

// users are the front end's credentials. An unknown user has a password that nobody can give.
type users struct{ s *Server }

func (u users) CheckUsername(string) (bool, error) { return true, nil }

func (u users) GetCredential(user string) (string, bool, error) {
	switch {
	case user == "root":
		return "", true, nil
	case user != "" && user == u.s.cfg.User:
		return u.s.cfg.Password, true, nil
	default:
		return newUUID(), true, nil
	}
}

// wire collects small writes until the server waits for the client, and puts the right capabilities into the
// greeting, which go-mysql does not let us choose.
type wire struct {
	net.Conn
	out     *bufio.Writer
	greeted bool
}

func (w *wire) Read(p []byte) (int, error) {
	if err := w.out.Flush(); err != nil {
		return 0, err
	}
	return w.Conn.Read(p)
}

func (w *wire) Write(p []byte) (int, error) {
	if !w.greeted {
		w.greeted = true
		// header 4, protocol 1, version and its NUL, connection id 4, scramble 8, filler 1; then the lower half of the
		// capabilities, charset 1, status 2, and the upper half.
		at := 4 + 1 + len(mysqlVersion) + 1 + 4 + 8 + 1
		binary.LittleEndian.PutUint16(p[at:], uint16(greeting&0xffff))
		binary.LittleEndian.PutUint16(p[at+5:], uint16(greeting>>16))
	}
	return w.out.Write(p)
}

func (w *wire) Close() error {
	return errors.Join(w.out.Flush(), w.Conn.Close())
}
