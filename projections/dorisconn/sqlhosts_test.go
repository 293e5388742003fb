package dorisconn_test

import (
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/server"
)

// sqlHost is a MySQL port that answers as it is told, and remembers what it was asked.
type sqlHost struct {
	server.EmptyHandler
	addr   string
	answer func(query string) (*mysql.Result, error)

	mu    sync.Mutex
	asked []string
	conns map[net.Conn]bool
	met   int // connections
}

func newSQLHost(t testing.TB, secure *tls.Config, answer func(string) (*mysql.Result, error)) *sqlHost {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	h := &sqlHost{addr: l.Addr().String(), answer: answer, conns: map[net.Conn]bool{}}
	protocol := server.NewServer("5.7.99", 33, mysql.AUTH_NATIVE_PASSWORD, nil, secure)
	users := server.NewInMemoryProvider()
	users.AddUser(user, password)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.keep(c)
			all.Go(func() {
				defer c.Close()
				conn, err := protocol.NewCustomizedConn(c, users, h)
				for err == nil && !conn.Closed() {
					err = conn.HandleCommand()
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		h.mu.Lock()
		for c := range h.conns {
			_ = c.Close()
		}
		h.mu.Unlock()
		all.Wait()
	})
	return h
}

func (h *sqlHost) keep(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[c] = true
	h.met++
}

// HandleQuery implements server.Handler.
func (h *sqlHost) HandleQuery(query string) (*mysql.Result, error) {
	h.mu.Lock()
	h.asked = append(h.asked, query)
	h.mu.Unlock()
	return h.answer(query)
}

func (h *sqlHost) queries() (text string, met int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.asked, "\n"), h.met
}

// frontEnds is what SHOW FRONTENDS answers, in the columns of an old version; each is
// "host port master connected".
func frontEnds(all ...string) *mysql.Result {
	names := []string{"Name", "IP", "HttpPort", "QueryPort", "IsMaster", "CurrentConnected"}
	var rows [][]any
	for _, f := range all {
		w := strings.Fields(f)
		rows = append(rows, []any{"fe", w[0], w[1], "9030", w[2], w[3]})
	}
	set, err := mysql.BuildSimpleTextResultset(names, rows)
	if err != nil {
		return nil
	}
	return mysql.NewResult(set)
}

// doris is a front end that knows some variables and its fellows; anything else it
// answers with a single 1.
func doris(known []string, fellows func() (*mysql.Result, error)) func(string) (*mysql.Result, error) {
	return func(query string) (*mysql.Result, error) {
		switch words := strings.Fields(query); {
		case query == "SHOW FRONTENDS":
			return fellows()
		case words[0] == "SET":
			for _, k := range known {
				if words[1] == k {
					return mysql.NewResultReserveResultset(0), nil
				}
			}
			return nil, &mysql.MyError{Code: 1105, State: "HY000", Message: "errCode = 2, detailMessage = Unknown system variable '" + words[1] + "'"}
		}
		set, err := mysql.BuildSimpleTextResultset([]string{"1"}, [][]any{{"1"}})
		return mysql.NewResult(set), err
	}
}
