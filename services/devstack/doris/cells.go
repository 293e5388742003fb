package doris

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// cell is one value of one row on its way into a table. text is only good until the next row.
type cell struct {
	null bool
	i    int64
	text []byte
}

// value is what is stored of a cell of a kind. A floating point number travels by its bits.
func (c *cell) value(k Kind) any {
	switch {
	case c.null:
		return nil
	case k == KindText:
		return string(c.text)
	case k == KindFloat:
		return math.Float64frombits(uint64(c.i))
	default:
		return c.i
	}
}

// cast reads a value as the column's type; it fills out only when the value is of that type. Lengths are tooLong's.
func (c *Column) cast(v token, loc *time.Location, out *cell) bool {
	*out = cell{}
	ok := false
	switch c.Type.Kind {
	case KindText:
		out.text, ok = v.text, true
	case KindInt:
		out.i, ok = parseInt(v.text, c.Type.Bits)
		ok = ok && v.kind != tokRaw
	case KindBool:
		out.i, ok = parseBool(v.text)
	case KindDateTime:
		if c.Type.Scale == dateScale {
			out.i, ok = parseDate(v.text, loc)
		} else {
			out.i, ok = parseDateTime(v.text, c.Type.Scale, loc)
		}
		ok = ok && v.kind != tokRaw
	case KindFloat:
		f, err := strconv.ParseFloat(string(bytes.TrimSpace(v.text)), c.Type.Bits)
		out.i, ok = int64(math.Float64bits(f)), err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	case KindDecimal:
		out.i, ok = parseDecimal(v.text, c.Type.Total, c.Type.Scale)
	case KindLarge: // never a column's type
	}
	return ok
}

// tooLong says whether a text has more bytes than its column takes.
func (c *Column) tooLong(v *cell) bool { return len(v.text) > c.Type.Bytes && c.Type.Kind == KindText }

func (c *Column) lengthError(v *cell) string {
	return fmt.Sprintf("column_name[%s], the length of input is too long than schema. first 32 bytes of input str: [%s] schema length: %d; actual length: %d; ",
		c.Name, v.text[:min(32, len(v.text))], c.Type.Bytes, len(v.text))
}

func nullRefused(c *Column) string {
	return fmt.Sprintf("Json value is null, but the column `%s` is not nullable.", c.Name)
}

// convert checks a value that a statement stores in a column, as a load in strict mode would.
func (c *Column) convert(v token, loc *time.Location, out *cell) error {
	switch {
	case v.kind == tokNull && c.NotNull:
		return errors.New(nullRefused(c))
	case v.kind == tokNull:
		*out = cell{null: true}
	case !c.cast(v, loc, out):
		return fmt.Errorf("column_name[%s], parse string to %s failed, value: [%s]", c.Name, c.Type, v.text[:min(64, len(v.text))])
	case c.tooLong(out):
		return errors.New(c.lengthError(out))
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
// A row that takes another one away has a tag of its own before them.
func encodeRow(b []byte, t *Table, row []cell, deleted bool) []byte {
	if deleted {
		b = append(b, rowDeleted)
	}
	for i := range row {
		switch c := &row[i]; {
		case c.null:
			b = append(b, cellNull)
		case t.Columns[i].Type.Kind == KindText:
			b = append(b, cellText)
			b = appendUvarint(b, uint64(len(c.text)))
			b = append(b, c.text...)
		case t.Columns[i].Type.Kind == KindFloat:
			b = append(b, cellFloat)
			b = appendUint64(b, uint64(c.i))
		default:
			b = append(b, cellInt)
			b = appendUint64(b, uint64(c.i))
		}
	}
	return b
}
