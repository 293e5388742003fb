package doris_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

const table = "ODS_QL_JC_SSJC"

// TestJourney is the life that matters: load, look up, commit, see.
func TestJourney(t *testing.T) {
	s := withTable(t, doris.Config{})
	reply := s.load(table, "hefu-1", line(3, 10, `{"a":"ü\n"}`)+line(3, 11, "x")+line(4, 10, ""))
	if reply.Status != "Success" || reply.Total != 3 || reply.Loaded != 3 || reply.TwoPhase != "true" || reply.Message != "OK" {
		t.Fatalf("load: %+v", reply)
	}
	if got := s.state("hefu-1"); got != "PRECOMMITTED" {
		t.Errorf("state before commit: %s", got)
	}
	if got := s.rows("SELECT count(*) FROM ods." + table)[0][0]; got != "0" {
		t.Errorf("%s rows visible before the commit", got)
	}
	want := phaseReply{"Success", fmt.Sprintf("transaction [%d] commit successfully.", reply.TxnID)}
	if got := s.commit(reply.TxnID); got != want {
		t.Errorf("commit: %+v", got)
	}
	s.until("hefu-1", "VISIBLE")
	rows := s.rows("SELECT * FROM ods." + table + " WHERE hw_partition_id = 3 AND hw_offset_id >= 10 AND hw_offset_id < 12 ORDER BY hw_offset_id")
	wantRows := [][]string{
		{"3", "10", "320100", "2024-05-01 12:00:00.123456", `{"a":"ü\n"}`, "4", "17", "2024-05-01 12:00:00.120", "2024-05-01 12:00:01.500"},
		{"3", "11", "320100", "2024-05-01 12:00:00.123456", "x", "4", "18", "2024-05-01 12:00:00.120", "2024-05-01 12:00:01.500"},
	}
	if d := cmp.Diff(wantRows, rows); d != "" {
		t.Error(d)
	}
	shown := s.rows("SHOW TRANSACTION FROM ods WHERE id = ?", reply.TxnID)
	if len(shown) != 1 || len(shown[0]) != 15 || shown[0][1] != "hefu-1" || shown[0][3] != "VISIBLE" || strings.Contains(shown[0][9], "NULL") {
		t.Errorf("SHOW TRANSACTION: %q", shown)
	}
}
