package doris

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// plan maps the keys of a JSON row to the columns of a table, and turns rows into cells.
type plan struct {
	table *Table
	loc   *time.Location
	lax   bool           // a value that does not parse becomes NULL where NULL is allowed
	keys  map[string]int // JSON key -> column
	order []string       // keys as the last row had them: the next row most likely has the same
	index []int          // columns of order, -1 = not ours
	row   []cell
	seen  []bool
	scan  jsonScanner
}

// newPlan is the front end's planning of a load. Without a columns list JSON keys are column names, letter for letter.
func newPlan(t *Table, q loadRequest, zoneOf *time.Location) (*plan, error) {
	p := &plan{
		table: t, loc: zoneOf, lax: !q.strict, keys: map[string]int{},
		row: make([]cell, len(t.Columns)), seen: make([]bool, len(t.Columns)),
	}
	if q.timezone != "" {
		loc, err := zone(q.timezone)
		if err != nil {
			return nil, refuse("%s", err.Error())
		}
		p.loc = loc
	}
	if q.columns == "" {
		for i, c := range t.Columns {
			p.keys[c.Name] = i
		}
		return p, nil
	}
	return p, p.list(q.columns)
}

// list reads the columns header; each name is the JSON key of the column of that name, in any case.
func (p *plan) list(columns string) error {
	named := make([]bool, len(p.table.Columns))
	for _, name := range strings.Split(columns, ",") {
		name = strings.Trim(strings.TrimSpace(name), "`")
		if strings.ContainsAny(name, "=(") {
			return refuse("stand-in does not support expressions in columns: %s", name)
		}
		i := p.table.column(name)
		switch {
		case i < 0:
		case named[i]:
			return refuse("Duplicate column: %s", name)
		default:
			named[i] = true
			p.keys[name] = i
		}
	}
	for i, c := range p.table.Columns {
		if !named[i] && c.NotNull && c.Default == nil {
			return refuse("Column has no default value, column=%s", c.Name)
		}
	}
	return nil
}

// rowError is a row that was refused, not a load: up to a ratio a load may have some.
type rowError struct{ text string }

func (e *rowError) Error() string { return e.text }

// parse turns one JSON object into p.row, whose texts point into obj.
func (p *plan) parse(obj []byte) error {
	if !utf8.Valid(obj) {
		return &rowError{"Parse json data failed: invalid UTF-8"}
	}
	p.scan.reset(obj)
	if err := p.object(); err != nil {
		return err
	}
	if !p.scan.end() {
		if p.scan.space() == '{' {
			return errManyObjects
		}
		return &rowError{"Parse json data failed: text after the object"}
	}
	return p.fillMissing()
}

var (
	errManyObjects = errors.New("[DATA_QUALITY_ERROR]Multiple JSON objects in a single line")
	errMalformed   = &rowError{"Parse json data failed: malformed JSON"}
)

func (p *plan) object() error {
	clear(p.seen)
	if p.scan.space() == '[' {
		return &rowError{"JSON data is array-object, `strip_outer_array` must be TRUE."}
	}
	if !p.scan.take('{') {
		return errMalformed
	}
	if p.scan.take('}') {
		return nil
	}
	var first error // of the values; the object is read to its end all the same
	for n := 0; ; n++ {
		if p.scan.space() != '"' {
			return errMalformed
		}
		key, err := p.scan.text()
		if err != nil || !p.scan.take(':') {
			return errMalformed
		}
		v, err := p.scan.value()
		if err != nil {
			return errMalformed
		}
		if i := p.columnOf(n, key); i >= 0 && !p.seen[i] { // of a key given twice the first counts
			p.seen[i] = true
			if err := p.set(i, v); err != nil && first == nil {
				first = &rowError{err.Error()}
			}
		}
		if p.scan.take('}') {
			return first
		}
		if !p.scan.take(',') {
			return errMalformed
		}
	}
}

func (p *plan) set(i int, v token) error {
	c := &p.table.Columns[i]
	err := c.convert(v, p.loc, &p.row[i])
	if err != nil && p.lax && !c.NotNull && c.Type.Kind != KindText {
		p.row[i] = cell{null: true}
		return nil
	}
	return err
}

// columnOf finds a key's column, by its place in the row before when that fits.
func (p *plan) columnOf(n int, key []byte) int {
	if n < len(p.order) && string(key) == p.order[n] {
		return p.index[n]
	}
	i, ok := p.keys[string(key)]
	if !ok {
		i = -1
	}
	if n == len(p.order) && n < 2*len(p.row)+16 {
		p.order, p.index = append(p.order, string(key)), append(p.index, i)
	}
	return i
}

func (p *plan) fillMissing() error {
	matched := false
	for i := range p.row {
		if p.seen[i] {
			matched = true
			continue
		}
		c := &p.table.Columns[i]
		switch {
		case c.Default != nil:
			if err := c.convert(token{tokString, []byte(*c.Default)}, p.loc, &p.row[i]); err != nil {
				return &rowError{err.Error()}
			}
		case c.NotNull:
			return &rowError{fmt.Sprintf("The column `%s` is not nullable, but it's not found in jsondata.", c.Name)}
		default:
			p.row[i] = cell{null: true}
		}
	}
	if !matched {
		return &rowError{"There is no column matching jsonpaths in the json file, columns:[" + p.names() + "], please check columns and jsonpaths"}
	}
	return nil
}

func (p *plan) names() string {
	var b bytes.Buffer
	for i, c := range p.table.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Name)
	}
	return b.String()
}
