package dorisconn

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// CheckProperties says what is wrong with sink.properties.* of a pipeline in a zone, all
// of it at once. Most of what Stream Load knows is passed on as it is; what would change
// which rows arrive, or what is read back from Doris, is refused with the reason. The
// names of values that may be secrets are told, never the values.
func CheckProperties(properties map[string]string, timezone string, semantic domain.Semantic) error {
	var errs []error
	seen := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		name, value := strings.ToLower(key), properties[key]
		if other, twice := seen[name]; twice {
			errs = append(errs, fmt.Errorf("%s: is %s once more; headers know no case", key, other))
			continue
		}
		seen[name] = key
		if why := refusedProperty(name, value, timezone, semantic); why != "" {
			errs = append(errs, fmt.Errorf("%s: %s", key, why))
		}
	}
	return errors.Join(errs...)
}

// refusedProperty is why a property may not have a value, empty when it may.
func refusedProperty(name, value, timezone string, semantic domain.Semantic) string {
	if !isToken(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return "is no header of HTTP"
	}
	if only, known := fixedProperties(timezone, semantic)[name]; known {
		if slices.ContainsFunc(only.values, func(v string) bool { return strings.EqualFold(v, value) }) || only.zero && isZero(value) {
			return ""
		}
		return fmt.Sprintf("must be %s: %s", strings.Join(only.values, " or "), only.why)
	}
	return forbiddenProperties()[name]
}

// fixed is a property that may be said, if it is what Hefu does anyway.
type fixed struct {
	values []string
	zero   bool // or any other writing of 0
	why    string
}

func fixedProperties(timezone string, semantic domain.Semantic) map[string]fixed {
	twoPhase := strconv.FormatBool(semantic == domain.ExactlyOnce)
	return map[string]fixed{
		"format":            {values: []string{"json"}, why: "rows are written as JSON"},
		"read_json_by_line": {values: []string{"true"}, why: "rows are written one a line"},
		"strip_outer_array": {values: []string{"true", "false"}, why: "true makes each line an array of one row"},
		"compress_type":     {values: []string{"gz"}, why: "nothing else is written; without the property nothing is compressed"},
		"two_phase_commit":  {values: []string{twoPhase}, why: fmt.Sprintf("the semantic is %s, which decides it", semantic)},
		"max_filter_ratio":  {values: []string{"0"}, zero: true, why: "rows that Doris drops would be lost without a trace; Hefu looks for them and lists them"},
		"strict_mode":       {values: []string{"true"}, why: "without it Doris stores NULL for what it cannot convert"},
		"timezone":          {values: []string{timezone}, why: "it is the pipeline's timezone, in which the rows' times are written"},
		"time_zone":         {values: []string{timezone}, why: "it is the pipeline's timezone, in which the rows' times are written"},
		"merge_type":        {values: []string{"APPEND"}, why: "the table holds what the hub holds, and nothing is deleted"},
		"group_commit":      {values: []string{"off_mode"}, why: "a group commit knows no label, and labels tell what became of a load"},
		"line_delimiter":    {values: []string{`\n`}, why: "rows end with a line feed"},
		"skip_lines":        {values: []string{"0"}, zero: true, why: "each line is a row"},
		"partial_columns":   {values: []string{"false"}, why: "each row has all columns"},
	}
}

// forbiddenProperties are those that may not be said at all, with the reason.
func forbiddenProperties() map[string]string {
	const (
		rows   = "rows would be left out that the journal counts as loaded"
		format = "the columns and their names are those of the original table"
		edit   = "nothing is ever deleted or updated"
		ours   = "Hefu makes it for each load: it says what became of the load"
		http   = "belongs to HTTP itself"
		secret = "secrets are read from files: user_file, password_file"
	)
	return map[string]string{
		"where": rows, "partitions": rows, "temporary_partitions": rows,
		"columns": format, "hidden_columns": format, "jsonpaths": format, "json_root": format, "sql": format,
		"delete": edit, "function_column.sequence_col": edit, "unique_key_update_mode": edit,
		"partial_update_new_key_behavior": edit,
		"label":                           ours, "label_prefix": ours, "txn_id": ours, "txn_operation": ours,
		"timeout":       "doris.timeouts.load says it, for both sides",
		"authorization": secret, "token": secret, "auth_code": secret, "auth-token": secret, "cookie": secret,
		"expect": http, "host": http, "connection": http, "content-length": http, "content-encoding": http,
		"transfer-encoding": http, "accept-encoding": http, "trailer": http, "te": http, "upgrade": http,
	}
}

// isToken reports whether a text may be the name of a header (RFC 9110, 5.6.2).
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

func isZero(value string) bool {
	n, err := strconv.ParseFloat(value, 64)
	return err == nil && n == 0
}
