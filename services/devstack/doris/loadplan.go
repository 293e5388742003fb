package doris

import (
	"slices"
	"strings"
	"time"
)

// deleteSign is the hidden column of UNIQUE tables: a row with 1 in it takes away the row of its key.
const deleteSign = "__DORIS_DELETE_SIGN__"

// Where a column of the file goes, when it is not a column of the table.
const (
	toNowhere = -1
	toSign    = -2
)

// fileColumn is a column of what is loaded: a JSON key, or a CSV field.
type fileColumn struct {
	name string
	to   int
}

// plan maps what is loaded to the columns of a table, and turns rows into cells.
type plan struct {
	table     *Table
	loc       *time.Location
	lax       bool // a value that does not parse becomes NULL where NULL is allowed
	csv       *csvForm
	delimiter []byte
	file      []fileColumn
	from      []int          // file column of each column of the table, -1 = none
	keys      map[string]int // file column by JSON key
	order     []string       // keys as the last row had them: the next row most likely has the same
	index     []int          // file columns of order, -1 = not ours
	values    []token        // by file column
	seen      []bool         // by file column
	scan      jsonScanner

	row     []cell
	deleted bool
}

// newPlan is the front end's planning of a load. Without a columns list the file holds the table's columns, and the
// hidden ones that are named.
func newPlan(t *Table, q loadRequest, zoneOf *time.Location) (*plan, error) {
	p := &plan{table: t, loc: zoneOf, lax: !q.strict, csv: q.csv, delimiter: q.delimiter, keys: map[string]int{}, row: make([]cell, len(t.Columns))}
	if q.timezone != "" {
		loc, err := zone(q.timezone)
		if err != nil {
			return nil, refuse("%s", err.Error())
		}
		p.loc = loc
	}
	if q.columns == "" {
		for i, c := range t.Columns {
			p.file = append(p.file, fileColumn{c.Name, i})
		}
		for _, name := range splitList(q.hidden) {
			p.file = append(p.file, fileColumn{name, p.target(name)})
		}
	} else if err := p.list(q.columns); err != nil {
		return nil, err
	}
	p.from = slices.Repeat([]int{-1}, len(t.Columns))
	for i, f := range p.file {
		p.keys[f.name] = i
		if f.to >= 0 {
			p.from[f.to] = i
		}
	}
	for i, c := range t.Columns {
		if p.from[i] < 0 && c.NotNull && c.Default == nil {
			return nil, refuse("Column has no default value, column=%s", c.Name)
		}
	}
	p.values, p.seen = make([]token, len(p.file)), make([]bool, len(p.file))
	return p, nil
}

// list reads the columns header; each name is the JSON key of the column of that name, in any case. An expression for
// a name that the table does not have means nothing.
func (p *plan) list(columns string) error {
	for _, name := range splitList(columns) {
		name, _, expression := strings.Cut(name, "=")
		name = strings.Trim(strings.TrimSpace(name), "`")
		to := p.target(name)
		switch {
		case expression && to == toNowhere:
			continue
		case expression, strings.ContainsAny(name, "( "):
			return refuse("stand-in does not support expressions in columns: %s", name)
		case slices.ContainsFunc(p.file, func(f fileColumn) bool { return strings.EqualFold(f.name, name) }):
			return refuse("Duplicate column: %s", name)
		}
		p.file = append(p.file, fileColumn{name, to})
	}
	return nil
}

// target is where a column of the file goes. Of the hidden columns the stand-in's UNIQUE tables have the delete sign,
// and DUPLICATE ones none.
func (p *plan) target(name string) int {
	if strings.EqualFold(name, deleteSign) && p.table.Model == Unique {
		return toSign
	}
	return max(p.table.column(name), toNowhere)
}

// splitList cuts at the commas that are in no brackets and in no quotes.
func splitList(list string) []string {
	var parts []string
	depth, from := 0, 0
	quote := byte(0)
	for i := range len(list) {
		switch c := list[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			parts, from = append(parts, strings.TrimSpace(list[from:i])), i+1
		}
	}
	if rest := strings.TrimSpace(list[from:]); rest != "" {
		parts = append(parts, rest)
	}
	return parts
}
