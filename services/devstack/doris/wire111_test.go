package doris_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestWire111 asks for the rows of doris-wire.md §11.1 that are about a server, by their numbers; 12, 17 and 18 are
// about other versions, a client and an RPC.
func TestWire111(t *testing.T) {
	runRows(t, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 19, 20, 21, 22},
		wireRow{1, "Expect foo is 417 with an empty body", expectFoo},
		wireRow{2, "txn ids are one counter for all databases, labels are per database", oneCounter},
		wireRow{3, "the quota is ALTER DATABASE SET TRANSACTION QUOTA, SET PROPERTIES has no effect", quota},
		wireRow{4, "SHOW TRANSACTION WHERE status is refused", statusRefused},
		wireRow{5, "unset times are NULL, times are in the session's zone", showTimes},
		wireRow{6, "LIKE with _ literal and the rest a regex, all txns of a label newest first", labelLike},
		wireRow{7, "the label's regex is the unicode one", unicodeLabels},
		wireRow{8, "the greeting's short list of capabilities", TestGreeting},
		wireRow{9, "table dropped between the phases", tableDropped},
		wireRow{10, "one queue of finished txns in order of finishing, aborted ones too; 0 is no limit", evictionOrder},
		wireRow{11, "the precommit timeout is fixed at begin and read anew at a restart", precommitTimeout},
		wireRow{13, "columns of SHOW BACKENDS and SHOW FRONTENDS", showNodes},
		wireRow{14, "numbers of errors", errorNumbers},
		wireRow{15, "several statements in one query", TestSeveralStatements},
		wireRow{16, "unknown paths are HTTP 200 with code 500", unknownPaths},
		wireRow{19, "SHOW TRANSACTION needs LOAD on the database", showPrivilege},
		wireRow{20, "the 307 has a bare question mark and Connection: close", TestRedirect},
		wireRow{21, "what the front end checks and what it does not", frontEndChecks},
		wireRow{22, "heartbeat loss and restart of a back end abort its PREPARE txns", heartbeat},
	)
}

func expectFoo(t *testing.T) {
	s := withTable(t, doris.Config{})
	got := s.call("PUT", s.FEURL()+"/api/ods/t/_stream_load", strings.NewReader("{}"), "Expect", "foo")
	if got.code != http.StatusExpectationFailed || got.text != "" {
		t.Errorf("%d %q %v", got.code, got.text, got.err)
	}
}

func oneCounter(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir()}
	s := withTable(t, cfg)
	s.exec("CREATE DATABASE ods2")
	s.exec(strings.Replace(lineageTable, "ods.", "ods2.", 1))
	first := s.load(table, "L", line(1, 1, "x"))
	var second loadReply
	s.call("PUT", s.BEURL()+"/api/ods2/"+table+"/_stream_load", strings.NewReader(line(1, 1, "x")), "label", "L", "format", "json",
		"two_phase_commit", "true").decode(t, &second)
	third := s.load(table, "M", line(1, 1, "x"))
	if first.TxnID+1 != second.TxnID || second.TxnID+1 != third.TxnID {
		t.Errorf("%d, %d in the other database, %d", first.TxnID, second.TxnID, third.TxnID)
	}
	s.want(s.commit(second.TxnID), refused("transaction [%d] not found", second.TxnID))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	if got := s.load(table, "N", line(1, 1, "x")).TxnID; got/1000 <= third.TxnID/1000 || got%1000 > 10 {
		t.Errorf("txn %d after %d and a restart", got, third.TxnID)
	}
}

func quota(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir()}
	s := withTable(t, cfg)
	s.exec(`ALTER DATABASE ods SET PROPERTIES("transaction_quota" = "1")`)
	s.bring("a", "PRECOMMITTED")
	s.bring("b", "PRECOMMITTED")
	s.exec("ALTER DATABASE ods SET TRANSACTION QUOTA 2")
	over := func() {
		t.Helper()
		got := s.load(table, "c", line(1, 1, "x"))
		var db int64
		if n, err := fmt.Sscanf(got.Message, "[ANALYSIS_ERROR]TStatus: "+e2+"current running txns on db %d is 2, larger than limit 2", &db); n != 1 || got.Status != "Fail" {
			t.Errorf("%s: %s: %v", got.Status, got.Message, err)
		}
	}
	over()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	limits := doris.DefaultLimits()
	limits.MaxRunning = 7 // of databases that are made from now on
	cfg.Limits = &limits
	s = open(t, cfg)
	over()
	s.exec("ALTER DATABASE ods SET TRANSACTION QUOTA 3")
	s.wantLoad(s.load(table, "c", line(1, 1, "x")), "Success", "OK")
}

const whereText = "Where clause should looks like one of them: id = 123 or label =/like 'label' or status = 'prepare/precommitted/committed/visible/aborted'"

func statusRefused(t *testing.T) {
	s := withTable(t, doris.Config{})
	for _, status := range []string{"prepare", "precommitted", "committed", "visible", "aborted"} {
		_, err := s.tryRows("SHOW TRANSACTION FROM ods WHERE status = '" + status + "'")
		s.wantError(err, 1105, "HY000", e2+whereText)
	}
}

func showTimes(t *testing.T) {
	cfg := doris.Config{Dir: t.TempDir(), TimeZone: "UTC", Now: newHand().read}
	s := withTable(t, cfg)
	s.bring("L", "VISIBLE")
	s.bring("P", "PRECOMMITTED")
	times := func(label string) string {
		t.Helper()
		row := s.rows("SHOW TRANSACTION FROM ods WHERE label = ?", label)[0]
		return shown(row, "PrepareTime", "PreCommitTime", "CommitTime", "PublishTime", "FinishTime")
	}
	const at = "2023-11-14 22:13:20"
	if got := times("P"); got != at+"|"+at+"|NULL|NULL|NULL" {
		t.Error(got)
	}
	if got := times("L"); got != strings.Repeat(at+"|", 4)+at {
		t.Error(got)
	}
	s.db.SetMaxOpenConns(1)
	s.exec("SET time_zone = '+08:00'")
	if got := times("P"); got != "2023-11-15 06:13:20|2023-11-15 06:13:20|NULL|NULL|NULL" {
		t.Error(got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	if got := times("L"); got != strings.Repeat(at+"|", 3)+"NULL|"+at {
		t.Errorf("after a restart: %s", got)
	}
}

func labelLike(t *testing.T) {
	s := withTable(t, doris.Config{})
	for _, label := range []string{"a_1", "a-1", "ad1", "ae12"} {
		s.bring(label, "PRECOMMITTED")
	}
	first := s.bring("twice", "ABORTED")
	second := s.bring("twice", "PRECOMMITTED")
	for pattern, want := range map[string]string{
		"a_1": "[a_1]", "a.1": "[ad1 a-1 a_1]", "a[de]1": "[ad1]", "a[de]1%": "[ae12 ad1]", "a%": "[ae12 ad1 a-1 a_1]", "a": "[]",
	} {
		got := []string{}
		for _, row := range s.rows("SHOW TRANSACTION FROM ods WHERE label LIKE ?", pattern) {
			got = append(got, row[1])
		}
		if fmt.Sprint(got) != want {
			t.Errorf("LIKE %s: %v, want %s", pattern, got, want)
		}
	}
	all := s.rows("SHOW TRANSACTION FROM ods WHERE label LIKE 'twice'")
	if len(all) != 2 || all[0][0] != fmt.Sprint(second) || all[1][0] != fmt.Sprint(first) {
		t.Errorf("all of a label, newest first: %v", all)
	}
	if got := s.rows("SHOW TRANSACTION FROM ods WHERE label = 'twice'"); len(got) != 1 || got[0][0] != fmt.Sprint(second) {
		t.Errorf("the newest of a label: %v", got)
	}
	if got := s.rows(fmt.Sprintf("SHOW TRANSACTION FROM ods WHERE id LIKE %d", first)); len(got) != 1 || got[0][0] != fmt.Sprint(first) {
		t.Errorf("id LIKE: %v", got)
	}
	for _, q := range []string{fmt.Sprintf("id = '%d'", first), "label LIKE 'a%' ORDER BY label", "label LIKE 'a%' LIMIT 1"} {
		if _, err := s.tryRows("SHOW TRANSACTION FROM ods WHERE " + q); err == nil {
			t.Errorf("%s is not refused", q)
		}
	}
}

func unicodeLabels(t *testing.T) {
	s := withTable(t, doris.Config{})
	got := s.load(table, "合符-1", line(1, 1, "x"))
	s.wantLoad(got, "Success", "OK")
	if state := s.state("%E5%90%88%E7%AC%A6-1"); got.Label != "合符-1" || state != "PRECOMMITTED" {
		t.Errorf("%s is %s", got.Label, state)
	}
	s.want(s.phase("commit", "label", "合符-1"), phaseReply{"Success", "label [合符-1] commit successfully."})
	s.wantLoad(s.load(table, "a.b", line(1, 1, "x")), "Fail",
		"[ANALYSIS_ERROR]TStatus: "+e2+`Label format error. regex: ^[\-_A-Za-z0-9:\p{L}]{1,128}$, label: a.b`)
}

func tableDropped(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.bring("L", "PRECOMMITTED")
	s.exec("DROP TABLE ods." + table)
	got := s.commit(id)
	var number int64
	if n, _ := fmt.Sscanf(got.Msg, "TStatus: errCode = 7, detailMessage = table not found, tableId=%d", &number); n != 1 || got.Status != analysis {
		t.Errorf("%+v", got)
	}
	if got := s.state("L"); got != "PRECOMMITTED" {
		t.Error(got)
	}
	if got := s.phase("abort", "txn_id", fmt.Sprint(id)); got.Status != "Success" {
		t.Errorf("%+v", got)
	}
}

func evictionOrder(t *testing.T) {
	limits := doris.DefaultLimits()
	limits.LabelNum = 3
	s := withTable(t, doris.Config{Limits: &limits})
	s.bring("first", "VISIBLE")
	late := s.bring("late", "PRECOMMITTED") // an older id than the aborted ones, and finishes after them
	s.bring("a1", "ABORTED")
	s.bring("a2", "ABORTED")
	if got := s.state("first"); got != "VISIBLE" {
		t.Errorf("three have finished: %s", got)
	}
	s.commit(late)
	s.until("late", "VISIBLE")
	s.bring("a3", "ABORTED")
	s.bring("a4", "ABORTED")
	if got := s.state("first") + " " + s.state("a1") + " " + s.state("late"); got != "UNKNOWN UNKNOWN VISIBLE" {
		t.Error(got)
	}
	s.bring("a5", "ABORTED")
	if got := s.state("late"); got != "UNKNOWN" {
		t.Errorf("aborts alone: %s", got)
	}
	t.Run("2000 and 0", TestEviction)
}

func precommitTimeout(t *testing.T) {
	clock := newHand()
	cfg := doris.Config{Dir: t.TempDir(), Now: clock.read}
	s := withTable(t, cfg)
	got := s.load(table, "L", line(1, 1, "x"), "timeout", "2")
	clock.move(30 * time.Minute) // the time-out of the header is of PREPARE
	if state := s.state("L"); state != "PRECOMMITTED" {
		t.Error(state)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	limits := doris.DefaultLimits()
	limits.PrecommitTimeout = 31 * time.Minute
	cfg.Limits = &limits
	s = open(t, cfg)
	if state := s.state("L"); state != "PRECOMMITTED" {
		t.Error(state)
	}
	clock.move(2 * time.Minute)
	if state := s.state("L"); state != "ABORTED" {
		t.Errorf("beyond the time-out that is configured now: %s", state)
	}
	s.want(s.commit(got.TxnID), refused("transaction [%d] is already aborted. abort reason: timeout by txn manager", got.TxnID))
}
