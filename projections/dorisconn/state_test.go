package dorisconn_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

const visible = `{"msg":"success","code":0,"data":"VISIBLE","count":0}`

// TestStateAtMaster: a follower sends the question on, we follow with our own password,
// and who could not be followed is not the last one who is asked.
func TestStateAtMaster(t *testing.T) {
	master := newHost(t, text(visible))
	second := newHost(t, sendTo(master.URL))
	first := newHost(t, sendTo(second.URL))
	s, err := open(t, dorisconn.Config{FE: []string{first.URL}}).State(deadline(t), "o/s", "a b")
	if err != nil || s != domain.DorisVisible {
		t.Errorf("%s, %v", s, err)
	}
	r := master.last()
	if u, p, _ := r.BasicAuth(); u != user || p != password || r.URL.EscapedPath() != "/api/o%2Fs/get_load_state" || r.URL.Query().Get("label") != "a b" {
		t.Errorf("%s:%s asked %s", u, p, r.URL)
	}
	// Three are followed to the fourth no more.
	zeroth := newHost(t, sendTo(first.URL))
	if s, err := open(t, dorisconn.Config{FE: []string{zeroth.URL}}).State(deadline(t), "ods", "L"); err == nil || !strings.Contains(err.Error(), "sent from front end to front end") {
		t.Errorf("%s, %v", s, err)
	}
	// A follower whose master cannot be reached, and the master under another address.
	lost := newHost(t, sendTo(nowhere(t)))
	c := open(t, dorisconn.Config{FE: []string{lost.URL, master.URL}})
	for range 2 {
		if s, err := c.State(deadline(t), "ods", "L"); err != nil || s != domain.DorisVisible {
			t.Errorf("%s, %v", s, err)
		}
	}
	if n, _ := lost.requests(); n != 1 {
		t.Errorf("the follower was asked %d times", n)
	}
}

// TestStates: what is a state, what is none, and what is nobody's fault.
func TestStates(t *testing.T) {
	for _, c := range []struct {
		body   string
		state  domain.DorisState
		err    string
		denied bool
	}{
		{body: visible, state: domain.DorisVisible},
		{body: strings.Replace(visible, "VISIBLE", "UNKNOWN", 1), state: domain.DorisUnknown},
		{body: "{\n  \"data\": \"PRECOMMITTED\",\n \"code\": 0, \"msg\": \"success\"\n}\n", state: domain.DorisPrecommitted},
		{body: strings.Replace(visible, "VISIBLE", "PREPARED", 1), state: "PREPARED"}, // a word of tomorrow
		{body: `{"msg":"Error","code":1,"data":"errCode = 7, detailMessage = unknown databases, dbName=nodb","count":0}`, err: "unknown databases, dbName=nodb"},
		{body: `{"msg":"Bad Request","code":403,"data":"No label selected","count":0}`, err: "No label selected"},
		{body: `{"msg":"Unauthorized","code":401,"data":"Need auth information.","count":0}`, err: "Need auth information.", denied: true},
		{body: strings.Replace(visible, `"code":0`, `"code":1`, 1), err: "VISIBLE"},
		{body: strings.Replace(visible, `"code":0`, `"code":"0"`, 1), err: "no answer of a front end"},
		{body: strings.Replace(visible, `"code":0,`, ``, 1), err: "no answer of a front end"},
		{body: strings.Replace(visible, `"VISIBLE"`, `null`, 1), err: "null"},
		{body: strings.Replace(visible, `"VISIBLE"`, `{"state":"VISIBLE"}`, 1), err: "VISIBLE"},
		{body: strings.Replace(visible, `"VISIBLE"`, `"visible"`, 1), err: "visible"},
		{body: strings.Replace(visible, `"VISIBLE"`, `""`, 1), err: "success"},
		{body: strings.Replace(visible, `"VISIBLE"`, `"ABORTED","data":"VISIBLE"`, 1), err: "no answer of a front end"},
		{body: `{"status":"FAILED","msg":"VISIBLE"}`, err: "FAILED"},
		{body: `VISIBLE`, err: "no answer of a front end: VISIBLE"},
	} {
		fe := newHost(t, text(c.body))
		s, err := open(t, dorisconn.Config{FE: []string{fe.URL}}).State(deadline(t), "ods", "L17")
		if s != c.state || (err != nil) != (c.err != "") || errors.Is(err, dorisconn.ErrUnauthorized) != c.denied {
			t.Errorf("%s: %q, %v", c.body, s, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), "label L17") || !strings.Contains(err.Error(), fe.addr())) {
			t.Errorf("%s: %v, want %s", c.body, err, c.err)
		}
	}
}

// TestMayLoad: the front end's word, and nobody else is asked.
func TestMayLoad(t *testing.T) {
	be := newHost(t, backEnd)
	fe := newHost(t, sendTo(be.URL))
	if err := open(t, dorisconn.Config{FE: []string{fe.URL}}).MayLoad(deadline(t), "ods", "t"); err != nil {
		t.Error(err)
	}
	if n, _ := be.requests(); n != 0 {
		t.Error("the back end was asked")
	}
	if r := fe.last(); r.Header.Get("Expect") != "100-continue" || r.URL.Path != "/api/ods/t/_stream_load" {
		t.Errorf("asked %v %s", r.Header, r.URL)
	}
	denied := newHost(t, text(`{"status":"FAILED","msg":"Access denied; you need (at least one of) the Admin_priv,Load_priv privilege(s) for this operation"}`))
	err := open(t, dorisconn.Config{FE: []string{denied.URL}}).MayLoad(deadline(t), "ods", "t")
	var said *dorisconn.Answer
	if !errors.As(err, &said) || said.Meaning != dorisconn.Refused || !strings.Contains(err.Error(), "ods.t") || !strings.Contains(err.Error(), "Load_priv") {
		t.Errorf("denied: %v", err)
	}
	stranger := newHost(t, text(`{"msg":"Unauthorized","code":401,"data":"Access denied for user 'x@y' (using password: YES)","count":0}`))
	err = open(t, dorisconn.Config{FE: []string{stranger.URL}}).MayLoad(deadline(t), "ods", "t")
	if !errors.Is(err, dorisconn.ErrUnauthorized) || !strings.Contains(err.Error(), stranger.addr()) {
		t.Errorf("stranger: %v", err)
	}
}

// TestErrorLog: from where Doris says or the map leads, no more than asked for, and our
// password for back ends only.
func TestErrorLog(t *testing.T) {
	log := "Reason: too long. src line [ ... ];\n"
	be := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(log, 1000))
	})
	c := open(t, dorisconn.Config{FE: []string{"http://fe:1"}, BEMap: map[string]string{"10.0.0.1:8040": be.addr()}})
	const path = "/api/_load_error_log?file=__shard_4/error_log_insert_stmt_c6"
	for _, at := range []string{"http://10.0.0.1:8040" + path, "http://other:s3cret@10.0.0.1:8040" + path, be.URL + path, "http://10.0.0.1:8040/bucket/signed", "http://other:s3cret@10.0.0.1:8040/bucket/signed"} {
		got, err := c.ErrorLog(deadline(t), at, 100)
		if err != nil || string(got) != strings.Repeat(log, 3)[:100] {
			t.Errorf("%s: %q, %v", at, got, err)
		}
		u, p, known := be.last().BasicAuth()
		if signed := strings.HasSuffix(at, "signed"); signed == known || known && (u != user || p != password) {
			t.Errorf("%s: %s:%s", at, u, p)
		}
		if strings.HasSuffix(at, path) && be.last().URL.Query().Get("file") != "__shard_4/error_log_insert_stmt_c6" {
			t.Errorf("asked for %s", be.last().URL)
		}
	}
	if got, err := c.ErrorLog(deadline(t), be.URL+path, 1<<20); err != nil || len(got) != 1000*len(log) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for name, answer := range map[string]http.HandlerFunc{"HTTP status 404": status(404), "HTTP status 307": sendTo(be.URL), "not accepted": status(401), "EOF": cut} {
		h := newHost(t, answer)
		if got, err := c.ErrorLog(deadline(t), h.URL+path, 10); err == nil || got != nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), h.addr()) || errors.Is(err, dorisconn.ErrUnauthorized) != (name == "not accepted") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, at := range []string{"", "file:///etc/passwd", "ftp://x/y", "http://", "be:8040/x", "http://[::1", "gopher://x"} {
		if got, err := c.ErrorLog(deadline(t), at, 10); err == nil || got != nil || !strings.Contains(err.Error(), "address") {
			t.Errorf("%s: %q, %v", at, got, err)
		}
	}
}
