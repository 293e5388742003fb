package flink

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// SQLKind is what a type of Flink SQL is called without its precision.
type SQLKind string

// The types that a column of ours can have (Flink documentation, "Data Types").
const (
	SQLString       SQLKind = "STRING" // also CHAR and VARCHAR, whose lengths Flink's connectors do not enforce
	SQLBoolean      SQLKind = "BOOLEAN"
	SQLTinyint      SQLKind = "TINYINT"
	SQLSmallint     SQLKind = "SMALLINT"
	SQLInt          SQLKind = "INT"
	SQLBigint       SQLKind = "BIGINT"
	SQLFloat        SQLKind = "FLOAT"
	SQLDouble       SQLKind = "DOUBLE"
	SQLDecimal      SQLKind = "DECIMAL"
	SQLBytes        SQLKind = "BYTES" // also BINARY and VARBINARY
	SQLDate         SQLKind = "DATE"
	SQLTime         SQLKind = "TIME"
	SQLTimestamp    SQLKind = "TIMESTAMP"
	SQLTimestampLTZ SQLKind = "TIMESTAMP_LTZ"
)

// SQLType is a type of Flink SQL.
type SQLType struct {
	Kind      SQLKind
	Precision int // of a DECIMAL: digits; of a time: digits of the fraction
	Scale     int // of a DECIMAL: digits behind the point
}

// allSQLTypes is what an error says is allowed.
const allSQLTypes = "STRING, CHAR(n), VARCHAR(n), BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), BYTES, BINARY(n), VARBINARY(n), " +
	"DATE, TIME, TIMESTAMP(p), TIMESTAMP_LTZ(p)"

// sqlNames are the names of the types and their synonyms, with the most numbers that may
// follow in parentheses.
func sqlNames(name string) (kind SQLKind, numbers int, known bool) {
	switch name {
	case "STRING":
		return SQLString, 0, true
	case "CHAR", "VARCHAR":
		return SQLString, 1, true
	case "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DATE":
		return SQLKind(name), 0, true
	case "INTEGER":
		return SQLInt, 0, true
	case "DOUBLE PRECISION":
		return SQLDouble, 0, true
	case "DECIMAL", "DEC", "NUMERIC":
		return SQLDecimal, 2, true
	case "BYTES":
		return SQLBytes, 0, true
	case "BINARY", "VARBINARY":
		return SQLBytes, 1, true
	case "TIME", "TIME WITHOUT TIME ZONE":
		return SQLTime, 1, true
	case "TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE":
		return SQLTimestamp, 1, true
	case "TIMESTAMP_LTZ", "TIMESTAMP WITH LOCAL TIME ZONE":
		return SQLTimestampLTZ, 1, true
	}
	return "", 0, false
}

// sqlTypeText has the name, the numbers in parentheses, and the rest of the name, as in
// TIMESTAMP(3) WITH LOCAL TIME ZONE.
var sqlTypeText = regexp.MustCompile(`^([A-Z_]+(?: [A-Z]+)*)(?: ?\( ?(\d+) ?(?:, ?(\d+) ?)?\))?((?: [A-Z]+)*)$`)

// ParseSQLType reads a type as Flink's SQL writes it: in any case, with its synonyms, with
// Flink's defaults for what is left out (DECIMAL(10, 0), TIMESTAMP(6), TIME(0)).
func ParseSQLType(text string) (SQLType, error) {
	wrong := func(why string) (SQLType, error) {
		return SQLType{}, fmt.Errorf("type %q: %s", text, why)
	}
	parts := sqlTypeText.FindStringSubmatch(strings.Join(strings.Fields(strings.ToUpper(text)), " "))
	if parts == nil {
		return wrong("allowed: " + allSQLTypes)
	}
	kind, most, known := sqlNames(parts[1] + parts[4])
	if !known {
		return wrong("allowed: " + allSQLTypes)
	}
	var numbers []int
	for _, digits := range parts[2:4] {
		if digits != "" {
			n, err := strconv.Atoi(digits)
			if err != nil {
				return wrong(digits + " is too large")
			}
			numbers = append(numbers, n)
		}
	}
	if len(numbers) > most {
		return wrong("allowed: " + allSQLTypes)
	}
	return kind.with(numbers, wrong)
}

// with is the type of a kind with its numbers.
func (k SQLKind) with(numbers []int, wrong func(string) (SQLType, error)) (SQLType, error) {
	t := SQLType{Kind: k}
	switch k {
	case SQLDecimal:
		t.Precision = 10
		if len(numbers) > 0 {
			t.Precision = numbers[0]
		}
		if len(numbers) > 1 {
			t.Scale = numbers[1]
		}
		if t.Precision < 1 || t.Precision > 38 || t.Scale > t.Precision {
			return wrong("a DECIMAL has 1 to 38 digits, of which 0 to all are behind the point")
		}
	case SQLTime, SQLTimestamp, SQLTimestampLTZ:
		if k != SQLTime {
			t.Precision = 6
		}
		if len(numbers) > 0 {
			t.Precision = numbers[0]
		}
		if t.Precision > 9 {
			return wrong("a time has 0 to 9 digits of a second")
		}
	default:
		if len(numbers) > 0 && numbers[0] < 1 {
			return wrong("a length is at least 1")
		}
	}
	return t, nil
}

// String is the type in Flink's SQL, lengths of text left out.
func (t SQLType) String() string {
	switch t.Kind {
	case SQLDecimal:
		return fmt.Sprintf("DECIMAL(%d, %d)", t.Precision, t.Scale)
	case SQLTime, SQLTimestamp, SQLTimestampLTZ:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Precision)
	default:
		return string(t.Kind)
	}
}

// integer is how wide an integer type is in bits, 0 for others.
func (k SQLKind) integer() int {
	switch k {
	case SQLTinyint:
		return 8
	case SQLSmallint:
		return 16
	case SQLInt:
		return 32
	case SQLBigint:
		return 64
	default:
		return 0
	}
}

// holds reports whether Flink lets an INSERT put a value of type v into a column of type t
// without a CAST that changes more than its digits.
func (t SQLType) holds(v SQLType) bool {
	switch {
	case t.Kind == SQLDecimal:
		return t == v
	case t.Kind == v.Kind:
		return true
	case t.Kind.integer() > 0:
		return v.Kind.integer() > 0 && v.Kind.integer() < t.Kind.integer()
	default:
		return t.Kind == SQLDouble && v.Kind == SQLFloat
	}
}
