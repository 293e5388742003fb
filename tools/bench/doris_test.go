package main

import (
	"bytes"
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/projections/dorisconn"
	standindoris "github.com/hefu-io/hefu/services/devstack/doris"
)

// The whole of `bench doris` with so few rows that its numbers mean nothing: every line
// of the table is there, and every number in it is one that can be.
func TestBenchDoris(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("the bench reads /proc")
	}
	var out bytes.Buffer
	if err := runDoris(t.Context(), dorisOptions{rows: 10_010, size: 200, runs: 1, dir: t.TempDir(), out: &out}); err != nil {
		t.Fatal(err)
	}
	const number = `[1-9][0-9]*`
	for _, line := range []string{
		`Doris stand-in in its own process, UNIQUE key; .*; medians of 1 runs`,
		`from the open leg .*; ` + number + ` loads, 4[0-9][0-9] bytes of JSON a row`,
		`10010 rows of 200 B +rows/s +JSON MB/s +CPU-s per M +share of CPU +peak RSS`,
		`hefu +` + number + ` +[0-9]+ +[0-9.]+ +[0-9]+ % +` + number + ` MiB`,
		`stand-in +[0-9.]+ +[0-9]+ % +` + number + ` MiB`,
		`hefu / stand-in +[0-9.+InfNa]+ +[0-9.]+`,
		`encoder alone, one core +` + number,
		`aim for the encoder +≥ 300`,
	} {
		if !regexp.MustCompile(`(?m)^ *` + line + ` *$`).MatchString(out.String()) {
			t.Errorf("no line like %q in\n%s", line, &out)
		}
	}
}

// Rows that are in the table twice must not pass for speed.
func TestDorisRowsAreCounted(t *testing.T) {
	s, err := standindoris.Open(t.Context(), standindoris.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := dorisconn.Open(dorisconn.Config{FE: []string{s.FEURL()}, MySQL: []string{s.MySQLAddr()}, User: "root"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := start(t.TempDir(), "nothing", "cat")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.kill(); err != nil {
			t.Error(err)
		}
	}()
	if err := makeTable(t.Context(), p, c, dorisTable); err != nil {
		t.Fatal(err)
	}
	if err := holds(t.Context(), c, dorisTable, 0); err != nil {
		t.Errorf("an empty table: %v", err)
	}
	err = c.Ask(t.Context(), func(c *sql.Conn) error {
		_, err := c.ExecContext(t.Context(), "INSERT INTO "+dorisDatabase+"."+dorisTable+
			" VALUES (1, 2, '320100', '2024-05-01 00:00:00', 'x', 0, 0, '2024-05-01 00:00:00', '2024-05-01 00:00:00')")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := holds(t.Context(), c, dorisTable, 0); err == nil || !strings.Contains(err.Error(), "the table has 1 rows, the journal 0") {
		t.Errorf("one row too many: %v", err)
	}
}

// A leg that cannot work says why, instead of a file that is not there.
func TestDorisLegFails(t *testing.T) {
	dir := t.TempDir()
	if err := prepareJournal(t.Context(), filepath.Join(dir, "journal"), 10, 200); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(t.TempDir(), "nothing", "cat")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.kill(); err != nil {
			t.Error(err)
		}
	}()
	err = runLeg(t.Context(), dir, self, [3]string{gone, gone, gone}, p, wayLive, "", &legResult{})
	if err == nil || !strings.Contains(err.Error(), "doris-leg ended by itself") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("ended with %v", err)
	}
}
