package dorisconn_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

// illnesses are the ways in which a front end does not answer.
func illnesses() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"cuts the connection":          cut,
		"503":                          status(http.StatusServiceUnavailable),
		"404 of a proxy":               status(http.StatusNotFound),
		"page of a proxy":              text("<html>try later</html>"),
		"half an answer":               text(`{"status":"FAILED","msg":"Acc`),
		"nothing":                      text(""),
		"JSON of somebody else":        text(`{"answer":42}`),
		"exception":                    text(`{"msg":"Internal Error","code":500,"data":"NullPointerException","count":0}`),
		"too long":                     text(`{"status":"FAILED","msg":"` + strings.Repeat("x", 2<<20) + `"}`),
		"307 to nowhere":               status(http.StatusTemporaryRedirect),
		"307 to what is not HTTP":      sendTo("ftp://127.0.0.1:1"),
		"308":                          status(http.StatusPermanentRedirect),
		"100-continue refused (a 417)": status(http.StatusExpectationFailed),
	}
}

// TestFailover: whatever is wrong with a front end, the next one is asked, of everything.
func TestFailover(t *testing.T) {
	for name, answer := range illnesses() {
		t.Run(name, func(t *testing.T) {
			be := newHost(t, backEnd)
			well := newHost(t, frontEnd(be.URL))
			for _, op := range operations() {
				ill := newHost(t, answer)
				c := open(t, dorisconn.Config{FE: []string{nowhere(t), ill.URL, well.URL}})
				before, _ := be.requests()
				if err := op.do(deadline(t), c); err != nil {
					t.Errorf("%s: %v", op.name, err)
				}
				n, bytes := ill.requests()
				if n != 1 || bytes != 0 {
					t.Errorf("%s: the ill front end was asked %d times, and sent %d bytes", op.name, n, bytes)
				}
				after, _ := be.requests()
				if (after-before == 1) != (op.at == "be") {
					t.Errorf("%s: %d requests at the back end", op.name, after-before)
				}
				// The one that answered is preferred.
				if err := op.do(deadline(t), c); err != nil {
					t.Errorf("%s, once more: %v", op.name, err)
				}
				if n, _ := ill.requests(); n != 1 {
					t.Errorf("%s: the ill front end was asked again", op.name)
				}
			}
		})
	}
}

// TestNobodyAnswers: the error names everyone who was tried, and says that nothing has
// begun.
func TestNobodyAnswers(t *testing.T) {
	a, b := newHost(t, status(http.StatusServiceUnavailable)), newHost(t, text("<html>"))
	gone := nowhere(t)
	c := open(t, dorisconn.Config{FE: []string{a.URL, b.URL, gone}})
	for _, op := range operations() {
		err := op.do(deadline(t), c)
		for _, want := range []string{a.addr() + ": HTTP status 503", b.addr() + ": no answer of a front end: <html>", strings.TrimPrefix(gone, "http://") + ": dial tcp"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", op.name, err, want)
			}
		}
		var said *dorisconn.Answer
		if errors.As(err, &said) && (said.Phase != dorisconn.PhaseFE || said.Meaning != dorisconn.Unknown || said.Err == nil) {
			t.Errorf("%s: %+v", op.name, said)
		}
	}
}

// TestAllFrontEndsIll: what the last resort of the table says counts when all say it.
func TestAllFrontEndsIll(t *testing.T) {
	ill := text(`{"msg":"Internal Error","code":500,"data":"not ready","count":0}`)
	a, b := newHost(t, ill), newHost(t, ill)
	c := open(t, dorisconn.Config{FE: []string{a.URL, b.URL}})
	said := c.Load(deadline(t), aLoad, aBody())
	if said.Meaning != dorisconn.TryAgain || said.Phase != dorisconn.PhaseFE || !strings.Contains(said.Error(), a.addr()) || !strings.Contains(said.Error(), b.addr()) {
		t.Errorf("%+v: %v", said, said)
	}
}

// TestFrontEndRefuses: a refusal is an answer, and no other front end is bothered.
func TestFrontEndRefuses(t *testing.T) {
	for _, c := range []struct {
		answer http.HandlerFunc
		means  dorisconn.Meaning
		phase  dorisconn.Phase
		denied bool
	}{
		{text(`{"status":"FAILED","msg":"Access denied; you need (at least one of) the Admin_priv,Load_priv privilege(s) for this operation"}`), dorisconn.Refused, dorisconn.PhaseFE, false},
		{text(`{"status":"FAILED","msg":"errCode = 2, detailMessage = No backend available for load, please check"}`), dorisconn.TryAgain, dorisconn.PhaseFE, false},
		{text(`{"status":"FAILED","msg":"words that nobody knows"}`), dorisconn.Unknown, dorisconn.PhaseFE, false},
		{text(`{"msg":"Unauthorized","code":401,"data":"Need auth information.","count":0}`), dorisconn.Unknown, dorisconn.PhaseFE, true},
		{status(http.StatusUnauthorized), dorisconn.Unknown, dorisconn.PhaseFE, true},
		// A back end among the front ends may have begun, whatever it says.
		{text(`{"TxnId":-1,"Label":"` + aLoad.Label + `","TwoPhaseCommit":"true","Status":"Fail","Message":"too many filtered rows"}`), dorisconn.Unknown, dorisconn.PhaseLoad, false},
		{backEnd, dorisconn.Unknown, dorisconn.PhaseLoad, false},
	} {
		first, second := newHost(t, c.answer), newHost(t, c.answer)
		said := open(t, dorisconn.Config{FE: []string{first.URL, second.URL}}).Load(deadline(t), aLoad, aBody())
		n, _ := second.requests()
		if said.Meaning != c.means || said.Phase != c.phase || errors.Is(said, dorisconn.ErrUnauthorized) != c.denied || n != 0 {
			t.Errorf("%+v: %v; the second front end was asked %d times", said, said, n)
		}
	}
}

// TestBodyWanted: who asks for the body in place of a back end gets none of it, and
// nobody else is asked: it may have begun.
func TestBodyWanted(t *testing.T) {
	wants, other := newHost(t, backEnd), newHost(t, backEnd)
	c := open(t, dorisconn.Config{FE: []string{wants.URL, other.URL}})
	said := c.Load(deadline(t), aLoad, aBody())
	if said.Meaning != dorisconn.Unknown || said.Phase == dorisconn.PhaseFE || !strings.Contains(said.Error(), "took the body") {
		t.Errorf("%+v: %v", said, said)
	}
	if err := c.MayLoad(deadline(t), "ods", "t"); err == nil || !strings.Contains(err.Error(), "took the body") {
		t.Errorf("may load: %v", err)
	}
	_, bytes := wants.requests()
	if n, _ := other.requests(); n != 0 || bytes != 0 {
		t.Errorf("%d requests at the other, %d bytes at the first", n, bytes)
	}
}

// TestBackEndOnce: what may have reached a back end is never sent again, whatever became
// of it.
func TestBackEndOnce(t *testing.T) {
	for name, answer := range illnesses() {
		t.Run(name, func(t *testing.T) {
			be := newHost(t, answer)
			a, b := newHost(t, sendTo(be.URL)), newHost(t, sendTo(be.URL))
			c := open(t, dorisconn.Config{FE: []string{a.URL, b.URL}})
			for i, op := range operations() {
				if op.at != "be" {
					continue
				}
				err := op.do(deadline(t), c)
				var said *dorisconn.Answer
				if !errors.As(err, &said) || said.Meaning != dorisconn.Unknown || said.Phase == dorisconn.PhaseFE || said.Host != be.addr() {
					t.Errorf("%s: %v", op.name, err)
				}
				if n, _ := be.requests(); n != i+1 {
					t.Errorf("%s: %d requests at the back end after %d operations", op.name, n, i+1)
				}
			}
		})
	}
}

// TestPreferred: the one that answered last is asked first, even once those before it in
// the list are forgiven; and one that failed lately comes after one that never did.
func TestPreferred(t *testing.T) {
	var now atomic.Int64
	clock := func() time.Time { return time.Unix(now.Load(), 0) }
	var ill [3]atomic.Bool
	var hosts [3]*host
	cfg := dorisconn.Config{Now: clock}
	for i := range hosts {
		hosts[i] = newHost(t, func(w http.ResponseWriter, r *http.Request) {
			if ill[i].Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			text(visible)(w, r)
		})
		cfg.FE = append(cfg.FE, hosts[i].URL)
	}
	c := open(t, cfg)
	for _, step := range []struct {
		ill   int
		later time.Duration
		asked [3]int // so far
	}{
		{-1, 0, [3]int{1, 0, 0}},
		{0, 0, [3]int{2, 1, 0}},
		{-1, 0, [3]int{2, 2, 0}},
		{-1, time.Hour, [3]int{2, 3, 0}}, // the first is forgiven, the second is preferred
		{1, 0, [3]int{3, 4, 0}},
		{0, 0, [3]int{4, 4, 1}}, // the second is not forgiven yet
		{-1, time.Hour, [3]int{4, 4, 2}},
	} {
		now.Add(int64(step.later / time.Second))
		for i := range ill {
			ill[i].Store(i == step.ill)
		}
		if _, err := c.State(deadline(t), "ods", "L"); err != nil {
			t.Errorf("%+v: %v", step, err)
		}
		var asked [3]int
		for i, h := range hosts {
			asked[i], _ = h.requests()
		}
		if asked != step.asked {
			t.Errorf("%+v: asked %v", step, asked)
		}
	}
}

// TestBackEndSendsOn: a back end that redirects, or says more than any does, is no answer.
func TestBackEndSendsOn(t *testing.T) {
	other := newHost(t, backEnd)
	for says, answer := range map[string]http.HandlerFunc{
		"sent us on once more": sendTo(other.URL),
		"longer than": func(w http.ResponseWriter, r *http.Request) {
			backEnd(w, r)
			_, _ = io.WriteString(w, strings.Repeat(" ", 2<<20))
		},
	} {
		be := newHost(t, answer)
		fe := newHost(t, sendTo(be.URL))
		a := open(t, dorisconn.Config{FE: []string{fe.URL}}).Load(deadline(t), aLoad, aBody())
		if n, _ := other.requests(); a.Meaning != dorisconn.Unknown || a.Err == nil || !strings.Contains(a.Err.Error(), says) || !strings.Contains(a.Err.Error(), be.addr()) || n != 0 {
			t.Errorf("%s: %+v: %v", says, a, a)
		}
	}
}
