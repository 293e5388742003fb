package doris_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// wireRow is a row of a table in doris-wire.md §11, by its number in the order of the document.
type wireRow struct {
	n     int
	words string
	run   func(*testing.T)
}

// runRows runs the rows, and demands that from..to are all there: a row that is left out is a red test.
func runRows(t *testing.T, numbers []int, rows ...wireRow) {
	t.Helper()
	for i, r := range rows {
		if i >= len(numbers) || numbers[i] != r.n {
			t.Fatalf("row %d stands at place %d of %v", r.n, i, numbers)
		}
		t.Run(fmt.Sprintf("%02d %s", r.n, r.words), r.run)
	}
	if len(rows) != len(numbers) {
		t.Fatalf("%d rows, the document has %d", len(rows), len(numbers))
	}
}

// upTo are the numbers 1..n.
func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

const (
	analysis = "ANALYSIS_ERROR"
	e2       = "errCode = 2, detailMessage = "
)

// refused is a second phase that the front end turned down.
func refused(format string, args ...any) phaseReply {
	return phaseReply{analysis, "TStatus: " + e2 + fmt.Sprintf(format, args...)}
}

// held is a load in the middle of its body: its transaction is PREPARE.
type held struct {
	s    *standIn
	feed *io.PipeWriter
	got  chan answer
	once sync.Once
}

// hold begins a load straight at a back end and keeps its body open.
func (s *standIn) hold(label string, header ...string) *held {
	s.t.Helper()
	body, feed := io.Pipe()
	h := &held{s: s, feed: feed, got: make(chan answer, 1)}
	header = append([]string{"label", label, "format", "json", "read_json_by_line", "true", "two_phase_commit", "true"}, header...)
	go func() {
		h.got <- s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", body, header...)
		_ = body.Close()
	}()
	s.t.Cleanup(func() { h.end(s.t) })
	s.until(label, "PREPARE")
	return h
}

// end gives the body its last row, and returns the reply; the zero reply where the connection broke, and from the
// second call on.
func (h *held) end(t testing.TB) (reply loadReply) {
	h.once.Do(func() {
		_, _ = h.feed.Write([]byte(line(9, 9, "held"))) // a back end that is gone reads no more
		_ = h.feed.Close()
		if got := <-h.got; got.err == nil {
			if err := json.Unmarshal([]byte(got.text), &reply); err != nil {
				t.Errorf("%s: %v", got.text, err)
			}
		}
	})
	return reply
}

// bring makes a transaction of a label that is in a state, and returns its id. COMMITTED holds publishing back from
// then on.
func (s *standIn) bring(label, state string) int64 {
	s.t.Helper()
	if state == "PREPARE" {
		s.hold(label)
		return s.id(label)
	}
	reply := s.load(table, label, line(1, 1, label))
	if reply.Status != "Success" {
		s.t.Fatalf("load %s: %+v", label, reply)
	}
	switch state {
	case "COMMITTED":
		s.Faults().Arm(doris.HoldPublish, doris.Arming{})
		s.want(s.commit(reply.TxnID), phaseReply{"Success", fmt.Sprintf("transaction [%d] commit successfully.", reply.TxnID)})
	case "VISIBLE":
		s.commit(reply.TxnID)
	case "ABORTED":
		s.phase("abort", "txn_id", fmt.Sprint(reply.TxnID))
	}
	s.until(label, state)
	return reply.TxnID
}

// id is the newest transaction's of a label.
func (s *standIn) id(label string) int64 {
	s.t.Helper()
	id, err := strconv.ParseInt(s.rows("SHOW TRANSACTION FROM ods WHERE label = ?", label)[0][0], 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *standIn) want(got, want phaseReply) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("got  %s: %s\nwant %s: %s", got.Status, got.Msg, want.Status, want.Msg)
	}
}

// wantLoad compares what matters of a load's reply; N in the message stands for a transaction.
func (s *standIn) wantLoad(got loadReply, status, message string) {
	s.t.Helper()
	if got.Status != status || got.Message != message {
		s.t.Errorf("got  %s: %s\nwant %s: %s", got.Status, got.Message, status, message)
	}
}

// wantError demands an error of the MySQL port, by number, SQLSTATE and text.
func (s *standIn) wantError(err error, number int, state, text string) {
	s.t.Helper()
	want := fmt.Sprintf("Error %d (%s): %s", number, state, text)
	if err == nil || err.Error() != want {
		s.t.Errorf("got  %v\nwant %s", err, want)
	}
}

// hand is a clock that a test moves.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func newHand() *hand { return &hand{now: time.Unix(1_700_000_000, 0)} }

func (h *hand) read() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// only has one row and one cell.
func only(rows [][]string) string {
	if len(rows) != 1 || len(rows[0]) != 1 {
		return fmt.Sprintf("%d rows: %v", len(rows), rows)
	}
	return rows[0][0]
}

// named joins the cells that a result has under some columns of SHOW TRANSACTION.
func shown(row []string, columns ...string) string {
	all := strings.Split("TransactionId,Label,Coordinator,TransactionStatus,LoadJobSourceType,PrepareTime,PreCommitTime,"+
		"CommitTime,PublishTime,FinishTime,Reason,ErrorReplicasCount,ListenerId,TimeoutMs,ErrMsg", ",")
	var out []string
	for _, c := range columns {
		for i, name := range all {
			if name == c && i < len(row) {
				out = append(out, row[i])
			}
		}
	}
	return strings.Join(out, "|")
}
