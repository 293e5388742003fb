package doris_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

// What becomes of a request on the wire.
type fate int

const (
	pass     fate = iota
	lost          // before it reaches the back end
	unheard       // the back end does it, the reply is lost
	denied        // the back end does it and answers Fail
	redirect      // the front end is gone before it answers
	miscount      // the back end does it and says that it was fewer rows
)

// wire stands between a leg and the stand-in's front end and back end. Writes are
// named load, commit and abort.
type wire struct {
	s      *standin.Server
	fe, be *httptest.Server

	mu     sync.Mutex
	fates  map[string]fate // of the next request of each name
	paused map[string]*pause
}

type pause struct {
	arrived, release chan struct{}
}

func newWire(t testing.TB, s *standin.Server) *wire {
	w := &wire{s: s, fates: map[string]fate{}, paused: map[string]*pause{}}
	w.be = httptest.NewServer(w.backEnd(t))
	w.fe = httptest.NewServer(w.frontEnd(t))
	t.Cleanup(w.fe.Close)
	t.Cleanup(w.be.Close)
	return w
}

// proxy passes requests on; Expect goes through, so that a body that nobody asks for is
// not sent.
func proxy(t testing.TB, to string) *httputil.ReverseProxy {
	u, err := url.Parse(to)
	must(t, err)
	tr := &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true, DisableCompression: true}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport: tr, FlushInterval: -1,
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { cut(rw) },
	}
}

// name of a request that writes.
func name(r *http.Request) string {
	if strings.HasSuffix(r.URL.Path, "/_stream_load") {
		return "load"
	}
	return r.Header.Get("txn_operation")
}

func (w *wire) frontEnd(t testing.TB) http.Handler {
	to := proxy(t, w.s.FEURL())
	be, err := url.Parse(w.be.URL)
	must(t, err)
	to.ModifyResponse = func(r *http.Response) error {
		if at, err := r.Location(); err == nil {
			at.Host = be.Host
			r.Header.Set("Location", at.String())
		}
		return nil
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.take(name(r), redirect) {
			cut(rw)
			return
		}
		to.ServeHTTP(rw, r)
	})
}

func (w *wire) backEnd(t testing.TB) http.Handler {
	to, fewer := proxy(t, w.s.BEURL()), proxy(t, w.s.BEURL())
	fewer.ModifyResponse = func(r *http.Response) error {
		reply, err := io.ReadAll(r.Body)
		text := strings.Replace(string(reply), `"NumberLoadedRows": 5`, `"NumberLoadedRows": 4`, 1)
		r.Body = io.NopCloser(strings.NewReader(text))
		return err
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.wait(r)
		switch n := name(r); {
		case w.take(n, lost):
			cut(rw)
		case w.take(n, unheard):
			to.ServeHTTP(httptest.NewRecorder(), r)
			cut(rw)
		case w.take(n, miscount):
			fewer.ServeHTTP(rw, r)
		case w.take(n, denied):
			w.s.Faults().FailThoughPrecommitted.Store(true)
			defer w.s.Faults().FailThoughPrecommitted.Store(false)
			to.ServeHTTP(rw, r)
		default:
			to.ServeHTTP(rw, r)
		}
	})
}

// cut breaks the connection. A handler that merely panics would wait for a body first
// that the client does not send.
func cut(rw http.ResponseWriter) {
	if c, _, err := http.NewResponseController(rw).Hijack(); err == nil {
		_ = c.Close()
	}
}

// wait holds a request up for as long as a test says.
func (w *wire) wait(r *http.Request) {
	n := name(r)
	w.mu.Lock()
	p := w.paused[n]
	delete(w.paused, n)
	w.mu.Unlock()
	if p != nil {
		close(p.arrived)
		<-p.release
	}
}

// take reports whether a fate is the next request's, and uses it up.
func (w *wire) take(n string, f fate) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fates[n] != f {
		return false
	}
	delete(w.fates, n)
	return true
}

func (w *wire) arm(n string, f fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fates[n] = f
}

// used reports whether an armed fate came to pass.
func (w *wire) used(n string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fates[n] == pass
}

func (w *wire) pause(n string) *pause {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &pause{make(chan struct{}), make(chan struct{})}
	w.paused[n] = p
	return p
}
