package doris_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestErrorLog: what the log shows of a row depends on who refused it: the reader its text, the cast its values, the
// writer nothing.
func TestErrorLog(t *testing.T) {
	s := withTable(t, doris.Config{})
	row := strings.TrimSuffix(line(1, 2, "r"), "\n")
	bad := []string{
		`{"hw_partition_id":1}`,
		strings.Replace(row, `"hw_offset_id":2`, `"hw_offset_id":"x y"`, 1),
		strings.Replace(row, "320100", strings.Repeat("3", 17), 1),
	}
	const values = "320100 2024-05-01 12:00:00.123456 r 2 9 2024-05-01 12:00:00.120 2024-05-01 12:00:01.500"
	want := "Reason: The column `hw_offset_id` is not nullable, but it's not found in jsondata.. src line [" + bad[0] + "]; \n" +
		"Reason: column(hw_offset_id) value is incorrect while strict mode is true, src value is x y. src line [1 x y " + values + "]; \n" +
		"Reason: column_name[sscsdm], the length of input is too long than schema. first 32 bytes of input str: [33333333333333333] " +
		"schema length: 16; actual length: 17; . src line []; \n"
	reply := s.load(table, "L", row+"\n"+strings.Join(bad, "\n"), "max_filter_ratio", "1", "strict_mode", "true")
	if reply.Status != "Success" || reply.Total != 4 || reply.Loaded != 1 || reply.Filtered != 3 {
		t.Errorf("%+v", reply)
	}
	log := s.call("GET", reply.ErrorURL, nil)
	if d := cmp.Diff(want, log.text); d != "" || log.code != http.StatusOK {
		t.Errorf("%d\n%s", log.code, d)
	}
	if got := s.call("GET", s.BEURL()+"/api/_load_error_log?file=../meta.db", nil); got.code != http.StatusNotFound {
		t.Errorf("outside the folder: %d", got.code)
	}
}

// TestErrorLogIsBounded: with ratio 1 every row is looked at, all may be filtered, and 51 of them are written down;
// with ratio 0 the first is the last.
func TestErrorLogIsBounded(t *testing.T) {
	s := withTable(t, doris.Config{})
	body := strings.Repeat(`{"hw_partition_id":1}`+"\n", 100)
	all := s.load(table, "all", body, "max_filter_ratio", "1")
	if all.Status != "Success" || all.Total != 100 || all.Loaded != 0 || all.Filtered != 100 {
		t.Errorf("%+v", all)
	}
	if n := strings.Count(s.call("GET", all.ErrorURL, nil).text, "\n"); n != 51 {
		t.Errorf("%d lines", n)
	}
	if got := s.commit(all.TxnID); got.Status != "Success" {
		t.Errorf("commit of no rows: %+v", got)
	}
	s.until("all", "VISIBLE")
	first := s.load(table, "first", body)
	if first.Status != "Fail" || first.Filtered != 1 || first.Message != "[DATA_QUALITY_ERROR]Encountered unqualified data, stop processing" {
		t.Errorf("%+v", first)
	}
	if n := strings.Count(s.call("GET", first.ErrorURL, nil).text, "\n"); n != 1 {
		t.Errorf("%d lines", n)
	}
	half := s.load(table, "half", line(1, 1, "x")+body[:strings.Index(body, "\n")], "max_filter_ratio", "0.49")
	if half.Message != "[DATA_QUALITY_ERROR]too many filtered rows" || s.state("half") != "ABORTED" {
		t.Errorf("%+v", half)
	}
}

// TestAnswerAfterBody: a load that fails at its first row is answered when the client has written all of it.
func TestAnswerAfterBody(t *testing.T) {
	s := withTable(t, doris.Config{})
	var body strings.Builder
	for n := range 200_000 {
		fmt.Fprintf(&body, "{\"hw_partition_id\":%d}\n", n)
	}
	for _, h := range [][]string{{"Expect", "100-continue"}, {"Expect", ""}} {
		got := s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", strings.NewReader(body.String()),
			append(h, "format", "json", "read_json_by_line", "true", "label", "L", "two_phase_commit", "true")...)
		var reply loadReply
		got.decode(t, &reply)
		if reply.Status != "Fail" || reply.LoadBytes != int64(body.Len()) {
			t.Errorf("%v: %+v", h, reply)
		}
	}
}

// TestZippedReply: a reply is compressed for those who ask for it, an error log is not.
func TestZippedReply(t *testing.T) {
	s := withTable(t, doris.Config{})
	got := s.call("PUT", s.BEURL()+"/api/ods/"+table+"/_stream_load", strings.NewReader("{}"), "format", "json", "Accept-Encoding", "gzip")
	if got.err != nil || got.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%+v", got)
	}
	var reply loadReply
	if err := json.NewDecoder(unzip(t, strings.NewReader(got.text))).Decode(&reply); err != nil || reply.Filtered != 1 {
		t.Errorf("%+v, %v", reply, err)
	}
	if log := s.call("GET", reply.ErrorURL, nil, "Accept-Encoding", "gzip"); log.header.Get("Content-Encoding") != "" || !strings.HasPrefix(log.text, "Reason: ") {
		t.Errorf("%+v", log)
	}
}

func unzip(t testing.TB, in io.Reader) io.Reader {
	t.Helper()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
