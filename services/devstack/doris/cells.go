package doris

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// cell is one value of one row on its way into a table. text is only good until the next row.
type cell struct {
	null bool
	i    int64
	text []byte
}

// convert checks a JSON value against a column, as Doris' strict mode does.
func (c *Column) convert(v token, loc *time.Location, out *cell) error {
	*out = cell{}
	if v.kind == tokNull {
		if c.NotNull {
			return fmt.Errorf("Json value is null, but the column `%s` is not nullable.", c.Name) //nolint:staticcheck,revive // Doris' own words
		}
		out.null = true
		return nil
	}
	ok := false
	switch c.Type.Kind {
	case KindText:
		if len(v.text) > c.Type.Bytes {
			return fmt.Errorf("column_name[%s], the length of input is too long than schema. first 32 bytes of input str: [%s] schema length: %d; actual length: %d",
				c.Name, v.text[:min(32, len(v.text))], c.Type.Bytes, len(v.text))
		}
		out.text, ok = v.text, true
	case KindInt:
		out.i, ok = parseInt(v.text, c.Type.Bits)
		ok = ok && v.kind != tokRaw
	case KindBool:
		out.i, ok = parseBool(v.text)
	case KindDateTime:
		out.i, ok = parseDateTime(v.text, c.Type.Scale, loc)
		ok = ok && v.kind != tokRaw
	case KindLarge: // never a column's type
	}
	if !ok {
		return fmt.Errorf("column_name[%s], parse string to %s failed, value: [%s]", c.Name, c.Type, v.text[:min(64, len(v.text))])
	}
	return nil
}

// parseInt is strconv.ParseInt for decimal bytes, without the copy.
func parseInt(b []byte, bits int) (int64, bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || len(b) > 18 {
		v, err := strconv.ParseInt(string(b), 10, bits)
		return v, err == nil
	}
	neg := b[0] == '-'
	if neg || b[0] == '+' {
		b = b[1:]
	}
	var v int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if neg {
		v = -v
	}
	return v, len(b) > 0 && v>>(bits-1) == v>>63
}

func parseBool(b []byte) (int64, bool) {
	switch string(bytes.ToLower(b)) {
	case "1", "true":
		return 1, true
	case "0", "false":
		return 0, true
	default:
		return 0, false
	}
}

// encodeRow appends a row's cells in the form of the staged file: per cell a tag, then 8 bytes or a length and bytes.
func encodeRow(b []byte, t *Table, row []cell) []byte {
	for i := range row {
		switch c := &row[i]; {
		case c.null:
			b = append(b, cellNull)
		case t.Columns[i].Type.Kind == KindText:
			b = append(b, cellText)
			b = appendUvarint(b, uint64(len(c.text)))
			b = append(b, c.text...)
		default:
			b = append(b, cellInt)
			b = appendUint64(b, uint64(c.i))
		}
	}
	return b
}
