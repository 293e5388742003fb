package doris

import (
	"strings"
)

const infoSchema = "information_schema"

// virtual is a view of information_schema, or a table function. The server's lock must be held.
func (c *session) virtual(name string, function bool) (*relation, error) {
	name = strings.ToLower(name)
	switch {
	case function && name == "backends":
		r := c.backends()
		r.typed(KindBool, "Alive", "SystemDecommissioned")
		r.typed(KindInt, "BackendId", "HeartbeatPort", "BePort", "HttpPort", "BrpcPort", "TabletNum")
		return r, nil
	case function && name == "frontends":
		return c.frontends(), nil // all of them are texts in Doris, too
	case function:
	case name == "schemata":
		return c.schemata(), nil
	case name == "tables":
		return c.tablesView(), nil
	case name == "columns":
		return c.columnsView(), nil
	}
	return nil, refuse("stand-in does not support reading from %s", name)
}

func (c *session) schemata() *relation {
	r := newRelation("CATALOG_NAME", "SCHEMA_NAME", "DEFAULT_CHARACTER_SET_NAME", "DEFAULT_COLLATION_NAME", "SQL_PATH")
	r.add("internal", infoSchema, nil, nil, nil)
	for _, s := range c.s.catalog.databases() {
		r.add("internal", s.Name, nil, nil, nil)
	}
	return r
}

func (c *session) tablesView() *relation {
	r := newRelation("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE", "ENGINE", "TABLE_COMMENT")
	for _, s := range c.s.catalog.databases() {
		for _, t := range c.visible(s) {
			r.add("internal", s.Name, t.Name, "BASE TABLE", "Doris", t.comment())
		}
	}
	return r
}

// columnsView lists what a back end's scanner of information_schema.columns fills in, column by column as it does
// (apache/doris be/src/information_schema/schema_columns_scanner.cpp, and the front end's describeTables).
func (c *session) columnsView() *relation {
	r := newRelation("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "ORDINAL_POSITION", "COLUMN_DEFAULT",
		"IS_NULLABLE", "DATA_TYPE", "CHARACTER_MAXIMUM_LENGTH", "CHARACTER_OCTET_LENGTH", "NUMERIC_PRECISION",
		"NUMERIC_SCALE", "DATETIME_PRECISION", "CHARACTER_SET_NAME", "COLLATION_NAME", "COLUMN_TYPE", "COLUMN_KEY", "EXTRA",
		"PRIVILEGES", "COLUMN_COMMENT", "COLUMN_SIZE", "DECIMAL_DIGITS", "GENERATION_EXPRESSION", "SRS_ID")
	r.typed(KindInt, "ORDINAL_POSITION", "CHARACTER_MAXIMUM_LENGTH", "CHARACTER_OCTET_LENGTH", "NUMERIC_PRECISION",
		"NUMERIC_SCALE", "DATETIME_PRECISION", "COLUMN_SIZE", "DECIMAL_DIGITS", "SRS_ID")
	for _, s := range c.s.catalog.databases() {
		for _, t := range c.visible(s) {
			for i, col := range t.Columns {
				length, octets, precision, digits, fraction := col.Type.measures()
				size := precision
				if length != nil {
					size = length
				}
				r.add("internal", s.Name, t.Name, col.Name, int64(i+1), defaultOf(col), yesNo(!col.NotNull),
					col.Type.dataType(), length, octets, precision, digits, fraction, nil, nil, col.Type.columnType(),
					columnKey(t, col), "", "", col.Comment, size, digits, nil, nil)
			}
		}
	}
	return r
}

// measures are a type's sizes in information_schema; nil where it has none. Doris calls the bytes of a text its
// length, and four times as many its octets.
func (t Type) measures() (length, octets, precision, digits, fraction any) {
	switch {
	case t.Name == "STRING":
		length, octets = int64(stringMax), int64(stringMax)*4
	case t.Kind == KindText:
		length, octets = int64(t.Bytes), int64(t.Bytes)*4
	case t.Kind == KindDateTime && t.Scale != dateScale:
		fraction = int64(t.Scale)
	case t.Kind == KindDecimal:
		precision, digits = int64(t.Total), int64(t.Scale)
	case t.Kind == KindBool:
		digits = int64(0)
	case t.Kind == KindInt:
		digits, precision = int64(0), map[int]int64{8: 3, 16: 5, 32: 10, 64: 19}[t.Bits]
	}
	return length, octets, precision, digits, fraction
}

// stringMax is what Doris says of a STRING, whatever a back end's soft limit is.
const stringMax = 2147483643

// dataType is DATA_TYPE, as MySQL would call it: a STRING is a varchar.
func (t Type) dataType() string {
	switch t.Name {
	case "STRING":
		return "varchar"
	case "BOOLEAN":
		return "tinyint"
	default:
		return strings.ToLower(t.Name)
	}
}

// columnType is COLUMN_TYPE, which alone tells a STRING from a VARCHAR.
func (t Type) columnType() string {
	switch t.Name {
	case "STRING":
		return "string"
	case "TINYINT":
		return "tinyint(4)"
	case "SMALLINT":
		return "smallint(6)"
	case "INT":
		return "int(11)"
	case "BIGINT":
		return "bigint(20)"
	default:
		return t.String()
	}
}
