package dorisconn_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

func allVariables() []string {
	return []string{"enable_strong_consistency_read", "enable_sql_cache", "skip_missing_version", "skip_bad_tablet"}
}

func nobody() (*mysql.Result, error) {
	return nil, &mysql.MyError{Code: 1227, State: "42000", Message: "Access denied; you need ADMIN"}
}

func fellows(all ...string) func() (*mysql.Result, error) {
	return func() (*mysql.Result, error) { return frontEnds(all...), nil }
}

func askOne(ctx context.Context, c *sql.Conn) error {
	var n int
	err := c.QueryRowContext(ctx, "SELECT ?", 1).Scan(&n)
	if err == nil && n != 1 {
		err = fmt.Errorf("read %d", n)
	}
	return err
}

func ask(t *testing.T, c *dorisconn.Cluster) error {
	ctx := deadline(t)
	return c.Ask(ctx, func(conn *sql.Conn) error { return askOne(ctx, conn) })
}

func sqlCluster(t *testing.T, hosts ...*sqlHost) *dorisconn.Cluster {
	t.Helper()
	cfg := dorisconn.Config{FE: []string{"http://fe:1"}}
	for _, h := range hosts {
		cfg.MySQL = append(cfg.MySQL, h.addr)
	}
	return open(t, cfg)
}

// TestAskStrongly: what is asked is asked in a session that cannot lag, whatever the
// version knows.
func TestAskStrongly(t *testing.T) {
	master, follower := "h 1 true Yes", "h 1 false Yes"
	for name, c := range map[string]struct {
		answer func(string) (*mysql.Result, error)
		says   string // in the error; empty: it is asked
		asked  string
	}{
		"knows all":                  {doris(allVariables(), nobody), "", "SET enable_strong_consistency_read = true\nSET enable_sql_cache = false\nSET skip_missing_version = false\nSET skip_bad_tablet = false\nSELECT 1"},
		"old, and the master":        {doris(nil, fellows(master, "g 1 false No")), "", "SHOW FRONTENDS"},
		"old, a follower":            {doris(nil, fellows(follower, "g 1 true No")), "it may lag: ", ""},
		"old, of unknown place":      {doris(nil, fellows("h 1 false No", "g 1 true No")), "does not say which front end it is", ""},
		"old, two on one host":       {doris(nil, fellows(master, "h 2 false Yes")), "it is not the master", ""},
		"old, and will not say":      {doris(nil, nobody), "you need ADMIN", ""},
		"knows consistency only":     {doris(allVariables()[:1], nobody), "", "SET skip_bad_tablet = false"},
		"knows all but consistency":  {doris(allVariables()[1:], fellows(follower)), "Unknown system variable 'enable_strong_consistency_read'", ""},
		"MySQL's word for unknown":   {refusing("enable_sql_cache", 1193, "no such thing"), "", "SELECT 1"},
		"another error of that kind": {refusing("enable_sql_cache", 1105, "errCode = 2, detailMessage = Out of memory"), "set enable_sql_cache: ", ""},
		"cannot be turned off":       {refusing("skip_missing_version", 1231, "may not be set"), "set skip_missing_version: ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSQLHost(t, nil, c.answer)
			err := ask(t, sqlCluster(t, h))
			asked, met := h.queries()
			if (err == nil) != (c.says == "") || !strings.Contains(asked, c.asked) || met != 1 {
				t.Errorf("%v; %d connections asked %s", err, met, asked)
			}
			if err != nil && (!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "front end "+h.addr) || strings.Contains(asked, "SELECT")) {
				t.Errorf("%v, want %s; asked %s", err, c.says, asked)
			}
			// Another one that can is asked instead.
			well := newSQLHost(t, nil, doris(allVariables(), nobody))
			if err := ask(t, sqlCluster(t, h, well)); err != nil {
				t.Errorf("with another: %v", err)
			}
		})
	}
}

// refusing knows all variables and refuses to set one.
func refusing(name string, code uint16, message string) func(string) (*mysql.Result, error) {
	next := doris(allVariables(), nobody)
	return func(query string) (*mysql.Result, error) {
		if strings.HasPrefix(query, "SET "+name) {
			return nil, &mysql.MyError{Code: code, State: "HY000", Message: message}
		}
		return next(query)
	}
}

// TestAskElsewhere: one that is not there is not the end, the one that answered is asked
// first, and an error names all.
func TestAskElsewhere(t *testing.T) {
	gone := strings.TrimPrefix(nowhere(t), "http://")
	ill, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var met atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c, err := ill.Accept(); err == nil; c, err = ill.Accept() {
			met.Add(1)
			_ = c.Close()
		}
	}()
	defer func() { _ = ill.Close(); <-done }()
	well := newSQLHost(t, nil, doris(allVariables(), nobody))
	now := time.Unix(0, 0)
	c := open(t, dorisconn.Config{
		FE: []string{"http://fe:1"}, MySQL: []string{gone, ill.Addr().String(), well.addr}, Now: func() time.Time { return now },
	})
	for range 2 {
		if err := ask(t, c); err != nil {
			t.Error(err)
		}
		now = now.Add(time.Hour)
	}
	if met.Load() != 1 {
		t.Errorf("%d connections to the one that is ill", met.Load())
	}
	err = ask(t, open(t, dorisconn.Config{FE: []string{"http://fe:1"}, MySQL: []string{gone, ill.Addr().String()}}))
	if err == nil || !strings.Contains(err.Error(), "front end "+gone+": dial tcp") || !strings.Contains(err.Error(), "front end "+ill.Addr().String()+": ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

// TestAskOnce: what was asked and failed is told as it is, and not asked elsewhere: half
// an answer may be with the caller. A server that breaks is not asked first again, one
// whose answer the caller does not like is.
func TestAskOnce(t *testing.T) {
	first, second := newSQLHost(t, nil, doris(allVariables(), nobody)), newSQLHost(t, nil, doris(allVariables(), nobody))
	c := sqlCluster(t, first, second)
	dislike := errors.New("rows are missing")
	for _, e := range []error{dislike, net.ErrClosed} {
		calls := 0
		err := c.Ask(deadline(t), func(*sql.Conn) error {
			calls++
			if errors.Is(e, net.ErrClosed) {
				return &net.OpError{Op: "read", Net: "tcp", Err: e}
			}
			return e
		})
		_, met := second.queries()
		if !errors.Is(err, e) || calls != 1 || met != 0 || !strings.Contains(err.Error(), "front end "+first.addr+": ") {
			t.Errorf("%v, %d calls, %d connections to the second", err, calls, met)
		}
	}
	if err := ask(t, c); err != nil {
		t.Error(err)
	}
	if _, met := second.queries(); met != 1 {
		t.Errorf("%d connections to the second", met)
	}
}

// TestAskUnauthorized: a password that is not accepted is told apart.
func TestAskUnauthorized(t *testing.T) {
	h := newSQLHost(t, nil, doris(allVariables(), fellows("h 1 true Yes")))
	c := open(t, dorisconn.Config{FE: []string{"http://fe:1"}, MySQL: []string{h.addr}, User: user, PasswordFile: file(t, "s3cret")})
	err := ask(t, c)
	if !errors.Is(err, dorisconn.ErrUnauthorized) || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), h.addr) {
		t.Error(err)
	}
	if _, err := c.Master(deadline(t)); !errors.Is(err, dorisconn.ErrUnauthorized) {
		t.Errorf("master: %v", err)
	}
	database := newSQLHost(t, nil, refusing("enable_strong_consistency_read", 1044, "Access denied to database"))
	if err := ask(t, sqlCluster(t, database)); !errors.Is(err, dorisconn.ErrUnauthorized) {
		t.Errorf("database: %v", err)
	}
}

// TestAskTLS: questions are asked through TLS where the configuration says so, and a
// server without it gets no password.
func TestAskTLS(t *testing.T) {
	secure, cert, _ := certificate(t)
	with, without := newSQLHost(t, secure, doris(allVariables(), nobody)), newSQLHost(t, nil, doris(allVariables(), nobody))
	for _, c := range []struct {
		host *sqlHost
		conf *dorisconn.TLS
		says string
	}{
		{with, &dorisconn.TLS{CAFile: cert, MySQL: true}, ""},
		{with, &dorisconn.TLS{CAFile: cert, MySQL: true, ServerName: "example.com"}, ""},
		{with, &dorisconn.TLS{CAFile: cert, MySQL: true, ServerName: "doris.example"}, "certificate"},
		{with, &dorisconn.TLS{MySQL: true}, "certificate"},
		{with, nil, ""},
		{without, &dorisconn.TLS{CAFile: cert, MySQL: true}, "TLS requested but server does not support TLS"},
		{without, &dorisconn.TLS{CAFile: cert}, ""},
	} {
		err := ask(t, open(t, dorisconn.Config{FE: []string{"http://fe:1"}, MySQL: []string{c.host.addr}, TLS: c.conf}))
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %s", c.conf, err, c.says)
		}
	}
}

// TestMaster: the master by name and port, from whoever knows.
func TestMaster(t *testing.T) {
	for name, c := range map[string]struct {
		fellows func() (*mysql.Result, error)
		want    string
		says    string
	}{
		"one":        {fellows("10.0.0.1 8030 false Yes", "10.0.0.2 8031 true No"), "10.0.0.2:8031", ""},
		"IPv6":       {fellows("fd00::1 8030 true Yes"), "[fd00::1]:8030", ""},
		"none":       {fellows("10.0.0.1 8030 false Yes"), "", "it knows of none"},
		"two":        {fellows("10.0.0.1 8030 true Yes", "10.0.0.2 8030 true No"), "", "two masters"},
		"not for us": {nobody, "", "you need ADMIN"},
	} {
		h := newSQLHost(t, nil, doris(nil, c.fellows))
		got, err := sqlCluster(t, h).Master(deadline(t))
		if got != c.want || (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), h.addr)) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		knows := newSQLHost(t, nil, doris(nil, fellows("10.0.0.9 8030 true Yes")))
		if got, err := sqlCluster(t, h, knows).Master(deadline(t)); err != nil || got == "" {
			t.Errorf("%s, with another: %q, %v", name, got, err)
		}
	}
}

func TestQuoted(t *testing.T) {
	if got := dorisconn.Quoted("a`b"); got != "`a``b`" {
		t.Error(got)
	}
}
