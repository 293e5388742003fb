package flink

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// jsonReader reads records of a source whose format is json: what Flink's
// JsonParserRowDataDeserializationSchema makes of them (2.2.1), but for what that one drops
// without a word or reads wrong after an error (docs/flink-differences.md).
type jsonReader struct {
	columns       []jsonColumn
	index         map[string]int
	record        int // the column that is the row's record, -1: none
	failOnMissing bool
	ignoreErrors  bool
	iso           bool

	t      jsonText
	tree   jsonTree
	buf    []byte // texts of the present row
	digits []byte // of the present DECIMAL
	row    *Row
	seen   int // columns of the present row that were there
}

type jsonColumn struct {
	name string
	typ  SQLType
}

// errUnfit says that a field does not fit its column; the caller knows both.
var errUnfit = errors.New("field does not fit its column")

func newJSONReader(f domain.SourceFormat) (*jsonReader, error) {
	switch {
	case f.FailOnMissing && f.IgnoreErrors:
		return nil, errors.New("fail_on_missing_field and ignore_parse_errors exclude each other, as in Flink")
	case len(f.Columns) == 0:
		return nil, errors.New("a json source declares no columns")
	case f.Timestamps != domain.TimestampSQL && f.Timestamps != domain.TimestampISO && f.Timestamps != "":
		return nil, fmt.Errorf("timestamp format %q: allowed: SQL, ISO-8601", f.Timestamps)
	}
	r := &jsonReader{
		index: map[string]int{}, record: -1, failOnMissing: f.FailOnMissing, ignoreErrors: f.IgnoreErrors, iso: f.Timestamps == domain.TimestampISO,
	}
	for i, c := range f.Columns {
		typ, err := ParseSQLType(c.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		if _, twice := r.index[c.Name]; twice {
			return nil, fmt.Errorf("column %s is declared twice", c.Name)
		}
		r.index[c.Name] = i
		r.columns = append(r.columns, jsonColumn{c.Name, typ})
		r.tree.decimals = r.tree.decimals || typ.Kind == SQLDecimal
		if c.Name == recordColumn {
			if typ.Kind != SQLString && typ.Kind != SQLBytes {
				return nil, fmt.Errorf("column %s is %s; allowed: STRING, BYTES, since it is the record of the hub and the table", c.Name, typ)
			}
			r.record = i
		}
	}
	return r, nil
}

var byteOrderMark = []byte("\xEF\xBB\xBF")

// read is RecordReader.Read.
func (r *jsonReader) read(row *Row, value []byte) error {
	r.t.reset(bytes.TrimPrefix(value, byteOrderMark))
	r.buf, r.row = r.buf[:0], row
	row.Record = nil
	row.Fields = slices.Grow(row.Fields[:0], len(r.columns))[:len(r.columns)]
	r.clear()
	switch r.t.peek() {
	case '{':
		if err := r.object(); err != nil {
			return err
		}
	case '[':
		if err := r.array(); err != nil {
			return err
		}
	default:
		return r.noObject(value)
	}
	if r.record >= 0 && !row.Fields[r.record].Null {
		row.Record = row.Fields[r.record].Text
	}
	return nil
}

func (r *jsonReader) noObject(value []byte) error {
	if len(value) == 0 {
		return &RecordError{What: "a json record without a value"}
	}
	return &RecordError{What: "not a JSON object"}
}

// array reads a row from an array around it. Flink makes a row of each object in it, which
// would be several rows of one offset: only one is taken, others are an error.
func (r *jsonReader) array() error {
	rows := 0
	err := r.t.array(func() error {
		switch r.t.peek() {
		case 'n':
			return r.t.skip()
		case '{':
			if rows++; rows > 1 {
				return &RecordError{What: "a JSON array of several rows"}
			}
			return r.object()
		default:
			return &RecordError{What: "a JSON array of something else than objects"}
		}
	})
	if err == nil && rows == 0 {
		return &RecordError{What: "a JSON array without a row"}
	}
	return err
}

func (r *jsonReader) clear() {
	for i := range r.row.Fields {
		r.row.Fields[i] = Value{Null: true}
	}
	r.seen = 0
}

// object reads the row. Flink does not look at names any more once it has met as many of
// the columns as there are, the same one twice included.
func (r *jsonReader) object() error {
	if err := r.t.object(r.member); err != nil {
		return err
	}
	if r.failOnMissing && r.seen < len(r.columns) {
		for i := range r.columns {
			if r.row.Fields[i].missing() {
				return &RecordError{What: "column " + r.columns[i].name + " is missing"}
			}
		}
	}
	return nil
}

func (r *jsonReader) member(name []byte) error {
	i, declared := r.index[string(name)]
	if !declared || r.seen >= len(r.columns) {
		return r.t.skip()
	}
	r.seen++
	v := &r.row.Fields[i]
	*v = Value{}
	err := r.value(v, r.columns[i].typ)
	if !errors.Is(err, errUnfit) {
		return err
	}
	if !r.ignoreErrors {
		return &RecordError{What: fmt.Sprintf("column %s: not a %s", r.columns[i].name, r.columns[i].typ)}
	}
	*v = Value{Null: true, Int: present}
	return nil
}

// present marks a NULL that was there.
const present = 1

// missing reports whether a field was not in the record.
func (v *Value) missing() bool { return v.Null && v.Int != present }
