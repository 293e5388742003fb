package doris_test

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// withUsers has loader with LOAD on one table, reader with SELECT on a database, owner with both on it, admin, and
// nobody, who has a password and nothing else.
func withUsers(t *testing.T, cfg doris.Config) *standIn {
	s := withTable(t, cfg)
	s.exec("CREATE DATABASE other")
	for _, q := range []string{
		"CREATE USER loader IDENTIFIED BY 'l'", "GRANT LOAD_PRIV ON internal.ods.ODS_QL_JC_SSJC TO loader",
		"CREATE USER 'reader'@'%' IDENTIFIED BY 'r'", "GRANT SELECT_PRIV ON ods.* TO 'reader'@'%'",
		"CREATE USER owner IDENTIFIED BY 'o\\'p%s?'", "GRANT SELECT_PRIV, load_priv ON ods.* TO owner",
		"CREATE USER admin", "GRANT ADMIN_PRIV ON *.*.* TO admin",
		"CREATE USER nobody IDENTIFIED BY 'n'",
	} {
		s.exec(q)
	}
	return s
}

func basicAuth(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// mustRefuse wants the number of an error, and its words.
func mustRefuse(t *testing.T, err error, number uint16, text string) {
	t.Helper()
	var got *mysql.MySQLError
	if !errors.As(err, &got) || got.Number != number || got.Message != text {
		t.Errorf("got  %v\nwant %d %s", err, number, text)
	}
}

// TestPrivilegesOverHTTP: doris-wire.md §11.1 row 21 and §11.2.
func TestPrivilegesOverHTTP(t *testing.T) {
	s := withUsers(t, doris.Config{})
	const path = "/api/ods/" + table + "/_stream_load"
	const begin = "[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = Access denied; you need (at least one of) the " +
		"(priv predicate: OR, Admin_priv,Load_priv) privilege(s) for this operation"
	for _, c := range []struct {
		user, password string
		may            bool
	}{{"loader", "l", true}, {"owner", "o'p%s?", true}, {"admin", "", true}, {"reader", "r", false}, {"nobody", "n", false}} {
		login := []string{"Authorization", basicAuth(c.user, c.password)}
		got := s.call("PUT", s.FEURL()+path, nil, append(login, "Expect", "100-continue")...)
		const refused = `{"status":"FAILED","msg":"Access denied; you need (at least one of) the Admin_priv,Load_priv privilege(s) for this operation"}` + "\n"
		if c.may && got.code != http.StatusTemporaryRedirect || !c.may && (got.code != http.StatusOK || got.text != refused) {
			t.Errorf("%s at the front end: %d %s", c.user, got.code, got.text)
		}
		var reply loadReply
		s.call("PUT", s.BEURL()+path, bytes.NewBufferString(line(1, 1, "x")),
			append(login, "format", "json", "label", c.user, "two_phase_commit", "true")...).decode(t, &reply)
		if c.may && reply.Status != "Success" || !c.may && (reply.Message != begin || reply.TxnID != -1 || s.state(c.user) != "UNKNOWN") {
			t.Errorf("%s at the back end: %+v", c.user, reply)
		}
		state := s.call("GET", s.FEURL()+"/api/ods/get_load_state?label=loader", nil, login...)
		if want := `{"msg":"success","code":0,"data":"PRECOMMITTED","count":0}` + "\n"; state.text != want {
			t.Errorf("%s asks for a state: %s", c.user, state.text)
		}
		if c.may {
			continue
		}
		if got := s.call("PUT", s.FEURL()+"/api/ods/_stream_load_2pc", nil, append(login, "label", "loader", "txn_operation", "abort")...); got.code != http.StatusTemporaryRedirect {
			t.Errorf("%s: the front end checks no second phase: %d %s", c.user, got.code, got.text)
		}
		for _, by := range [][]string{{"label", "loader"}, {"txn_id", "1"}} {
			if got := s.phase("abort", append(login, by...)...); "["+got.Status+"]"+got.Msg != begin || s.state("loader") != "PRECOMMITTED" {
				t.Errorf("%s aborts by %v: %+v", c.user, by, got)
			}
		}
	}
	schema := s.call("GET", s.FEURL()+"/api/ods/"+table+"/_schema", nil, "Authorization", basicAuth("loader", "l"))
	if want := `{"msg":"Unauthorized","code":401,"data":"Access denied; you need (at least one of) the Admin_priv,Select_priv privilege(s) for this operation","count":0}` + "\n"; schema.text != want {
		t.Error(schema.text)
	}
}

// TestPrivilegesInSQL: doris-wire.md §11.1 rows 14 and 19, and §11.6.
func TestPrivilegesInSQL(t *testing.T) {
	s := withUsers(t, doris.Config{})
	reply := s.load(table, "L", line(1, 1, "x"))
	s.commit(reply.TxnID)
	s.until("L", "VISIBLE")
	as := func(user, password, db string) *sql.DB { return connect(t, s.Server, user, password, db) }
	const detail = "errCode = 2, detailMessage = "
	const watch = detail + "Access denied; you need (at least one of) the (Admin_priv,Load_priv) privilege(s) on database ods for this operation"
	read := func(user string) string {
		return detail + "Permission denied: user ['" + user + "'@'%'] does not have privilege for [priv predicate: OR, Admin_priv,Select_priv] command on [internal].[ods].[" + table + "]"
	}
	for _, c := range []struct {
		user, password string
		reads, watches bool
	}{
		{"loader", "l", false, false}, // LOAD on the table is not enough to watch
		{"reader", "r", true, false},
		{"owner", "o'p%s?", true, true},
		{"admin", "", true, true},
		{"nobody", "n", false, false},
	} {
		db := as(c.user, c.password, "")
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM ods."+table).Scan(&n); c.reads {
			if err != nil || n != 1 {
				t.Errorf("%s reads: %d, %v", c.user, n, err)
			}
		} else {
			mustRefuse(t, err, 1105, read(c.user))
		}
		for _, q := range []string{"SHOW TRANSACTION FROM ods WHERE label = 'L'", "CLEAN LABEL nix FROM ods"} {
			if _, err := db.ExecContext(t.Context(), q); c.watches {
				if err != nil {
					t.Errorf("%s: %s: %v", c.user, q, err)
				}
			} else {
				mustRefuse(t, err, 1105, watch)
			}
		}
		var seen int
		err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM information_schema.tables WHERE TABLE_SCHEMA = 'ods'").Scan(&seen)
		if want := map[bool]int{true: 1}[c.user != "nobody"]; err != nil || seen != want {
			t.Errorf("%s sees %d tables, %v", c.user, seen, err)
		}
	}
	const enter = detail + "Access denied for user 'nobody' to database 'ods'"
	mustRefuse(t, as("nobody", "n", "ods").PingContext(t.Context()), 1044, enter)
	_, err := as("nobody", "n", "").ExecContext(t.Context(), "USE ods")
	mustRefuse(t, err, 1105, enter)
	if err := as("loader", "l", "ods").PingContext(t.Context()); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ user, password, using string }{{"loader", "x", "YES"}, {"loader", "", "NO"}, {"admin", "x", "YES"}, {"stranger", "x", "YES"}} {
		mustRefuse(t, as(c.user, c.password, "").PingContext(t.Context()), 1045,
			fmt.Sprintf("Access denied for user '%s@127.0.0.1' (using password: %s)", c.user, c.using))
	}
	_, err = as("owner", "o'p%s?", "").ExecContext(t.Context(), "GRANT LOAD_PRIV ON *.* TO owner")
	mustRefuse(t, err, 1227, detail+"Access denied; you need (at least one of) the (GRANT) privilege(s) for this operation")
	if _, err := as("owner", "o'p%s?", "").ExecContext(t.Context(), "DROP TABLE ods."+table); err == nil {
		t.Error("one who may load and read has dropped the table")
	}
}

// TestUsersLast: users and grants are there after a kill, a dropped one leaves nothing, and no file holds a password.
func TestUsersLast(t *testing.T) {
	dir := t.TempDir()
	s := withUsers(t, doris.Config{Dir: dir, User: "own", Password: "configured secret"})
	s.exec("CREATE USER IF NOT EXISTS loader IDENTIFIED BY 'another'") // it keeps its own
	s.exec("CREATE USER late IDENTIFIED BY 'late secret'")
	s.exec("GRANT ALL ON ods.* TO late")
	s.exec("REVOKE LOAD_PRIV ON ods.* FROM late")
	s.exec("DROP USER reader")
	s.exec("DROP USER IF EXISTS reader")
	s.exec("CREATE USER reader IDENTIFIED BY 'r'")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("late secret")) || bytes.Contains(text, []byte("configured secret")) {
			t.Errorf("a password in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, doris.Config{Dir: dir, User: "own", Password: "configured secret"})
	for user, want := range map[string]bool{basicAuth("loader", "l"): true, basicAuth("loader", "another"): false, basicAuth("late", "late secret"): false, basicAuth("own", "configured secret"): true} {
		got := s.call("PUT", s.FEURL()+"/api/ods/"+table+"/_stream_load", nil, "Authorization", user, "Expect", "100-continue")
		if (got.code == http.StatusTemporaryRedirect) != want {
			t.Errorf("%s: %d %s", user, got.code, got.text)
		}
	}
	var n int
	if err := connect(t, s.Server, "late", "late secret", "ods").QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Error(err)
	}
	if err := connect(t, s.Server, "reader", "r", "ods").PingContext(t.Context()); err == nil {
		t.Error("a new user has inherited from the one that was dropped")
	}
	for q, want := range map[string]string{
		"CREATE USER loader":                           "User 'loader'@'%' already exist",
		"CREATE USER root":                             "User 'root'@'%' already exist",
		"CREATE USER 'x'@'10.0.0.1'":                   "stand-in does not support users of one host: 10.0.0.1",
		"DROP USER stranger":                           "user 'stranger'@'%' does not exist",
		"DROP USER IF EXISTS own":                      "stand-in does not support changes of user 'own'",
		"GRANT LOAD_PRIV ON ods.* TO stranger":         "user 'stranger'@'%' does not exist",
		"GRANT FOO_PRIV ON ods.* TO loader":            "Unknown privilege type FOO_PRIV",
		"GRANT ADMIN_PRIV ON ods.* TO loader":          "ADMIN_PRIV privilege can only be granted/revoked on/from *.*.*",
		"GRANT LOAD_PRIV ON *." + table + " TO loader": "stand-in does not support this statement, near: TO loader",
	} {
		_, err := s.db.ExecContext(t.Context(), q)
		mustRefuse(t, err, 1105, "errCode = 2, detailMessage = "+want)
	}
	if d := cmp.Diff([][]string{{"0"}}, s.rows("SELECT count(*) FROM ods."+table)); d != "" {
		t.Error(d)
	}
}
