package doris_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

func beginFresh(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.hold("L")
	row := s.rows("SHOW TRANSACTION FROM ods WHERE label = 'L'")[0]
	if got := shown(row, "Label", "Coordinator", "TransactionStatus", "LoadJobSourceType", "TimeoutMs"); got != "L|BE: 127.0.0.1|PREPARE|BACKEND_STREAMING|259200000" {
		t.Error(got)
	}
}

func beginTaken(t *testing.T) {
	for state, job := range map[string]string{
		"PREPARE": "RUNNING", "PRECOMMITTED": "PRECOMMITTED", "COMMITTED": "FINISHED", "VISIBLE": "FINISHED",
	} {
		s := withTable(t, doris.Config{})
		id := s.bring("L", state)
		got := s.load(table, "L", line(1, 1, "again"))
		s.wantLoad(got, "Label Already Exists", fmt.Sprintf(
			"[LABEL_ALREADY_EXISTS]TStatus: "+e2+"Label [L] has already been used, relate to txn [%d], status [%s].", id, state))
		if got.Existing != job || got.TxnID != -1 {
			t.Errorf("%s: job status %s, txn %d", state, got.Existing, got.TxnID)
		}
	}
}

func beginAfterAborted(t *testing.T) {
	s := withTable(t, doris.Config{})
	first := s.bring("L", "ABORTED")
	got := s.load(table, "L", line(1, 1, "again"))
	s.wantLoad(got, "Success", "OK")
	if got.TxnID <= first || s.state("L") != "PRECOMMITTED" {
		t.Errorf("txn %d after %d, state %s", got.TxnID, first, s.state("L"))
	}
}

func beginSameRequest(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	r := doris.BeginRequest{DB: ods, Table: tbl, Label: "L", RequestID: "r"}
	first, err := b.Begin(r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Begin(r)
	if err != nil || again.ID != first.ID {
		t.Errorf("PREPARE: txn %d, %v, want %d", again.ID, err, first.ID)
	}
	if err := b.Abort(ods, first.ID); err != nil {
		t.Fatal(err)
	}
	after, err := b.Begin(r)
	if err != nil || after.ID == first.ID {
		t.Errorf("ABORTED: txn %d, %v, want a new one", after.ID, err)
	}
}

// beginConcurrently keeps all bodies open, so that the one transaction is PREPARE when the others ask.
func beginConcurrently(t *testing.T) {
	s := withTable(t, doris.Config{})
	replies := make(chan answer, 20)
	body, feed := io.Pipe() // the one that begins reads it
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			replies <- s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", struct{ io.Reader }{body},
				"Expect", "100-continue", "label", "L", "format", "json", "two_phase_commit", "true")
		})
	}
	exists := 0
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for range 19 {
		var reply loadReply
		select {
		case got := <-replies:
			got.decode(t, &reply)
		case <-late.C:
			_ = feed.CloseWithError(io.ErrUnexpectedEOF)
			t.Fatalf("more than one has begun: only %d were refused", exists)
		}
		if reply.Status == "Label Already Exists" && reply.Existing == "RUNNING" {
			exists++
		}
	}
	if _, err := feed.Write([]byte(line(1, 1, "x"))); err != nil {
		t.Error(err)
	}
	_ = feed.Close()
	var winner loadReply
	(<-replies).decode(t, &winner)
	all.Wait()
	if exists != 19 || winner.Status != "Success" {
		t.Errorf("%d of 19 refused as RUNNING; the other: %+v", exists, winner)
	}
}

// beginNoLabel: a back end makes a label where there is none, so that only the front end's RPC shows this refusal.
func beginNoLabel(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	if _, err := b.Begin(doris.BeginRequest{DB: ods, Table: tbl}); err == nil || err.Error() != e2+"empty label in begin request" {
		t.Error(err)
	}
}

func beginLabels(t *testing.T) {
	s := withTable(t, doris.Config{})
	for _, label := range []string{strings.Repeat("x", 129), "a.b", "a b", "a/b", "a+b"} {
		s.wantLoad(s.load(table, label, line(1, 1, "x")), "Fail",
			"[ANALYSIS_ERROR]TStatus: "+e2+`Label format error. regex: ^[\-_A-Za-z0-9:\p{L}]{1,128}$, label: `+label)
	}
	for _, label := range []string{strings.Repeat("x", 128), "a:b", "case", "Case", "CASE"} {
		s.wantLoad(s.load(table, label, line(1, 1, "x")), "Success", "OK")
	}
}

func beginTimeouts(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.wantLoad(s.load(table, "a", "", "timeout", "0"), "Fail",
		"[ANALYSIS_ERROR]TStatus: "+e2+"Invalid timeout: 0. Timeout should be higher than Config.min_load_timeout_second: 1")
	s.wantLoad(s.load(table, "b", "", "timeout", "259201"), "Fail",
		"[ANALYSIS_ERROR]TStatus: "+e2+"Invalid timeout: 259201. Timeout should be lower than Config.max_stream_load_timeout_second: 259200")
	s.wantLoad(s.load(table, "c", "", "timeout", "259200"), "Success", "OK")
}

func beginUnknown(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.wantLoad(s.load("notbl", "a", ""), "Fail", "[NOT_FOUND]TStatus: errCode = 7, detailMessage = table not found, tableName=notbl")
	var got loadReply
	s.call("PUT", s.BEURL()+"/api/nodb/t/_stream_load", http.NoBody, "label", "a", "format", "json", "Content-Length", "0").decode(t, &got)
	s.wantLoad(got, "Fail", "[NOT_FOUND]TStatus: errCode = 7, detailMessage = unknown database, database=nodb")
}

func beginUnpublished(t *testing.T) {
	limits := doris.DefaultLimits()
	limits.MaxPublishing = 1
	s := withTable(t, doris.Config{Limits: &limits})
	s.bring("a", "COMMITTED")
	got := s.load(table, "b", line(1, 1, "x"))
	var number int64
	if _, err := fmt.Sscanf(got.Message, "[ANALYSIS_ERROR]TStatus: "+e2+"current committed txns on table %d is 1, larger than limit 1", &number); err != nil || got.Status != "Fail" {
		t.Errorf("%+v: %v", got, err)
	}
	s.Faults().Disarm(doris.HoldPublish)
	s.until("a", "VISIBLE")
	s.wantLoad(s.load(table, "b", line(1, 1, "x")), "Success", "OK")
}

func prepareTimeout(t *testing.T) {
	limits, clock := doris.DefaultLimits(), newHand()
	limits.CleanInterval = 2 * time.Second
	s := withTable(t, doris.Config{Limits: &limits, Now: clock.read})
	load := s.hold("L", "timeout", "3")
	clock.move(3 * time.Second)
	if got := s.state("L"); got != "PREPARE" {
		t.Errorf("after 3 s: %s", got)
	}
	clock.move(2 * time.Second)
	s.until("L", "ABORTED")
	if got := shown(s.rows("SHOW TRANSACTION FROM ods WHERE label = 'L'")[0], "Reason"); got != "timeout by txn manager" {
		t.Error(got)
	}
	s.wantLoad(load.end(t), "Fail", "[ANALYSIS_ERROR]TStatus: "+e2+"timeout by txn manager")
}

func beginDenied(t *testing.T) {
	s := withUsers(t, doris.Config{})
	for _, c := range []struct{ password, refusal string }{
		{"r", "Access denied; you need (at least one of) the (priv predicate: OR, Admin_priv,Load_priv) privilege(s) for this operation"},
		{"wrong", "Access denied for user 'reader@127.0.0.1' (using password: YES)"},
	} {
		var got loadReply
		s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", http.NoBody, "label", "a", "format", "json", "Content-Length", "0",
			"Authorization", basicAuth("reader", c.password)).decode(t, &got)
		s.wantLoad(got, "Fail", "[ANALYSIS_ERROR]TStatus: "+e2+c.refusal)
	}
}
