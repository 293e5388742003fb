package doris_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
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
	late          // the back end does it, and answers when nobody waits any more
	twice         // it comes to the back end twice, as from a proxy that tries again
)

// wire stands between a leg and the stand-in's front end and back end. Writes are
// named load, commit and abort.
type wire struct {
	s      *standin.Server
	fe, be *httptest.Server

	mu      sync.Mutex
	fates   map[string]fate // of the next request of each name
	paused  map[string]*pause
	answers func(label string) string // for the back end, to loads
	asked   []string                  // the labels whose state was asked for
	asks    func(label string)        // is called before each such question is answered
	heard   chan struct{}             // closed by the next one
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
		if r.Header.Get("label") == "" {
			return "may" // only asks whether it may
		}
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
		if label := r.URL.Query().Get("label"); label != "" {
			w.mu.Lock()
			w.asked = append(w.asked, label)
			if w.heard != nil {
				close(w.heard)
				w.heard = nil
			}
			asks := w.asks
			w.mu.Unlock()
			if asks != nil {
				asks(label)
			}
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
		w.mu.Lock()
		answers := w.answers
		w.mu.Unlock()
		switch n := name(r); {
		case answers != nil && n == "load":
			_, _ = io.WriteString(rw, answers(r.Header.Get("label")))
		case w.take(n, lost):
			cut(rw)
		case w.take(n, unheard):
			to.ServeHTTP(httptest.NewRecorder(), r)
			cut(rw)
		case w.take(n, late):
			w.deliver(t, r)
			select {
			case <-w.nextAsk(): // it goes on without an answer
			case <-t.Context().Done():
			}
			cut(rw)
		case w.take(n, twice):
			body := w.deliver(t, r)
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(bytes.NewReader(body))
			to.ServeHTTP(rw, again)
		case w.take(n, miscount):
			fewer.ServeHTTP(rw, r)
		case w.take(n, denied):
			w.s.Faults().Arm(standin.FailThoughDone, standin.Arming{})
			defer w.s.Faults().Disarm(standin.FailThoughDone)
			to.ServeHTTP(rw, r)
		default:
			to.ServeHTTP(rw, r)
		}
	})
}

// deliver hands a request to the stand-in's back end, whose answer nobody hears, and
// returns the body.
func (w *wire) deliver(t testing.TB, r *http.Request) []byte {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, w.s.BEURL()+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return body
	}
	out.Header = r.Header.Clone()
	tr := &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}
	resp, err := tr.RoundTrip(out)
	if err != nil {
		t.Error(err)
		return body
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	return body
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

// answer makes every load be answered so, and nothing be loaded.
func (w *wire) answer(reply func(label string) string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = reply
}

// onAsk calls do before each question for the state of a label is answered.
func (w *wire) onAsk(do func(label string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asks = do
}

// nextAsk is closed by the next question for the state of a label.
func (w *wire) nextAsk() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.heard == nil {
		w.heard = make(chan struct{})
	}
	return w.heard
}

// wasAsked reports whether the state of a label was asked for that begins so.
func (w *wire) wasAsked(prefix string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.asked, func(label string) bool { return strings.HasPrefix(label, prefix) })
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
