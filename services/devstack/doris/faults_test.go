package doris_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// put sends a two-phase load to the back end.
func (s *standIn) put(label, body string, header ...string) answer {
	s.t.Helper()
	h := append([]string{"label", label, "format", "json", "read_json_by_line", "true", "two_phase_commit", "true", "Expect", "100-continue"}, header...)
	return s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", strings.NewReader(body), h...)
}

func (s *standIn) putPhase(op, label string) answer {
	s.t.Helper()
	return s.call("PUT", s.BEURL()+"/api/ods/_stream_load_2pc", nil, "txn_operation", op, "label", label)
}

// TestLoadFaults: what each fault of a load answers, and what it leaves.
func TestLoadFaults(t *testing.T) {
	const broken = "broken connection"
	rows := strings.Repeat(line(1, 1, strings.Repeat("x", 100)), 100)
	for _, c := range []struct {
		name   string
		fault  doris.Fault
		text   string
		header []string
		answer string // Status and Message, or broken
		state  string
	}{
		{"precommitted, no reply", doris.DropPrecommitReply, "", nil, broken, "PRECOMMITTED"},
		{"committed, no reply", doris.DropPrecommitReply, "", []string{"two_phase_commit", "false"}, broken, "VISIBLE"},
		{"precommitted, Fail", doris.FailThoughDone, "", nil, "Fail [THRIFT_RPC_ERROR]", "PRECOMMITTED"},
		{"committed, Fail", doris.FailThoughDone, "", []string{"two_phase_commit", "false"}, "Fail [THRIFT_RPC_ERROR]", "VISIBLE"},
		{"Fail", doris.FailLoad, "[X]said so", nil, "Fail [X]said so", "ABORTED"},
		{"Fail by default", doris.FailLoad, "", nil, "Fail [INTERNAL_ERROR]", "ABORTED"},
		{"too many versions", doris.TooManyVersions, "", nil, "Fail [E-235]failed to init rowset builder. version count: 2001, exceed limit: 2000", "ABORTED"},
		{"too many versions, other words", doris.TooManyVersions, "[E-235]tablet error", nil, "Fail [E-235]tablet error", "ABORTED"},
		{"too many versions, gzip", doris.TooManyVersions, "", []string{"compress_type", "gz"}, "Fail [E-235]", "ABORTED"},
		{"body broken", doris.ResetBody, "", nil, broken, "ABORTED"},
		{"HTTP 500", doris.BEError, "", nil, "500", "UNKNOWN"},
		{"published too late", doris.PublishTimeout, "", []string{"two_phase_commit", "false"}, "Publish Timeout [PUBLISH_TIMEOUT]", "VISIBLE"},
		{"two phases do not wait for a publish", doris.PublishTimeout, "", nil, "Success OK", "PRECOMMITTED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := withTable(t, doris.Config{})
			s.Faults().Arm(c.fault, doris.Arming{Text: c.text})
			a := s.put("L", rows, c.header...)
			got := broken
			if a.err == nil {
				var reply loadReply
				if got = fmt.Sprint(a.code); a.code == http.StatusOK {
					a.decode(t, &reply)
					got = reply.Status + " " + reply.Message
				}
			}
			if !strings.HasPrefix(got, c.answer) {
				t.Errorf("answer %q (%v), want %q", got, a.err, c.answer)
			}
			s.until("L", c.state)
			want := 1
			if c.fault == doris.PublishTimeout && c.header == nil {
				want = 0
			}
			if hits := s.Faults().Hits(c.fault); hits != want {
				t.Errorf("hit %d times, want %d", hits, want)
			}
			s.Faults().Disarm()
			if c.state != "ABORTED" && c.state != "UNKNOWN" {
				return
			}
			if reply := s.load(table, "L", line(1, 1, "x")); reply.Status != "Success" {
				t.Errorf("the same label, healthy: %+v", reply)
			}
		})
	}
}

// TestResetBody: also a body without a length breaks in its middle, and its transaction says why.
func TestResetBody(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.Faults().Arm(doris.ResetBody, doris.Arming{Times: 1})
	body := io.MultiReader(strings.NewReader(line(1, 1, "x")), strings.NewReader(line(1, 2, "y"))) // chunked: its length is not known
	a := s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", body, "label", "L", "format", "json", "two_phase_commit", "true")
	if a.err == nil {
		t.Errorf("answered: %+v", a)
	}
	s.until("L", "ABORTED")
	if got := s.reason("L"); !strings.HasPrefix(got, "[CANCELLED]the sender is gone") {
		t.Error(got)
	}
	if reply := s.load(table, "L", line(1, 1, "x")); reply.Status != "Success" {
		t.Errorf("used up: %+v", reply)
	}
}

// TestPhaseFaults: the second phase happens, and the answer does not say so.
func TestPhaseFaults(t *testing.T) {
	for _, c := range []struct {
		fault     doris.Fault
		op, state string
		status    string // empty = a broken connection
	}{
		{doris.DropCommitReply, "commit", "VISIBLE", ""},
		{doris.DropAbortReply, "abort", "ABORTED", ""},
		{doris.FailPhaseThoughDone, "commit", "VISIBLE", "THRIFT_RPC_ERROR"},
		{doris.FailPhaseThoughDone, "abort", "ABORTED", "THRIFT_RPC_ERROR"},
		{doris.DropCommitReply, "abort", "ABORTED", "Success"}, // not its business
		{doris.DropAbortReply, "commit", "VISIBLE", "Success"},
		{doris.BEError, "commit", "PRECOMMITTED", "500"},
		{doris.BEError, "abort", "PRECOMMITTED", "500"},
	} {
		t.Run(string(c.fault)+" "+c.op, func(t *testing.T) {
			s := withTable(t, doris.Config{})
			s.load(table, "L", line(1, 1, "x"))
			s.Faults().Arm(c.fault, doris.Arming{})
			a := s.putPhase(c.op, "L")
			var got phaseReply
			switch {
			case a.err != nil:
			case a.code != http.StatusOK:
				got.Status = fmt.Sprint(a.code)
			default:
				a.decode(t, &got)
			}
			if got.Status != c.status {
				t.Errorf("%+v, %v, want %q", got, a.err, c.status)
			}
			s.until("L", c.state)
		})
	}
}

// TestRefusedPhaseIsNoHit: a fault is for what happened; a refusal leaves it armed.
func TestRefusedPhaseIsNoHit(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.Faults().Arm(doris.DropCommitReply, doris.Arming{Times: 1})
	if got := s.phase("commit", "label", "none"); got.Status != "ANALYSIS_ERROR" || s.Faults().Hits(doris.DropCommitReply) != 0 {
		t.Errorf("%+v, hits %d", got, s.Faults().Hits(doris.DropCommitReply))
	}
}

// TestFrontEndFaults: a front end that answers 503, and does nothing.
func TestFrontEndFaults(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.Faults().Arm(doris.FEError, doris.Arming{Times: 2})
	for _, path := range []string{"/api/ods/" + table + "/_stream_load", "/api/ods/get_load_state?label=L"} {
		if got := s.call("PUT", s.FEURL()+path, nil, "Expect", "100-continue"); got.code != http.StatusServiceUnavailable || got.header.Get("Location") != "" {
			t.Errorf("%+v", got)
		}
	}
	if got := s.call("PUT", s.FEURL()+"/api/ods/t/_stream_load", nil, "Expect", "100-continue"); got.code != 307 {
		t.Errorf("used up: %+v", got)
	}
}

// TestDelays: answers come later, what they tell has happened before.
func TestDelays(t *testing.T) {
	const delay = 100 * time.Millisecond
	s := withTable(t, doris.Config{})
	for fault, do := range map[doris.Fault]func(){
		doris.DelayReply: func() { s.load(table, "L", line(1, 1, "x")) },
		doris.SlowFE:     func() { s.state("L") },
	} {
		s.Faults().Arm(fault, doris.Arming{Times: 1, Delay: delay})
		start := time.Now()
		if do(); time.Since(start) < delay {
			t.Errorf("%s: after %v", fault, time.Since(start))
		}
	}
	s.Faults().Arm(doris.SlowFE, doris.Arming{Times: 1, Delay: delay})
	start := time.Now()
	if s.rows("SELECT 1"); time.Since(start) < delay {
		t.Errorf("SQL after %v", time.Since(start))
	}
	s.Faults().Arm(doris.DelayReply, doris.Arming{Delay: time.Hour})
	gone := make(chan answer, 1)
	go func() { gone <- s.putPhase("commit", "L") }()
	s.until("L", "VISIBLE")
	must(t, s.StopBE(0)) // or the answer would come in an hour
	if a := <-gone; a.err == nil {
		t.Errorf("%+v", a)
	}
}

// TestHoldPublish: without a delay until it is disarmed, with one for so long; each held transaction is one hit.
func TestHoldPublish(t *testing.T) {
	s := withTable(t, doris.Config{})
	for _, l := range []string{"a", "b", "c"} {
		s.load(table, l, line(1, int(l[0]), "x"))
	}
	s.Faults().Arm(doris.HoldPublish, doris.Arming{Times: 1})
	s.phase("commit", "label", "a")
	s.phase("commit", "label", "b") // behind a
	deadline := time.Now().Add(30 * time.Second)
	for s.Faults().Hits(doris.HoldPublish) == 0 && time.Now().Before(deadline) {
		s.state("a")
	}
	if got := s.state("a") + " " + s.state("b"); got != "COMMITTED COMMITTED" {
		t.Error(got)
	}
	s.Faults().Disarm(doris.HoldPublish)
	s.until("b", "VISIBLE")
	if got := s.state("a"); got != "VISIBLE" || s.Faults().Hits(doris.HoldPublish) != 1 {
		t.Errorf("%s, hits %d", got, s.Faults().Hits(doris.HoldPublish))
	}
	s.Faults().Arm(doris.HoldPublish, doris.Arming{Delay: time.Hour})
	s.phase("commit", "label", "c")
	for s.Faults().Hits(doris.HoldPublish) == 1 && time.Now().Before(deadline) {
		s.state("c")
	}
	if got := s.state("c"); got != "COMMITTED" {
		t.Error(got)
	}
	s.Advance(time.Hour)
	s.until("c", "VISIBLE")
	shown := s.rows("SHOW TRANSACTION FROM ods WHERE label = 'c'")[0]
	committed, err1 := time.Parse(time.DateTime, shown[7])
	published, err2 := time.Parse(time.DateTime, shown[8])
	if err1 != nil || err2 != nil || published.Sub(committed) < time.Hour {
		t.Errorf("committed %s, published %s", shown[7], shown[8])
	}
}

// TestStaleFollower: followers show the rows of the moment when it was armed, except to those who insist.
func TestStaleFollower(t *testing.T) {
	s := withTable(t, doris.Config{FrontEnds: 2})
	follower := connectTo(t, s.MySQLAddrs()[1], "root", "", "")
	follower.SetMaxOpenConns(1) // one session, for SET
	count := func() string {
		t.Helper()
		got, err := rowsOf(follower, "SELECT count(*), max(record) FROM ods."+table)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(got[0])
	}
	show := func(label, record string) {
		t.Helper()
		s.commit(s.load(table, label, line(1, 1, record)).TxnID)
		s.until(label, "VISIBLE")
	}
	show("a", "a")
	s.Faults().Arm(doris.StaleFollower, doris.Arming{})
	show("b", "b") // on a UNIQUE table, in place of the row before
	if got := count(); got != "[1 a]" {
		t.Errorf("stale follower: %s", got)
	}
	if got := fmt.Sprint(s.rows("SELECT count(*), max(record) FROM ods." + table)[0]); got != "[1 b]" {
		t.Errorf("master: %s", got)
	}
	if got, err := rowsOf(follower, "SHOW TRANSACTION FROM ods WHERE label = 'b'"); err != nil || got[0][3] != "VISIBLE" {
		t.Errorf("what is forwarded to the master: %v, %v", got, err)
	}
	for v, want := range map[string]string{"true": "[1 b]", "false": "[1 a]"} {
		if _, err := follower.ExecContext(t.Context(), "SET enable_strong_consistency_read = "+v); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != want {
			t.Errorf("strong reads %s: %s", v, got)
		}
	}
	if _, err := follower.ExecContext(t.Context(), "SET enable_strong_consistency_read = false"); err != nil {
		t.Fatal(err)
	}
	s.Faults().Arm(doris.StaleFollower, doris.Arming{Times: 1})
	show("c", "c")
	if got := count() + " " + count(); got != "[1 b] [1 c]" {
		t.Errorf("armed anew, once: %s", got)
	}
	s.Faults().Arm(doris.StaleFollower, doris.Arming{})
	show("d", "d")
	must(t, s.FailOver(1))
	if got := count(); got != "[1 d]" {
		t.Errorf("as the master: %s", got)
	}
	must(t, s.FailOver(0))
	s.Faults().Disarm()
	if got := count(); got != "[1 d]" {
		t.Errorf("disarmed: %s", got)
	}
	for range 10 { // an arming lets go of what the one before kept
		s.Faults().Arm(doris.StaleFollower, doris.Arming{})
	}
	if got := count(); got != "[1 d]" {
		t.Errorf("armed often: %s", got)
	}
}

// TestLateHeartbeat: a front end sends a load to a back end that is gone.
func TestLateHeartbeat(t *testing.T) {
	s := withTable(t, doris.Config{})
	must(t, s.StopBE(0))
	s.Faults().Arm(doris.LateHeartbeat, doris.Arming{Times: 1})
	for _, want := range []int{307, 200} {
		if got := s.call("PUT", s.FEURL()+"/api/ods/t/_stream_load", nil, "Expect", "100-continue"); got.code != want {
			t.Errorf("%+v, want %d", got, want)
		}
	}
}

// TestAllFaults: every fault that there is is listed, or nobody could arm it from outside or disarm all.
func TestAllFaults(t *testing.T) {
	files, err := filepath.Glob("*.go")
	must(t, err)
	var inSource []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		for _, m := range regexp.MustCompile(`(?m)^\t\w+ +Fault = "([a-z-]+)"`).FindAllSubmatch(text, -1) {
			inSource = append(inSource, string(m[1]))
		}
	}
	var listed []string
	for _, f := range doris.AllFaults() {
		listed = append(listed, string(f))
	}
	slices.Sort(inSource)
	slices.Sort(listed)
	if d := cmp.Diff(inSource, listed); d != "" {
		t.Error(d)
	}
}

// TestArming: times, probability, and dice that fall the same way again.
func TestArming(t *testing.T) {
	s := withTable(t, doris.Config{})
	f := s.Faults()
	throw := func() (fell string) {
		t.Helper()
		f.Seed(7)
		f.Arm(doris.FEError, doris.Arming{Probability: 0.5, Times: 5})
		for range 20 {
			fell += fmt.Sprint(s.call("GET", s.FEURL()+"/api/bootstrap", nil).code / 100)
		}
		return fell
	}
	first := throw()
	if n := strings.Count(first, "5"); n != 5 || strings.HasPrefix(first, "55555") {
		t.Errorf("of 20 requests %d met it: %s", n, first)
	}
	if again := throw(); again != first || f.Hits(doris.FEError) != 10 {
		t.Errorf("the same seed: %s, then %s; hits %d", first, again, f.Hits(doris.FEError))
	}
	f.Arm(doris.FEError, doris.Arming{Times: 3})
	s.call("GET", s.FEURL()+"/api/bootstrap", nil)
	if left := f.Armed()[doris.FEError].Times; left != 2 {
		t.Errorf("left: %d", left)
	}
}
