package realflink_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/devstack/realflink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// needsFlink skips what a machine without the real thing cannot do.
func needsFlink(t *testing.T) {
	t.Helper()
	if os.Getenv("HEFU_TEST_FLINK") == "" {
		t.Skip("HEFU_TEST_FLINK is not set: not run on the real connector")
	}
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not there: not run on the real connector", tool)
		}
	}
}

// standIn is a stand-in with a table of rows that may repeat, so that a row loaded twice is seen.
type standIn struct {
	*testing.T
	*doris.Server
	db  *sql.DB
	dir string
	tap *tap
}

func open(t *testing.T) *standIn {
	t.Helper()
	s := &standIn{T: t, dir: t.TempDir(), tap: &tap{lines: map[string]map[string]bool{}}}
	var err error
	if s.Server, err = doris.Open(t.Context(), doris.Config{Dir: t.TempDir(), User: "flink", Password: "p@ss word", Listen: s.tap.listen}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.InterpolateParams = "root", "tcp", s.MySQLAddr(), true
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.db = sql.OpenDB(c)
	t.Cleanup(func() { _ = s.db.Close() })
	for _, q := range []string{"CREATE DATABASE ods", "CREATE TABLE ods.t (id BIGINT NOT NULL, v STRING) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1"} {
		if _, err := s.db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return s
}

func (s *standIn) job(prefix string, rows, perCheckpoint int) realflink.Job {
	return realflink.Job{
		Dir: s.dir, Frontends: strings.TrimPrefix(s.FEURL(), "http://"), AutoRedirect: true, Table: "ods.t",
		User: "flink", Password: "p@ss word", LabelPrefix: prefix,
		Rows: rows, PerCheckpoint: perCheckpoint, Checkpoint: 300 * time.Millisecond,
	}
}

func (s *standIn) run(j realflink.Job) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 5*time.Minute)
	defer cancel()
	log, err := j.Run(ctx)
	if err != nil {
		s.Fatal(err)
	}
	return log
}

func (s *standIn) count(q string) (n int) {
	s.Helper()
	if err := s.db.QueryRowContext(s.Context(), q).Scan(&n); err != nil {
		s.Fatalf("%s: %v", q, err)
	}
	return n
}

// until waits for a condition.
func (s *standIn) until(ctx context.Context, what string, done func() bool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.Fatalf("waited for %s in vain", what)
		}
	}
}

// compare waits until n rows are there, and then looks at each: ids from 0 on, each once, with its own text.
func (s *standIn) compare(n int) {
	s.Helper()
	s.until(s.Context(), "rows", func() bool { return s.count("SELECT count(*) FROM ods.t") >= n })
	rows, err := s.db.QueryContext(s.Context(), "SELECT id, v FROM ods.t ORDER BY id, v")
	if err != nil {
		s.Fatal(err)
	}
	defer rows.Close()
	at := 0
	for ; rows.Next(); at++ {
		var id int
		var v string
		if err := rows.Scan(&id, &v); err != nil {
			s.Fatal(err)
		}
		if id != at || v != fmt.Sprintf("row %d", at) {
			s.Errorf("row %d: id %d, %q", at, id, v)
		}
	}
	if err := rows.Err(); err != nil || at != n {
		s.Errorf("%d rows, want %d, %v", at, n, err)
	}
}

// transactions wants these, as id, label, state and why, and after them the job's own: VISIBLE all of them, the first
// under the first label. How many depends on how many checkpoints the rows are spread over, and that on the machine.
func (s *standIn) transactions(aborted ...string) {
	s.Helper()
	rows, err := s.db.QueryContext(s.Context(), "SHOW TRANSACTION FROM ods WHERE label LIKE '%'")
	if err != nil {
		s.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var c [15]sql.NullString
		at := make([]any, len(c))
		for i := range c {
			at[i] = &c[i]
		}
		if err := rows.Scan(at...); err != nil {
			s.Fatal(err)
		}
		got = append(got, strings.Join([]string{c[0].String, c[1].String, c[3].String, c[10].String}, " "))
	}
	slices.Reverse(got) // they are listed newest first
	want := append(slices.Clone(aborted), fmt.Sprintf("%d p_ods_t_0_1 VISIBLE ", len(aborted)+1))
	if len(got) <= len(want) || !slices.Equal(got[:len(want)], want) || rows.Err() != nil {
		s.Errorf("%q, want more than %q, %v", got, want, rows.Err())
		return
	}
	for _, one := range got[len(want):] {
		if !strings.HasSuffix(one, " VISIBLE ") {
			s.Errorf("%s, want it VISIBLE", one)
		}
	}
}

// tap notes the requests that arrive at each address.
type tap struct {
	mu    sync.Mutex
	lines map[string]map[string]bool
}

func (p *tap) listen(ctx context.Context, network, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, network, address)
	return &tapped{l, p}, err
}

type tapped struct {
	net.Listener
	tap *tap
}

func (l *tapped) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tappedConn{c, l.tap}, nil
}

type tappedConn struct {
	net.Conn
	tap *tap
}

// Read sees the head of a request at the beginning of what it reads: this client never sends two in one piece.
func (c *tappedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if line, _, ok := bytes.Cut(b[:n], []byte(" HTTP/1.1\r\n")); ok {
		c.tap.mu.Lock()
		defer c.tap.mu.Unlock()
		at := "http://" + c.LocalAddr().String()
		if c.tap.lines[at] == nil {
			c.tap.lines[at] = map[string]bool{}
		}
		c.tap.lines[at][string(line)] = true
	}
	return n, err
}

func (s *standIn) asked(at string) []string {
	s.tap.mu.Lock()
	defer s.tap.mu.Unlock()
	var lines []string
	for line := range s.tap.lines[at] {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}
