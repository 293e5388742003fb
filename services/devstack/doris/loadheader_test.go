package doris_test

import (
	"testing"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestLoadHeaders: what each header is refused with, by the back end before it begins (no transaction), by the back
// end after it, or by the front end's plan (both rolled back). Rows of doris-wire.md §1.5 and §11.3.
func TestLoadHeaders(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.dup (id INT NOT NULL, v VARCHAR(16), w INT DEFAULT '7') DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
	s.exec("CREATE TABLE ods.rnd (id INT NOT NULL) DUPLICATE KEY(id) DISTRIBUTED BY RANDOM BUCKETS 1")
	s.exec("CREATE TABLE ods.uni (id INT NOT NULL, v VARCHAR(16)) UNIQUE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1")
	const plan = "[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = "
	for _, c := range []struct {
		table, name, value, message string
		begun                       bool
	}{
		{"dup", "format", "foo", "[DATA_FILE_TYPE_ERROR]unknown data format, format=foo", false},
		{"dup", "compress_type", "LZ4", "[INVALID_ARGUMENT]stand-in does not support compress_type lz4", false},
		{"dup", "compress_type", "zstd", "OK", true}, // an unknown name means plain, with JSON
		{"dup", "timeout", "x", "[INVALID_ARGUMENT]timeout must be an integer, stoi", false},
		{"dup", "timeout", "99999999999", "[INVALID_ARGUMENT]timeout out of range, stoi", false},
		{"dup", "timeout", "30s", "OK", true},
		{"dup", "timeout", "259201", plan + "Invalid timeout: 259201. Timeout should be lower than Config.max_stream_load_timeout_second: 259200", false},
		{"dup", "group_commit", "off_mode", "OK", true},
		{"dup", "group_commit", "async_mode", "OK", true}, // two phases win

		{"dup", "strict_mode", "x", "[INVALID_ARGUMENT]Invalid strict mode format. Must be bool type", true},
		{"dup", "exec_mem_limit", "x", "[INVALID_ARGUMENT]Invalid mem limit format, stoll", true},
		{"dup", "exec_mem_limit", "2147483648", "OK", true},
		{"dup", "send_batch_parallelism", "a", "[INVALID_ARGUMENT]send_batch_parallelism must be an integer, stoi", true},
		{"dup", "send_batch_parallelism", "21474836471", "[INVALID_ARGUMENT]send_batch_parallelism out of range, stoi", true},
		{"dup", "send_batch_parallelism", "-1", "OK", true},
		{"dup", "merge_type", "other", "[INVALID_ARGUMENT]Invalid merge type other", true},
		{"dup", "merge_type", "MERGE", "[INVALID_ARGUMENT]Excepted DELETE ON clause when merge type is MERGE.", true},
		{"dup", "merge_type", "append", "OK", true},
		{"dup", "max_filter_ratio", "2", "[INVALID_ARGUMENT]invalid max_filter_ratio: 2", true},
		{"dup", "where", "id > 1", "[INVALID_ARGUMENT]stand-in does not support header where", true},
		{"dup", "unique_key_update_mode", "foo", "[INVALID_ARGUMENT]Invalid unique_key_partial_mode foo, must be one of 'UPSERT', 'UPDATE_FIXED_COLUMNS' or 'UPDATE_FLEXIBLE_COLUMNS'", true},
		{"uni", "unique_key_update_mode", "upsert", "OK", true},
		{"dup", "partial_update_new_key_behavior", "foo", "[INVALID_ARGUMENT]Invalid partial_update_new_key_behavior foo, must be one of {'APPEND', 'ERROR'}", true},

		{"dup", "columns", "v", plan + "Column has no default value, column=id", true},
		{"dup", "columns", "ID, V, extra, more = concat(id, ',', v)", "OK", true},
		{"dup", "columns", "id, v, V", plan + "Duplicate column: V", true},
		{"dup", "columns", "id, v = nofunc(id)", plan + "stand-in does not support expressions in columns: v", true},
		{"dup", "merge_type", "DELETE", plan + "load by MERGE or DELETE is only supported in unique tables.", true},
		{"uni", "merge_type", "DELETE", plan + "stand-in does not support merge_type DELETE", true},
		{"dup", "function_column.sequence_col", "v", plan + "There is no sequence column in the table dup", true},
		{"dup", "partitions", "p1", plan + "Unknown partition 'p1' in table 'dup'", true},
		{"dup", "partitions", "dup", "OK", true},
		{"dup", "timezone", "Mars/Phobos", plan + "Unknown or incorrect time zone: 'Mars/Phobos'", true},
		{"dup", "time_zone", "Mars/Phobos", plan + "Unknown or incorrect time zone: 'Mars/Phobos'", true},
		{"dup", "timezone", "Asia/Shanghai", "OK", true},
		{"dup", "timezone", "+08:00", "OK", true},
		{"dup", "hidden_columns", "__DORIS_DELETE_SIGN__", "OK", true},
		{"dup", "partial_columns", "true", plan + "Only unique key merge on write support partial update", true},
		{"uni", "partial_columns", "true", plan + "stand-in does not support partial updates", true},
		{"dup", "load_to_single_tablet", "true", "[INTERNAL_ERROR]TStatus: errCode = 2, detailMessage = " +
			"if load_to_single_tablet set to true, the olap table must be with random distribution", true},
		{"rnd", "load_to_single_tablet", "true", "OK", true},
		{"dup", "num_as_string", "true", "OK", true},
		{"dup", "jsonpaths", `["$.id"]`, "[INVALID_ARGUMENT]stand-in does not support header jsonpaths", true},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			label := "L-" + c.table
			got := s.load(c.table, label, `{"id":1,"ID":1}`, c.name, c.value)
			status, state := "Success", "PRECOMMITTED"
			if c.message != "OK" {
				status, state = "Fail", "ABORTED"
			}
			if got.Status != status || got.Message != c.message || (got.TxnID > 0) != c.begun {
				t.Errorf("%+v", got)
			}
			if now := s.state(label); c.begun && now != state {
				t.Errorf("state %s", now)
			}
			s.phase("abort", "label", label)
		})
	}
}

// TestGroupCommit: without two phases a label and group commit exclude each other, and without a label the stand-in
// says that it has no group commit.
func TestGroupCommit(t *testing.T) {
	s := open(t, doris.Config{})
	s.exec("CREATE DATABASE ods")
	s.exec("CREATE TABLE ods.t (id INT) DUPLICATE KEY(id) DISTRIBUTED BY RANDOM BUCKETS 1")
	for label, want := range map[string]string{
		"L": "[INVALID_ARGUMENT]label and group_commit can't be set at the same time",
		"":  "[INVALID_ARGUMENT]stand-in does not support group_commit sync_mode",
	} {
		if got := s.load("t", label, `{"id":1}`, "two_phase_commit", "", "group_commit", "sync_mode"); got.Message != want || got.TxnID != -1 {
			t.Errorf("label %q: %+v", label, got)
		}
	}
}
