package doris_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// refuser is a back end that refuses rows for reasons of its own, which no look at the
// table foretells, and keeps an error log of them as Doris does: of the first 50, each
// with or without its row. It stands before the wire.
type refuser struct {
	w       *world
	refuses func(line string) bool
	quote   func(line string) string // what the log shows of a row; nil: nothing
	keeps   int                      // entries of the log; 0: it is not there
	whim    whim

	mu     sync.Mutex
	logs   map[string]string // by label
	probes int
}

// whim is how a refuser contradicts itself.
type whim int

const (
	noProbe   whim = 1 // it takes no load at all, whatever refusals are allowed
	noRow     whim = 2 // what it refuses it takes where refusals are allowed
	never     whim = 3 // it takes no load that allows no refusals
	miscounts whim = 4 // it counts one row too many
)

// refusing makes the back end of a world refuse rows.
func (w *world) refusing(r *refuser) *refuser {
	r.w, r.logs = w, map[string]string{}
	s := httptest.NewServer(r)
	w.t.Cleanup(s.Close)
	w.cfg.Conn.BEMap = map[string]string{strings.TrimPrefix(w.wire.be.URL, "http://"): strings.TrimPrefix(s.URL, "http://")}
	return r
}

// ServeHTTP implements http.Handler.
func (r *refuser) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	if label := req.URL.Query().Get("file"); label != "" {
		r.mu.Lock()
		defer r.mu.Unlock()
		_, _ = io.WriteString(rw, r.logs[label])
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		cut(rw)
		return
	}
	if name(req) != "load" {
		r.pass(rw, req, body, 0)
		return
	}
	var kept bytes.Buffer
	refused := r.sort(req.Header.Get("label"), body, &kept)
	switch probe := req.Header.Get("max_filter_ratio") == "1"; {
	case probe && r.whim == noRow:
		r.pass(rw, req, body, 0)
		return
	case probe && r.whim != noProbe:
		r.mu.Lock()
		r.probes++
		r.mu.Unlock()
		r.pass(rw, req, kept.Bytes(), refused)
		return
	case !probe && refused == 0 && r.whim != never:
		r.pass(rw, req, body, 0)
		return
	}
	fmt.Fprintf(rw, `{"TxnId": 77, "Label": %q, "TwoPhaseCommit": "true", "Status": "Fail",
		"Message": "[DATA_QUALITY_ERROR]too many filtered rows", "NumberFilteredRows": %d}`, req.Header.Get("label"), refused)
}

// sort keeps the rows that are not refused and writes the log of the others.
func (r *refuser) sort(label string, body []byte, kept *bytes.Buffer) (refused int) {
	var log strings.Builder
	for line := range strings.Lines(string(body)) {
		if !r.refuses(line) {
			kept.WriteString(line)
			continue
		}
		refused++
		quoted := ""
		if r.quote != nil {
			quoted = r.quote(strings.TrimSuffix(line, "\n"))
		}
		if refused <= r.keeps {
			fmt.Fprintf(&log, "Reason: not to its taste, %d. src line [%s]; \n", refused, quoted)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs[label] = log.String()
	return refused
}

// pass lets the wire have a request, and says in the reply how many rows were refused.
func (r *refuser) pass(rw http.ResponseWriter, req *http.Request, body []byte, refused int) {
	up, err := http.NewRequestWithContext(req.Context(), req.Method, r.w.wire.be.URL+req.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		cut(rw)
		return
	}
	up.Header = req.Header.Clone()
	resp, err := http.DefaultTransport.RoundTrip(up)
	if err != nil {
		cut(rw)
		return
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil {
		cut(rw)
		return
	}
	if refused > 0 {
		var all map[string]any
		d := json.NewDecoder(bytes.NewReader(reply))
		d.UseNumber()
		if d.Decode(&all) == nil {
			all["NumberFilteredRows"] = refused
			if r.whim == miscounts {
				all["NumberFilteredRows"] = refused + 1
			}
			if r.keeps > 0 {
				all["ErrorURL"] = "http://" + req.Host + "/api/_load_error_log?file=" + req.Header.Get("label")
			}
			reply, _ = json.Marshal(all)
		}
	}
	rw.WriteHeader(resp.StatusCode)
	_, _ = rw.Write(reply)
}
