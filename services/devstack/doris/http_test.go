package doris_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestFrontEnd sends requests one by one and compares status and body, to the byte.
func TestFrontEnd(t *testing.T) {
	s := withTable(t, doris.Config{User: "hefu", Password: "p@ss/word"})
	be := s.BEURL()[len("http://"):]
	for _, c := range []struct {
		name, method, path string
		header             []string
		code               int
		body               string
	}{
		{"no Expect", "PUT", "/api/ods/t/_stream_load", nil, 200, `{"status":"FAILED","msg":"There is no 100-continue header"}`},
		{"other Expect", "PUT", "/api/ods/t/_stream_load", []string{"Expect", "foo"}, 417, ""},
		{
			"no login", "PUT", "/api/ods/t/_stream_load",
			[]string{"Authorization", "", "Expect", "100-continue"},
			200,
			`{"msg":"Unauthorized","code":401,"data":"Need auth information.","count":0}`,
		},
		{"wrong password", "PUT", "/api/ods/t/_stream_load", []string{"Authorization", "Basic cm9vdDp4"}, 200, // root:x
			`{"msg":"Unauthorized","code":401,"data":"Access denied for user 'root@127.0.0.1' (using password: YES)","count":0}`},
		{
			"wrong method", "POST", "/api/ods/t/_stream_load", nil, 200,
			`{"msg":"Internal Error","code":500,"data":"Request method 'POST' is not supported","count":0}`,
		},
		{
			"group commit", "PUT", "/api/ods/t/_stream_load",
			[]string{"group_commit", "x"},
			200,
			`{"status":"FAILED","msg":"Header ` + "`group_commit` can only be `sync_mode`, `async_mode` or `off_mode`." + `"}`,
		},
		{"unknown path", "GET", "/rest/x", nil, 200, `{"msg":"Internal Error","code":500,"data":"No static resource rest/x.","count":0}`},
		{"root", "GET", "/", nil, 200, `{"msg":"Internal Error","code":500,"data":"No static resource index.html.","count":0}`},
		{
			"2pc without id", "PUT", "/api/ods/_stream_load_2pc",
			[]string{"txn_operation", "commit"},
			200,
			`{"status":"FAILED","msg":"No transaction id or label selected."}`,
		},
		{
			"2pc without operation", "PUT", "/api/ods/_stream_load_2pc",
			[]string{"txn_id", "1"},
			200,
			`{"status":"FAILED","msg":"No transaction operation('commit' or 'abort') selected."}`,
		},
		{"load state without label", "GET", "/api/ods/get_load_state", nil, 200, `{"msg":"Bad Request","code":403,"data":"No label selected","count":0}`},
		{
			"load state of unknown database", "GET", "/api/nodb/get_load_state?label=x", nil, 200,
			`{"msg":"Error","code":1,"data":"errCode = 7, detailMessage = unknown databases, dbName=nodb","count":0}`,
		},
		{"load state of unknown label", "GET", "/api/ods/get_load_state?label=x", nil, 200, `{"msg":"success","code":0,"data":"UNKNOWN","count":0}`},
		{
			"load state without login", "GET", "/api/ods/get_load_state?label=x",
			[]string{"Authorization", ""},
			200,
			`{"msg":"Unauthorized","code":401,"data":"Need auth information.","count":0}`,
		},
		{
			"backends", "GET", "/api/backends?is_alive=true", nil, 200,
			`{"msg":"success","code":0,"data":{"backends":[{"ip":"127.0.0.1","http_port":` + be[len("127.0.0.1:"):] + `,"is_alive":true}]},"count":0}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.call(c.method, s.FEURL()+c.path, nil, c.header...)
			if got.err != nil || got.code != c.code || strings.TrimSpace(got.text) != c.body {
				t.Errorf("got  %d %s %v\nwant %d %s", got.code, got.text, got.err, c.code, c.body)
			}
		})
	}
}

func TestAnnounce(t *testing.T) {
	s := open(t, doris.Config{BEAnnounce: "doris.example:8040"})
	got := s.call("PUT", s.FEURL()+"/api/ods/t/_stream_load", nil, "Expect", "100-continue").header.Get("Location")
	if got != "http://root:@doris.example:8040/api/ods/t/_stream_load?" {
		t.Error(got)
	}
	if got := fmt.Sprint(s.rows("SELECT Host, HttpPort FROM backends()")); got != "[[doris.example 8040]]" {
		t.Error(got)
	}
}

func TestRedirect(t *testing.T) {
	s := open(t, doris.Config{User: "hefu", Password: "p@ss/word"})
	be := s.BEURL()[len("http://"):]
	got := s.call("PUT", s.FEURL()+"/api/nodb/t/_stream_load", strings.NewReader("{}"), "Expect", "100-continue")
	if want := "http://root:@" + be + "/api/nodb/t/_stream_load?"; got.code != 307 || got.header.Get("Location") != want {
		t.Errorf("%d %s, want %s", got.code, got.header.Get("Location"), want)
	}
	raw := exchange(t, s.FEURL(), "PUT /api/ods/t/_stream_load HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cm9vdDo=\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
	if raw.StatusCode != 307 || !raw.Close {
		t.Errorf("%d, Connection: close is %v", raw.StatusCode, raw.Close)
	}
	login := &url.URL{User: url.UserPassword("hefu", "p@ss/word")}
	req, err := http.NewRequestWithContext(t.Context(), "PUT", s.FEURL()+"/api/ods/_stream_load_2pc?x=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("hefu", "p@ss/word")
	req.Header.Set("txn_id", "5")
	req.Header.Set("txn_operation", "foo") // not the front end's business
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	defer resp.Body.Close()
	want := "http://" + login.User.String() + "@" + be + "/api/ods/_stream_load_2pc?x=1"
	if resp.StatusCode != 307 || resp.Header.Get("Location") != want {
		t.Errorf("%d %s, want %s", resp.StatusCode, resp.Header.Get("Location"), want)
	}
}

// TestFieldOrder compares the reply's keys in their order, and its layout.
func TestFieldOrder(t *testing.T) {
	s := withTable(t, doris.Config{})
	load := func(body string) answer {
		return s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", strings.NewReader(body),
			"label", "L", "format", "json", "read_json_by_line", "true", "two_phase_commit", "true")
	}
	common := []string{
		"NumberTotalRows", "NumberLoadedRows", "NumberFilteredRows", "NumberUnselectedRows", "LoadBytes", "LoadTimeMs",
		"BeginTxnTimeMs", "StreamLoadPutTimeMs", "ReadDataTimeMs", "WriteDataTimeMs", "ReceiveDataTimeMs", "CommitAndPublishTimeMs",
	}
	bad := load(`{"hw_partition_id":1}`)
	good := load(line(1, 1, "x"))
	again := load(line(1, 1, "x"))
	for _, c := range []struct {
		got  answer
		want []string
	}{
		{good, append([]string{"TxnId", "Label", "Comment", "TwoPhaseCommit", "Status", "Message"}, common...)},
		{again, append([]string{"TxnId", "Label", "Comment", "TwoPhaseCommit", "Status", "ExistingJobStatus", "Message"}, common...)},
		{bad, append(append([]string{"TxnId", "Label", "Comment", "TwoPhaseCommit", "Status", "Message"}, common...), "ErrorURL", "FirstErrorMsg")},
	} {
		if !strings.HasPrefix(c.got.text, "{\n    \"TxnId\": ") || !strings.HasSuffix(c.got.text, "\n}\n") {
			t.Errorf("layout: %q", c.got.text)
		}
		if d := cmp.Diff(c.want, keys(t, c.got.text)); d != "" {
			t.Errorf("%s\n%s", c.got.text, d)
		}
	}
	var reply loadReply
	again.decode(t, &reply)
	if reply.TxnID != -1 || reply.Status != "Label Already Exists" || reply.Existing != "PRECOMMITTED" ||
		!strings.HasPrefix(reply.Message, "[LABEL_ALREADY_EXISTS]TStatus: errCode = 2, detailMessage = Label [L] has already been used, relate to txn [") ||
		!strings.HasSuffix(reply.Message, "], status [PRECOMMITTED].") {
		t.Errorf("%+v", reply)
	}
}

func keys(t *testing.T, text string) []string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	var all []string
	for n := 0; ; n++ {
		tok, err := dec.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := tok.(string); ok && n%2 == 1 {
			all = append(all, s)
		}
	}
}

func TestSecondPhase(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.load(table, "L", line(1, 1, "x")).TxnID
	n := fmt.Sprint(id)
	for _, c := range []struct {
		op     string
		header []string
		want   phaseReply
	}{
		{"foo", []string{"txn_id", n}, phaseReply{"INTERNAL_ERROR", "transaction operation should be 'commit' or 'abort'"}},
		{"commit", []string{"txn_id", "99"}, phaseReply{"ANALYSIS_ERROR", "TStatus: errCode = 2, detailMessage = transaction [99] not found"}},
		{"commit", nil, phaseReply{"ANALYSIS_ERROR", "TStatus: errCode = 2, detailMessage = transaction not found, label=null"}},
		{"COMMIT", []string{"label", "L"}, phaseReply{"Success", "label [L] commit successfully."}},
		{"commit", []string{"label", "L"}, phaseReply{"ANALYSIS_ERROR", "TStatus: errCode = 2, detailMessage = running transaction not found, label=L"}},
	} {
		if got := s.phase(c.op, c.header...); got != c.want {
			t.Errorf("%s %v: %+v, want %+v", c.op, c.header, got, c.want)
		}
	}
	s.until("L", "VISIBLE")
	want := phaseReply{"ANALYSIS_ERROR", "TStatus: errCode = 2, detailMessage = transaction [" + n + "] is already visible, not pre-committed."}
	if got := s.phase("commit", "txn_id", n, "label", "other"); got != want { // the id wins
		t.Errorf("%+v", got)
	}
}

// TestRefusalKeepsBodyBack: a refused load gets its reply instead of 100 Continue.
func TestRefusalKeepsBodyBack(t *testing.T) {
	s := withTable(t, doris.Config{})
	for header, want := range map[string]string{
		"format: json\r\nstrict_mode: x\r\nContent-Length: 9\r\n":  "[INVALID_ARGUMENT]Invalid strict mode format. Must be bool type",
		"format: csw\r\nContent-Length: 9\r\n":                     "[DATA_FILE_TYPE_ERROR]unknown data format, format=csw",
		"format: json\r\nlabel: a.b\r\nContent-Length: 9\r\n":      `[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = Label format error. regex: ^[\-_A-Za-z0-9:\p{L}]{1,128}$, label: a.b`,
		"format: json\r\nwhere: a > 1\r\nContent-Length: 9\r\n":    "[INVALID_ARGUMENT]stand-in does not support header where",
		"format: json\r\ntimeout: 0\r\nContent-Length: 9\r\n":      "[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = Invalid timeout: 0. Timeout should be higher than Config.min_load_timeout_second: 1",
		"format: json\r\ncolumns: record\r\nContent-Length: 9\r\n": "[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = Column has no default value, column=hw_partition_id",
		"format: json\r\n": "[INVALID_ARGUMENT]content_length is empty and transfer-encoding!=chunked, please set content_length or transfer-encoding=chunked",
	} {
		// Basic cm9vdDo= is root with an empty password.
		resp := exchange(t, s.BEURL(), fmt.Sprintf("PUT /api/ods/%s/_stream_load HTTP/1.1\r\nHost: x\r\n"+
			"Authorization: Basic cm9vdDo=\r\nExpect: 100-continue\r\n%s\r\n", table, header))
		var reply loadReply
		if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil || resp.StatusCode != 200 || reply.Status != "Fail" || reply.Message != want {
			t.Errorf("%q: %d %+v %v\nwant %s", header, resp.StatusCode, reply, err, want)
		}
	}
}

// exchange writes a request as it stands and reads one response.
func exchange(t *testing.T, at, request string) *http.Response {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", at[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}
