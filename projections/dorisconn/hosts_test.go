package dorisconn_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user     = "loader"
	password = "s3cret/of:doris@1" //nolint:gosec // of a stand-in
	body     = `{"k":1}` + "\n"
)

// host is an HTTP server that remembers what it was asked.
type host struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
	bytes int64 // of bodies
}

func newHost(t testing.TB, answer http.HandlerFunc) *host {
	return startHost(t, answer, func(s *httptest.Server) { s.Start() })
}

func startHost(t testing.TB, answer http.HandlerFunc, start func(*httptest.Server)) *host {
	h := &host{}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.asked = append(h.asked, r)
		h.mu.Unlock()
		r.Body = &counted{r.Body, h}
		answer(w, r)
	}))
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	ctx, end := context.WithCancel(context.Background())
	h.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	start(h.Server)
	t.Cleanup(func() { end(); h.CloseClientConnections(); h.Close() })
	return h
}

type counted struct {
	io.ReadCloser
	h *host
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.h.mu.Lock()
	c.h.bytes += int64(n)
	c.h.mu.Unlock()
	return n, err
}

// requests is how often a host was asked, and for how much body.
func (h *host) requests() (n int, bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.asked), h.bytes
}

func (h *host) last() *http.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked[len(h.asked)-1]
}

func (h *host) addr() string { return h.Listener.Addr().String() }

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// sendTo redirects as a front end does: with the password in the address, and a question
// mark without a query (doris-wire.md §11.1, 20).
func sendTo(base string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at := strings.Replace(base, "://", "://other:one@", 1) + r.URL.EscapedPath() + "?" + r.URL.RawQuery
		w.Header().Set("Location", at)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

// cut breaks the connection without an answer.
func cut(w http.ResponseWriter, _ *http.Request) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
	}
}

// backEnd does what it is asked.
func backEnd(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	switch h := r.Header; h.Get("txn_operation") {
	case "commit":
		fmt.Fprintf(w, `{"status":"Success","msg":"transaction [%s] commit successfully."}`, h.Get("txn_id"))
	case "abort":
		fmt.Fprintf(w, `{"status":"Success","msg":"label [%s] abort successfully."}`, h.Get("label"))
	default:
		fmt.Fprintf(w, `{"TxnId":7,"Label":%q,"TwoPhaseCommit":%q,"Status":"Success","Message":"OK","NumberLoadedRows":1}`, h.Get("label"), h.Get("two_phase_commit"))
	}
}

// frontEnd knows labels and sends everything else to a back end.
func frontEnd(be string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			text(`{"msg":"success","code":0,"data":"VISIBLE","count":0}`)(w, r)
			return
		}
		sendTo(be)(w, r)
	}
}

// nowhere is an address at which nobody listens.
func nowhere(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return "http://" + l.Addr().String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, cfg dorisconn.Config) *dorisconn.Cluster {
	t.Helper()
	if cfg.User == "" {
		cfg.User, cfg.PasswordFile = user, file(t, password+"\n")
	}
	if cfg.MySQL == nil {
		cfg.MySQL = []string{"127.0.0.1:1"}
	}
	c, err := dorisconn.Open(cfg)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func aBody() io.ReadCloser { return io.NopCloser(strings.NewReader(body)) }

var aLoad = dorisconn.Load{Database: "ods", Table: "t", Label: "hefu-p-1-2-abc", TwoPhase: true, Columns: "k", Timezone: "UTC"}

// operation is something that a cluster does, and the error of it when it did not.
type operation struct {
	name string
	do   func(context.Context, *dorisconn.Cluster) error
	at   string // who does it in the end: a back end, or a front end
}

func operations() []operation {
	done := func(a *dorisconn.Answer, want dorisconn.Meaning) error {
		if a.Meaning == want {
			return nil
		}
		return a
	}
	return []operation{
		{"load", func(ctx context.Context, c *dorisconn.Cluster) error {
			return done(c.Load(ctx, aLoad, aBody()), dorisconn.Prepared)
		}, "be"},
		{"commit", func(ctx context.Context, c *dorisconn.Cluster) error {
			return done(c.Commit(ctx, "ods", 7), dorisconn.Committed)
		}, "be"},
		{"abort", func(ctx context.Context, c *dorisconn.Cluster) error {
			return done(c.Abort(ctx, "ods", "L"), dorisconn.Aborted)
		}, "be"},
		{"state", func(ctx context.Context, c *dorisconn.Cluster) error {
			s, err := c.State(ctx, "ods", "L")
			if err == nil && s != "VISIBLE" {
				err = fmt.Errorf("state %s", s)
			}
			return err
		}, "fe"},
		{"may load", func(ctx context.Context, c *dorisconn.Cluster) error { return c.MayLoad(ctx, "ods", "t") }, "fe"},
	}
}
