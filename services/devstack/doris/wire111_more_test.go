package doris_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// columns are those of a result.
func (s *standIn) columns(q string) []string {
	s.t.Helper()
	rows, err := s.db.QueryContext(s.t.Context(), q)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil || rows.Err() != nil {
		s.t.Fatal(err, rows.Err())
	}
	return names
}

func showNodes(t *testing.T) {
	s := withTable(t, doris.Config{})
	back := s.columns("SHOW BACKENDS")
	if len(back) != 29 || !slices.Contains(back, "TrashUsedCapacity") || strings.Join(back[25:], " ") != "CpuCores Memory LiveSince RunningTasks" {
		t.Errorf("%d: %v", len(back), back)
	}
	front := s.columns("SHOW FRONTENDS")
	if len(front) != 20 || front[19] != "LiveSince" || front[8] != "IsMaster" || front[18] != "CurrentConnected" {
		t.Errorf("%d: %v", len(front), front)
	}
	row := s.rows("SHOW FRONTENDS")[0]
	if row[8] != "true" || row[11] != "true" || row[18] != "Yes" || s.MySQLAddr() != row[1]+":"+row[4] {
		t.Error(row)
	}
	if got := only(s.rows("select HttpPort from backends() where alive = true")); !strings.HasSuffix(s.BEURL(), ":"+got) {
		t.Errorf("backends(): %s", got)
	}
}

func errorNumbers(t *testing.T) {
	s := withTable(t, doris.Config{User: "u1", Password: "right"})
	for _, c := range []struct {
		sql    string
		number int
		state  string
		text   string
	}{
		{"DROP TABLE ods.nope", 1105, "HY000", e2 + "Unknown table 'nope' in ods"},
		{lineageTable, 1105, "HY000", e2 + "Table 'ODS_QL_JC_SSJC' already exists"},
		{"use nodb", 1049, "42000", e2 + "Unknown database 'nodb'"},
		{"SELECT count(*) FROM " + table, 1046, "3D000", e2 + "No database selected"},
	} {
		_, err := s.tryRows(c.sql)
		s.wantError(err, c.number, c.state, c.text)
	}
	ping := func(user, password, db string) error {
		return connect(t, s.Server, user, password, db).PingContext(t.Context())
	}
	s.wantError(ping("u1", "wrong", ""), 1045, "28000", "Access denied for user 'u1@127.0.0.1' (using password: YES)")
	s.wantError(ping("u1", "", "nodb"), 1045, "28000", "Access denied for user 'u1@127.0.0.1' (using password: NO)")
	s.wantError(ping("nobody", "x", ""), 1045, "28000", "Access denied for user 'nobody@127.0.0.1' (using password: YES)")
	s.wantError(ping("u1", "right", "nodb"), 1049, "42000", e2+"Unknown database 'nodb'")
}

func unknownPaths(t *testing.T) {
	s := withTable(t, doris.Config{})
	for _, path := range []string{"/", "/rest/x", "/api/tso"} {
		got := s.call("GET", s.FEURL()+path, nil)
		if got.code != 200 || !strings.HasPrefix(got.text, `{"msg":"Internal Error","code":500,"data":"`) {
			t.Errorf("%s: %d %s", path, got.code, got.text)
		}
	}
}

func showPrivilege(t *testing.T) {
	s := withUsers(t, doris.Config{})
	s.bring("L", "PRECOMMITTED")
	const q = "SHOW TRANSACTION FROM ods WHERE label = 'L'"
	_, err := connect(t, s.Server, "loader", "l", "").ExecContext(t.Context(), q) // LOAD on the table
	s.wantError(err, 1105, "HY000", e2+"Access denied; you need (at least one of) the (Admin_priv,Load_priv) privilege(s) on database ods for this operation")
	if _, err := connect(t, s.Server, "owner", "o'p%s?", "").ExecContext(t.Context(), q); err != nil {
		t.Errorf("LOAD on the database: %v", err)
	}
}

// frontEndChecks: a load's database and table are not looked at, nor anything of a second phase but its login.
func frontEndChecks(t *testing.T) {
	s := withUsers(t, doris.Config{})
	denied := s.call("PUT", s.FEURL()+"/api/ods/"+table+"/_stream_load", nil, "Expect", "100-continue", "Authorization", basicAuth("reader", "r"))
	if want := `{"status":"FAILED","msg":"Access denied; you need (at least one of) the Admin_priv,Load_priv privilege(s) for this operation"}`; strings.TrimSpace(denied.text) != want {
		t.Errorf("without LOAD: %d %s", denied.code, denied.text)
	}
	for _, c := range []struct {
		path   string
		header []string
	}{
		{"/api/nodb/t/_stream_load", []string{"Expect", "100-continue"}},
		{"/api/ods/notbl/_stream_load", []string{"Expect", "100-continue"}},
		{"/api/nodb/_stream_load_2pc", []string{"txn_id", "1", "txn_operation", "foo"}},
		{"/api/ods/_stream_load_2pc", []string{"txn_id", "1", "txn_operation", "commit", "Authorization", basicAuth("reader", "r")}},
	} {
		if got := s.call("PUT", s.FEURL()+c.path, nil, c.header...); got.code != 307 {
			t.Errorf("%s: %d %s", c.path, got.code, got.text)
		}
	}
}

func heartbeat(t *testing.T) {
	clock := newHand()
	s := withTable(t, doris.Config{Now: clock.read})
	aborted := func(label, reason string) {
		t.Helper()
		s.until(label, "ABORTED")
		if got := shown(s.rows("SHOW TRANSACTION FROM ods WHERE label = ?", label)[0], "Reason"); got != reason {
			t.Error(got)
		}
	}
	s.bring("kept", "PRECOMMITTED")
	s.hold("restart")
	for _, step := range []func(int) error{s.StopBE, s.StartBE} {
		if err := step(0); err != nil {
			t.Fatal(err)
		}
	}
	aborted("restart", "coordinate BE restart")
	s.hold("down")
	if err := s.StopBE(0); err != nil {
		t.Fatal(err)
	}
	clock.move(4 * time.Minute)
	if got := s.state("down"); got != "PREPARE" {
		t.Errorf("after 4 minutes: %s", got)
	}
	clock.move(2 * time.Minute)
	aborted("down", "coordinate BE is down")
	if got := s.state("kept"); got != "PRECOMMITTED" {
		t.Errorf("what is PRECOMMITTED needs no back end: %s", got)
	}
}

// TestWire116 asks for the sentences of doris-wire.md §11.6, by their order.
func TestWire116(t *testing.T) {
	runRows(t, upTo(5),
		wireRow{1, "unknown MySQL command", unknownCommand},
		wireRow{2, "root without a password gets in from localhost with any", anyPassword},
		wireRow{3, "USE without privilege", useWithoutPrivilege},
		wireRow{4, "FinishTime of a COMMITTED txn is NULL", committedTimes},
		wireRow{5, "DROP DATABASE in spite of a PRECOMMITTED txn", dropDatabase},
	)
}

// unknownCommand: COM_STMT_PREPARE is one that some front ends do not know, and the stand-in with them.
func unknownCommand(t *testing.T) {
	s := withTable(t, doris.Config{})
	prepared, err := s.db.PrepareContext(t.Context(), "SELECT ?")
	if err == nil {
		defer prepared.Close()
	}
	s.wantError(err, 1047, "08S01", "Unsupported command(COM_STMT_PREPARE)")
}

func anyPassword(t *testing.T) {
	s := withTable(t, doris.Config{})
	if err := connect(t, s.Server, "root", "anything", "ods").PingContext(t.Context()); err != nil {
		t.Error(err)
	}
	got := s.call("GET", s.FEURL()+"/api/ods/get_load_state?label=x", nil, "Authorization", basicAuth("root", "anything"))
	want := `{"msg":"Unauthorized","code":401,"data":"Access denied for user 'root@127.0.0.1' (using password: YES)","count":0}`
	if strings.TrimSpace(got.text) != want {
		t.Error(got.text)
	}
}

func useWithoutPrivilege(t *testing.T) {
	s := withUsers(t, doris.Config{})
	_, err := connect(t, s.Server, "reader", "r", "ods").ExecContext(t.Context(), "USE other")
	s.wantError(err, 1105, "HY000", e2+"Access denied for user 'reader' to database 'other'")
	err = connect(t, s.Server, "reader", "r", "other").PingContext(t.Context())
	s.wantError(err, 1044, "42000", e2+"Access denied for user 'reader' to database 'other'")
}

func committedTimes(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.bring("L", "COMMITTED")
	row := s.rows("SHOW TRANSACTION FROM ods WHERE id = ?", id)[0]
	if commit, finish := shown(row, "CommitTime"), shown(row, "FinishTime"); commit == "NULL" || finish != "NULL" {
		t.Errorf("committed %s, finished %s", commit, finish)
	}
}

func dropDatabase(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.bring("L", "PRECOMMITTED")
	s.exec("DROP DATABASE ods")
	if got := fmt.Sprint(s.rows("SHOW DATABASES")); got != "[[information_schema]]" {
		t.Error(got)
	}
	var n sql.NullInt64
	if err := s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM information_schema.tables").Scan(&n); err != nil || n.Int64 != 0 {
		t.Errorf("%v %v", n, err)
	}
}
