package doris_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// errMsg is SHOW TRANSACTION's ErrMsg, waited for until it is there.
func (s *standIn) errMsg(id int64) string {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		got := shown(s.rows("SHOW TRANSACTION FROM ods WHERE id = ?", id)[0], "TransactionStatus", "ErrMsg")
		if !strings.HasSuffix(got, "|") || time.Now().After(deadline) {
			return got
		}
		<-tick.C
	}
}

const publishFailed = "COMMITTED|publish on tablet "

func publishFails(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.Faults().Arm(doris.PublishFails, doris.Arming{})
	id := s.bring("L", "PRECOMMITTED")
	s.commit(id)
	if got := s.errMsg(id); !strings.HasPrefix(got, publishFailed) {
		t.Error(got)
	}
	s.want(s.phase("abort", "txn_id", fmt.Sprint(id)), refused("transaction [%d] is already COMMITTED, could not abort.", id))
	s.Faults().Disarm(doris.PublishFails)
	s.until("L", "VISIBLE")
}

// backEndDown: the commit comes in time, the publish does not. (A client's commit needs a back end to take it.)
func backEndDown(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.bring("L", "COMMITTED")
	if err := s.StopBE(0); err != nil {
		t.Fatal(err)
	}
	s.Faults().Disarm(doris.HoldPublish)
	if got := s.errMsg(id); !strings.HasPrefix(got, publishFailed) || !strings.Contains(got, "succeed replica num 0 < load required replica num 1") {
		t.Error(got)
	}
	if err := s.StartBE(0); err != nil {
		t.Fatal(err)
	}
	s.until("L", "VISIBLE")
	if got := s.errMsgNow(id); got != "VISIBLE|" {
		t.Error(got)
	}
}

func (s *standIn) errMsgNow(id int64) string {
	s.t.Helper()
	return shown(s.rows("SHOW TRANSACTION FROM ods WHERE id = ?", id)[0], "TransactionStatus", "ErrMsg")
}

func reverseOrder(t *testing.T) {
	s := withTable(t, doris.Config{})
	first := s.bring("first", "PRECOMMITTED") // of the same key as second, with its label as record
	second := s.bring("second", "PRECOMMITTED")
	s.Faults().Arm(doris.HoldPublish, doris.Arming{})
	s.commit(second)
	s.commit(first)
	s.Faults().Disarm(doris.HoldPublish)
	s.until("first", "VISIBLE")
	s.until("second", "VISIBLE")
	if got := only(s.rows("SELECT record FROM ods." + table)); got != "first" {
		t.Errorf("the later commit wins: %s", got)
	}
}

func alterBetween(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.bring("before", "VISIBLE")
	id := s.bring("truncated", "PRECOMMITTED")
	s.exec("TRUNCATE TABLE ods." + table)
	if got := s.commit(id); got.Status != "Success" {
		t.Errorf("after TRUNCATE: %+v", got)
	}
	s.until("truncated", "VISIBLE")
	if got := only(s.rows("SELECT count(*) FROM ods." + table)); got != "0" {
		t.Errorf("%s rows that were loaded into partitions that are gone", got)
	}
	altered := s.bring("altered", "PRECOMMITTED")
	held := s.hold("held")
	s.exec("ALTER TABLE ods." + table + " ADD COLUMN extra VARCHAR(8) NOT NULL DEFAULT 'none'")
	s.exec("ALTER TABLE ods." + table + " ADD COLUMN more BIGINT NULL AFTER extra")
	s.wantLoad(held.end(t), "Success", "OK")
	for _, id := range []int64{altered, s.id("held")} {
		if got := s.commit(id); got.Status != "Success" {
			t.Errorf("after ADD COLUMN: %+v", got)
		}
	}
	s.until("altered", "VISIBLE")
	s.until("held", "VISIBLE")
	later := s.load(table, "later", strings.Replace(line(5, 5, "later"), "{", `{"extra":"own","more":7,`, 1))
	s.commit(later.TxnID)
	s.until("later", "VISIBLE")
	got := fmt.Sprint(s.rows("SELECT record, extra, more FROM ods." + table + " ORDER BY record"))
	if got != "[[altered none NULL] [held none NULL] [later own 7]]" {
		t.Error(got)
	}
}

func restartPrepare(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir()}
	s := withTable(t, cfg)
	id := s.bring("L", "PREPARE")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	if got := s.state("L"); got != "UNKNOWN" {
		t.Error(got)
	}
	s.want(s.commit(id), refused("transaction [%d] not found", id))
	got := s.load(table, "L", line(1, 1, "x"))
	s.wantLoad(got, "Success", "OK")
	if got.TxnID/1000 <= id/1000 {
		t.Errorf("txn %d after %d: ids jump to the next thousand", got.TxnID, id)
	}
	b := newBench(t, doris.DefaultLimits())
	id = b.in("L", doris.Prepare)
	b.restart()
	if err := b.Precommit(id); err == nil || err.Error() != e2+"transaction not found" {
		t.Error(err)
	}
}

func restartOthers(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir()}
	s := withTable(t, cfg)
	s.hold("gone")
	s.phase("abort", "label", "gone") // ABORTED from PREPARE
	ids := map[string]int64{"gone": s.id("gone")}
	for _, state := range []string{"VISIBLE", "PRECOMMITTED", "ABORTED", "COMMITTED"} {
		ids[state] = s.bring(state, state)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	s.until("COMMITTED", "VISIBLE")
	for label, want := range map[string]string{
		"gone": "ABORTED", "VISIBLE": "VISIBLE", "PRECOMMITTED": "PRECOMMITTED", "ABORTED": "ABORTED",
	} {
		if got := s.state(label); got != want || s.id(label) != ids[label] {
			t.Errorf("%s: %s, txn %d, was %d", label, got, s.id(label), ids[label])
		}
	}
	for _, label := range []string{"gone", "ABORTED", "VISIBLE"} { // they are forgotten in the order in which they finished
		if got := shown(s.rows("SHOW TRANSACTION FROM ods WHERE label = ?", label)[0], "FinishTime"); got == "NULL" {
			t.Errorf("%s has not finished", label)
		}
	}
	if got := s.commit(ids["PRECOMMITTED"]); got.Status != "Success" {
		t.Errorf("%+v", got)
	}
	s.until("PRECOMMITTED", "VISIBLE")
}

func labelExpiry(t *testing.T) {
	limits, clock := doris.DefaultLimits(), newHand()
	limits.LabelKeep, limits.CleanInterval = 4*time.Second, 2*time.Second
	s := withTable(t, doris.Config{Limits: &limits, Now: clock.read})
	id := s.bring("L", "VISIBLE")
	clock.move(3 * time.Second)
	if got := s.state("L"); got != "VISIBLE" {
		t.Errorf("after 3 s: %s", got)
	}
	clock.move(3500 * time.Millisecond)
	if got := s.state("L"); got != "UNKNOWN" {
		t.Errorf("after 6.5 s: %s", got)
	}
	s.want(s.commit(id), refused("transaction [%d] not found", id))
	for q, want := range map[string]string{
		fmt.Sprintf("SHOW TRANSACTION FROM ods WHERE id = %d", id): fmt.Sprintf("transaction with id %d does not exist", id),
		"SHOW TRANSACTION FROM ods WHERE label = 'L'":              "transaction with label L does not exist",
	} {
		_, err := s.tryRows(q)
		s.wantError(err, 1105, "HY000", e2+want)
	}
	s.wantLoad(s.load(table, "L", line(1, 1, "x")), "Success", "OK")
}

// speed demands nothing of the machine; it says how long 200 transactions take (a real front end, asked over RPC: 0.93 s).
func speed(t *testing.T) {
	s := withTable(t, doris.Config{})
	start := time.Now()
	var last int64
	for i := range 200 {
		got := s.load(table, fmt.Sprint("L", i), line(1, i, "x"))
		if i > 0 && got.TxnID != last+1 || s.commit(got.TxnID).Status != "Success" {
			t.Fatalf("load %d: %+v after txn %d", i, got, last)
		}
		last = got.TxnID
	}
	t.Logf("begin, precommit and commit of 200 transactions over HTTP, three requests each: %v", time.Since(start))
	s.until("L199", "VISIBLE")
	if got := only(s.rows("SELECT count(*) FROM ods." + table)); got != "200" {
		t.Errorf("%s rows", got)
	}
}
