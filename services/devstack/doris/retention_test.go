package doris_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

func TestTimeouts(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	short, err := b.Begin(doris.BeginRequest{DB: ods, Table: tbl, Label: "prepare", Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	held, err := b.Begin(doris.BeginRequest{DB: ods, Table: tbl, Label: "precommitted", Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	b.in("committed", doris.Committed)
	if err := b.Precommit(held.ID); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(29 * time.Second)
	if got := b.stateOf("prepare"); got != "PREPARE" {
		t.Errorf("before the cleaner's turn: %s", got)
	}
	b.now = b.now.Add(2 * time.Second)
	if got, _ := b.Get(ods, short.ID); got.Status != doris.Aborted || got.Reason != "timeout by txn manager" {
		t.Errorf("PREPARE beyond its time-out: %+v", got)
	}
	if got := b.stateOf("precommitted"); got != "PRECOMMITTED" {
		t.Errorf("the time-out header does not limit PRECOMMITTED: %s", got)
	}
	b.now = b.now.Add(time.Hour)
	want := fmt.Sprintf("errCode = 2, detailMessage = transaction [%d] is already aborted. abort reason: timeout by txn manager", held.ID)
	if err := b.Commit(ods, held.ID); err == nil || err.Error() != want {
		t.Errorf("commit after an hour: %v", err)
	}
	if got := b.stateOf("committed"); got != "COMMITTED" {
		t.Errorf("COMMITTED never times out: %s", got)
	}
}

func TestLabelExpiry(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	id := b.in("L", doris.Visible)
	b.now = b.now.Add(12*time.Hour - time.Minute)
	if got := b.stateOf("L"); got != "VISIBLE" {
		t.Errorf("before 12 h: %s", got)
	}
	b.now = b.now.Add(2 * time.Minute)
	if got := b.stateOf("L"); got != "UNKNOWN" {
		t.Errorf("after 12 h: %s", got)
	}
	if _, ok := b.Get(ods, id); ok || len(b.ledger.kept) != 0 {
		t.Errorf("after 12 h the id is known (%v) or kept (%d)", ok, len(b.ledger.kept))
	}
	b.begin("L")
}

// TestEviction: one queue per database for aborted and visible transactions, in the order of finishing.
func TestEviction(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	late := b.in("late", doris.Committed)
	b.in("early", doris.Visible)
	for i := range 1999 {
		b.in(fmt.Sprintf("a%d", i), doris.Aborted)
	}
	if got := b.stateOf("early"); got != "VISIBLE" {
		t.Fatalf("with 2000 finished: %s", got)
	}
	if err := b.Publish(late); err != nil {
		t.Fatal(err)
	}
	if got := b.stateOf("early"); got != "UNKNOWN" {
		t.Errorf("with 2001 finished the first to finish is forgotten: %s", got)
	}
	b.in("a1999", doris.Aborted)
	if got := b.stateOf("a0"); got != "UNKNOWN" {
		t.Errorf("then the second: %s", got)
	}
	if got := b.stateOf("late"); got != "VISIBLE" {
		t.Errorf("begun first, finished late: %s", got)
	}
	limits := doris.DefaultLimits()
	limits.LabelNum = 0
	b = newBench(t, limits)
	b.in("kept", doris.Visible)
	for i := range 2500 {
		b.in(fmt.Sprintf("a%d", i), doris.Aborted)
	}
	if got := b.stateOf("kept"); got != "VISIBLE" {
		t.Errorf("threshold 0 is no limit: %s", got)
	}
}

func TestCleanLabel(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	for label, state := range map[string]doris.Status{"v": doris.Visible, "p": doris.Precommitted, "a": doris.Aborted} {
		b.in(label, state)
		if err := b.Clean(ods, label); err != nil {
			t.Fatal(err)
		}
	}
	b.in("other", doris.Visible)
	if err := b.Clean(ods, "unknown"); err != nil || b.stateOf("other") != "VISIBLE" {
		t.Errorf("%v, another label is %s", err, b.stateOf("other"))
	}
	if v, p, a := b.stateOf("v"), b.stateOf("p"), b.stateOf("a"); v != "UNKNOWN" || p != "PRECOMMITTED" || a != "UNKNOWN" {
		t.Errorf("visible %s, precommitted %s, aborted %s", v, p, a)
	}
}

func TestRestart(t *testing.T) {
	limits := doris.DefaultLimits()
	b := newBench(t, limits)
	ids := map[doris.Status]int64{}
	for _, s := range states {
		ids[s] = b.in("L-"+s.String(), s)
	}
	second := b.in("second", doris.Committed)
	b.limits.PrecommitTimeout = time.Minute
	b.restart()
	for _, s := range states {
		want := s.String()
		if s == doris.Prepare {
			want = "UNKNOWN"
		}
		if got := b.stateOf("L-" + s.String()); got != want {
			t.Errorf("%s after a restart: %s", s, got)
		}
	}
	if err := b.Precommit(ids[doris.Prepare]); err == nil || err.Error() != "errCode = 2, detailMessage = transaction not found" {
		t.Errorf("precommit of a forgotten PREPARE: %v", err)
	}
	if id := b.begin("L-PREPARE"); id < 1000 {
		t.Errorf("ids jump at a restart: %d", id)
	}
	for _, want := range []int64{ids[doris.Committed], second} {
		next, ok := b.NextCommitted()
		if !ok || next.ID != want {
			t.Fatalf("next to publish: %d, want %d", next.ID, want)
		}
		if err := b.Publish(next.ID); err != nil {
			t.Fatal(err)
		}
	}
	if v, _ := b.Get(ods, ids[doris.Visible]); !v.PublishTime.IsZero() || v.FinishTime.IsZero() {
		t.Errorf("a restart forgets when a VISIBLE transaction was published: %+v", v)
	}
	b.now = b.now.Add(2 * time.Minute)
	if got := b.stateOf("L-PRECOMMITTED"); got != "ABORTED" {
		t.Errorf("the new time-out counts after a restart: %s", got)
	}
}

// TestCommitOrder: rows become visible in the order of commits, not of ids.
func TestCommitOrder(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	first, second := b.in("1", doris.Precommitted), b.in("2", doris.Precommitted)
	for _, id := range []int64{second, first} {
		if err := b.Commit(ods, id); err != nil {
			t.Fatal(err)
		}
	}
	if next, _ := b.NextCommitted(); next.ID != second {
		t.Errorf("published first: %d, committed first: %d", next.ID, second)
	}
}

// TestLedgerFails: what could not be kept did not happen.
func TestLedgerFails(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	id := b.in("L", doris.Precommitted)
	b.ledger.fail = errors.New("disk full")
	if err := b.Commit(ods, id); !errors.Is(err, b.ledger.fail) {
		t.Errorf("commit: %v", err)
	}
	if got := b.stateOf("L"); got != "PRECOMMITTED" {
		t.Errorf("state: %s", got)
	}
	b.ledger.fail = nil
	if err := b.Commit(ods, id); err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	limits := doris.DefaultLimits()
	limits.MaxRunning, limits.MaxPublishing = 2, 1
	b := newBench(t, limits)
	b.in("1", doris.Committed)
	want := "errCode = 2, detailMessage = current committed txns on table 10 is 1, larger than limit 1"
	if _, err := b.Begin(doris.BeginRequest{DB: ods, Table: tbl, Label: "x"}); err == nil || err.Error() != want {
		t.Errorf("publishing: %v", err)
	}
	second, err := b.Begin(doris.BeginRequest{DB: ods, Table: 11, Label: "2"})
	if err != nil {
		t.Fatal(err)
	}
	want = "errCode = 2, detailMessage = current running txns on db 1 is 2, larger than limit 2"
	if _, err := b.Begin(doris.BeginRequest{DB: ods, Table: 11, Label: "3"}); err == nil || err.Error() != want {
		t.Errorf("running: %v", err)
	}
	if err := b.Abort(ods, second.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Begin(doris.BeginRequest{DB: ods, Table: 11, Label: "3"}); err != nil {
		t.Errorf("a finished transaction still counts as running: %v", err)
	}
}

func TestLabelLike(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	for _, label := range []string{"hefu_1", "hefu-1", "hefu_12", "other"} {
		b.in(label, doris.Visible)
	}
	again := b.in("again", doris.Aborted)
	b.in("again", doris.Visible)
	for pattern, want := range map[string]int{"hefu_1": 1, "hefu_1%": 2, "hefu.1": 2, "hefu[_-]1": 2, "%": 6, "hefu": 0, "again": 2} {
		found, err := b.LabelLike(ods, pattern)
		if err != nil || len(found) != want {
			t.Errorf("%s: %d found, want %d, %v", pattern, len(found), want, err)
		}
	}
	if found, _ := b.LabelLike(ods, "again"); found[1].ID != again {
		t.Errorf("newest first: %+v", found)
	}
}
