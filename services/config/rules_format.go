package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
)

const (
	columnsAllowed = "1 to 64 of a-z, A-Z, 0-9, _ and -"
	typesAllowed   = "a type of Flink SQL, as in STRING, BIGINT, TIMESTAMP(6)"
)

func timestampFormat(key, value string) rule {
	return oneOf(key, value, string(domain.TimestampSQL), string(domain.TimestampISO))
}

// rules are those of how records are read. withTable says that the pipeline has a table,
// whose column record they have to fill.
func (r *Records) rules(at string, withTable bool) []rule {
	raw, json := r.Format == string(domain.FormatRaw), r.Format == string(domain.FormatJSON)
	rules := []rule{
		oneOf(at+".format", r.Format, string(domain.FormatRaw), string(domain.FormatJSON)),
		only(at+".charset", r.Charset != "", raw, "format: raw"),
		only(at+".type", r.Type != "", raw, "format: raw"),
		only(at+".columns", len(r.Columns) > 0, json, "format: json"),
		only(at+".fail_on_missing_field", r.FailOnMissingField, json, "format: json"),
		only(at+".ignore_parse_errors", r.IgnoreParseErrors, json, "format: json"),
		only(at+".timestamp_format", r.TimestampFormat != "", json, "format: json"),
		{
			at + ".ignore_parse_errors", !r.IgnoreParseErrors || !r.FailOnMissingField,
			"is given beside fail_on_missing_field", "one of the two, as in Flink",
		},
	}
	if r.Type != "" {
		rules = append(rules, oneOf(at+".type", r.Type, "STRING", "BYTES"))
	}
	if r.TimestampFormat != "" {
		rules = append(rules, timestampFormat(at+".timestamp_format", r.TimestampFormat))
	}
	if json {
		rules = append(rules, rule{at + ".columns", len(r.Columns) > 0, "is missing", "a list of what the records are declared to hold"})
		rules = append(rules, columns(at+".columns", r.Columns)...)
		rules = append(rules, rule{at + ".columns", r.declares("record") || !withTable, "has no column record", "one, since the table of the pipeline has it"})
	}
	if slices.ContainsFunc(rules, func(r rule) bool { return !r.good }) {
		return rules
	}
	_, err := flink.NewRecordReader(r.Domain())
	key := at + ".charset"
	if json {
		key = at + ".columns"
	}
	return append(rules, understood(key, err, "what deploy/hefu.yaml says of it"))
}

// rules are those of how hub records are written.
func (f *HubFormat) rules(at string) []rule {
	rules := []rule{
		timestampFormat(at+".timestamp_format", f.TimestampFormat),
		oneOf(at+".key", f.Key, FormatNone, FormatPass),
		oneOf(at+".headers", f.Headers, FormatNone, FormatPass),
	}
	var list []Declared
	for _, c := range f.Columns {
		list = append(list, Declared{c.Name, c.Type})
	}
	rules = append(rules, columns(at+".columns", list)...)
	for i, c := range f.Columns {
		key, from := fmt.Sprintf("%s.columns[%d]", at, i), domain.From(c.From)
		rules = append(rules, oneOf(key+".from", c.From, string(domain.FromCity), string(domain.FromExtractTime), string(domain.FromRecord),
			string(domain.FromPartition), string(domain.FromOffset), string(domain.FromTimestamp), string(domain.FromField), string(domain.FromNull)),
			only(key+".field", c.Field != "", from == domain.FromField, "from: field"),
			rule{key + ".field", c.Field != "" || from != domain.FromField, "is missing", "the declared column of the source that is carried"})
	}
	return rules
}

// understood is a rule of whoever writes or reads the format.
func understood(key string, err error, allowed string) rule {
	if err != nil {
		return rule{key, false, err.Error(), allowed}
	}
	return rule{key: key, good: true}
}

// declares says whether a source's records hold a column.
func (r *Records) declares(name string) bool {
	return slices.ContainsFunc(r.Columns, func(c Declared) bool { return c.Name == name })
}

// carries are the rules of the hub's columns and the sources' records together.
func (p *Pipeline) carries(at string) []rule {
	zone, err := time.LoadLocation(p.Timezone)
	if err != nil {
		return nil // said elsewhere
	}
	var rules []rule
	for i, c := range p.Hub.Format.Columns {
		for j := range p.Sources {
			rules = append(rules, rule{
				fmt.Sprintf("%s.hub.format.columns[%d].field", at, i), c.From != string(domain.FromField) || p.Sources[j].declares(c.Field),
				fmt.Sprintf("is %q, which source %s does not declare", c.Field, p.Sources[j].ID), "a column of every source, all of them with format: json",
			})
		}
	}
	for j := range p.Sources {
		_, err := flink.NewHubEncoder(p.Hub.Format.Domain(), p.Sources[j].Records.Domain(), zone)
		rules = append(rules, understood(at+".hub.format.columns", err, typesAllowed))
	}
	return rules
}

func columns(at string, list []Declared) []rule {
	var rules []rule
	var names []string
	for i, c := range list {
		key := fmt.Sprintf("%s[%d]", at, i)
		names = append(names, c.Name)
		rules = append(rules,
			need(key+".name", c.Name, madeOf(c.Name, 64, lower+upper+digits+"_-"), columnsAllowed),
			need(key+".type", c.Type, true, typesAllowed))
	}
	return append(rules, unique(func(i int) string { return fmt.Sprintf("%s[%d].name", at, i) }, names, "a JSON object has each name once")...)
}
