package flink

import (
	"encoding/base64"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// RecordError says that a record does not read as its source declares it: the row is
// excluded with it as the detail. It quotes nothing of the record.
type RecordError struct{ What string }

// Error is what is wrong with the record.
func (e *RecordError) Error() string { return e.What }

// RecordReader makes rows of the records of one source. It belongs to one goroutine. What
// it gives depends on the format and the record only.
type RecordReader struct {
	charset charset // nil: UTF-8, which stays as the city sent it
	binary  bool
	json    *jsonReader // nil: raw
	buf     []byte      // the text of the present record
}

// NewRecordReader returns the reader of a format. The error says what of it is not
// understood.
func NewRecordReader(f domain.SourceFormat) (*RecordReader, error) {
	if _, err := recordType(&f); err != nil && kindOf(&f) != domain.FormatJSON {
		return nil, err
	}
	if kindOf(&f) == domain.FormatJSON {
		j, err := newJSONReader(f)
		return &RecordReader{json: j}, err
	}
	r := &RecordReader{binary: f.Binary}
	var err error
	r.charset, err = findCharset(f.Charset)
	return r, err
}

// CheckSource says what is wrong with the format of a source's records.
func CheckSource(f domain.SourceFormat) error {
	_, err := NewRecordReader(f)
	return err
}

// Read takes the value of a record into the row's Record and Fields, which are valid until
// the next call, and as long as the value. Errors: *RecordError.
func (r *RecordReader) Read(row *Row, value []byte) error {
	switch {
	case r.json != nil:
		return r.json.read(row, value)
	case value == nil:
		row.Record = nil
	case r.binary:
		r.buf = base64.StdEncoding.AppendEncode(r.buf[:0], value)
		row.Record = notNil(r.buf)
	case r.charset != nil:
		r.buf = r.charset(r.buf[:0], value)
		row.Record = notNil(r.buf)
	default:
		row.Record = value
	}
	return nil
}

// notNil is the text of what is not null, also where it is empty.
func notNil(text []byte) []byte {
	if text == nil {
		return []byte{}
	}
	return text
}

// kindOf is the record format by its name.
func kindOf(f *domain.SourceFormat) domain.RecordFormat {
	if f.Kind == "" {
		return domain.FormatRaw
	}
	return f.Kind
}

// recordColumn is the column of the declared ones that is the row's record.
const recordColumn = "record"

// recordType is the type of what a source has for a record.
func recordType(f *domain.SourceFormat) (SQLType, error) {
	switch {
	case kindOf(f) == domain.FormatRaw && f.Binary:
		return SQLType{Kind: SQLBytes}, nil
	case kindOf(f) == domain.FormatRaw:
		return SQLType{Kind: SQLString}, nil
	case kindOf(f) != domain.FormatJSON:
		return SQLType{}, fmt.Errorf("record format %q: allowed: raw, json", f.Kind)
	}
	for i := range f.Columns {
		if f.Columns[i].Name == recordColumn {
			return ParseSQLType(f.Columns[i].Type)
		}
	}
	return SQLType{}, fmt.Errorf("the source's json declares no column %s", recordColumn)
}
