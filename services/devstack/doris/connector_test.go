package doris_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// The requests of the Flink-Doris connector 25.0.0, header by header as it was seen to send them (doris-wire.md §11.5;
// services/devstack/realflink runs the real one). Basic Zmxpbms6cEBzcw== is flink with the password p@ss.
const (
	javaHead   = "User-Agent: Java/17.0.15\r\nHost: %s\r\nAccept: text/html, image/gif, image/jpeg, */*; q=0.2\r\nConnection: keep-alive\r\n"
	clientHead = "Host: %s\r\nConnection: Keep-Alive\r\nUser-Agent: Apache-HttpClient/4.5.13 (Java/17.0.15)\r\nAccept-Encoding: gzip,deflate\r\n"
	login      = "Authorization: Basic Zmxpbms6cEBzcw==\r\n"
	noBody     = "Content-Length: 0\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n"
	loadHead   = login + "Expect: 100-continue\r\nread_json_by_line: true\r\n%stwo_phase_commit: true\r\nformat: json\r\nlabel: %s\r\n"
	hidden     = "hidden_columns: __DORIS_DELETE_SIGN__\r\n"
)

// connector speaks like the connector: every request on a connection of its own, from the front end when via is one.
type connector struct {
	*standIn
	via string // host:port that requests go to first
}

// speak sends a head, and the body once it is asked for; it says whether it was.
func (c connector) speak(at, head, body string) (*http.Response, bool) {
	c.t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(c.t.Context(), "tcp", at)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusContinue {
		return resp, false
	}
	if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n0\r\n\r\n", len(body), body); err != nil {
		c.t.Fatal(err)
	}
	if resp, err = http.ReadResponse(in, nil); err != nil {
		c.t.Fatal(err)
	}
	return resp, true
}

// put sends a PUT by way of the front end, when it is one, and gives the back end's answer. The path that is followed
// ends with a question mark, as it stands in the front end's Location.
func (c connector) put(path, head, body string, reply any) {
	c.t.Helper()
	request := "PUT %s HTTP/1.1\r\n" + strings.ReplaceAll(head, "%", "%%") + clientHead
	if body == "" {
		request += noBody
	} else {
		request += "Transfer-Encoding: chunked\r\n"
	}
	be := strings.TrimPrefix(c.BEURL(), "http://")
	if c.via != be {
		resp, asked := c.speak(c.via, fmt.Sprintf(request, path, c.via), body)
		if want := "http://flink:p%40ss@" + be + path + "?"; resp.StatusCode != 307 || asked || !resp.Close || resp.Header.Get("Location") != want {
			c.t.Fatalf("front end: %d, body asked for: %v, close: %v, %s", resp.StatusCode, asked, resp.Close, resp.Header.Get("Location"))
		}
		path += "?"
	}
	resp, asked := c.speak(be, fmt.Sprintf(request, path, be), body)
	if resp.StatusCode != 200 || asked != (body != "") {
		c.t.Fatalf("back end: %d, body asked for: %v", resp.StatusCode, asked)
	}
	defer resp.Body.Close()
	in := io.Reader(resp.Body)
	if resp.Header.Get("Content-Encoding") == "gzip" {
		in = unzip(c.t, resp.Body)
	}
	if err := json.NewDecoder(in).Decode(reply); err != nil {
		c.t.Fatal(err)
	}
}

func (c connector) get(at, path, head string) (int, string) {
	c.t.Helper()
	resp, _ := c.speak(at, "GET "+path+" HTTP/1.1\r\n"+head+fmt.Sprintf(javaHead, at), "")
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// alive is what the connector does before it trusts a node: any answer below 500 will do.
func (c connector) alive() {
	c.t.Helper()
	if code, text := c.get(c.via, "/", ""); code >= 500 {
		c.t.Fatalf("GET /: %d %s", code, text)
	}
}

func (c connector) load(label, hiddenColumns, body string) (reply loadReply) {
	c.t.Helper()
	c.put("/api/ods/t/_stream_load", fmt.Sprintf(loadHead, hiddenColumns, label), body, &reply)
	if reply.Label != label || reply.TwoPhase != "true" { // it insists on both, whatever the answer
		c.t.Fatalf("%+v", reply)
	}
	return reply
}

func (c connector) finish(op string, txn any) (reply phaseReply) {
	c.t.Helper()
	head := fmt.Sprintf("%stxn_id: %v\r\nExpect: 100-continue\r\ntxn_operation: %s\r\n", login, txn, op)
	c.put("/api/ods/_stream_load_2pc", head, "", &reply)
	return reply
}

// probe looks at what is under a label, by a load of nothing; it takes back whatever it made or found unfinished, and
// says whether the label was free.
func (c connector) probe(label string) bool {
	c.t.Helper()
	reply := c.load(label, "", "")
	if reply.Status == "Success" {
		if got := c.finish("abort", reply.TxnID); got.Status != "Success" {
			c.t.Fatalf("abort of the probe: %+v", got)
		}
		return true
	}
	found := regexp.MustCompile(`Label \[(.*)\] has already been used, relate to txn \[(\d+)\]`).FindStringSubmatch(reply.Message)
	if reply.Status != "Label Already Exists" || found == nil || found[1] != label {
		c.t.Fatalf("%+v", reply)
	}
	if reply.Existing == "FINISHED" {
		return false
	}
	if got := c.finish("abort", found[2]); got.Status != "Success" {
		c.t.Fatalf("abort of what it found: %+v", got)
	}
	return false
}

func connect25(t *testing.T) *standIn {
	s := open(t, doris.Config{User: "flink", Password: "p@ss"})
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.t (id BIGINT NOT NULL, v STRING) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
	return s
}

// TestConnector is a job of two checkpoints, by the front end's redirect and with the back ends alone.
func TestConnector(t *testing.T) {
	for _, direct := range []bool{false, true} {
		s := connect25(t)
		fe, be := strings.TrimPrefix(s.FEURL(), "http://"), strings.TrimPrefix(s.BEURL(), "http://")
		c := connector{s, fe}
		c.alive()
		_, schema := c.get(fe, "/api/ods/t/_schema", login)
		if !strings.Contains(schema, `"keysType":"DUP_KEYS"`) { // for UNIQUE_KEYS it would give up two phases
			t.Errorf("schema: %s", schema)
		}
		if direct { // auto-redirect=false; with benodes it does not ask for these
			_, list := c.get(fe, "/api/backends?is_alive=true", login)
			if want := `"backends":[{"ip":"127.0.0.1","http_port":` + be[len("127.0.0.1:"):] + `,"is_alive":true}]`; !strings.Contains(list, want) {
				t.Errorf("back ends: %s", list)
			}
			c.via = be
		}
		c.alive()
		if !c.probe("p_ods_t_0_1") {
			t.Error("the first label is used")
		}
		for n, body := range []string{"{\"id\":0,\"v\":\"row 0\"}\n{\"id\":1,\"v\":\"row 1\"}", `{"id":2,"v":"row 2"}`} {
			label := fmt.Sprintf("p_ods_t_0_%d", n+1)
			reply := c.load(label, hidden, body)
			if reply.Status != "Success" || reply.Loaded != int64(2-n) {
				t.Fatalf("%+v", reply)
			}
			c.alive()
			if got := c.finish("commit", reply.TxnID); got.Status != "Success" {
				t.Fatalf("%+v", got)
			}
			s.until(label, "VISIBLE")
			again := c.finish("commit", reply.TxnID) // as after a lost reply; it takes this for success
			if !regexp.MustCompile(`transaction \[\d+\] is already (COMMITTED|committed|VISIBLE|visible), not pre-committed\.`).MatchString(again.Msg) {
				t.Errorf("%+v", again)
			}
		}
		if d := cmp.Diff([][]string{{"0", "row 0"}, {"1", "row 1"}, {"2", "row 2"}}, s.rows("SELECT id, v FROM ods.t ORDER BY id")); d != "" {
			t.Error(d)
		}
		if reply := c.load("p_ods_t_0_1", "", ""); reply.Status != "Label Already Exists" || reply.Existing != "FINISHED" || reply.TxnID != -1 {
			t.Errorf("second start under the prefix: %+v", reply)
		}
	}
}

// TestConnectorFindsLingering: what an earlier run left PRECOMMITTED is aborted, the next label probed, and the first
// one used again.
func TestConnectorFindsLingering(t *testing.T) {
	s := connect25(t)
	c := connector{s, strings.TrimPrefix(s.FEURL(), "http://")}
	c.load("p_ods_t_0_1", hidden, `{"id":7}`)
	if c.probe("p_ods_t_0_1") || !c.probe("p_ods_t_0_2") {
		t.Error("the first label is free, or the second is not")
	}
	reply := c.load("p_ods_t_0_1", hidden, `{"id":8}`)
	c.finish("commit", reply.TxnID)
	s.until("p_ods_t_0_1", "VISIBLE")
	var got []string
	for _, row := range s.rows("SHOW TRANSACTION FROM ods WHERE label LIKE 'p_ods_t_0_%'") {
		got = append(got, strings.Join([]string{row[0], row[1], row[3]}, " "))
	}
	want := []string{"3 p_ods_t_0_1 VISIBLE", "2 p_ods_t_0_2 ABORTED", "1 p_ods_t_0_1 ABORTED"}
	if d := cmp.Diff(want, got); d != "" || fmt.Sprint(s.rows("SELECT id FROM ods.t")) != "[[8]]" {
		t.Error(d)
	}
}
