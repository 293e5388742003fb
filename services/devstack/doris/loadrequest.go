package doris

import (
	"crypto/rand"
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
	timeout   time.Duration
	gzip      bool
	csv       *csvForm // nil = JSON
	byLine    bool     // JSON: one text per line; otherwise the body is one text
	strip     bool     // JSON: each text is an array of rows; otherwise it is one row
	delimiter []byte   // ends a line
	strict    bool     // a value that is not of its column's type filters its row
	ratio     float64  // of rows that may be filtered
	columns   string
	hidden    string // hidden_columns
	timezone  string
}

// argError is a header that the back end refuses.
type argError struct{ code, text string }

func (e *argError) Error() string { return "[" + e.code + "]" + e.text }

func badArgument(format string, args ...any) error {
	return &argError{"INVALID_ARGUMENT", fmt.Sprintf(format, args...)}
}

const (
	jsonBodyMax = 100 << 20   // streaming_load_json_max_mb
	bodyMax     = 10240 << 20 // streaming_load_max_mb
)

// parseLoad reads the headers that a back end looks at before it begins a transaction, in its order (doris-wire.md §1.4).
func parseLoad(r *http.Request) (loadRequest, error) {
	h := r.Header.Get
	q := loadRequest{
		db: r.PathValue("db"), table: r.PathValue("table"), label: h("label"), comment: h("comment"),
		twoPhase: h("two_phase_commit") == "true",
	}
	err := q.groupCommit(r)
	if q.label == "" {
		q.label = newUUID()
	}
	if err != nil {
		return q, err
	}
	if err := q.format(h); err != nil {
		return q, err
	}
	if err := q.length(r); err != nil {
		return q, err
	}
	if v := h("timeout"); v != "" {
		secs, err := stoi("timeout", v)
		if err != nil {
			return q, err
		}
		if q.timeout = time.Duration(secs) * time.Second; secs == 0 {
			q.timeout = -1 // said, and refused by the front end; 0 would be "not said"
		}
	}
	return q, nil
}

// groupCommit refuses what would be a group commit. Two phases, partitions and partial updates silently win over it,
// and a chunked body forgets its label.
func (q *loadRequest) groupCommit(r *http.Request) error {
	h := r.Header.Get
	mode := strings.ToLower(h("group_commit"))
	switch mode {
	case "", "off_mode":
		return nil
	case "sync_mode", "async_mode":
	default:
		return badArgument("group_commit can only be [async_mode, sync_mode, off_mode]")
	}
	isChunked := chunked(r)
	if r.ContentLength <= 0 && !isChunked {
		return nil
	}
	if isChunked {
		q.label = ""
	}
	switch {
	case q.twoPhase, h("partitions") != "", h("temporary_partitions") != "", partialUpdate(h):
		return nil
	case q.label != "":
		return badArgument("label and group_commit can't be set at the same time")
	default:
		return badArgument("stand-in does not support group_commit %s", mode)
	}
}

func partialUpdate(h func(string) string) bool {
	mode := h("unique_key_update_mode")
	return strings.EqualFold(h("partial_columns"), "true") && mode == "" ||
		strings.EqualFold(mode, "UPDATE_FIXED_COLUMNS") || strings.EqualFold(mode, "UPDATE_FLEXIBLE_COLUMNS")
}

// format reads what the body is written in. The default is CSV.
func (q *loadRequest) format(h func(string) string) error {
	format := strings.ToLower(h("format"))
	skip := map[string]int{"csv_with_names": 1, "csv_with_names_and_types": 2}[format]
	switch format {
	case "json":
	case "", "csv", "csv_with_names", "csv_with_names_and_types":
		q.csv = &csvForm{skip: skip}
	case "parquet", "orc", "arrow", "hive_text", "wal":
		return badArgument("stand-in does not support format %s", h("format"))
	default:
		return &argError{"DATA_FILE_TYPE_ERROR", "unknown data format, format=" + h("format")}
	}
	switch c := strings.ToLower(h("compress_type")); {
	case c == "":
	case c == "gz":
		q.gzip = true
	case slices.Contains([]string{"bz2", "lz4", "lz4_block", "lzo", "lzop", "snappy_block", "deflate"}, c):
		return badArgument("stand-in does not support compress_type %s", c)
	case q.csv != nil:
		return &argError{"DATA_FILE_TYPE_ERROR", "unknown data format, format=" + h("format")}
	default: // as in Doris: with JSON an unknown name means "not compressed"
	}
	byLine, strip := strings.ToLower(h("read_json_by_line")), strings.ToLower(h("strip_outer_array"))
	q.byLine = byLine == "true" || byLine == "" && strip == ""
	q.strip = strip == "true"
	return nil
}

func chunked(r *http.Request) bool { return slices.Contains(r.TransferEncoding, "chunked") }

func (q *loadRequest) length(r *http.Request) error {
	if !chunked(r) && r.Header.Get("Content-Length") == "" && r.ContentLength <= 0 {
		return badArgument("content_length is empty and transfer-encoding!=chunked, please set content_length or transfer-encoding=chunked")
	}
	switch {
	case q.csv == nil && !q.byLine && r.ContentLength > jsonBodyMax:
		return tooLarge(r.ContentLength)
	case r.ContentLength > bodyMax:
		return &argError{"E-217", fmt.Sprintf("body size %.2f MiB exceeds the limit of %d MiB set by BE config `streaming_load_max_mb`. "+
			"Increase it if you are sure this load is reasonable", float64(r.ContentLength)/(1<<20), int64(bodyMax)>>20)}
	}
	return nil
}

func tooLarge(n int64) error {
	return &argError{"E-217", fmt.Sprintf("json body size %.2f MiB exceeds the limit of %d MiB set by BE config `streaming_load_json_max_mb`. "+
		"Increase it if you are sure this load is reasonable", float64(n)/(1<<20), jsonBodyMax>>20)}
}

// stoi reads an integer header as the back end's C++ does: digits at the front count, what follows them does not.
func stoi(name, v string) (int, error) {
	v = strings.TrimLeft(v, " \t")
	n := 0
	if n < len(v) && (v[n] == '-' || v[n] == '+') {
		n++
	}
	digits := n
	for n < len(v) && v[n] >= '0' && v[n] <= '9' {
		n++
	}
	if n == digits {
		return 0, badArgument("%s must be an integer, stoi", name)
	}
	i, err := strconv.ParseInt(v[:n], 10, 32)
	if err != nil {
		return 0, badArgument("%s out of range, stoi", name)
	}
	return int(i), nil
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
