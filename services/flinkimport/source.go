package flinkimport

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
)

// reading is the properties that say from where a topic is read; they are not about reaching its cluster.
func reading() []string { return []string{"group.id", "auto.offset.reset", "isolation.level"} }

// source writes one entry of sources.
func (m *importer) source(n *node, path, id, city string, b branch) {
	t := b.table
	t.used = true
	n.at = t.pos
	n.set("id", id, t.pos, t.name)
	n.set("city", city, b.cityAt, "")
	m.statement = t.head
	m.cluster(n, path, id, t, reading()...)
	m.topics(n, path, t)
	m.reads(n, path, t)
	m.records(n, path, t)
	m.rest(t, asSource)
}

// topics writes which topics are read.
func (m *importer) topics(n *node, path string, t *table) {
	topic, pattern := t.options["topic"], t.options["topic-pattern"]
	switch {
	case topic.key != "" && pattern.key != "":
		m.sayOption(pattern, Refused, path+".topic_pattern", "topic is given as well: Flink takes one of the two")
	case topic.key != "":
		list := strings.Split(topic.value, ";")
		if len(list) == 1 {
			n.set("topic", topic.value, topic.pos, "")
			m.sayOption(topic, Mapped, path+".topic", "the same")
			return
		}
		n.setList("topics", list, topic.pos, "")
		m.sayOption(topic, Mapped, path+".topics", "each is read as a source of its own")
	case pattern.key != "":
		if _, err := regexp.Compile(pattern.value); err != nil {
			m.sayOption(pattern, Refused, path+".topic_pattern", "Hefu's regular expressions are RE2, which has no look-around and no back references: "+err.Error())
			return
		}
		n.set("topic_pattern", pattern.value, pattern.pos, "")
		m.sayOption(pattern, Adapted, path+".topic_pattern", "read as RE2, not as Java's; whole names have to match, as in Flink")
	default:
		m.say(t.pos, "topic", "", Refused, path+".topic", "neither topic nor topic-pattern is given")
	}
}

// reads writes from where to where a topic is read.
func (m *importer) reads(n *node, path string, t *table) {
	mode, group := t.options["scan.startup.mode"], t.options[properties+"group.id"]
	start := mode.value
	if start == "" {
		start = string(domain.StartGroupOffsets) // Flink's default
	}
	switch domain.StartAt(start) {
	case domain.StartEarliest, domain.StartLatest, domain.StartGroupOffsets, domain.StartTimestamp, domain.StartSpecificOffsets:
	default:
		m.sayOption(mode, Refused, path+".start", "allowed are earliest-offset, latest-offset, group-offsets, timestamp and specific-offsets")
		return
	}
	n.set("start", start, t.at("scan.startup.mode"), "")
	if mode.key != "" {
		m.sayOption(mode, Mapped, path+".start", "resolved to numbers once, at the first start, and journaled")
	} else {
		m.say(t.pos, "scan.startup.mode", "", Mapped, path+".start", "not given: Flink's default is group-offsets")
	}
	m.startAt(n, path, t, start)
	if group.key != "" {
		n.set("group", group.value, group.pos, "")
		m.sayOption(group, Mapped, path+".group", "Hefu tells it the position as Flink did, for tools that show lag; where a restart goes on is in the journal")
	} else if start == string(domain.StartGroupOffsets) {
		m.say(t.at("scan.startup.mode"), properties+"group.id", "", Refused, path+".group", "group-offsets begins where a group stands, and no properties.group.id says which; Flink does not plan that either")
	}
	m.missingCursor(n, path, t, start)
	m.isolation(n, path, t)
	m.boundedAt(n, path, t)
}

// startAt writes what timestamp and specific-offsets need.
func (m *importer) startAt(n *node, path string, t *table, start string) {
	stamp, offsets := t.options["scan.startup.timestamp-millis"], t.options["scan.startup.specific-offsets"]
	m.moment(n, path, "start_timestamp", stamp, start == string(domain.StartTimestamp), t, "scan.startup.timestamp-millis")
	m.offsets(n, path, "start_offsets", offsets, start == string(domain.StartSpecificOffsets), t, "scan.startup.specific-offsets")
}

// moment writes a timestamp option.
func (m *importer) moment(n *node, path, key string, o option, wanted bool, t *table, name string) {
	path += "." + key
	switch {
	case !wanted && o.key != "":
		m.sayOption(o, Warned, "", "the mode is another one, so Flink takes no notice of it")
	case wanted && o.key == "":
		m.say(t.pos, name, "", Refused, path, "the mode is timestamp, and this is missing")
	case wanted:
		if ms, err := strconv.ParseInt(o.value, 10, 64); err != nil || ms < 0 {
			m.sayOption(o, Refused, path, "it is no number of milliseconds since 1970")
			return
		}
		n.set(key, o.value, o.pos, "")
		m.sayOption(o, Mapped, path, "the first record at or after it, in each partition")
	}
}

// offsets writes a specific-offsets option.
func (m *importer) offsets(n *node, path, key string, o option, wanted bool, t *table, name string) {
	path += "." + key
	switch {
	case !wanted && o.key != "":
		m.sayOption(o, Warned, "", "the mode is another one, so Flink takes no notice of it")
	case wanted && o.key == "":
		m.say(t.pos, name, "", Refused, path, "the mode is specific-offsets, and this is missing")
	case wanted:
		if _, err := domain.ParseOffsets(o.value); err != nil {
			m.sayOption(o, Refused, path, err.Error())
			return
		}
		if strings.Contains(t.get("topic"), ";") || t.has("topic-pattern") {
			m.sayOption(o, Refused, path, "Flink takes specific offsets of a single topic only")
			return
		}
		n.set(key, o.value, o.pos, "")
		m.sayOption(o, Mapped, path, "a partition that is not listed begins at the group's offset, or else at its log start; one beyond the log end is an incident, where Flink begins at the log start without a word")
	}
}

// missingCursor writes what group-offsets does without an offset.
func (m *importer) missingCursor(n *node, path string, t *table, start string) {
	o := t.options[properties+"auto.offset.reset"]
	path += ".on_missing_cursor"
	fromGroup := start == string(domain.StartGroupOffsets)
	switch {
	case o.key != "" && !fromGroup:
		m.sayOption(o, Warned, "", "Flink overrides it for every start mode but group-offsets")
	case o.key != "":
		word := map[string]string{"earliest": config.MissingEarliest, "latest": config.MissingLatest, "none": config.MissingFail}[strings.ToLower(o.value)]
		if word == "" {
			m.sayOption(o, Refused, path, "allowed are earliest, latest and none")
			return
		}
		n.set("on_missing_cursor", word, o.pos, "")
		m.sayOption(o, Mapped, path, "for partitions where the group has no offset; an offset outside the log is an incident, never a silent reset")
	case fromGroup:
		n.set("on_missing_cursor", config.MissingFail, t.at("scan.startup.mode"), "")
		m.say(t.at("scan.startup.mode"), properties+"auto.offset.reset", "", Mapped, path,
			"not given: a partition without a committed offset stops the source with an incident, where Flink restarts for ever")
	}
}

// isolation writes the isolation level.
func (m *importer) isolation(n *node, path string, t *table) {
	o := t.options[properties+"isolation.level"]
	path += ".isolation"
	switch o.value {
	case config.ReadCommitted, config.ReadUncommitted:
		n.set("isolation", o.value, o.pos, "")
		m.sayOption(o, Mapped, path, "the same")
	case "":
		m.say(t.pos, properties+"isolation.level", "", Adapted, path,
			"not given, so Flink read Kafka's default, read_uncommitted; Hefu reads read_committed, so that what a city took back is not in the hub. Say isolation: read_uncommitted to have it as it was")
	default:
		m.sayOption(o, Refused, path, "allowed are read_committed and read_uncommitted")
	}
}

// boundedAt writes where the topic ends.
func (m *importer) boundedAt(n *node, path string, t *table) {
	o := t.options["scan.bounded.mode"]
	key := path + ".bounded"
	switch {
	case o.key == "" || o.value == "unbounded":
		if o.key != "" {
			m.sayOption(o, Mapped, "", "the default")
		}
		o.value = ""
	case domain.StopAt(o.value) == domain.StopLatest, domain.StopAt(o.value) == domain.StopGroupOffsets,
		domain.StopAt(o.value) == domain.StopTimestamp, domain.StopAt(o.value) == domain.StopSpecificOffsets:
		n.set("bounded", o.value, o.pos, "")
		m.sayOption(o, Mapped, key, "found once, together with the start; when every source has ended, hefu run ends with exit code 0")
		if domain.StopAt(o.value) == domain.StopGroupOffsets && !t.has(properties+"group.id") {
			m.sayOption(o, Refused, path+".group", "it ends where a group stands, and no properties.group.id says which")
		}
	default:
		m.sayOption(o, Refused, key, "allowed are unbounded, latest-offset, group-offsets, timestamp and specific-offsets")
	}
	m.moment(n, path, "bounded_timestamp", t.options["scan.bounded.timestamp-millis"], o.value == string(domain.StopTimestamp), t, "scan.bounded.timestamp-millis")
	m.offsets(n, path, "bounded_offsets", t.options["scan.bounded.specific-offsets"], o.value == string(domain.StopSpecificOffsets), t, "scan.bounded.specific-offsets")
}

// formatOption is an option of a table's value format: value.format has its own prefix.
func (t *table) formatOption(name string) option {
	if o, has := t.options["value."+name]; has {
		return o
	}
	return t.options[name]
}

// format is raw, json or something that is none of them.
func (t *table) format() option { return t.formatOption("format") }

// records writes how records are read.
func (m *importer) records(n *node, path string, t *table) {
	f := t.format()
	switch f.value {
	case "raw":
		n.set("format", "raw", f.pos, "")
		m.sayOption(f, Mapped, path+".format", "the same")
		m.raw(n, path, t)
	case "json":
		n.set("format", "json", f.pos, "")
		m.sayOption(f, Mapped, path+".format", "the same, with the columns that the table declares")
		m.json(n, path, t)
	case "":
		m.say(t.pos, "format", "", Refused, path+".format", "neither format nor value.format is given")
	default:
		m.sayOption(f, Refused, path+".format", "Hefu reads raw and json")
	}
}

// raw writes the options of the format raw.
func (m *importer) raw(n *node, path string, t *table) {
	if p := t.physical(); len(p) == 1+len(t.keyFields()) || len(p) == 1 {
		c := p[len(p)-1]
		for _, q := range p {
			if !t.isKey(q.name) {
				c = q
			}
		}
		switch kind := family(c.typ); kind {
		case "STRING":
		case "BYTES":
			n.set("type", "BYTES", c.pos, "")
			m.say(c.pos, c.name, c.typ.String(), Mapped, path+".type", "the hub carries it in base64, as Flink does")
		default:
			m.say(c.pos, c.name, c.typ.String(), Refused, path+".type", "Hefu reads raw records as STRING or BYTES")
		}
	} else {
		m.say(t.pos, "format raw", "", Refused, path+".format", fmt.Sprintf("the table has %d physical columns, and raw has exactly one; Flink does not plan that either", len(p)))
	}
	if o := t.formatOption("raw.charset"); o.key != "" {
		n.set("charset", o.value, o.pos, "")
		m.sayOption(o, Mapped, path+".charset", "the same")
	}
	if o := t.formatOption("raw.endianness"); o.key != "" {
		m.sayOption(o, Warned, "", "a text has none")
	}
	if o := t.formatOption("raw.line-delimiter"); o.key != "" {
		m.sayOption(o, Refused, "", "one record would become several rows with one offset, and which of them arrived could not be told")
	}
}

// json writes the options of the format json.
func (m *importer) json(n *node, path string, t *table) {
	list := n.child("columns")
	list.at = t.pos
	for _, c := range t.physical() {
		if t.isKey(c.name) && t.get("value.fields-include") == "EXCEPT_KEY" {
			continue
		}
		i := list.item()
		i.at, i.flow = c.pos, true
		i.set("name", c.name, c.pos, "")
		i.set("type", c.typ.String(), c.pos, "")
	}
	m.truth(n, path, "fail_on_missing_field", t.formatOption("json.fail-on-missing-field"))
	if o := t.formatOption("json.ignore-parse-errors"); o.value == "true" {
		n.setPlain("ignore_parse_errors", "true", o.pos, "")
		m.sayOption(o, Adapted, path+".ignore_parse_errors",
			"a field that does not fit is NULL, as in Flink; a record that is no JSON is left out and listed, where Flink drops it without a word")
	} else {
		m.truth(n, path, "ignore_parse_errors", o)
	}
	m.timestamps(n, path, t.formatOption("json.timestamp-format.standard"))
}

// truth writes an option that is true or false.
func (m *importer) truth(n *node, path, key string, o option) {
	switch strings.ToLower(o.value) {
	case "":
	case "true", "false":
		n.setPlain(key, strings.ToLower(o.value), o.pos, "")
		m.sayOption(o, Mapped, path+"."+key, "the same")
	default:
		m.sayOption(o, Refused, path+"."+key, "allowed are true and false")
	}
}

// timestamps writes json.timestamp-format.standard.
func (m *importer) timestamps(n *node, path string, o option) {
	switch o.value {
	case "":
	case string(domain.TimestampSQL), string(domain.TimestampISO):
		n.set("timestamp_format", o.value, o.pos, "")
		m.sayOption(o, Mapped, path+".timestamp_format", "the same")
	default:
		m.sayOption(o, Refused, path+".timestamp_format", "Flink 2.2 has SQL and ISO-8601, and so has Hefu")
	}
}
