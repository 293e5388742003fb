package flinkimport

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/services/flinkimport/flinksql"
)

// table is a CREATE TABLE with what it takes from others.
type table struct {
	pos     flinksql.Pos
	name    string
	head    string
	columns []column
	options map[string]option
	keys    []string // of options, in the order of the file
	like    *flinksql.Like
	used    bool
}

// column is a column of a table.
type column struct {
	pos      flinksql.Pos
	name     string
	typ      *flinksql.Type // nil for a computed one
	metadata string         // the key of a metadata column, else ""
	virtual  bool
	as       *flinksql.Expr // of a computed one
}

// option is one 'key' = 'value'.
type option struct {
	pos, valuePos flinksql.Pos
	key, value    string
}

// sayOption adds an item about an option.
func (m *importer) sayOption(o option, v Verdict, key, text string) {
	m.say(o.pos, o.key, o.value, v, key, text)
}

// get is an option's value, "" when it is not given.
func (t *table) get(key string) string { return t.options[key].value }

func (t *table) has(key string) bool { _, has := t.options[key]; return has }

// at is where an option stands, or else the table.
func (t *table) at(key string) flinksql.Pos {
	if o, has := t.options[key]; has {
		return o.pos
	}
	return t.pos
}

func (t *table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

// physical are the columns that the value of a record has.
func (t *table) physical() []column {
	var out []column
	for _, c := range t.columns {
		if c.metadata == "" && c.as == nil {
			out = append(out, c)
		}
	}
	return out
}

// written are the columns that an INSERT fills.
func (t *table) written() []column {
	var out []column
	for _, c := range t.columns {
		if c.as == nil && !c.virtual {
			out = append(out, c)
		}
	}
	return out
}

// connector is what the table is connected to.
func (t *table) connector() string { return t.get("connector") }

// table takes a CREATE TABLE.
func (m *importer) table(st *flinksql.Statement) {
	c := st.Create
	t := &table{pos: st.Pos, name: c.Name.Last(), head: st.Head, options: map[string]option{}, like: c.Like}
	for _, e := range c.Elements {
		m.element(t, e)
	}
	for _, o := range c.Options {
		set := option{pos: o.Key.Pos, valuePos: o.Value.Pos, key: o.Key.String(), value: o.Value.String()}
		if old, twice := t.options[set.key]; twice {
			m.sayOption(set, Refused, "", fmt.Sprintf("it is given at line %d already", old.pos.Line))
			continue
		}
		t.options[set.key] = set
		t.keys = append(t.keys, set.key)
	}
	if len(c.Partitioned) > 0 || c.Distributed {
		m.say(c.Pos, "PARTITIONED BY, DISTRIBUTED", "", Warned, "", "the connectors kafka and doris take no notice of it")
	}
	if other, twice := m.tables[t.name]; twice {
		m.say(c.Name.Pos, t.name, "", Refused, "", fmt.Sprintf("there is a table of this name at line %d already", other.pos.Line))
		return
	}
	m.tables[t.name] = t
	m.order = append(m.order, t)
}

// element takes one line of a table's definition.
func (m *importer) element(t *table, e *flinksql.Element) {
	switch {
	case e.Watermark != nil:
		m.say(e.Pos, "WATERMARK FOR "+e.Watermark.Column.String(), "", Warned, "", "nothing here waits for event time, so it has no effect")
	case e.Key != nil:
		m.say(e.Pos, "PRIMARY KEY", "", Warned, "", "NOT ENFORCED: it checks nothing, and the connector kafka takes no notice of it; the Doris table's key is doris.model")
	default:
		c := column{pos: e.Pos, name: e.Column.Name.String(), typ: e.Column.Type, as: e.Column.As}
		if md := e.Column.Metadata; md != nil {
			if c.metadata, c.virtual = c.name, md.Virtual; md.From != nil {
				c.metadata = md.From.String()
			}
		}
		if other, twice := t.column(c.name); twice {
			m.say(e.Pos, c.name, "", Refused, "", fmt.Sprintf("there is a column of this name at line %d already", other.pos.Line))
			return
		}
		t.columns = append(t.columns, c)
	}
}

// inherit gives each table what its LIKE says, in the order of the file, as Flink does.
func (m *importer) inherit() {
	for _, t := range m.order {
		if t.like == nil {
			continue
		}
		m.statement = t.head
		base, there := m.tables[t.like.Table.Last()]
		if !there || base.pos.Offset >= t.pos.Offset {
			m.say(t.like.Pos, "LIKE "+t.like.Table.String(), "", Refused, "", "there is no such table before this one in the file")
			continue
		}
		m.merge(t, base)
		m.say(t.like.Pos, "LIKE "+base.name, "", Mapped, "", "columns and options of "+base.name+" are taken over as Flink does")
	}
}

// merge takes base's columns and options into t.
func (m *importer) merge(t, base *table) {
	how := likeRules(t.like)
	var columns []column
	for _, c := range base.columns {
		feature := "" // physical columns always
		switch {
		case c.metadata != "":
			feature = "METADATA"
		case c.as != nil:
			feature = "GENERATED"
		}
		if feature == "" || how[feature] != "EXCLUDING" {
			if own, twice := t.column(c.name); twice {
				if feature != "" && how[feature] == "OVERWRITING" {
					continue // the table's own counts
				}
				m.say(own.pos, c.name, "", Refused, "", "there is a column of this name in "+base.name+" already")
				continue
			}
			columns = append(columns, c)
		}
	}
	t.columns = append(columns, t.columns...)
	if how["OPTIONS"] == "EXCLUDING" {
		return
	}
	own, keys := t.options, t.keys
	t.options, t.keys = maps.Clone(base.options), slices.Clone(base.keys)
	for _, k := range keys {
		if _, twice := t.options[k]; twice && how["OPTIONS"] == "INCLUDING" {
			m.sayOption(own[k], Refused, "", base.name+" has it already, and INCLUDING OPTIONS does not overwrite: say OVERWRITING OPTIONS")
		}
		t.put(own[k])
	}
}

// likeRules are INCLUDING, EXCLUDING or OVERWRITING for each feature. Flink's default is INCLUDING ALL with
// OVERWRITING OPTIONS.
func likeRules(l *flinksql.Like) map[string]string {
	out := map[string]string{"OPTIONS": "OVERWRITING", "METADATA": "INCLUDING", "GENERATED": "INCLUDING"}
	for _, all := range []bool{true, false} { // ALL first, whatever the order
		for _, o := range l.Options {
			if strings.EqualFold(o.Feature, "ALL") != all {
				continue
			}
			if !all {
				out[strings.ToUpper(o.Feature)] = strings.ToUpper(o.How)
				continue
			}
			for f := range out {
				if out[f] = strings.ToUpper(o.How); f == "OPTIONS" && out[f] == "INCLUDING" {
					out[f] = "OVERWRITING"
				}
			}
		}
	}
	return out
}

// put sets an option.
func (t *table) put(o option) {
	if !t.has(o.key) {
		t.keys = append(t.keys, o.key)
	}
	t.options[o.key] = o
}

// hinted is the table with the options of its hints at one place.
func (m *importer) hinted(t *table, hints []*flinksql.Hint) *table {
	for _, h := range hints {
		for _, call := range h.Hints {
			if !strings.EqualFold(call.Name.String(), "OPTIONS") {
				m.say(call.Pos, "hint "+call.Name.String(), "", Warned, "", "a hint to Flink's planner")
				continue
			}
			copied := *t
			copied.options, copied.keys = maps.Clone(t.options), slices.Clone(t.keys)
			for _, o := range call.Options {
				copied.put(option{pos: o.Key.Pos, valuePos: o.Value.Pos, key: o.Key.String(), value: o.Value.String()})
			}
			t = &copied
		}
	}
	return t
}
