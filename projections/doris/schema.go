package doris

import (
	"fmt"
	"slices"
	"strings"
)

// tableFacts is a table as Doris describes it.
type tableFacts struct {
	columns []tableColumn
	model   string   // UNIQUE, DUPLICATE, AGGREGATE; empty for what is no table with rows of its own
	key     []string // its key columns, in order
}

// tableColumn is one column of it.
type tableColumn struct {
	name     string
	typ      columnType
	nullable bool
	filled   bool // when a load does not name it: by a default, a counter, an expression
}

// wantedColumn is a column that each row brings a value for.
type wantedColumn struct {
	name   string
	ddl    string // its type in a statement that makes it
	null   bool   // a row may bring NULL
	refuse func(columnType) string
	alters []string // types that ALTER TABLE turns into it (fe: ColumnType.java, schemaChangeMatrix)
}

// Names that the key of a UNIQUE table is made of: the place in the hub topic, which is
// never given twice.
const (
	keyPartition = "hw_partition_id"
	keyOffset    = "hw_offset_id"
)

// rowNeeds is what the rows of a pipeline ask of a table beyond the columns themselves.
type rowNeeds struct {
	city  int  // bytes of the longest city code
	nulls bool // the hub's rows are carried as they are, and may bring no value but for the hub's own columns
}

// wanted are the nine columns in the order of deploy/doris.sql.
func wanted(needs rowNeeds) []wantedColumn {
	partition := wantedColumn{ddl: "BIGINT", refuse: number("int", "bigint"), alters: numbers()}
	offset := wantedColumn{ddl: "BIGINT", refuse: number("bigint"), alters: numbers()}
	code := wantedColumn{ddl: fmt.Sprintf("VARCHAR(%d)", max(16, needs.city)), refuse: text(needs.city), alters: []string{"char", "varchar", "int", "bigint"}}
	millis := wantedColumn{ddl: "DATETIME(3)", refuse: moment(3), alters: []string{"datetime", "date"}}
	micros := wantedColumn{ddl: "DATETIME(6)", refuse: moment(6), alters: []string{"datetime", "date"}}
	record := wantedColumn{ddl: "STRING", null: true, refuse: text(1), alters: []string{"char", "varchar", "json", "string"}}
	named := func(name string, c wantedColumn) wantedColumn { c.name = name; return c }
	city := func(name string, c wantedColumn) wantedColumn { c.null = c.null || needs.nulls; return named(name, c) }
	return []wantedColumn{
		named(keyPartition, partition), named(keyOffset, offset), city("sscsdm", code), city("extract_time", micros),
		city("record", record), city("city_partition_id", partition), city("city_offset_id", offset),
		city("city_ts", millis), named("hw_ts", millis),
	}
}

func numbers() []string {
	return []string{"tinyint", "smallint", "int", "bigint", "char", "varchar"}
}

func number(types ...string) func(columnType) string {
	return func(t columnType) string {
		if slices.Contains(types, t.name) {
			return ""
		}
		return "it must be a whole number of 64 bits"
	}
}

// text takes what keeps a text as it is; JSON and VARIANT write it anew.
func text(least int) func(columnType) string {
	return func(t columnType) string {
		switch {
		case t.name == "string", (t.name == "varchar" || t.name == "char") && t.size >= least:
			return ""
		case t.name == "varchar", t.name == "char":
			return fmt.Sprintf("it is too short, the longest city code has %d bytes", least)
		default:
			return "it must be a text, which Doris keeps as it is"
		}
	}
}

// moment takes a DATETIME that keeps so many digits of a second: Doris rounds the others
// off, and the row would be another one.
func moment(digits int) func(columnType) string {
	return func(t columnType) string {
		switch {
		case t.name != "datetime":
			return "it must be a DATETIME, which keeps the wall clock that a row shows"
		case t.size < digits:
			return fmt.Sprintf("it rounds to %d digits of a second, a row has %d", t.size, digits)
		default:
			return ""
		}
	}
}

// finding is one thing about a table that keeps Hefu from loading into it.
type finding struct {
	what  string
	alter string // what ALTER TABLE has to do; empty when only another table helps
}

// misfits holds a table against what the rows need. It is pure. model is unique,
// duplicate, or empty for either.
func misfits(t *tableFacts, model string, needs rowNeeds) []finding {
	if t.model == "" {
		return []finding{{what: "it is no table with rows of its own"}}
	}
	wants := wanted(needs)
	found := keyMisfits(t, model)
	for i := range wants {
		if f, bad := t.misfit(&wants[i]); bad {
			found = append(found, f)
		}
	}
	for _, c := range t.columns {
		named := slices.ContainsFunc(wants, func(w wantedColumn) bool { return strings.EqualFold(w.name, c.name) })
		inKey := t.model == "UNIQUE" && t.isKey(c.name) // said already
		// Doris's own columns, which show_hidden_columns lists, are filled by Doris.
		if named || inKey || c.nullable || c.filled || strings.HasPrefix(c.name, "__DORIS_") {
			continue
		}
		f := finding{what: fmt.Sprintf("column %s is NOT NULL without a default, and no row brings a value for it", c.name)}
		if !t.isKey(c.name) {
			f.alter = fmt.Sprintf("MODIFY COLUMN `%s` %s NULL", c.name, strings.ToUpper(c.typ.String()))
		}
		found = append(found, f)
	}
	return found
}

func keyMisfits(t *tableFacts, model string) []finding {
	var found []finding
	if t.model == "AGGREGATE" {
		return []finding{{what: "its rows are aggregated, so that they cannot be found again one by one"}}
	}
	if model != "" && !strings.EqualFold(model, t.model) {
		found = append(found, finding{what: fmt.Sprintf("it has a %s key and doris.model says %s: say doris.model: %s, or make another table",
			t.model, model, strings.ToLower(t.model))})
	}
	if t.model == "UNIQUE" && (len(t.key) != 2 || !t.isKey(keyPartition) || !t.isKey(keyOffset)) {
		found = append(found, finding{what: fmt.Sprintf("its UNIQUE key is (%s), which does not hold for (%s, %s): these two, and no other, make a row that comes again replace itself and nothing else",
			strings.Join(t.key, ", "), keyPartition, keyOffset)})
	}
	return found
}

// misfit holds one wanted column against the table.
func (t *tableFacts) misfit(w *wantedColumn) (finding, bool) {
	c := t.column(w.name)
	if c == nil {
		f := finding{what: fmt.Sprintf("column %s %s is missing", w.name, w.ddl)}
		if w.name != keyPartition && w.name != keyOffset {
			// NULL, since the rows that are there have no value for it.
			f.alter = fmt.Sprintf("ADD COLUMN `%s` %s NULL", w.name, w.ddl)
		}
		return f, true
	}
	why := w.refuse(c.typ)
	if why == "" && w.null && !c.nullable {
		why = "it is NOT NULL, and a row may bring no value for it"
	}
	if why == "" {
		return finding{}, false
	}
	f := finding{what: fmt.Sprintf("column %s is %s: %s", c.name, c.typ, why)}
	if slices.Contains(w.alters, c.typ.name) {
		key, null := "", "NOT NULL"
		if t.isKey(c.name) {
			key = "KEY "
		}
		if c.nullable || w.null {
			null = "NULL"
		}
		f.alter = fmt.Sprintf("MODIFY COLUMN `%s` %s %s%s", c.name, w.ddl, key, null)
	}
	return f, true
}

func (t *tableFacts) column(name string) *tableColumn {
	for i := range t.columns {
		if strings.EqualFold(t.columns[i].name, name) {
			return &t.columns[i]
		}
	}
	return nil
}

func (t *tableFacts) isKey(name string) bool {
	return slices.ContainsFunc(t.key, func(k string) bool { return strings.EqualFold(k, name) })
}
