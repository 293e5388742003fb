package doris

import (
	"slices"
)

// tableBody reads what comes after the name: columns, model, and clauses about where rows lie, which mean nothing
// here but have to be well-formed.
func (p *parser) tableBody(t *Table) error {
	if err := p.expect("("); err != nil {
		return err
	}
	for {
		if err := p.columnDefinition(t); err != nil {
			return err
		}
		if p.accept(")") {
			break
		}
		if err := p.expect(","); err != nil {
			return err
		}
	}
	if p.accept("ENGINE") {
		p.accept("=")
		if _, err := p.name(); err != nil {
			return err
		}
	}
	if err := p.model(t); err != nil {
		return err
	}
	if p.accept("COMMENT") {
		var err error
		if t.Comment, err = p.text(); err != nil {
			return err
		}
	}
	t.Placement = p.sql[p.peek().from:]
	for p.peek().kind != lexEnd {
		if err := p.placement(t); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) columnDefinition(t *Table) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	if t.column(name) >= 0 {
		return refuse("Duplicate column name '%s'", name)
	}
	c := Column{Name: name}
	typ, err := p.name()
	if err != nil {
		return err
	}
	size, scale, sized := int64(0), int64(0), p.accept("(")
	if sized {
		if size, err = p.integer(); err != nil {
			return err
		}
		if p.accept(",") {
			if scale, err = p.integer(); err != nil {
				return err
			}
		}
		if err := p.expect(")"); err != nil {
			return err
		}
	}
	if c.Type, err = parseType(typ, int(size), int(scale), sized); err != nil {
		return refuse("%s", err.Error())
	}
	for {
		switch {
		case p.accept("NOT", "NULL"):
			c.NotNull = true
		case p.accept("NULL"):
		case p.accept("DEFAULT"):
			if p.accept("NULL") {
				continue
			}
			l := p.next()
			if l.kind != lexString && l.kind != lexNumber {
				p.at--
				return p.unsupported()
			}
			c.Default = &l.text
		case p.accept("COMMENT"):
			if c.Comment, err = p.text(); err != nil {
				return err
			}
		default:
			t.Columns = append(t.Columns, c)
			return nil
		}
	}
}

// model reads UNIQUE KEY(...) or DUPLICATE KEY(...); the key columns are the first ones, in that order.
func (p *parser) model(t *Table) error {
	switch {
	case p.accept("UNIQUE", "KEY"):
		t.Model = Unique
	case p.accept("DUPLICATE", "KEY"):
		t.Model = Duplicate
	default:
		return p.unsupported()
	}
	key, err := p.names()
	if err != nil {
		return err
	}
	for i, name := range key {
		if n := t.column(name); n != i {
			return refuse("Key columns must be the first few columns of the schema and the order of the key columns must be consistent with the order of the schema")
		}
		c := &t.Columns[i]
		if c.Type.Name == "STRING" {
			return refuse("The olap table key column can not be type STRING: %s", name)
		}
		c.Key = true
	}
	return nil
}

// placement reads one clause about distribution and properties.
func (p *parser) placement(t *Table) error {
	switch {
	case p.accept("DISTRIBUTED", "BY", "RANDOM"):
		if t.Model == Unique {
			return refuse("Create unique keys table should not contain random distribution desc")
		}
		t.Random = true
	case p.accept("DISTRIBUTED", "BY", "HASH"):
		by, err := p.names()
		if err != nil {
			return err
		}
		for _, name := range by {
			i := t.column(name)
			if i < 0 || t.Model == Unique && !t.Columns[i].Key {
				return refuse("Distribution column[%s] is not key column", name)
			}
		}
	case p.accept("PROPERTIES"):
		return p.properties(t)
	default:
		return p.unsupported()
	}
	if p.accept("BUCKETS") && !p.accept("AUTO") {
		_, err := p.integer()
		return err
	}
	return nil
}

// properties reads ("k" = "v", ...). Those that change what a load or a read means are refused.
func (p *parser) properties(*Table) error {
	if err := p.expect("("); err != nil {
		return err
	}
	changing := []string{"function_column.sequence_col", "function_column.sequence_type", "group_commit_mode", "enable_unique_key_skip_bitmap_column"}
	for {
		k, err := p.text()
		if err != nil {
			return err
		}
		if slices.Contains(changing, k) {
			return refuse("stand-in does not support table property %s", k)
		}
		if err := p.expect("="); err != nil {
			return err
		}
		if _, err := p.text(); err != nil {
			return err
		}
		if p.accept(")") {
			return nil
		}
		if err := p.expect(","); err != nil {
			return err
		}
	}
}
