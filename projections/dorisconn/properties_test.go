package dorisconn

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// TestProperties: what of sink.properties.* is understood, what is passed on, and why the
// rest is refused.
func TestProperties(t *testing.T) {
	for _, c := range []struct {
		key, value string
		says       string // empty: it is taken
	}{
		{"format", "json", ""},
		{"format", "JSON", ""},
		{"read_json_by_line", "true", ""},
		{"strip_outer_array", "true", ""},
		{"strip_outer_array", "false", ""},
		{"compress_type", "gz", ""},
		{"compress_type", "GZ", ""},
		{"two_phase_commit", "true", ""},
		{"max_filter_ratio", "0", ""},
		{"max_filter_ratio", "0.0", ""},
		{"strict_mode", "true", ""},
		{"timezone", "Asia/Shanghai", ""},
		{"merge_type", "append", ""},
		{"group_commit", "off_mode", ""},
		{"partial_columns", "false", ""},
		{"exec_mem_limit", "2147483648", ""},
		{"send_batch_parallelism", "4", ""},
		{"load_to_single_tablet", "true", ""},
		{"num_as_string", "true", ""},
		{"comment", "city data, 城市", ""},

		{"format", "csv", "format: must be json"},
		{"read_json_by_line", "false", "must be true: rows are written one a line"},
		{"strip_outer_array", "yes", "must be true or false"},
		{"compress_type", "lz4", "must be gz"},
		{"two_phase_commit", "false", "must be true: the semantic is exactly-once"},
		{"max_filter_ratio", "0.1", "lost without a trace"},
		{"max_filter_ratio", "1e400", "lost without a trace"},
		{"strict_mode", "false", "stores NULL"},
		{"timezone", "UTC", "must be Asia/Shanghai: it is the pipeline's timezone"},
		{"time_zone", "UTC", "must be Asia/Shanghai"},
		{"merge_type", "MERGE", "must be APPEND"},
		{"group_commit", "async_mode", "labels tell what became of a load"},
		{"line_delimiter", "|", "rows end with a line feed"},
		{"skip_lines", "1", "each line is a row"},
		{"partial_columns", "true", "each row has all columns"},
		{"where", "hw_offset_id > 3", "left out"},
		{"partitions", "p1", "left out"},
		{"Columns", "a,b", "Columns: the columns"},
		{"hidden_columns", "__DORIS_DELETE_SIGN__", "the columns"},
		{"jsonpaths", `["$.a"]`, "the columns"},
		{"json_root", "$.a", "the columns"},
		{"delete", "a=1", "nothing is ever deleted"},
		{"function_column.sequence_col", "a", "nothing is ever deleted or updated"},
		{"label", "mine", "Hefu makes it for each load"},
		{"txn_id", "1", "Hefu makes it for each load"},
		{"timeout", "60", "doris.timeouts.load"},
		{"Authorization", "Basic c2VjcmV0", "secrets are read from files"},
		{"token", "c2VjcmV0", "secrets are read from files"},
		{"Expect", "100-continue", "belongs to HTTP"},
		{"Content-Length", "1", "belongs to HTTP"},
		{"a b", "1", "is no header"},
		{"", "1", "is no header"},
		{"comment", "two\r\nlabel: mine", "is no header"},
	} {
		err := CheckProperties(map[string]string{c.key: c.value}, "Asia/Shanghai", domain.ExactlyOnce)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s=%s: %v", c.key, c.value, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s=%s: %v, want %q", c.key, c.value, err, c.says)
		case err != nil && strings.Contains(err.Error(), "c2VjcmV0"):
			t.Errorf("%s: the value is told: %v", c.key, err)
		}
	}
	for _, semantic := range []domain.Semantic{domain.AtLeastOnce, domain.None} {
		if err := CheckProperties(map[string]string{"two_phase_commit": "true"}, "UTC", semantic); err == nil || !strings.Contains(err.Error(), "must be false") {
			t.Errorf("%s: %v", semantic, err)
		}
		if err := CheckProperties(map[string]string{"two_phase_commit": "false"}, "UTC", semantic); err != nil {
			t.Errorf("%s: %v", semantic, err)
		}
	}
	err := CheckProperties(map[string]string{"label": "x", "where": "y", "Where": "z", "comment": "fine"}, "UTC", domain.ExactlyOnce)
	if err == nil || len(strings.Split(err.Error(), "\n")) != 3 || !strings.Contains(err.Error(), "headers know no case") {
		t.Errorf("not all of it is said: %v", err)
	}
}
