package doris_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// underway is a load that has sent one row of its body and keeps the rest.
type underway struct {
	s     *standIn
	feed  *io.PipeWriter
	reply chan answer
}

// begin starts a load at a back end and returns when it is PREPARE.
func (s *standIn) begin(be int, label string) *underway {
	s.t.Helper()
	body, feed := io.Pipe()
	u := &underway{s, feed, make(chan answer, 1)}
	go func() {
		u.reply <- s.call("PUT", s.BEURLs()[be]+"/api/ods/"+table+"/_stream_load", body, "label", label, "format", "json",
			"read_json_by_line", "true", "two_phase_commit", "true")
	}()
	s.t.Cleanup(func() { _ = feed.Close() })
	if _, err := io.WriteString(feed, line(9, 1, label)); err != nil {
		s.t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for !s.known(label, "PREPARE") {
		if time.Now().After(deadline) {
			s.t.Fatalf("label %s is not PREPARE", label)
		}
	}
	return u
}

// known asks all front ends; those that are stopped do not answer, and followers send elsewhere.
func (s *standIn) known(label, state string) bool {
	s.t.Helper()
	for _, at := range s.FEURLs() {
		if got := s.call("GET", at+"/api/ods/get_load_state?label="+label, nil); strings.Contains(got.text, `"data":"`+state+`"`) {
			return true
		}
	}
	return false
}

// end sends the end of the body and waits for the answer.
func (u *underway) end() answer {
	u.s.t.Helper()
	_ = u.feed.Close()
	select {
	case a := <-u.reply:
		return a
	case <-time.After(30 * time.Second):
		u.s.t.Fatal("no answer to a load after 30 s")
		return answer{}
	}
}

func (s *standIn) reason(label string) string {
	s.t.Helper()
	return s.rows("SHOW TRANSACTION FROM ods WHERE label = ?", label)[0][10]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refuses(t *testing.T, at string) {
	t.Helper()
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(at, "http://"), 10*time.Second)
	if err == nil {
		_ = c.Close()
		t.Errorf("somebody listens at %s", at)
	}
}

// TestSeveralFrontEnds: all answer, followers send questions about labels to the master.
func TestSeveralFrontEnds(t *testing.T) {
	s := withTable(t, doris.Config{FrontEnds: 3, User: "hefu", Password: "p@ss/word"})
	s.load(table, "L", line(1, 1, "x"))
	for i, at := range s.FEURLs() {
		got := s.call("GET", at+"/api/ods/get_load_state?label=L", nil)
		if i == 0 {
			if got.code != 200 || !strings.Contains(got.text, "PRECOMMITTED") {
				t.Errorf("master: %+v", got)
			}
			continue
		}
		want := "http://root:@" + s.FEURLs()[0][len("http://"):] + "/api/ods/get_load_state?label=L"
		if got.code != 307 || got.header.Get("Location") != want {
			t.Errorf("follower %d: %d %s, want %s", i, got.code, got.header.Get("Location"), want)
		}
	}
	for i, at := range s.MySQLAddrs() {
		db := connectTo(t, at, "root", "", "")
		var want [][]string
		for k := range 3 {
			_, web, _ := net.SplitHostPort(s.FEURLs()[k][len("http://"):])
			_, sql, _ := net.SplitHostPort(s.MySQLAddrs()[k])
			want = append(want, []string{"127.0.0.1", web, sql, "FOLLOWER", fmt.Sprint(k == 0), "true", map[bool]string{true: "Yes", false: "No"}[k == i]})
		}
		got, err := rowsOf(db, "SELECT Host, HttpPort, QueryPort, Role, IsMaster, Alive, CurrentConnected FROM frontends()")
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("front end %d: %v\n%s", i, err, d)
		}
		if got, err := rowsOf(db, "SHOW TRANSACTION FROM ods WHERE label = 'L'"); err != nil || got[0][3] != "PRECOMMITTED" {
			t.Errorf("front end %d: %v, %v", i, got, err)
		}
	}
}

// TestSeveralBackEnds: front ends take turns among those that are up, and any of them commits.
func TestSeveralBackEnds(t *testing.T) {
	s := withTable(t, doris.Config{BackEnds: 3})
	id := s.load(table, "L", line(1, 1, "x")).TxnID
	sentTo := func() string {
		t.Helper()
		got := s.call("PUT", s.FEURL()+"/api/ods/t/_stream_load", nil, "Expect", "100-continue").header.Get("Location")
		return "http://" + strings.TrimSuffix(strings.TrimPrefix(got, "http://root:@"), "/api/ods/t/_stream_load?")
	}
	all := s.BEURLs()
	if got, want := []string{sentTo(), sentTo(), sentTo()}, []string{all[1], all[2], all[0]}; cmp.Diff(want, got) != "" {
		t.Errorf("in turn: %v, want %v", got, want)
	}
	must(t, s.StopBE(1))
	refuses(t, all[1])
	if got, want := []string{sentTo(), sentTo(), sentTo()}, []string{all[2], all[0], all[2]}; cmp.Diff(want, got) != "" {
		t.Errorf("without the second: %v, want %v", got, want)
	}
	for query, want := range map[string]int{"": 3, "?is_alive=true": 2} {
		var reply struct {
			Data struct{ Backends []struct{ Is_alive bool } }
		}
		s.call("GET", s.FEURL()+"/api/backends"+query, nil).decode(t, &reply)
		if len(reply.Data.Backends) != want {
			t.Errorf("backends%s: %+v", query, reply)
		}
	}
	got := s.rows("SELECT BackendId, Alive FROM backends()")
	if d := cmp.Diff([][]string{{"10001", "1"}, {"10002", "0"}, {"10003", "1"}}, got); d != "" {
		t.Error(d)
	}
	reply := s.call("PUT", all[2]+"/api/ods/_stream_load_2pc", nil, "txn_operation", "commit", "txn_id", fmt.Sprint(id))
	if !strings.Contains(reply.text, "Success") {
		t.Errorf("commit at another back end: %+v", reply)
	}
	s.until("L", "VISIBLE")
}

// TestFailOver: the new master knows what was kept, and no PREPARE.
func TestFailOver(t *testing.T) {
	s := withTable(t, doris.Config{FrontEnds: 2})
	kept := s.load(table, "kept", line(1, 1, "kept")).TxnID
	load := s.begin(0, "lost")
	must(t, s.FailOver(1))
	second := s.call("GET", s.FEURLs()[1]+"/api/ods/get_load_state?label=lost", nil)
	if !strings.Contains(second.text, "UNKNOWN") {
		t.Errorf("PREPARE after the fail-over: %+v", second)
	}
	if got := s.call("GET", s.FEURL()+"/api/ods/get_load_state?label=lost", nil); got.code != 307 {
		t.Errorf("the old master answers by itself: %+v", got)
	}
	var reply loadReply
	load.end().decode(t, &reply)
	if reply.Status != "Fail" || !strings.Contains(reply.Message, "transaction not found") {
		t.Errorf("the load that the new master has not heard of: %+v", reply)
	}
	again := s.load(table, "lost", line(1, 2, "again"))
	if again.Status != "Success" || again.TxnID < kept+500 {
		t.Errorf("its label is free, and ids jump: %+v", again)
	}
	if got := s.commit(kept); got.Status != "Success" {
		t.Errorf("commit of what was kept: %+v", got)
	}
	for i, want := range map[int]string{1: "it is the master already", 7: "there is no front end 7"} {
		if err := s.FailOver(i); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("fail over to %d: %v", i, err)
		}
	}
}

// TestStopFrontEnd: its ports refuse; the master has a successor; without any, nobody decides.
func TestStopFrontEnd(t *testing.T) {
	s := withTable(t, doris.Config{FrontEnds: 2})
	id := s.load(table, "L", line(1, 1, "x")).TxnID
	s.begin(0, "lost")
	must(t, s.StopFE(0))
	refuses(t, s.FEURL())
	refuses(t, s.MySQLAddr())
	if _, err := s.tryRows("SELECT 1"); err == nil {
		t.Error("SQL at a front end that is stopped")
	}
	if err := s.StopFE(0); err == nil || !strings.Contains(err.Error(), "stop front end 0: it is stopped already") {
		t.Errorf("stopped twice: %v", err)
	}
	if err := s.FailOver(0); err == nil || !strings.Contains(err.Error(), "it is stopped") {
		t.Errorf("fail over to a stopped one: %v", err)
	}
	state := func(label, want string) {
		t.Helper()
		if got := s.call("GET", s.FEURLs()[1]+"/api/ods/get_load_state?label="+label, nil); !strings.Contains(got.text, want) {
			t.Errorf("%s at the successor: %+v", label, got)
		}
	}
	state("L", "PRECOMMITTED")
	state("lost", "UNKNOWN")
	s.begin(0, "unheard")
	must(t, s.StopFE(1))
	must(t, s.StopBE(0))
	must(t, s.StartBE(0)) // tells nobody
	if got := s.commit(id); got.Status != "THRIFT_RPC_ERROR" {
		t.Errorf("commit without a master: %+v", got)
	}
	var reply loadReply
	s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", strings.NewReader(line(1, 2, "y")), "label", "M", "format", "json").decode(t, &reply)
	if reply.Status != "Fail" || !strings.HasPrefix(reply.Message, "[THRIFT_RPC_ERROR]") || reply.TxnID != -1 {
		t.Errorf("load without a master: %+v", reply)
	}
	must(t, s.StartFE(0))
	must(t, s.StartFE(1))
	if got := fmt.Sprint(s.rows("SELECT IsMaster, Alive FROM frontends()")); got != "[[true true] [false true]]" {
		t.Errorf("the first one that came back is the master: %s", got)
	}
	s.commit(id)
	s.until("L", "VISIBLE")
	for _, l := range []string{"M", "unheard"} {
		if got := s.state(l); got != "UNKNOWN" {
			t.Errorf("%s, which no master has heard of, is %s", l, got)
		}
	}
}

// TestStopBackEnd: connections break, what is COMMITTED waits, and what it had begun is aborted when it is back.
func TestStopBackEnd(t *testing.T) {
	s := withTable(t, doris.Config{})
	first := s.load(table, "first", line(1, 1, "x"))
	s.load(table, "second", line(1, 2, "x"))
	load := s.begin(0, "begun")
	s.Faults().Arm(doris.HoldPublish, doris.Arming{})
	s.commit(first.TxnID)
	must(t, s.StopBE(0))
	s.Faults().Disarm()
	if got := load.end(); got.err == nil {
		t.Errorf("the load on its way was answered: %+v", got)
	}
	refuses(t, s.BEURL())
	got := s.call("PUT", s.FEURL()+"/api/ods/"+table+"/_stream_load", nil, "Expect", "100-continue")
	if want := `{"status":"FAILED","msg":"errCode = 2, detailMessage = No backend available for load, please check the status of your backends., policy: `; got.code != 200 || !strings.HasPrefix(got.text, want) {
		t.Errorf("%+v", got)
	}
	if got := s.call("GET", s.FEURL()+"/api/backends?is_alive=true", nil); !strings.Contains(got.text, `"backends":[]`) {
		t.Errorf("%+v", got)
	}
	if _, err := s.tryRows("SELECT count(*) FROM ods." + table); err == nil || !strings.Contains(err.Error(), "There is no scanNode Backend available.[10001: not alive]") {
		t.Errorf("rows without a back end: %v", err)
	}
	s.rows("SELECT 1")
	for label, want := range map[string]string{"first": "COMMITTED", "second": "PRECOMMITTED", "begun": "PREPARE"} {
		if got := s.state(label); got != want {
			t.Errorf("%s is %s, want %s", label, got, want)
		}
	}
	must(t, s.StartBE(0))
	s.until("first", "VISIBLE")
	if got := s.state("begun") + " " + s.reason("begun"); got != "ABORTED coordinate BE restart" {
		t.Error(got)
	}
	if got := s.phase("commit", "label", "second"); got.Status != "Success" {
		t.Errorf("commit at the back end that came back: %+v", got)
	}
}

// TestLostBackEnd: one that stays away loses what it had begun after five minutes, and only that.
func TestLostBackEnd(t *testing.T) {
	s := withTable(t, doris.Config{BackEnds: 2})
	s.begin(0, "lost")
	other := s.begin(1, "other")
	must(t, s.StopBE(0))
	s.Advance(299 * time.Second)
	if got := s.state("lost"); got != "PREPARE" {
		t.Errorf("after 299 s: %s", got)
	}
	s.Advance(31 * time.Second)
	if got := s.state("lost") + " " + s.reason("lost"); got != "ABORTED coordinate BE is down" {
		t.Error(got)
	}
	var reply loadReply
	if other.end().decode(t, &reply); reply.Status != "Success" {
		t.Errorf("the load at the other back end: %+v", reply)
	}
}

// TestAdvance: time that was moved on is time.
func TestAdvance(t *testing.T) {
	s := withTable(t, doris.Config{PublishDelay: time.Hour})
	s.load(table, "precommitted", line(1, 1, "x"))
	s.load(table, "committed", line(1, 2, "x"))
	s.Advance(30 * time.Minute)
	s.phase("commit", "label", "committed")
	s.Advance(-time.Hour)
	if got := s.state("precommitted") + " " + s.state("committed"); got != "PRECOMMITTED COMMITTED" {
		t.Errorf("after half an hour: %s", got)
	}
	s.Advance(time.Hour)
	s.until("committed", "VISIBLE")
	if got := s.state("precommitted") + " " + s.reason("precommitted"); got != "ABORTED timeout by txn manager" {
		t.Error(got)
	}
	s.Advance(12*time.Hour + time.Minute)
	if got := s.state("committed"); got != "UNKNOWN" {
		t.Errorf("a label after twelve hours: %s", got)
	}
}

// TestPortsFollow: given the first port, the others come after it.
func TestPortsFollow(t *testing.T) {
	s := open(t, doris.Config{BEAddr: "127.0.0.1:0", BackEnds: 2, BEAnnounce: "doris.example:8040"})
	if got := fmt.Sprint(s.BEURLs()); got != "[http://doris.example:8040 http://doris.example:8041]" {
		t.Error(got)
	}
}

// TestClosedCluster: nothing is started any more.
func TestClosedCluster(t *testing.T) {
	s := open(t, doris.Config{})
	must(t, s.StopBE(0))
	must(t, s.Close())
	if err := s.StartBE(0); err == nil || !strings.Contains(err.Error(), "the stand-in is closed") {
		t.Errorf("%v", err)
	}
}
