package flinkimport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/flinkimport/flinksql"
)

// flow is one pipeline that is being made: the INSERTs into a hub topic, and the one from it into a Doris table.
type flow struct {
	hub      *table
	inserts  []insert
	branches []branch
	targets  []target // of the first branch; the others are the same
	node     *node
	name     string
	loaded   flinksql.Pos // the INSERT into Doris, if there is one
	broken   bool         // something of it is refused
}

// pipelines makes one for each hub topic that is written, and one for each that is only read.
func (m *importer) pipelines() {
	var flows []*flow
	var loads []insert
	for _, in := range m.inserts {
		m.statement = in.head
		name := in.Into.Name.Last()
		t, there := m.tables[name]
		if in.Overwrite {
			m.say(in.pos, "INSERT OVERWRITE", "", Refused, "", "rows are added to a hub topic and a Doris table; nothing is overwritten")
		}
		if !there {
			m.lost = true
			m.say(in.Into.Pos, name, "", Refused, "", "there is no CREATE TABLE "+name+" in the file")
			continue
		}
		t.used = true
		t = m.hinted(t, in.Into.Hints)
		switch t.connector() {
		case "kafka":
			flows = m.join(flows, t, in)
		case "doris":
			loads = append(loads, in)
		default:
			m.connector(t, in)
		}
	}
	for _, f := range flows {
		before := m.result.Count(Refused)
		m.flow(f)
		f.broken = m.result.Count(Refused) > before
	}
	for _, in := range loads {
		m.load(in, flows)
	}
}

// connector refuses one that Hefu does not write to.
func (m *importer) connector(t *table, in insert) {
	m.lost = true
	text := "Hefu writes to Kafka topics and Doris tables; this is connector " + t.connector()
	switch t.connector() {
	case "":
		text = "the table has no connector, or is of a format of Flink before 1.11 (connector.type)"
	case "upsert-kafka":
		text = "upsert-kafka writes a changelog by key; Hefu's hub holds each row as it came"
	case "print", "blackhole":
		text = "rows go nowhere: this is a trial of Flink's"
	}
	m.say(in.Into.Pos, t.name, t.connector(), Refused, "", text)
}

// join puts an INSERT to the others into the same table.
func (m *importer) join(flows []*flow, t *table, in insert) []*flow {
	for _, f := range flows {
		if f.hub.name == t.name {
			f.inserts = append(f.inserts, in)
			return flows
		}
	}
	return append(flows, &flow{hub: t, inserts: []insert{in}})
}

// flow makes a pipeline with a hub and sources.
func (m *importer) flow(f *flow) {
	m.begin(f, f.hub.get("topic"))
	at := f.path()
	hub := f.node.child("hub")
	m.hub(hub, at+".hub", f.hub)
	m.batchAge(hub)
	for _, in := range f.inserts {
		for _, b := range m.branches(in) {
			m.branch(f, in, b)
		}
	}
	if len(f.targets) == 0 {
		return
	}
	m.hubColumns(hub, at+".hub", f.inserts[0], f.hub, f.targets)
	m.statement = f.hub.head
	m.rest(f.hub, asHub)
	m.sources(f)
}

// begin gives a pipeline its name and its time zone.
func (m *importer) begin(f *flow, topic string) {
	f.name = m.unique(identifier(topic, "hub"))
	f.node = &node{}
	m.doc.pipelines = append(m.doc.pipelines, f.node)
	f.node.set("name", f.name, flinksql.Pos{}, "after the hub topic; it never changes")
	m.timezone(f.node)
}

// path is the pipeline as keys are told to people.
func (f *flow) path() string { return "pipelines." + f.name }

// branch takes one SELECT into the flow.
func (m *importer) branch(f *flow, in insert, b branch) {
	if b.table != nil && b.table.connector() != "kafka" {
		m.say(b.pos, "FROM "+b.name, b.table.connector(), Refused, "", "Hefu reads Kafka topics; this is connector "+b.table.connector())
		return
	}
	if b.table == nil {
		m.say(b.pos, "FROM "+b.name, "", Warned, f.path()+".sources", "the file has no CREATE TABLE "+b.name+": its source stands in hefu.yaml as a comment, to be filled in")
		m.toDo(b.pos, f.path()+".sources", "the file has no CREATE TABLE "+b.name+": fill in its source, which is there as a comment; until then its rows are left out")
	}
	if len(b.elided) > 0 {
		m.say(b.elided[0].Pos, "…", "", Warned, f.path()+".sources", "the document leaves branches out here: their sources are missing")
		m.toDo(b.elided[0].Pos, f.path()+".sources", "the document leaves branches of the UNION ALL out here: add their sources; until then their rows are left out")
	}
	all := m.targets(in, f.hub, b)
	if all == nil {
		return
	}
	m.cityOf(f, in, &b, all)
	if f.targets == nil {
		f.targets = all
	} else {
		m.alike(f, b, all)
	}
	for _, o := range f.branches {
		if o.name == b.name {
			m.say(b.pos, "FROM "+b.name, "", Refused, "", fmt.Sprintf("it is read at line %d already: all its rows would be doubled", o.pos.Line))
			return
		}
		if o.city == b.city && b.city != "" {
			m.say(b.cityAt, "city", b.city, Refused, "", fmt.Sprintf("line %d says so of another table: rows of both could not be told apart", o.cityAt.Line))
		}
	}
	f.branches = append(f.branches, b)
}

// cityOf finds the text that is the city's code.
func (m *importer) cityOf(f *flow, in insert, b *branch, all []target) {
	m.statement = in.head
	var texts []int
	for i, t := range all {
		if t.value.from == domain.FromCity {
			texts = append(texts, i)
		}
	}
	if len(texts) == 0 {
		m.say(b.pos, "SELECT", "", Refused, f.path()+".sources.city", "no value of it is a text that says which city its rows are from, as '320100' AS sscsdm")
		return
	}
	code := texts[0]
	for _, i := range texts {
		if strings.EqualFold(all[i].name, "sscsdm") {
			code = i
		}
	}
	for _, i := range texts {
		if i != code {
			m.say(all[i].value.pos, all[i].name, all[i].value.literal, Refused, "", "a second text beside the city's code; Hefu carries one")
		}
	}
	b.city, b.cityAt = all[code].value.literal, all[code].value.pos
}

// alike refuses a branch that fills the hub's columns in another way than the first.
func (m *importer) alike(f *flow, b branch, all []target) {
	for i, t := range all {
		if first := f.targets[i]; !first.value.same(t.value) {
			m.say(t.value.pos, t.name, "", Refused, "hub.format.columns",
				fmt.Sprintf("it comes from %s here and from %s in the branch of line %d; a hub has one format", t.value, first.value, f.branches[0].pos.Line))
		}
	}
}

// sources writes the sources of a flow.
func (m *importer) sources(f *flow) {
	list := f.node.child("sources")
	var names []string
	for _, b := range f.branches {
		names = append(names, b.name)
	}
	ids := sourceIDs(names)
	var stubs []string
	var last *node
	for i, b := range f.branches {
		for _, e := range b.elided {
			stubs = append(stubs, fmt.Sprintf("%s:%d: %s The document leaves branches out here: add their sources.", m.name, e.Pos.Line, e.Text))
		}
		if b.table == nil {
			stubs = append(stubs, m.stub(f, ids[i], b)...)
			continue
		}
		last = list.item()
		last.comments, stubs = stubs, nil
		m.source(last, f.path()+".sources."+ids[i], ids[i], b.city, b)
	}
	list.tail = stubs
	if last == nil && len(f.branches) > 0 {
		m.say(f.branches[0].pos, "sources", "", Refused, f.path()+".sources", "the file has no CREATE TABLE for any table that the hub is filled from")
	}
}

// stub is a source that the file does not have, as a comment.
func (m *importer) stub(f *flow, id string, b branch) []string {
	topic := ""
	for _, o := range f.branches {
		if o.table != nil && topic == "" {
			topic = o.table.get("topic")
		}
	}
	return []string{
		fmt.Sprintf("%s:%d: FROM %s, whose CREATE TABLE is not in the file. Fill in and take the # away:", m.name, b.pos.Line, b.name),
		"- id: " + id,
		"  city: " + scalar(b.city),
		"  brokers: [FILL-IN:9092]",
		"  topic: " + scalar(topic) + " # as of the first city",
		"  start: group-offsets",
		"  group: FILL-IN",
	}
}

// unique is a name that no pipeline has yet.
func (m *importer) unique(name string) string {
	taken := func(n string) bool {
		return slices.ContainsFunc(m.doc.pipelines, func(p *node) bool { return p.child("name").raw[0] == n })
	}
	for i, base := 2, name; taken(name); i++ {
		name = fmt.Sprintf("%.29s-%d", base, i)
	}
	return name
}
