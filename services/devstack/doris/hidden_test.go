package doris_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestDeleteSign: a row with the sign takes away the row of its key, among those before it in the load and those in
// the table; a table without keys of one row each has no such column.
func TestDeleteSign(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	const body = `{"id":1,"v":"a"}
{"id":2,"v":"b"}
{"id":1,"__DORIS_DELETE_SIGN__":"1"}
{"id":3,"__DORIS_DELETE_SIGN__":1}
{"id":3,"v":"c","__DORIS_DELETE_SIGN__":0}
{"id":9,"__DORIS_DELETE_SIGN__":"1"}
`
	for _, c := range []struct {
		name, model string
		header      []string
		want        [][]string
	}{
		{"hidden", "UNIQUE", []string{"hidden_columns", "__DORIS_DELETE_SIGN__"}, [][]string{{"2", "b"}, {"3", "c"}}},
		{"listed", "UNIQUE", []string{"columns", "id, v, `__DORIS_DELETE_SIGN__`"}, [][]string{{"2", "b"}, {"3", "c"}}},
		{"both, and not listed", "UNIQUE", []string{"columns", "id,v", "hidden_columns", "__DORIS_DELETE_SIGN__"}, [][]string{{"1", "NULL"}, {"2", "b"}, {"3", "c"}, {"9", "NULL"}}},
		{"neither", "UNIQUE", nil, [][]string{{"1", "NULL"}, {"2", "b"}, {"3", "c"}, {"9", "NULL"}}},
		{"unknown", "UNIQUE", []string{"hidden_columns", "__DORIS_X__"}, [][]string{{"1", "NULL"}, {"2", "b"}, {"3", "c"}, {"9", "NULL"}}},
		{
			"duplicate", "DUPLICATE",
			[]string{"hidden_columns", "__DORIS_DELETE_SIGN__"},
			[][]string{{"1", "a"}, {"1", "NULL"}, {"2", "b"}, {"3", "c"}, {"3", "NULL"}, {"3", "old"}, {"9", "NULL"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := strings.ReplaceAll(strings.ReplaceAll(c.name, " ", "_"), ",", "")
			s.exec("CREATE TABLE ods." + name + " (id INT NOT NULL, v VARCHAR(16)) " + c.model + " KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
			s.commit(s.load(name, name+"-0", `{"id":3,"v":"old"}`).TxnID)
			reply := s.load(name, name, body, c.header...)
			if reply.Status != "Success" || reply.Loaded != 6 {
				t.Fatalf("%+v", reply)
			}
			s.commit(reply.TxnID)
			s.until(name, "VISIBLE")
			got := s.rows("SELECT id, v FROM ods." + name + " ORDER BY id, ifnull(v, 'n')")
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestManyDeletes takes more rows away than one statement writes, and keeps the order of both kinds.
func TestManyDeletes(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.d (id INT NOT NULL, v STRING NOT NULL) UNIQUE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
	var body strings.Builder
	for range 3 {
		for id := range 130 {
			body.WriteString(`{"id":` + strconv.Itoa(id) + `,"v":"` + strings.Repeat("x", 100) + `"}` + "\n")
		}
		for id := range 130 {
			body.WriteString(`{"id":` + strconv.Itoa(id) + `,"v":"","__DORIS_DELETE_SIGN__":"` + strconv.Itoa(id%2) + `"}` + "\n")
		}
	}
	s.commit(s.load("d", "L", body.String(), "hidden_columns", "__DORIS_DELETE_SIGN__").TxnID)
	s.until("L", "VISIBLE")
	if got := s.rows("SELECT count(*), sum(id % 2), max(v) FROM ods.d")[0]; cmp.Diff([]string{"65", "0", ""}, got) != "" {
		t.Error(got)
	}
}
