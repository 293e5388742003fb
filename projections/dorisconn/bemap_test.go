package dorisconn_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

// sendToInside redirects to a back end by the address of its own network.
var sendToInside = sendTo("http://10.0.0.1:8040")

// TestBEMap: a back end that announces an address of its own network is reached where the
// map says, with our own password and the request as it was.
func TestBEMap(t *testing.T) {
	be := newHost(t, backEnd)
	fe := newHost(t, sendToInside)
	for _, to := range []string{be.addr(), be.URL} {
		c := open(t, dorisconn.Config{FE: []string{fe.URL}, BEMap: map[string]string{"10.0.0.1:8040": to, "10.0.0.2:8040": "elsewhere:1"}})
		for _, op := range operations() {
			if op.at != "be" {
				continue
			}
			if err := op.do(deadline(t), c); err != nil {
				t.Errorf("%s: %v", op.name, err)
			}
			for who, r := range map[string]*http.Request{"front end": fe.last(), "back end": be.last()} {
				u, p, _ := r.BasicAuth()
				if u != user || p != password || r.Header.Get("Expect") != "100-continue" {
					t.Errorf("%s: %s got %s:%s and Expect %q", op.name, who, u, p, r.Header.Get("Expect"))
				}
			}
			if fe.last().URL.Path != be.last().URL.Path {
				t.Errorf("%s: path %s at the back end", op.name, be.last().URL.Path)
			}
		}
	}
	be.mu.Lock()
	defer be.mu.Unlock()
	if be.bytes != 2*int64(len(body)) {
		t.Errorf("%d bytes at the back end", be.bytes)
	}
}

// TestBEMapRefused: an address that is none is found at the start, without what may be a
// password in it.
func TestBEMapRefused(t *testing.T) {
	for from, to := range map[string]string{
		"10.0.0.1": "be:1", "10.0.0.1:1": "be", "10.0.0.2:1": "http://be", "10.0.0.3:1": "ftp://be:1", "10.0.0.4:1": "http://u:s3cret@be:1",
		"10.0.0.5:1": "http://be:1/path", "10.0.0.6:1": "", "10.0.0.7:1": "http://:1", "10.0.0.8:1": "://", "10.0.0.9:1": "u:s3cret@be:1",
	} {
		_, err := dorisconn.Open(dorisconn.Config{FE: []string{"http://fe:1"}, MySQL: []string{"fe:2"}, BEMap: map[string]string{from: to}})
		if err == nil || !strings.Contains(err.Error(), "be_map: ") || !strings.Contains(err.Error(), from) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s to %s: %v", from, to, err)
		}
	}
}

// TestHeaders: a load asks for what Hefu promises, whatever its properties say.
func TestHeaders(t *testing.T) {
	be := newHost(t, backEnd)
	fe := newHost(t, sendTo(be.URL))
	c := open(t, dorisconn.Config{FE: []string{fe.URL}})
	l := aLoad
	l.Database, l.Table = "o/s", "t ?#"
	l.Properties = map[string]string{
		"expect": "nothing", "LABEL": "other", "two_phase_commit": "false", "format": "csv", "max_filter_ratio": "1", "strict_mode": "false",
		"group_commit": "async_mode", "authorization": "Basic x", "compress_type": "gz", "read_json_by_line": "false", "columns": "x", "timezone": "x", "timeout": "1",
		"Content-Length": "3", "Transfer-Encoding": "identity",
	}
	if a := c.Load(deadline(t), l, aBody()); a.Meaning != dorisconn.Prepared {
		t.Fatal(a)
	}
	for who, r := range map[string]*http.Request{"front end": fe.last(), "back end": be.last()} {
		for name, want := range map[string]string{
			"Expect": "100-continue", "label": l.Label, "two_phase_commit": "true", "format": "json", "max_filter_ratio": "0", "strict_mode": "true",
			"group_commit": "off_mode", "compress_type": "gz", "read_json_by_line": "true", "columns": "k", "timezone": "UTC", "timeout": "600",
		} {
			if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", who, name, got, want)
			}
		}
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			t.Errorf("%s: %s:%s", who, u, p)
		}
		if r.URL.EscapedPath() != "/api/o%2Fs/t%20%3F%23/_stream_load" || r.Method != http.MethodPut {
			t.Errorf("%s: %s %s", who, r.Method, r.URL.EscapedPath())
		}
	}
	if e := be.last().TransferEncoding; len(e) != 1 || e[0] != "chunked" {
		t.Errorf("body %v", e)
	}
}
