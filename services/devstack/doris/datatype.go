package doris

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is how a column's values are checked and kept.
type Kind uint8

// Kinds of values. DateTime is kept as microseconds since 1970 of the wall clock it shows (Doris keeps no zone).
const (
	KindInt Kind = iota
	KindText
	KindDateTime
	KindBool
	KindLarge // 128 bit, only as the result of an expression; text on the wire
)

// Type is a column type of a Doris table.
type Type struct {
	Name  string `json:"name"`  // BIGINT, VARCHAR, DATETIME, ...
	Kind  Kind   `json:"kind"`  //
	Bits  int    `json:"bits"`  // of an integer
	Bytes int    `json:"bytes"` // most bytes of a text
	Scale int    `json:"scale"` // digits of a second's fraction
}

const stringSoftLimit = 1048576 // string_type_length_soft_limit_bytes

// parseType reads a type name and its bracketed length.
func parseType(name string, size int, sized bool) (Type, error) {
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
	case t.Kind == KindDateTime && t.Scale > 0:
		return low + "(" + strconv.Itoa(t.Scale) + ")"
	default:
		return low
	}
}

// dataType is information_schema's DATA_TYPE.
func (t Type) dataType() string {
	switch t.Name {
	case "STRING":
		return "string"
	case "BOOLEAN":
		return "tinyint"
	default:
		return strings.ToLower(t.Name)
	}
}

// sqlite is the declared type in the row store; it gives literals of the other kind the right affinity.
func (t Type) sqlite() string {
	if t.Kind == KindText {
		return "TEXT"
	}
	return "INTEGER"
}
