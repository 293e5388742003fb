package doris

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is how a column's values are checked and kept.
type Kind uint8

// Kinds of values. DateTime is kept as microseconds since 1970 of the wall clock it shows (Doris keeps no zone); a DATE
// is one at midnight, of scale dateScale. Decimal is kept as an integer of so many digits after the point.
const (
	KindInt Kind = iota
	KindText
	KindDateTime
	KindBool
	KindLarge // 128 bit, only as the result of an expression; text on the wire
	KindFloat
	KindDecimal
)

// dateScale is the scale of a DATE: not even the seconds are shown.
const dateScale = -1

// Type is a column type of a Doris table.
type Type struct {
	Name  string `json:"name"`  // BIGINT, VARCHAR, DATETIME, ...
	Kind  Kind   `json:"kind"`  //
	Bits  int    `json:"bits"`  // of an integer or a floating point number
	Bytes int    `json:"bytes"` // most bytes of a text
	Scale int    `json:"scale"` // digits of a second's fraction, or after a decimal's point
	Total int    `json:"total"` // digits of a decimal
}

const stringSoftLimit = 1048576 // string_type_length_soft_limit_bytes

// maxDecimal is how many digits fit into 64 bits; Doris has 38, the stand-in refuses them.
const maxDecimal = 18

// parseType reads a type name and the numbers in brackets after it: a length, or a decimal's digits and scale.
func parseType(name string, size, scale int, sized bool) (Type, error) {
	t := Type{Name: strings.ToUpper(name)}
	switch t.Name {
	case "TINYINT":
		t.Bits = 8
	case "SMALLINT":
		t.Bits = 16
	case "INT", "INTEGER":
		t.Name, t.Bits = "INT", 32
	case "BIGINT":
		t.Bits = 64
	case "BOOLEAN", "BOOL":
		t.Name, t.Kind = "BOOLEAN", KindBool
	case "STRING", "TEXT":
		t.Name, t.Kind, t.Bytes = "STRING", KindText, stringSoftLimit
	case "VARCHAR", "CHAR":
		t.Kind, t.Bytes = KindText, size
		if !sized && t.Name == "CHAR" {
			t.Bytes = 1
		} else if !sized {
			t.Bytes = 65533
		}
		if limit := map[string]int{"VARCHAR": 65533, "CHAR": 255}[t.Name]; t.Bytes < 1 || t.Bytes > limit {
			return t, fmt.Errorf("%s size must be <= %d: %d", t.Name, limit, t.Bytes)
		}
	case "DATETIME", "DATETIMEV2":
		t.Name, t.Kind, t.Scale = "DATETIME", KindDateTime, size
		if size < 0 || size > 6 {
			return t, fmt.Errorf("scale of DATETIME must be between 0 and 6. Scale was set to: %d", size)
		}
	case "DATE", "DATEV2":
		t.Name, t.Kind, t.Scale = "DATE", KindDateTime, dateScale
	case "FLOAT":
		t.Kind, t.Bits = KindFloat, 32
	case "DOUBLE":
		t.Kind, t.Bits = KindFloat, 64
	case "DECIMAL", "DECIMALV3":
		t.Name, t.Kind, t.Total, t.Scale = "DECIMAL", KindDecimal, size, scale
		if !sized {
			t.Total = 38
		}
		if t.Total > maxDecimal {
			return t, fmt.Errorf("stand-in does not support a DECIMAL of %d digits, only of %d", t.Total, maxDecimal)
		}
		if t.Total < 1 || t.Scale > t.Total {
			return t, fmt.Errorf("DECIMAL(%d,%d) has more digits after the point than digits", t.Total, t.Scale)
		}
	default:
		return t, fmt.Errorf("stand-in does not support column type %s", t.Name)
	}
	return t, nil
}

// String is the type as DESC prints it.
func (t Type) String() string {
	low := strings.ToLower(t.Name)
	switch {
	case t.Name == "STRING":
		return "text"
	case t.Name == "BOOLEAN":
		return "tinyint(1)"
	case t.Kind == KindText:
		return low + "(" + strconv.Itoa(t.Bytes) + ")"
	case t.Kind == KindDecimal:
		return fmt.Sprintf("%s(%d,%d)", low, t.Total, t.Scale)
	case t.Kind == KindDateTime && t.Scale > 0:
		return low + "(" + strconv.Itoa(t.Scale) + ")"
	default:
		return low
	}
}

// sqlite is the declared type in the row store; it gives literals of the other kind the right affinity.
func (t Type) sqlite() string {
	switch t.Kind {
	case KindText:
		return "TEXT"
	case KindFloat:
		return "REAL"
	default:
		return "INTEGER"
	}
}
