package flinkimport

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/flinkimport/flinksql"
)

// branch is one SELECT of the UNION ALL that feeds a hub.
type branch struct {
	pos    flinksql.Pos
	head   string // of its INSERT
	name   string // of its table
	table  *table // nil when the file has no CREATE TABLE for it
	like   *table // another one of its UNION ALL
	values []value
	city   string
	cityAt flinksql.Pos
	elided []flinksql.Note // dots before it
}

// target is a column of the hub with what goes into it.
type target struct {
	column
	value value
	given bool // by the SELECT; else it is filled in, or NULL
}

// branches reads the SELECTs of an INSERT.
func (m *importer) branches(in insert) []branch {
	m.statement = in.head
	var out []branch
	for _, b := range in.Branches {
		s := b.Select
		br := branch{pos: s.Pos, head: in.head, name: s.From.Name.Last()}
		for _, n := range in.elided {
			if n.Pos.Offset < s.Pos.Offset && (len(out) == 0 || n.Pos.Offset > out[len(out)-1].pos.Offset) {
				br.elided = append(br.elided, n)
			}
		}
		t, there := m.tables[br.name]
		if br.like = m.sibling(in.Into.Name.Last()); there {
			t.used = true
			m.hints(s.Hints)
			br.table = m.hinted(t, s.From.Hints)
		}
		m.items(&br, s)
		out = append(out, br)
	}
	return out
}

// sibling is a table that the file has and that is read into the same hub.
func (m *importer) sibling(into string) *table {
	for _, in := range m.inserts {
		for _, b := range in.Branches {
			if t := m.tables[b.Select.From.Name.Last()]; t != nil && in.Into.Name.Last() == into {
				return t
			}
		}
	}
	return nil
}

// hints says of those of a SELECT that they are the planner's.
func (m *importer) hints(all []*flinksql.Hint) {
	for _, h := range all {
		m.say(h.Pos, "hint", "", Warned, "", "a hint to Flink's planner")
	}
}

// items reads the values that a SELECT gives.
func (m *importer) items(b *branch, s *flinksql.Select) {
	t := b.assumed()
	for _, i := range s.Items {
		if i.Star {
			for _, c := range t.columns {
				v, why := m.columnValue(&flinksql.Path{Pos: i.Pos, Parts: []flinksql.Name{{Pos: i.Pos, Raw: c.name}}}, t, 0)
				m.refuse(i.Pos, c.name, why)
				b.values = append(b.values, v)
			}
			continue
		}
		v, why := m.value(i.Expr, t, 0)
		v.pos = i.Pos
		what := "value " + strconv.Itoa(len(b.values)+1)
		if i.Alias != nil {
			what = i.Alias.String()
		}
		m.refuse(i.Pos, what, why)
		v.refused = why != ""
		b.values = append(b.values, v)
	}
}

func (m *importer) refuse(at flinksql.Pos, what, why string) {
	if why != "" {
		m.say(at, what, "", Refused, "", why)
	}
}

// assumed is the branch's table; one that the file does not have is as the others of its kind are.
func (b *branch) assumed() *table {
	if b.table != nil {
		return b.table
	}
	if b.like != nil {
		t := *b.like
		t.name = b.name
		return &t
	}
	t := &table{name: b.name, options: map[string]option{"format": {key: "format", value: "raw"}}}
	for _, c := range []struct{ name, metadata string }{
		{"record", ""}, {"city_partition_id", "partition"}, {"city_offset_id", "offset"}, {"city_ts", "timestamp"},
	} {
		t.columns = append(t.columns, column{name: c.name, metadata: c.metadata})
	}
	return t
}

// targets says what goes into each column of the hub, by position or by the INSERT's list; nil when that cannot be told.
func (m *importer) targets(in insert, hub *table, b branch) []target {
	m.statement = in.head
	columns := hub.written()
	out := make([]target, len(columns))
	for i, c := range columns {
		out[i] = target{column: c}
	}
	if len(in.Columns) == 0 {
		if len(b.values) > len(out) {
			m.say(b.pos, "SELECT", "", Refused, "", fmt.Sprintf("%d values for the %d columns of %s", len(b.values), len(out), hub.name))
			return nil
		}
		m.byPosition(hub, b, out)
		return out
	}
	if len(in.Columns) != len(b.values) {
		m.say(b.pos, "SELECT", "", Refused, "", fmt.Sprintf("%d values for the %d columns of the INSERT", len(b.values), len(in.Columns)))
		return nil
	}
	for i := range out {
		at := slices.IndexFunc(in.Columns, func(n flinksql.Name) bool { return n.String() == out[i].name })
		if at < 0 {
			out[i].value = value{pos: in.pos, from: domain.FromNull}
			continue
		}
		out[i].value, out[i].given = b.values[at], true
	}
	for _, n := range in.Columns {
		if !slices.ContainsFunc(out, func(o target) bool { return o.name == n.String() }) {
			m.say(n.Pos, n.String(), "", Refused, "", "table "+hub.name+" has no such column that an INSERT may fill")
		}
	}
	return out
}

// byPosition gives each column the value at its place, and fills in what the SELECT forgets.
func (m *importer) byPosition(hub *table, b branch, out []target) {
	var filled []string
	for i := range out {
		if i < len(b.values) {
			out[i].value, out[i].given = b.values[i], true
			continue
		}
		v, why := m.columnValue(&flinksql.Path{Pos: b.pos, Parts: []flinksql.Name{{Pos: b.pos, Raw: out[i].name}}}, b.assumed(), 0)
		if why != "" {
			out[i].value = value{pos: b.pos, from: domain.FromNull}
			m.say(b.pos, out[i].name, "", Warned, "hub.format.columns", "the SELECT gives it no value and "+why+": it will be NULL")
			continue
		}
		out[i].value = v
		filled = append(filled, out[i].name)
	}
	if len(filled) > 0 {
		m.missing(b, hub, filled, len(out))
	}
}

// missing says which columns a SELECT forgets; once for branches that forget the same.
func (m *importer) missing(b branch, hub *table, filled []string, want int) {
	if key := hub.name + " " + strings.Join(filled, " "); m.forgotten != key {
		m.forgotten = key
		m.slip(b.pos, "SELECT", "", Adapted, "hub.format.columns", fmt.Sprintf(
			"%d values for the %d columns of %s: Flink does not plan that (column types of query result and sink do not match), and with a list of columns it would write NULL. Hefu fills %s, which the source's table declares",
			len(b.values), want, hub.name, strings.Join(filled, ", ")))
	}
}

// hubColumns writes hub.format.columns and what follows from keys and headers.
func (m *importer) hubColumns(n *node, path string, in insert, hub *table, all []target) {
	m.statement = in.head
	format := n.child("format")
	list := &node{key: "columns", at: hub.pos}
	for _, c := range all {
		switch {
		case c.metadata != "":
			m.hubMetadata(format, path, c)
			continue
		case hub.isKey(c.name) && hub.get("value.fields-include") == "EXCEPT_KEY":
			m.hubKey(format, path, hub, c)
			continue
		case hub.isKey(c.name):
			m.say(hub.at("key.fields"), "key.fields", hub.get("key.fields"), Refused, path+".format.key",
				"the key would be column "+c.name+" of the value; Hefu gives a hub record the city record's key or none (value.fields-include = EXCEPT_KEY, and a column that is the city record's key)")
			continue
		}
		if c.value.refused {
			continue // and said
		}
		typ, why := carried(c)
		if why != "" {
			m.say(c.value.pos, c.name, "", Refused, path+".format.columns", why)
			continue
		}
		i := list.item()
		i.at, i.flow = c.pos, true
		i.set("name", c.name, c.pos, "")
		i.set("type", typ, c.pos, "")
		i.set("from", string(c.value.from), c.value.pos, "")
		if via := between(c); via != "" {
			i.set("via", via, c.value.pos, "")
		}
		if c.value.from == domain.FromField {
			i.set("field", c.value.field, c.value.pos, "")
		}
		m.remark(path, c)
	}
	if len(list.items) > 0 {
		format.children = append(format.children, list)
	}
}

// remark says what became of a column where that is not plain.
func (m *importer) remark(path string, c target) {
	key := path + ".format.columns"
	switch {
	case c.value.epoch:
		m.slip(c.value.pos, c.name, "", Mapped, key, "milliseconds since 1970, as UNIX_TIMESTAMP gives them: whole seconds. A TIMESTAMP column keeps the milliseconds")
	case c.value.fixed != "":
		m.say(c.value.pos, c.name, c.value.fixed, Adapted, key, "a fixed time; Hefu writes when the row was journaled")
	case c.value.from == domain.FromExtractTime:
		m.say(c.value.pos, c.name, "", Adapted, key, "when the row was journaled: given once, and the same when a transaction is repeated, where Flink takes a new time")
	case c.value.from == domain.FromNull && !c.given:
		m.slip(c.pos, c.name, "", Warned, key, "the INSERT leaves it out, so Flink writes NULL and so does Hefu. The Doris table gets its value all the same, from the journal")
	case c.given:
		m.say(c.value.pos, c.name, "", Mapped, key, "from "+c.value.String())
	}
}

// hubMetadata is a metadata column of the hub, which is no part of the value.
func (m *importer) hubMetadata(format *node, path string, c target) {
	switch {
	case c.metadata == "headers" && c.value.headers:
		format.set("headers", "pass", c.value.pos, "")
		m.say(c.value.pos, c.name, "", Mapped, path+".format.headers", "the city record's headers; Flink's MAP keeps one of several of the same name, Hefu all")
	case c.metadata == "timestamp":
		m.say(c.pos, c.name, "", Refused, path+".format",
			"the timestamp of a hub record is the time of its batch, so that a repeated transaction is the same to the byte; take the column out of the sink, and read the city's time from the value")
	default:
		m.say(c.pos, c.name, "", Refused, path+".format", "Hefu does not write the metadata "+c.metadata+" of a hub record from this")
	}
}

// hubKey is the column that is the hub record's key.
func (m *importer) hubKey(format *node, path string, hub *table, c target) {
	if !c.value.key || hub.get("key.format") != "raw" || len(hub.keyFields()) != 1 {
		m.say(hub.at("key.fields"), "key.fields", hub.get("key.fields"), Refused, path+".format.key",
			"Hefu gives a hub record the city record's key as it is, or none: key.format raw, one key field, from a column that is the city record's raw key")
		return
	}
	format.set("key", "pass", hub.at("key.fields"), "")
	for _, k := range []string{"key.format", "key.fields", "value.fields-include"} {
		if o := hub.options[k]; o.key != "" {
			m.say(o.pos, k, o.value, Mapped, path+".format.key", "the city record's key")
		}
	}
}

// carried is the type of a hub's column for what goes into it, or why it cannot.
func carried(c target) (typ, why string) {
	typ = c.typ.String()
	want := family(c.typ)
	if c.value.epoch && want == "BIGINT" {
		return typ, ""
	}
	if c.value.key || c.value.headers {
		return "", c.value.String() + " is no column of a hub record's value"
	}
	if k := c.value.cast; k != nil && c.value.from != domain.FromNull {
		if f := family(k); f != want {
			return "", fmt.Sprintf("CAST AS %s does not fit the column, which is %s", k, typ)
		}
	}
	fits := map[domain.From][]string{
		domain.FromCity: {"STRING"}, domain.FromExtractTime: {"TIMESTAMP"}, domain.FromRecord: {family(c.value.typ)},
		domain.FromPartition: {"BIGINT"}, domain.FromOffset: {"BIGINT"}, domain.FromTimestamp: {"TIMESTAMP"}, domain.FromField: {family(c.value.typ)},
	}[c.value.from]
	if c.value.typ == nil && c.value.from == domain.FromRecord {
		fits = []string{"STRING", "BYTES"} // of a table that the file does not have
	}
	cast := c.value.cast != nil && want == "STRING" && c.value.from != domain.FromField
	if c.value.from != domain.FromNull && !cast && !slices.Contains(fits, want) {
		return "", fmt.Sprintf("the column is %s, and what goes into it (%s) is %s; Flink wants a CAST, and Hefu carries values as they are", typ, c.value, strings.Join(fits, " or "))
	}
	return precise(c, typ), ""
}

// between is the type that a time has before it is cast to a text, where its digits show: not for TIMESTAMP_LTZ(3), which
// Kafka's timestamp and CURRENT_TIMESTAMP are.
func between(c target) string {
	t := c.value.typ
	if c.value.cast == nil || family(c.typ) != "STRING" || !isTime(c.value.from) || t == nil || !t.Times() {
		return ""
	}
	if via := t.String(); !strings.HasSuffix(via, "(3)") {
		return via
	}
	return ""
}

func isTime(f domain.From) bool { return f == domain.FromExtractTime || f == domain.FromTimestamp }

// precise is the type with the digits that are left where the source's column or a CAST has fewer than a millisecond's.
func precise(c target, typ string) string {
	if !c.typ.Times() {
		return typ
	}
	least := 9
	for _, t := range []*flinksql.Type{c.typ, c.value.cast, c.value.typ} {
		if t != nil && t.Times() && len(t.Args) == 1 {
			if p, err := strconv.Atoi(t.Args[0]); err == nil {
				least = min(least, p)
			}
		}
	}
	if least >= 3 {
		return typ
	}
	return fmt.Sprintf("%s(%d)", strings.SplitN(typ, "(", 2)[0], least)
}
