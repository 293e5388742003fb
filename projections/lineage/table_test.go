package lineage_test

import (
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

// TestDown: a ClickHouse that is not there is tried again, with a word about why, and so is
// one that goes away.
func TestDown(t *testing.T) {
	w := newWorld(t, kind{})
	there := w.cfg.Conn.Addresses
	w.cfg.Conn.Addresses = []string{"127.0.0.1:1", "127.0.0.1:2"}
	p := w.start()
	s := p.reaches("several tries", func(s projections.Status) bool { return s.State == projections.StateRetrying })
	if !strings.Contains(s.Error, "127.0.0.1:1") || !strings.Contains(s.Error, "127.0.0.1:2") {
		t.Errorf("it says %q", s.Error)
	}
	p.stop()
	w.cfg.Conn.Addresses = append(w.cfg.Conn.Addresses, there...)
	p = w.start()
	p.until(w.Feed())
	p.stop()
	w.Tally()
	if log := w.log.String(); strings.Contains(log, password) {
		t.Error("the password is in the log")
	}
}

// TestStatus: what the leg says of itself.
func TestStatus(t *testing.T) {
	w := newWorld(t, kind{})
	p := w.start()
	at := w.Feed()
	p.until(at)
	s := p.reaches("its cursor", func(s projections.Status) bool { return s.Cursor == at })
	if s.Rows != 8 || s.Excluded != 6 || s.Open != 0 || s.State != projections.StateRunning {
		t.Errorf("it says %+v", s)
	}
	p.stop()
}

// TestTable: a table that does not hold what is written is said with what is wrong, and is
// looked at again.
func TestTable(t *testing.T) {
	for name, c := range map[string]struct {
		have []field
		says string
	}{
		"another type": {[]field{{"city", "UInt8"}}, "it has no column journal String"},
		"none of ours": {[]field{{"x", "UInt8"}}, "another one was made by: CREATE TABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, kind{})
			w.model.columns = c.have
			_, err := w.Process().Open(w.ctx)
			if err == nil || !strings.Contains(err.Error(), "table db.lineage of ClickHouse: ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("opened with %v, want %s", err, c.says)
			}
		})
	}
}

// TestRefused: a server that refuses is quoted, with the statement.
func TestRefused(t *testing.T) {
	for what, says := range map[string]string{"CREATE TABLE": "CREATE TABLE IF NOT EXISTS `db`.`lineage`", "CREATE DATABASE": "CREATE DATABASE IF NOT EXISTS `db`", "system.columns": "no rights"} {
		w := newWorld(t, kind{})
		w.model.refuse[what] = clickhouse.Refuse(proto.ErrAccessDenied, "no rights for that")
		_, err := w.Process().Open(w.ctx)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "no rights for that") {
			t.Errorf("%s refused: opened with %v", what, err)
		}
	}
}
