package doris_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

func precommitPrepare(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.wantLoad(s.load(table, "L", line(1, 1, "x")), "Success", "OK")
	s.wantLoad(s.load(table, "no", ""), "Success", "OK") // not one row, so not one tablet was written to
	if got := s.state("L") + s.state("no"); got != "PRECOMMITTEDPRECOMMITTED" {
		t.Error(got)
	}
	b := newBench(t, doris.DefaultLimits())
	id := b.in("L", doris.Precommitted)
	if err := b.Precommit(id); err != nil {
		t.Errorf("repeated: %v", err)
	}
}

// engineRefuses asks the Engine what no client can ask.
func engineRefuses(t *testing.T, state doris.Status, ask func(*bench, int64) error, want string) {
	t.Helper()
	b := newBench(t, doris.DefaultLimits())
	if err := ask(b, b.in("L", state)); err == nil || err.Error() != e2+want {
		t.Errorf("%s: %v, want %s", state, err, want)
	}
	if got := b.stateOf("L"); got != state.String() {
		t.Errorf("%s has become %s", state, got)
	}
}

func precommit(b *bench, id int64) error { return b.Precommit(id) }

func precommitCommitted(t *testing.T) {
	engineRefuses(t, doris.Committed, precommit, "transaction is already committed")
	engineRefuses(t, doris.Visible, precommit, "transaction is already visible")
}

// precommitAborted: the load ends after its transaction was aborted under it; the back end's reply has the reason.
func precommitAborted(t *testing.T) {
	s := withTable(t, doris.Config{})
	load := s.hold("L")
	s.want(s.phase("abort", "label", "L"), phaseReply{"Success", "label [L] abort successfully."})
	s.wantLoad(load.end(t), "Fail", "[ANALYSIS_ERROR]TStatus: "+e2+"User Abort")
}

func precommitUnknown(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	if err := b.Precommit(77); err == nil || err.Error() != e2+"transaction not found" {
		t.Error(err)
	}
}

func precommitReplicas(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	id := b.in("L", doris.Prepare)
	err := b.MissReplicas(id)
	start := fmt.Sprintf(e2+"Failed to commit txn %d, cause tablet 10 succ replica num 0 < load required replica num 1. table 10, partition: [ id=", id)
	if err == nil || !strings.HasPrefix(err.Error(), start) || !strings.HasSuffix(err.Error(), ";. Please try again later.") || b.stateOf("L") != "PREPARE" {
		t.Errorf("%v, state %s", err, b.stateOf("L"))
	}
	s := withTable(t, doris.Config{})
	s.Faults().Arm(doris.MissingReplicas, doris.Arming{Times: 1})
	got := s.load(table, "L", line(1, 1, "x"))
	if got.Status != "Fail" || !strings.Contains(got.Message, "succ replica num 0 < load required replica num 1") || s.state("L") != "ABORTED" {
		t.Errorf("the back end rolls back: %+v, %s", got, s.state("L"))
	}
	s.wantLoad(s.load(table, "L", line(1, 1, "x")), "Success", "OK")
}

func commitPrepare(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.bring("L", "PREPARE")
	s.want(s.commit(id), refused("transaction [%d] is prepare, not pre-committed.", id))
}

func commitPrecommitted(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.bring("L", "COMMITTED") // publishing is held back: the commit has answered all the same
	if got := only(s.rows("SELECT count(*) FROM ods." + table)); got != "0" {
		t.Errorf("%s rows before the publish", got)
	}
	s.Faults().Disarm(doris.HoldPublish)
	s.until("L", "VISIBLE")
	if got := shown(s.rows("SHOW TRANSACTION FROM ods WHERE id = ?", id)[0], "TransactionStatus"); got != "VISIBLE" {
		t.Error(got)
	}
}

func commitCommitted(t *testing.T) {
	for _, state := range []string{"COMMITTED", "VISIBLE"} {
		s := withTable(t, doris.Config{})
		id := s.bring("L", state)
		s.want(s.commit(id), refused("transaction [%d] is already %s, not pre-committed.", id, strings.ToLower(state)))
	}
}

func commitAborted(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.bring("L", "ABORTED")
	s.want(s.commit(id), refused("transaction [%d] is already aborted. abort reason: User Abort", id))
}

func commitConcurrently(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.Faults().Arm(doris.HoldPublish, doris.Arming{})
	id := s.bring("L", "PRECOMMITTED")
	count := map[phaseReply]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got := s.commit(id)
			mu.Lock()
			defer mu.Unlock()
			count[got]++
		})
	}
	all.Wait()
	if count[refused("transaction [%d] is already committed, not pre-committed.", id)] != 19 || len(count) != 2 {
		t.Errorf("%v", count)
	}
}

func commitAbortRace(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.Faults().Arm(doris.HoldPublish, doris.Arming{})
	for n := range 40 {
		id := s.bring(fmt.Sprintf("L%d", n), "PRECOMMITTED")
		replies := map[string]phaseReply{}
		var mu sync.Mutex
		var both sync.WaitGroup
		for _, op := range []string{"commit", "abort"} {
			both.Go(func() {
				got := s.phase(op, "txn_id", fmt.Sprint(id))
				mu.Lock()
				defer mu.Unlock()
				replies[op] = got
			})
		}
		both.Wait()
		committed := replies["commit"].Status == "Success"
		want := refused("transaction [%d] is already COMMITTED, could not abort.", id)
		loser := replies["abort"]
		if !committed {
			want, loser = refused("transaction [%d] is already aborted. abort reason: User Abort", id), replies["commit"]
		}
		s.want(loser, want)
		if committed == (replies["abort"].Status == "Success") {
			t.Fatalf("both or none: %v", replies)
		}
	}
}

func abortOpen(t *testing.T) {
	for _, state := range []string{"PREPARE", "PRECOMMITTED"} {
		s := withTable(t, doris.Config{})
		id := s.bring("L", state)
		s.want(s.phase("abort", "txn_id", fmt.Sprint(id)), phaseReply{"Success", fmt.Sprintf("transaction [%d] abort successfully.", id)})
		if got := shown(s.rows("SHOW TRANSACTION FROM ods WHERE id = ?", id)[0], "TransactionStatus", "Reason"); got != "ABORTED|User Abort" {
			t.Errorf("%s: %s", state, got)
		}
	}
}

func abortAborted(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.bring("L", "ABORTED")
	s.want(s.phase("abort", "txn_id", fmt.Sprint(id)), refused("transaction [%d] is already aborted, abort reason: User Abort", id))
}

func abortCommitted(t *testing.T) {
	for _, state := range []string{"COMMITTED", "VISIBLE"} {
		s := withTable(t, doris.Config{})
		id := s.bring("L", state)
		s.want(s.phase("abort", "txn_id", fmt.Sprint(id)), refused("transaction [%d] is already %s, could not abort.", id, state))
	}
}

func rollbackPrepare(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	for i, reason := range []string{"", "[E-235] word for word"} {
		label := fmt.Sprint("L", i)
		id := b.in(label, doris.Prepare)
		if err := b.Rollback(id, reason); err != nil {
			t.Error(err)
		}
		if got, _ := b.Get(ods, id); got.Status != doris.Aborted || got.Reason != reason {
			t.Errorf("%s because %q", got.Status, got.Reason)
		}
	}
}

func rollbackFinished(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	id := b.in("L", doris.Committed)
	if err := b.Rollback(id, "x"); err == nil || err.Error() != fmt.Sprintf(e2+"transaction [%d] is already COMMITTED, could not abort.", id) {
		t.Error(err)
	}
	rollback := func(b *bench, id int64) error { return b.Rollback(id, "x") }
	engineRefuses(t, doris.Visible, rollback, "transaction not found")
	engineRefuses(t, doris.Aborted, rollback, "transaction not found")
}

func onePhaseSlow(t *testing.T) {
	limits := doris.DefaultLimits()
	limits.RPCTimeout = 200 * time.Millisecond
	s := withTable(t, doris.Config{Limits: &limits})
	s.Faults().Arm(doris.HoldPublish, doris.Arming{})
	start := time.Now()
	got := s.load(table, "L", line(1, 1, "x"), "two_phase_commit", "false")
	s.wantLoad(got, "Publish Timeout", "[PUBLISH_TIMEOUT]TStatus: "+e2+"transaction commit successfully, BUT data will be visible later")
	if took := time.Since(start); took < 100*time.Millisecond {
		t.Errorf("waited %v, not half of the RPC's time", took)
	}
	if got := s.state("L"); got != "COMMITTED" {
		t.Error(got)
	}
	s.Faults().Disarm(doris.HoldPublish)
	s.until("L", "VISIBLE")
	b := newBench(t, limits)
	if err := b.CommitPrepared(b.in("L", doris.Visible)); err != nil {
		t.Errorf("repeated on VISIBLE: %v", err)
	}
}

func onePhasePrecommitted(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	id := b.in("L", doris.Precommitted)
	if err := b.CommitPrepared(id); err == nil || err.Error() != e2+"transaction commit failed" {
		t.Error(err)
	}
	if err := b.Commit(ods, id); err != nil {
		t.Error(err)
	}
	if next, ok := b.NextCommitted(); !ok || next.ID != id {
		t.Errorf("to be published next: %d", next.ID)
	}
}
