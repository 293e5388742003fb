package doris

import "fmt"

// srcLine is what the error log shows of a filtered row. It depends on who noticed: the reader still has the row's
// text, the cast has its values, and the table's writer has nothing (real logs show all three; doris-wire.md §8.2).
type srcLine uint8

const (
	lineText srcLine = iota
	lineValues
	lineNothing
)

// rowError is a row that was refused, not a load: up to a ratio a load may have some.
type rowError struct {
	text string
	line srcLine
}

func (e *rowError) Error() string { return e.text }

// fill turns p.values into p.row, in Doris' three passes over a row: the reader's, the casts', the writer's.
func (p *plan) fill() error {
	if p.csv == nil {
		if err := p.readerChecks(); err != nil {
			return err
		}
	}
	p.deleted = false
	for i, f := range p.file {
		if f.to == toSign && p.seen[i] {
			n, ok := parseInt(p.values[i].text, 8)
			p.deleted = ok && n > 0
		}
	}
	for i := range p.row {
		if err := p.cast(i); err != nil {
			return err
		}
	}
	for i := range p.row {
		if c := &p.table.Columns[i]; c.tooLong(&p.row[i]) {
			return &rowError{c.lengthError(&p.row[i]), lineNothing}
		}
	}
	return nil
}

// readerChecks are those of Doris' JSON reader: NULL where it may not be.
func (p *plan) readerChecks() error {
	for i := range p.row {
		c, from := &p.table.Columns[i], p.from[i]
		switch {
		case from < 0 || !c.NotNull:
		case !p.seen[from] && c.Default == nil:
			return &rowError{text: fmt.Sprintf("The column `%s` is not nullable, but it's not found in jsondata.", c.Name)}
		case p.seen[from] && p.values[from].kind == tokNull:
			return &rowError{text: nullRefused(c)}
		}
	}
	return nil
}

// cast fills the cell of one column, from the file or from its default.
func (p *plan) cast(i int) error {
	c, from := &p.table.Columns[i], p.from[i]
	v := token{kind: tokNull}
	switch {
	case from >= 0 && p.seen[from]:
		v = p.values[from]
	case c.Default != nil:
		v = token{tokString, []byte(*c.Default)}
	}
	out := &p.row[i]
	if v.kind != tokNull && c.cast(v, p.loc, out) {
		return nil
	}
	switch {
	case v.kind != tokNull && !p.lax:
		return &rowError{fmt.Sprintf("column(%s) value is incorrect while strict mode is true, src value is %s", c.Name, v.text), lineValues}
	case c.NotNull:
		return &rowError{fmt.Sprintf("column(%s) values is null while columns is not nullable", c.Name), lineValues}
	default:
		*out = cell{null: true}
		return nil
	}
}

// joined is the row's values as the cast sees them: texts in the order of the file's columns, with a space between.
func (p *plan) joined() []byte {
	var b []byte
	for i, v := range p.values {
		if i > 0 {
			b = append(b, ' ')
		}
		if !p.seen[i] || v.kind == tokNull {
			b = append(b, "NULL"...)
		} else {
			b = append(b, v.text...)
		}
	}
	return b
}
