package doris

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// loadRequest is what the headers of a load say.
type loadRequest struct {
	db, table string
	label     string
	comment   string
	twoPhase  bool
	byLine    bool // one JSON text per line; otherwise the body is one JSON text
	strip     bool // each JSON text is an array of rows; otherwise it is one row
	gzip      bool
	strict    bool
	ratio     float64 // of rows that may be refused
	columns   string
	timezone  string
	timeout   time.Duration
}

// argError is a header that the back end refuses before it begins anything.
type argError struct{ code, text string }

func (e *argError) Error() string { return "[" + e.code + "]" + e.text }

func badArgument(format string, args ...any) error {
	return &argError{"INVALID_ARGUMENT", fmt.Sprintf(format, args...)}
}

// refusedHeaders change what a load means; the stand-in has no such meaning and says so instead of loading something else.
func refusedHeaders() []string {
	return []string{
		"where", "jsonpaths", "json_root", "delete", "function_column.sequence_col", "partitions", "temporary_partitions",
		"hidden_columns", "unique_key_update_mode", "partial_update_new_key_behavior", "sql",
	}
}

const jsonBodyMax = 100 << 20 // streaming_load_json_max_mb

// parseLoad reads the headers in the order of the back end's checks.
func parseLoad(r *http.Request) (loadRequest, error) {
	h := r.Header.Get
	q := loadRequest{
		db: r.PathValue("db"), table: r.PathValue("table"),
		label: h("label"), comment: h("comment"), twoPhase: h("two_phase_commit") == "true",
		columns: h("columns"), timezone: h("timezone"),
	}
	if q.label == "" {
		q.label = newUUID()
	}
	if q.timezone == "" {
		q.timezone = h("time_zone")
	}
	var err error
	if v := h("timeout"); v != "" {
		secs, e := strconv.Atoi(v)
		if e != nil {
			return q, badArgument("invalid timeout: %s", v)
		}
		if q.timeout = time.Duration(secs) * time.Second; secs == 0 {
			q.timeout = -1 // said, and refused by the front end; 0 would be "not said"
		}
	}
	if q.ratio, err = ratio(h("max_filter_ratio")); err != nil {
		return q, err
	}
	switch v := strings.ToLower(h("strict_mode")); v {
	case "", "false":
	case "true":
		q.strict = true
	default:
		return q, badArgument("Invalid strict mode format. Must be bool type")
	}
	if err := q.form(h); err != nil {
		return q, err
	}
	if err := refuseForeign(h); err != nil {
		return q, err
	}
	return q, checkLength(r, &q)
}

func ratio(v string) (float64, error) {
	if v == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || f < 0 || f > 1 {
		return 0, badArgument("invalid max_filter_ratio: %s", v)
	}
	return f, nil
}

// form reads how the body is framed.
func (q *loadRequest) form(h func(string) string) error {
	if f := h("format"); !strings.EqualFold(f, "json") {
		if f == "" {
			f = "csv"
		}
		if slices.Contains([]string{"csv", "csv_with_names", "csv_with_names_and_types", "parquet", "orc", "arrow"}, strings.ToLower(f)) {
			return badArgument("stand-in does not support format %s", f)
		}
		return badArgument("unknown data format, format: %s", f)
	}
	byLine, strip := strings.ToLower(h("read_json_by_line")), strings.ToLower(h("strip_outer_array"))
	q.byLine = byLine == "true" || byLine == "" && strip == ""
	q.strip = strip == "true"
	switch c := strings.ToLower(h("compress_type")); c {
	case "":
	case "gz":
		q.gzip = true
	default:
		return badArgument("stand-in does not support compress_type %s", c)
	}
	if d := h("line_delimiter"); d != "" && d != `\n` {
		return badArgument("stand-in does not support line_delimiter %s", d)
	}
	return nil
}

func refuseForeign(h func(string) string) error {
	for _, name := range refusedHeaders() {
		if h(name) != "" {
			return badArgument("stand-in does not support header %s", name)
		}
	}
	if m := h("merge_type"); m != "" && !strings.EqualFold(m, "append") {
		return badArgument("stand-in does not support merge_type %s", m)
	}
	if g := h("group_commit"); g != "" && g != "off_mode" {
		return badArgument("stand-in does not support group_commit %s", g)
	}
	if h("partial_columns") == "true" {
		return badArgument("stand-in does not support header partial_columns")
	}
	return nil
}

func checkLength(r *http.Request, q *loadRequest) error {
	chunked := slices.Contains(r.TransferEncoding, "chunked")
	if !chunked && r.Header.Get("Content-Length") == "" && r.ContentLength <= 0 {
		return badArgument("content_length is empty and transfer-encoding!=chunked, please set content_length or transfer-encoding=chunked")
	}
	if !q.byLine && r.ContentLength > jsonBodyMax {
		return tooLarge(r.ContentLength)
	}
	return nil
}

func tooLarge(n int64) error {
	return &argError{"E-217", fmt.Sprintf("json body size %.2f MiB exceeds the limit of %d MiB set by BE config `streaming_load_json_max_mb`. "+
		"Increase it if you are sure this load is reasonable", float64(n)/(1<<20), jsonBodyMax>>20)}
}

// message words an error as the Message of a load reply.
func message(err error) string {
	var refused *Refusal
	var arg *argError
	var quality *qualityError
	switch {
	case errors.As(err, &quality):
		return quality.text
	case errors.Is(err, errManyObjects):
		return errManyObjects.Error()
	case errors.As(err, &refused):
		return "[" + refused.Code + "]TStatus: " + refused.Error()
	case errors.As(err, &arg):
		return arg.Error()
	default:
		return "[" + codeInternal + "]" + err.Error()
	}
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
