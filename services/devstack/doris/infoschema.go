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
		return c.backends(), nil
	case function && name == "frontends":
		return c.frontends(), nil
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
		for _, t := range s.tables() {
			r.add("internal", s.Name, t.Name, "BASE TABLE", "Doris", "")
		}
	}
	return r
}

func (c *session) columnsView() *relation {
	r := newRelation("ORDINAL_POSITION", "COLUMN_SIZE", "DECIMAL_DIGITS", "CHARACTER_MAXIMUM_LENGTH", "CHARACTER_OCTET_LENGTH",
		"DATETIME_PRECISION", "TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "COLUMN_DEFAULT", "IS_NULLABLE",
		"DATA_TYPE", "COLUMN_TYPE", "COLUMN_KEY", "EXTRA", "COLUMN_COMMENT")
	for _, s := range c.s.catalog.databases() {
		for _, t := range s.tables() {
			for i, col := range t.Columns {
				size := int64(max(col.Type.Bits, col.Type.Bytes))
				digits := int64(col.Type.Scale)
				r.add(int64(i+1), size, digits, int64(col.Type.Bytes), int64(col.Type.Bytes), digits, "internal", s.Name, t.Name,
					col.Name, defaultOf(col), yesNo(!col.NotNull), col.Type.dataType(), col.Type.String(), columnKey(t, col),
					"", col.Comment)
			}
		}
	}
	return r
}
