package clickhouseconn_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "s3cret" //nolint:gosec // of a stand-in

// canned answers every query with one row of its own text, and keeps what is asked and sent.
type canned struct {
	refuse error

	mu    sync.Mutex
	asked []clickhouse.Request
	rows  int
}

func (c *canned) Query(_ context.Context, r clickhouse.Request) ([]clickhouse.Block, error) {
	c.keep(r, 0)
	var text proto.ColStr
	text.Append(r.Query)
	return []clickhouse.Block{{{Name: "text", Data: &text}}}, c.refuse
}

func (c *canned) Head(context.Context, clickhouse.Request) (clickhouse.Block, error) {
	return clickhouse.Block{{Name: "n", Data: &proto.ColInt64{}}}, c.refuse
}

func (c *canned) Insert(_ context.Context, r clickhouse.Request, b clickhouse.Block) error {
	c.keep(r, b.Rows())
	return nil
}

func (c *canned) keep(r clickhouse.Request, rows int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r)
	c.rows += rows
}

// taken is the last request, and the rows of all.
func (c *canned) taken() (clickhouse.Request, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.asked) == 0 {
		return clickhouse.Request{}, c.rows
	}
	return c.asked[len(c.asked)-1], c.rows
}

func front(t *testing.T, c clickhouse.FrontConfig) (*clickhouse.Front, clickhouseconn.Config) {
	t.Helper()
	if c.Revision == 0 {
		c.Major, c.Minor, c.Revision = 24, 8, 54460
	}
	c.User, c.Password = "u", password
	f, err := clickhouse.OpenFront(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte(password+"\r\n"), 0o600))
	return f, clickhouseconn.Config{Addresses: []string{f.Addr()}, User: "u", PasswordFile: file}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ask(ctx context.Context, c *clickhouseconn.Conn, q string) (string, error) {
	var text proto.ColStr
	err := c.Ask(ctx, q, proto.Results{{Name: "text", Data: &text}}, func() error { return nil })
	if err != nil {
		return "", err
	}
	return text.Row(0), nil
}

// TestVersions: servers of every age are asked and sent to; a token goes to those that know
// what it is.
func TestVersions(t *testing.T) {
	for name, c := range map[string]struct {
		server               clickhouse.FrontConfig
		speak                int
		deduplicates, skips  bool
		protocol, versionHas string
	}{
		"of 2018":            {clickhouse.FrontConfig{Major: 18, Minor: 16, Revision: 54412}, 0, false, false, "protocol 54031", "18.16"},
		"of 2018, told so":   {clickhouse.FrontConfig{Major: 18, Minor: 16, Revision: 54412}, 54031, false, false, "protocol 54031", "18.16"},
		"of 2021":            {clickhouse.FrontConfig{Major: 21, Minor: 3, Revision: 54447}, 0, false, true, "protocol 54447", "21.3"},
		"of 2024":            {clickhouse.FrontConfig{Major: 24, Minor: 8, Revision: 54470}, 0, true, true, "protocol 54460", "24.8"},
		"of 2024, held back": {clickhouse.FrontConfig{Major: 24, Minor: 8, Revision: 54470}, 54420, false, true, "protocol 54420", "24.8"},
	} {
		t.Run(name, func(t *testing.T) {
			engine := &canned{}
			c.server.Engine = engine
			_, cfg := front(t, c.server)
			cfg.ProtocolVersion = c.speak
			conn, err := clickhouseconn.Open(t.Context(), cfg)
			must(t, err)
			defer conn.Close()
			if got, err := ask(t.Context(), conn, "SELECT 1"); err != nil || got != "SELECT 1" {
				t.Errorf("answered %q, %v", got, err)
			}
			must(t, conn.Insert(t.Context(), "t", proto.Input{{Name: "n", Data: &proto.ColInt64{1, 2, 3}}}, "a-token"))
			sent, rows := engine.taken()
			if rows != 3 || sent.Query != `INSERT INTO t ("n") VALUES` {
				t.Errorf("%d rows came by %q", rows, sent.Query)
			}
			if token := sent.Settings["insert_deduplication_token"]; (token == "a-token") != c.deduplicates || conn.Deduplicates() != c.deduplicates || conn.Skips() != c.skips {
				t.Errorf("settings %v; deduplicates %t, skips %t", sent.Settings, conn.Deduplicates(), conn.Skips())
			}
			if s := conn.Server(); !strings.Contains(s, c.protocol) || !strings.Contains(s, c.versionHas) {
				t.Errorf("the server is %s", s)
			}
		})
	}
}

// TestRefused: what the server says is in the error, and the connection goes on.
func TestRefused(t *testing.T) {
	engine := &canned{refuse: clickhouse.Refuse(proto.ErrUnknownTable, "there is no t")}
	f, cfg := front(t, clickhouse.FrontConfig{Engine: engine})
	conn, err := clickhouseconn.Open(t.Context(), cfg)
	must(t, err)
	defer conn.Close()
	for name, err := range map[string]error{
		"statement": conn.Exec(t.Context(), "DROP TABLE t"),
		"insert":    conn.Insert(t.Context(), "t", proto.Input{{Name: "n", Data: &proto.ColInt64{1}}}, "x"),
	} {
		if err == nil || !strings.Contains(err.Error(), "there is no t") || !strings.Contains(err.Error(), f.Addr()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPassword: a wrong one is refused, and is not in the error.
func TestPassword(t *testing.T) {
	_, cfg := front(t, clickhouse.FrontConfig{Engine: &canned{}})
	must(t, os.WriteFile(cfg.PasswordFile, []byte("not-the-one"), 0o600))
	_, err := clickhouseconn.Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "Wrong password") || strings.Contains(err.Error(), "not-the-one") {
		t.Errorf("opened with %v", err)
	}
	cfg.PasswordFile += ".none"
	if _, err := clickhouseconn.Open(t.Context(), cfg); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opened without the file: %v", err)
	}
}

// TestAddresses: the first one that answers is used; the error names all.
func TestAddresses(t *testing.T) {
	f, cfg := front(t, clickhouse.FrontConfig{Engine: &canned{}})
	cfg.Addresses = []string{"127.0.0.1:1", f.Addr()}
	conn, err := clickhouseconn.Open(t.Context(), cfg)
	must(t, err)
	conn.Close()
	cfg.Addresses = []string{"127.0.0.1:1", "127.0.0.1:2"}
	_, err = clickhouseconn.Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "at 127.0.0.1:1: ") || !strings.Contains(err.Error(), "at 127.0.0.1:2: ") {
		t.Errorf("opened with %v", err)
	}
	cfg.Addresses = nil
	if _, err := clickhouseconn.Open(t.Context(), cfg); err == nil {
		t.Error("opened without an address")
	}
}

// TestMute: a server that stands still ends neither a start nor a query by itself: both end
// with their time, and with the context.
func TestMute(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, err = clickhouseconn.Open(t.Context(), clickhouseconn.Config{Addresses: []string{l.Addr().String()}, Timeouts: clickhouseconn.Timeouts{Dial: 20 * time.Millisecond}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("opened with %v", err)
	}
	wake := make(chan struct{})
	defer close(wake)
	var inserting atomic.Bool
	_, cfg := front(t, clickhouse.FrontConfig{Engine: &canned{}, OnRequest: func(r clickhouse.Request) clickhouse.Cut {
		if r.Insert() {
			inserting.Store(true)
		}
		<-wake
		return clickhouse.CutNone
	}})
	cfg.Timeouts.Ask = 20 * time.Millisecond
	conn, err := clickhouseconn.Open(t.Context(), cfg)
	must(t, err)
	defer conn.Close()
	// On a slow machine the time may be up before it is asked.
	if _, err := ask(t.Context(), conn, "SELECT 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("answered with %v", err)
	}
	conn, err = clickhouseconn.Open(t.Context(), cfg)
	must(t, err)
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancelWhen(t, cancel, inserting.Load)
	if err := conn.Insert(ctx, "t", proto.Input{{Name: "n", Data: &proto.ColInt64{1}}}, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("inserted with %v", err)
	}
}

// cancelWhen cancels once a condition holds.
func cancelWhen(t *testing.T, cancel context.CancelFunc, holds func() bool) {
	t.Helper()
	var waiting sync.WaitGroup
	waiting.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for !holds() {
			<-tick.C
		}
		cancel()
	})
	t.Cleanup(waiting.Wait)
}

// TestCut: a connection that breaks is an error, whether the rows are there or not.
func TestCut(t *testing.T) {
	for cut, rows := range map[clickhouse.Cut]int{clickhouse.CutBefore: 0, clickhouse.CutAfter: 2} {
		engine := &canned{}
		_, cfg := front(t, clickhouse.FrontConfig{Engine: engine, OnRequest: func(clickhouse.Request) clickhouse.Cut { return cut }})
		conn, err := clickhouseconn.Open(t.Context(), cfg)
		must(t, err)
		err = conn.Insert(t.Context(), "t", proto.Input{{Name: "n", Data: &proto.ColInt64{1, 2}}}, "x")
		if _, got := engine.taken(); err == nil || got != rows {
			t.Errorf("cut %d: %v, %d rows", cut, err, got)
		}
		conn.Close()
	}
}

// TestQuotes: names and texts stay what they are.
func TestQuotes(t *testing.T) {
	for _, c := range [][2]string{
		{clickhouseconn.Name("db", "t"), "`db`.`t`"},
		{clickhouseconn.Name("a`b\\"), "`a\\`b\\\\`"},
		{clickhouseconn.Text(`it's \ "here"`), `'it\'s \\ "here"'`},
		{clickhouseconn.Text("a\x00b\n\r\tc"), `'a\0b\n\r\tc'`},
	} {
		if c[0] != c[1] {
			t.Errorf("quoted as %s, want %s", c[0], c[1])
		}
	}
}
