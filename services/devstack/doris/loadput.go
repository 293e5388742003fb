package doris

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// put reads the headers that a back end looks at once it has a transaction: what it refuses here it rolls back
// (doris-wire.md §1.5). What the stand-in has no meaning for it refuses by name, so as not to load something else.
func (q *loadRequest) put(h func(string) string) error {
	q.columns, q.hidden, q.timezone = h("columns"), h("hidden_columns"), h("timezone")
	if q.timezone == "" {
		q.timezone = h("time_zone")
	}
	for _, name := range []string{"where", "jsonpaths", "json_root"} {
		if h(name) != "" {
			return badArgument("stand-in does not support header %s", name)
		}
	}
	for _, name := range []string{"negative", "fuzzy_parse"} {
		if strings.EqualFold(h(name), "true") {
			return badArgument("stand-in does not support header %s", name)
		}
	}
	if err := q.frame(h); err != nil {
		return err
	}
	if h("partitions") != "" && h("temporary_partitions") != "" {
		return badArgument("Can not specify both partitions and temporary partitions")
	}
	switch v := strings.ToLower(h("strict_mode")); v {
	case "", "false":
	case "true":
		q.strict = true
	default:
		return badArgument("Invalid strict mode format. Must be bool type")
	}
	if v := h("exec_mem_limit"); v != "" {
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return badArgument("Invalid mem limit format, stoll")
		}
	}
	for _, name := range []string{"send_batch_parallelism", "load_stream_per_node"} {
		if v := h(name); v != "" {
			if _, err := stoi(name, v); err != nil {
				return err
			}
		}
	}
	if err := mergeType(h); err != nil {
		return err
	}
	if v := h("max_filter_ratio"); v != "" {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || f < 0 || f > 1 {
			return badArgument("invalid max_filter_ratio: %s", v) // Doris' strtod would take anything
		}
		q.ratio = f
	}
	return updateMode(h)
}

// frame reads where lines and fields end.
func (q *loadRequest) frame(h func(string) string) error {
	var err error
	if q.delimiter, err = separator(h("line_delimiter"), "\n"); err != nil || q.csv == nil {
		return err
	}
	for _, name := range []string{"enclose", "escape"} {
		switch v := h(name); {
		case len(v) > 1:
			return badArgument("%s must be single-char, actually is %s", name, v)
		case v != "":
			return badArgument("stand-in does not support header %s", name)
		}
	}
	if q.csv.separator, err = separator(h("column_separator"), "\t"); err != nil {
		return err
	}
	q.csv.trimQuotes = strings.EqualFold(h("trim_double_quotes"), "true")
	q.csv.emptyNull = strings.EqualFold(h("empty_field_as_null"), "true")
	if v := h("skip_lines"); v != "" {
		n, err := stoi("skip_lines", v)
		if err != nil {
			return err
		}
		if n < 0 {
			return badArgument("Invalid 'skip_lines': %d", n)
		}
		if q.csv.skip == 0 { // names at the top count for themselves
			q.csv.skip = n
		}
	}
	return nil
}

func mergeType(h func(string) string) error {
	m := h("merge_type")
	if m == "" {
		return nil // and a delete condition without it means nothing
	}
	merge := strings.EqualFold(m, "MERGE")
	switch {
	case !merge && !strings.EqualFold(m, "APPEND") && !strings.EqualFold(m, "DELETE"):
		return badArgument("Invalid merge type %s", m)
	case merge && h("delete") == "":
		return badArgument("Excepted DELETE ON clause when merge type is MERGE.")
	case !merge && h("delete") != "":
		return badArgument("Not support DELETE ON clause when merge type is not MERGE.")
	}
	return nil
}

func updateMode(h func(string) string) error {
	mode := h("unique_key_update_mode")
	if mode != "" && !slices.Contains([]string{"UPSERT", "UPDATE_FIXED_COLUMNS", "UPDATE_FLEXIBLE_COLUMNS"}, strings.ToUpper(mode)) {
		return badArgument("Invalid unique_key_partial_mode %s, must be one of 'UPSERT', 'UPDATE_FIXED_COLUMNS' or 'UPDATE_FLEXIBLE_COLUMNS'", mode)
	}
	policy := h("partial_update_new_key_behavior")
	if policy != "" && !slices.Contains([]string{"APPEND", "ERROR"}, strings.ToUpper(policy)) {
		return badArgument("Invalid partial_update_new_key_behavior %s, must be one of {'APPEND', 'ERROR'}", policy)
	}
	return nil
}

// planned is what the front end refuses when it plans a load of a table (doris-wire.md §11.3).
func planned(t *Table, h func(string) string) error {
	merge := strings.ToUpper(h("merge_type"))
	switch {
	case merge == "MERGE" || merge == "DELETE":
		if t.Model != Unique {
			return refuse("load by MERGE or DELETE is only supported in unique tables.")
		}
		return refuse("stand-in does not support merge_type %s", merge)
	case h("function_column.sequence_col") != "":
		return refuse("There is no sequence column in the table %s", t.Name)
	case partialUpdate(h):
		if t.Model != Unique {
			return refuse("Only unique key merge on write support partial update")
		}
		return refuse("stand-in does not support partial updates")
	case h("temporary_partitions") != "":
		return refuse("stand-in does not support temporary partitions")
	case strings.EqualFold(h("load_to_single_tablet"), "true") && !t.Random:
		r := refuse("if load_to_single_tablet set to true, the olap table must be with random distribution")
		r.Code = codeInternal
		return r
	}
	if parts := h("partitions"); parts != "" {
		for _, p := range strings.Split(parts, ",") { // a table without partitions has one of its own name
			if p = strings.TrimSpace(p); !strings.EqualFold(p, t.Name) {
				return refuse("Unknown partition '%s' in table '%s'", p, t.Name)
			}
		}
	}
	return nil
}

// separator reads a separator as Doris does: \x01 or 0x01 are bytes in hex, \t and \n what they are in Java.
func separator(v, or string) ([]byte, error) {
	if v == "" {
		return []byte(or), nil
	}
	if up := strings.ToUpper(v); strings.HasPrefix(up, `\X`) || strings.HasPrefix(up, "0X") {
		var b []byte
		if n, err := fmt.Sscanf(v[2:], "%x", &b); n != 1 || err != nil || len(b)*2 != len(v)-2 {
			return nil, badArgument("stand-in does not support separator %s", v)
		}
		return b, nil
	}
	return []byte(strings.NewReplacer(`\t`, "\t", `\n`, "\n", `\r`, "\r", `\\`, `\`).Replace(v)), nil
}
