package doris_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/dirlock"
	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestKill: what a killed server had answered it still knows, and nothing else.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	s := withTable(t, doris.Config{Dir: dir})
	visible := s.load(table, "visible", line(1, 1, "visible"))
	s.commit(visible.TxnID)
	s.until("visible", "VISIBLE")
	precommitted := s.load(table, "precommitted", line(1, 2, "precommitted"))
	s.load(table, "aborted", line(1, 3, "aborted"))
	s.phase("abort", "label", "aborted")
	s.Faults().Arm(doris.HoldPublish, doris.Arming{})
	committed := s.load(table, "committed", line(1, 4, "committed"))
	s.commit(committed.TxnID)

	// A load in the middle of its body when the server dies.
	body, feed := io.Pipe()
	defer feed.Close()
	loading := make(chan answer, 1)
	go func() {
		loading <- s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", body, "label", "prepare", "format", "json", "two_phase_commit", "true")
	}()
	if _, err := feed.Write([]byte(line(1, 5, "prepare"))); err != nil {
		t.Fatal(err)
	}
	s.until("prepare", "PREPARE")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	if got := <-loading; got.err == nil {
		t.Errorf("the load in flight was answered: %+v", got)
	}

	s = open(t, doris.Config{Dir: dir, PublishDelay: 50 * time.Millisecond})
	for label, want := range map[string]string{
		"visible": "VISIBLE", "precommitted": "PRECOMMITTED", "aborted": "ABORTED", "prepare": "UNKNOWN",
	} {
		if got := s.state(label); got != want {
			t.Errorf("%s after the kill: %s", label, got)
		}
	}
	s.until("committed", "VISIBLE") // published by the new process
	if got := s.commit(precommitted.TxnID).Status; got != "Success" {
		t.Errorf("commit after the kill: %s", got)
	}
	s.until("precommitted", "VISIBLE")
	got := fmt.Sprint(s.rows("SELECT record FROM ods." + table + " ORDER BY hw_offset_id"))
	if got != "[[visible] [precommitted] [committed]]" {
		t.Errorf("rows: %s", got)
	}
	again := s.load(table, "prepare", line(1, 5, "again"))
	if again.Status != "Success" || again.TxnID < committed.TxnID+500 {
		t.Errorf("a forgotten label is free, and ids jump: %+v", again)
	}
	s.phase("abort", "label", "prepare")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "stage"))
	if err != nil || len(left) != 0 {
		t.Errorf("staged rows that nobody wants: %v, %v", left, err)
	}
}

// TestKillInPublish: the process died after the rows were stored and before the state was.
func TestKillInPublish(t *testing.T) {
	dir := t.TempDir()
	s := open(t, doris.Config{Dir: dir})
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.d (id INT NOT NULL) DUPLICATE KEY(id) DISTRIBUTED BY RANDOM BUCKETS 1")
	s.Faults().Arm(doris.HoldPublish, doris.Arming{})
	reply := s.load("d", "L", `{"id":7}`)
	s.commit(reply.TxnID)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	rows, err := sql.Open("sqlite", filepath.Join(dir, "rows.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rows.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO t2 VALUES (7); INSERT INTO published VALUES (%d)", reply.TxnID)); err != nil {
		t.Fatal(err)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, doris.Config{Dir: dir})
	s.until("L", "VISIBLE")
	if got := s.rows("SELECT count(*) FROM ods.d")[0][0]; got != "1" {
		t.Errorf("%s rows after publishing again", got)
	}
}

// TestCopiedState opens a copy of the files of a running server: what kill -9 of the machine's process leaves.
func TestCopiedState(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	s := withTable(t, doris.Config{Dir: dir})
	reply := s.load(table, "L", line(1, 1, "x")+line(1, 2, "y"))
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s.phase("abort", "label", "L")
	s = open(t, doris.Config{Dir: copied})
	for _, name := range []string{"a", "b", "c"} { // their ids are new ones
		s.exec("CREATE TABLE ods." + name + " (id INT) DUPLICATE KEY(id) DISTRIBUTED BY RANDOM BUCKETS 1")
	}
	s.commit(reply.TxnID)
	s.until("L", "VISIBLE")
	if got := s.rows("SELECT count(*), min(record), max(record) FROM ods." + table)[0]; fmt.Sprint(got) != "[2 x y]" {
		t.Errorf("%v", got)
	}
}

// TestLock: a folder belongs to one stand-in, until it is closed.
func TestLock(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	if second, err := doris.Open(t.Context(), cfg); !errors.Is(err, dirlock.ErrInUse) {
		t.Errorf("second: %v, %v", second, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, cfg)
}

// TestRace: of many commits one wins, and so it is with labels.
func TestRace(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.Faults().Arm(doris.HoldPublish, doris.Arming{})
	var all sync.WaitGroup
	loads, commits := make(chan string, 20), make(chan string, 20)
	for range 20 {
		all.Go(func() { loads <- s.load(table, "L", line(1, 1, "x")).Status })
	}
	all.Wait()
	for range 20 {
		all.Go(func() { commits <- s.phase("commit", "txn_id", "1").Msg })
	}
	all.Wait()
	count := map[string]int{}
	for range 20 {
		count[<-loads]++
		count[<-commits]++
	}
	want := map[string]int{
		"Success": 1, "Label Already Exists": 19, "transaction [1] commit successfully.": 1,
		"TStatus: errCode = 2, detailMessage = transaction [1] is already committed, not pre-committed.": 19,
	}
	if d := cmp.Diff(want, count); d != "" {
		t.Error(d)
	}
}

// TestOnePhase: without two_phase_commit a load answers when its rows are visible.
func TestOnePhase(t *testing.T) {
	s := withTable(t, doris.Config{PublishDelay: 30 * time.Millisecond})
	start := time.Now()
	reply := s.load(table, "L", line(1, 1, "x"), "two_phase_commit", "false")
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("visible after %v", took)
	}
	if got := s.rows("SELECT count(*) FROM ods." + table)[0][0]; reply.Status != "Success" || reply.TwoPhase != "false" || got != "1" {
		t.Errorf("%s rows, %+v", got, reply)
	}
}

// TestTableGone: a dropped table refuses commits and allows aborts; a committed load of it still becomes VISIBLE.
func TestTableGone(t *testing.T) {
	s := withTable(t, doris.Config{})
	a := s.load(table, "a", line(1, 1, "x"))
	b := s.load(table, "b", line(1, 2, "x"))
	s.Faults().Arm(doris.HoldPublish, doris.Arming{})
	s.commit(b.TxnID)
	s.exec("DROP TABLE ods." + table)
	if got := s.commit(a.TxnID); got.Status != "ANALYSIS_ERROR" || s.state("a") != "PRECOMMITTED" {
		t.Errorf("commit: %+v", got)
	}
	if got := s.phase("abort", "label", "a"); got.Status != "Success" {
		t.Errorf("abort: %+v", got)
	}
	s.Faults().Disarm(doris.HoldPublish)
	s.until("b", "VISIBLE")
	missing := s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", http.NoBody, "label", "c", "format", "json", "Content-Length", "0")
	var reply loadReply
	missing.decode(t, &reply)
	if want := "[NOT_FOUND]TStatus: errCode = 7, detailMessage = table not found, tableName=" + table; reply.Message != want {
		t.Errorf("%+v", reply)
	}
}
