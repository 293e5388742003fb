package flinkimport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// loaded is a column of the table that Hefu loads into: what it holds of a hub record's value, or "" for the record's
// own place in the hub.
type loaded struct {
	name string
	from domain.From
}

// nine are all of them.
func nine() []loaded {
	return []loaded{
		{"sscsdm", domain.FromCity},
		{"extract_time", domain.FromExtractTime},
		{"record", domain.FromRecord},
		{"city_partition_id", domain.FromPartition},
		{"city_offset_id", domain.FromOffset},
		{"city_ts", domain.FromTimestamp},
		{"hw_partition_id", ""},
		{"hw_offset_id", ""},
		{"hw_ts", ""},
	}
}

// load takes an INSERT into a Doris table: of a hub that the file writes, or of one that is only read.
func (m *importer) load(in insert, flows []*flow) {
	m.statement = in.head
	all := m.branches(in)
	if len(all) != 1 {
		m.say(in.pos, "UNION ALL", "", Refused, "", "rows get into the table by the hub topic, where each has a place of its own: INSERT the cities into a hub, and the hub into Doris")
		return
	}
	b := all[0]
	switch {
	case b.table == nil:
		m.say(b.pos, "FROM "+b.name, "", Refused, "", "there is no CREATE TABLE "+b.name+" in the file")
		return
	case b.table.connector() != "kafka":
		m.say(b.pos, "FROM "+b.name, b.table.connector(), Refused, "", "Hefu loads a hub topic; this is connector "+b.table.connector())
		return
	}
	target := m.hinted(m.tables[in.Into.Name.Last()], in.Into.Hints)
	f := hubOf(flows, b.table)
	if f != nil && f.loaded.Line > 0 {
		m.say(in.pos, "INSERT INTO "+target.name, "", Refused, "", fmt.Sprintf("line %d loads the hub topic already; a pipeline has one table", f.loaded.Line))
		return
	}
	if f == nil && m.lost {
		return // what writes the hub is refused already
	}
	if f == nil {
		f = m.direct(b)
	} else {
		m.hubReader(f, b.table)
	}
	f.loaded = in.pos
	m.statement = in.head
	m.loadColumns(in, f, target, b)
	m.doris(f.node.child("doris"), f.path()+".doris", target, f.zone())
	f.sourcesLast()
}

// zone is the time zone that the pipeline has so far.
func (f *flow) zone() string {
	if z := f.node.child("timezone"); z.raw != nil {
		return z.raw[0]
	}
	return "Asia/Shanghai"
}

// sourcesLast puts doris before what it is read from, as people read it.
func (f *flow) sourcesLast() {
	c := f.node.children
	slices.SortStableFunc(c, func(a, b *node) int {
		last := func(n *node) int {
			if n.key == "sources" || n.key == "read_hub" {
				return 1
			}
			return 0
		}
		return last(a) - last(b)
	})
}

// hubOf is the flow that writes the topic of a table, as far as names and addresses tell.
func hubOf(flows []*flow, t *table) *flow {
	for _, f := range flows {
		const servers = properties + "bootstrap.servers"
		if f.hub.get("topic") == t.get("topic") && slices.ContainsFunc(split(f.hub.get(servers)), func(b string) bool { return slices.Contains(split(t.get(servers)), b) }) {
			return f
		}
	}
	return nil
}

// hubReader is the table by which Flink's second job reads the hub. Hefu has the rows in its journal.
func (m *importer) hubReader(f *flow, t *table) {
	m.statement = t.head
	if f := t.format(); f.value != "json" {
		m.say(t.at("format"), "format", f.value, Refused, "", "the hub's rows are json")
	}
	if o := t.options["json.ignore-parse-errors"]; o.value == "true" {
		m.sayOption(o, Adapted, "", "Flink drops what it cannot read without a word; Hefu loads from its journal, and excludes nothing that is not listed")
	}
	if o := t.options[properties+"group.id"]; o.key != "" {
		f.node.child("hub").set("backlog_group", o.value, o.pos, "")
		m.sayOption(o, Adapted, f.path()+".hub.backlog_group", "Hefu's loads begin with its own rows. What Flink wrote to the hub and did not load lies behind this group's offsets, or behind the table's rows: the first start is refused while there is any, and docs/cutover.md says how it is loaded first")
		m.result.Groups = append(m.result.Groups, Group{Pipeline: f.name, Table: t.name, Group: o.value, start: domain.StartSpec{At: domain.StartGroupOffsets, Missing: domain.MissingFail}})
	}
	for _, k := range t.keys {
		if o := t.options[k]; !m.spoken[place{m.statement, o.pos}] && (strings.HasPrefix(k, properties) || strings.HasPrefix(k, "scan.") || k == "topic" || strings.HasSuffix(k, "format") || strings.HasPrefix(k, "json.")) {
			m.sayOption(o, Adapted, "", "read again for Flink's second job; Hefu loads the same rows from its journal, with their places in the hub")
		}
	}
	m.rest(t, asHubReader)
}

// direct makes a pipeline whose source is the hub topic itself.
func (m *importer) direct(b branch) *flow {
	t := b.table
	f := &flow{hub: t}
	m.begin(f, t.get("topic"))
	f.name = f.node.child("name").raw[0]
	at := f.path()
	hub := f.node.child("hub")
	hub.at = t.pos
	m.statement = t.head
	m.cluster(hub, at+".hub", "hub", t, reading()...)
	topic := t.options["topic"]
	if topic.key == "" || strings.Contains(topic.value, ";") {
		m.say(t.at("topic"), "topic", topic.value, Refused, at+".hub.topic", "a hub is one topic")
	} else {
		hub.set("topic", topic.value, topic.pos, "")
		m.sayOption(topic, Mapped, at+".hub.topic", "no INSERT of the file writes it: the pipeline reads it, and loads it into the table")
	}
	m.reads(f.node.child("read_hub"), at+".read_hub", t)
	if o := t.format(); o.value != "json" {
		m.say(t.at("format"), "format", o.value, Refused, at+".read_hub", "the rows of a hub topic are json")
	} else {
		m.sayOption(o, Mapped, at+".read_hub", "the rows say themselves which city they are from")
	}
	for _, name := range []string{"json.ignore-parse-errors", "json.fail-on-missing-field", "json.timestamp-format.standard"} {
		if o := t.formatOption(name); o.key != "" {
			m.sayOption(o, Adapted, at+".read_hub", "texts of times are passed on as they are, and a record that cannot be read is left out and listed")
		}
	}
	m.rest(t, asHubReader)
	return f
}

// loadColumns compares what the INSERT puts into the table's columns with what Hefu does.
func (m *importer) loadColumns(in insert, f *flow, t *table, b branch) {
	columns := t.written()
	names := make([]string, 0, len(columns))
	for _, c := range columns {
		names = append(names, c.name)
	}
	if len(in.Columns) > 0 {
		names = names[:0]
		for _, n := range in.Columns {
			names = append(names, n.String())
		}
	}
	if len(b.values) > len(names) {
		m.say(b.pos, "SELECT", "", Refused, "", fmt.Sprintf("%d values for %d columns of %s", len(b.values), len(names), t.name))
		return
	}
	for i, v := range b.values {
		m.loadColumn(f, names[i], v)
	}
	var filled, lacking []string
	for _, c := range nine() {
		i := slices.Index(names, c.name)
		if i < 0 || i >= len(b.values) {
			filled = append(filled, c.name)
		}
		if _, has := t.column(c.name); !has {
			lacking = append(lacking, c.name)
		}
	}
	if len(filled) > 0 {
		text := "the SELECT gives no value for " + strings.Join(filled, ", ")
		if len(in.Columns) == 0 && len(b.values) < len(columns) {
			text += ": Flink does not plan that, and with a list of columns they would be NULL"
		}
		m.slip(b.pos, "SELECT", "", Adapted, f.path()+".doris", text+". Hefu fills all nine columns")
	}
	if len(lacking) > 0 {
		m.statement = t.head
		m.say(t.pos, t.name, "", Warned, f.path()+".doris", "it does not declare "+strings.Join(lacking, ", ")+", which Hefu loads: the table in Doris needs them, deploy/doris.sql has their types")
		m.toDo(t.pos, f.path()+".doris", "see that the table in Doris has the columns "+strings.Join(lacking, ", ")+" (deploy/doris.sql)")
	}
}

// loadColumn judges one value that goes into the table.
func (m *importer) loadColumn(f *flow, name string, v value) {
	at := f.path() + ".doris"
	i := slices.IndexFunc(nine(), func(c loaded) bool { return c.name == name })
	if i < 0 {
		m.say(v.pos, name, "", Refused, at, "the tables that Hefu loads have the columns sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_partition_id, hw_offset_id and hw_ts")
		return
	}
	want := nine()[i]
	from, field := v.from, v.field
	if from == domain.FromRecord {
		field = "record" // of the hub's JSON
	}
	if field != "" {
		from = f.fromOf(field)
	}
	hw := map[string]domain.From{"hw_partition_id": domain.FromPartition, "hw_offset_id": domain.FromOffset, "hw_ts": domain.FromTimestamp}
	switch {
	case hw[name] != "" && field == "" && v.from == hw[name], field != "" && from == want.from:
		m.say(v.pos, name, "", Mapped, at, "the same")
	case name == "extract_time" && field == "" && from == domain.FromExtractTime:
		m.slip(v.pos, name, "", Adapted, at, "the SQL takes the time a second time here; Hefu loads the hub's, so that a row has one extract_time and hub and table can be compared")
	case !f.broken && !v.refused: // else that is what is wrong
		m.say(v.pos, name, "", Refused, at, "it would hold "+v.String()+"; Hefu loads each of the nine columns with what its name says")
	}
}

// fromOf is what a column of the hub holds.
func (f *flow) fromOf(column string) domain.From {
	for _, t := range f.targets {
		if t.name == column {
			if t.value.from == domain.FromNull || t.value.from == domain.FromField && t.value.field == "record" {
				break // by its name
			}
			return t.value.from
		}
	}
	for _, c := range nine() {
		if c.name == column {
			return c.from
		}
	}
	return ""
}
