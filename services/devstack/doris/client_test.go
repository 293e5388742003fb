package doris_test

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// stockClient is the MySQL client of the machine, MySQL's or MariaDB's.
func stockClient(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"mariadb", "mysql"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("SKIPPED: neither mariadb nor mysql is on this machine: the stock MySQL client is not tried")
	return ""
}

// ask runs the client once, in batch mode: tabs between cells, no frame.
func (s *standIn) ask(client, user, password, db, sql string) (out, complaint string) {
	s.t.Helper()
	host, port, err := net.SplitHostPort(s.MySQLAddr())
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	args := []string{"--no-defaults", "--protocol=tcp", "-h", host, "-P", port, "-u", user, "--batch", "-e", sql}
	if password != "" {
		args = append(args, "--password="+password)
	}
	if db != "" {
		args = append(args, db)
	}
	cmd := exec.CommandContext(ctx, client, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // a refusal ends it with 1, and is in what it complains of
	return stdout.String(), stderr.String()
}

// TestStockClient (tier 2 installs a client, with HEFU_TEST_MARIADB) looks at rows, tables and transactions with a client that we did not write.
func TestStockClient(t *testing.T) {
	client := stockClient(t)
	s := withTable(t, doris.Config{User: "hefu", Password: "secret"})
	s.bring("hefu-1", "VISIBLE")
	for _, c := range []struct{ name, sql, want string }{
		{
			"rows", "SELECT hw_partition_id, hw_offset_id, record, extract_time FROM " + table,
			"hw_partition_id\thw_offset_id\trecord\textract_time\n1\t1\thefu-1\t2024-05-01 12:00:00.123456\n",
		},
		{"sums", "SELECT count(*) AS n, sum(cast(hw_offset_id AS LARGEINT)) AS s FROM " + table, "n\ts\n1\t1\n"},
		{"nothing", "SELECT record FROM " + table + " WHERE hw_offset_id = 99", ""},
		{"tables", "SHOW TABLES", "Tables_in_ods\n" + table + "\n"},
		{"two statements", "USE ods; SELECT 'a' AS a; SELECT 'b' AS b", "a\na\nb\nb\n"},
		{"version", "SELECT @@version_comment AS v", "v\n" + doris.Banner + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if out, complaint := s.ask(client, "hefu", "secret", "ods", c.sql); out != c.want || complaint != "" {
				t.Errorf("got %q, %s\nwant %q", out, complaint, c.want)
			}
		})
	}
	out, complaint := s.ask(client, "root", "", "", "SHOW TRANSACTION FROM ods WHERE label LIKE 'hefu-%'\\G")
	if !strings.Contains(out, "Label: hefu-1\n") || !strings.Contains(out, "TransactionStatus: VISIBLE\n") {
		t.Errorf("show transaction: %s %s", out, complaint)
	}
	for _, c := range []struct{ user, password, db, sql, want string }{
		{"hefu", "wrong", "ods", "SELECT 1", "ERROR 1045 (28000): Access denied for user 'hefu@127.0.0.1' (using password: YES)"},
		{"hefu", "secret", "nodb", "SELECT 1", "ERROR 1049 (42000): errCode = 2, detailMessage = Unknown database 'nodb'"},
		{"hefu", "secret", "ods", "SELECT nope FROM " + table, "ERROR 1105 (HY000) at line 1: errCode = 2, detailMessage = Unknown column 'nope' in 'table list'"},
	} {
		if _, complaint := s.ask(client, c.user, c.password, c.db, c.sql); !strings.Contains(complaint, c.want) {
			t.Errorf("got %s\nwant %s", complaint, c.want)
		}
	}
}
