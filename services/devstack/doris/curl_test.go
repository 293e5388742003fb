package doris_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestCurl loads as the manual tells people to: curl to a front end, --location-trusted, Expect; then commits by id.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not there: not run with it")
	}
	s := open(t, doris.Config{User: "hefu", Password: "p@ss/word"})
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.t (id INT NOT NULL, v STRING) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
	want := [][]string{{"1", "a"}, {"2", "NULL"}, {"3", `c "d"`}}
	for _, c := range []struct {
		name, body string
		stdin      bool // chunked, of a length that curl does not know
		header     []string
	}{
		{name: "lines", body: "{\"id\":1,\"v\":\"a\"}\n{\"id\":2}\n{\"id\":3,\"v\":\"c \\\"d\\\"\"}\n", header: []string{"format: json", "read_json_by_line: true"}},
		{name: "chunked", stdin: true, body: "{\"id\":1,\"v\":\"a\"}\n{\"id\":2}\n{\"id\":3,\"v\":\"c \\\"d\\\"\"}\n", header: []string{"format: json", "read_json_by_line: true"}},
		{name: "array", body: `[{"id":1,"v":"a"},{"id":2},{"id":3,"v":"c \"d\""}]`, header: []string{"format: json", "strip_outer_array: true"}},
		{
			name: "gzip", body: zipped("{\"id\":1,\"v\":\"a\"}\n{\"id\":2}\n{\"id\":3,\"v\":\"c \\\"d\\\"\"}\n"),
			header: []string{"format: json", "read_json_by_line: true", "compress_type: gz"},
		},
		{name: "csv", body: "1\ta\n2\t\\N\n3\tc \"d\"\n"},
		{name: "csv-comma", stdin: true, body: "1,a\n2,\\N\n3,c \"d\"\n", header: []string{"column_separator: ,"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.exec("TRUNCATE TABLE ods.t")
			from, stdin := filepath.Join(t.TempDir(), "rows"), ""
			if err := os.WriteFile(from, []byte(c.body), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.stdin {
				from, stdin = "-", c.body
			}
			args := []string{"-T", from, "-H", "label: " + c.name, "-H", "two_phase_commit: true"}
			for _, h := range c.header {
				args = append(args, "-H", h)
			}
			var reply loadReply
			s.curl(stdin, &reply, append(args, "-H", "Expect: 100-continue", s.FEURL()+"/api/ods/t/_stream_load")...)
			if reply.Status != "Success" || reply.Loaded != 3 || reply.Label != c.name {
				t.Fatalf("%+v", reply)
			}
			var done phaseReply
			s.curl("", &done, "-X", "PUT", "-H", fmt.Sprintf("txn_id: %d", reply.TxnID), "-H", "txn_operation: commit", s.FEURL()+"/api/ods/_stream_load_2pc")
			if done != (phaseReply{"Success", fmt.Sprintf("transaction [%d] commit successfully.", reply.TxnID)}) {
				t.Errorf("%+v", done)
			}
			s.until(c.name, "VISIBLE")
			if d := cmp.Diff(want, s.rows("SELECT id, v FROM ods.t ORDER BY id")); d != "" {
				t.Error(d)
			}
		})
	}
	var refused phaseReply
	s.curl("", &refused, "-T", "/dev/null", "-H", "Expect:", s.FEURL()+"/api/ods/t/_stream_load")
	if refused != (phaseReply{"FAILED", "There is no 100-continue header"}) {
		t.Errorf("without Expect: %+v", refused)
	}
}

// curl runs it as hefu, with the credentials in a file: a password on a command line is everybody's.
func (s *standIn) curl(stdin string, reply any, args ...string) {
	s.t.Helper()
	config := filepath.Join(s.t.TempDir(), "curlrc")
	if err := os.WriteFile(config, []byte("user = \"hefu:p@ss/word\"\nlocation-trusted\nsilent\nshow-error\nmax-time = 60\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), "curl", append([]string{"-q", "-K", config}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("curl %q: %v: %s", args, err, complaints.String())
	}
	if err := json.Unmarshal(out.Bytes(), reply); err != nil {
		s.t.Fatalf("curl %q: %v: %s", args, err, out.String())
	}
}
