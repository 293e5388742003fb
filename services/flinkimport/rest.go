package flinkimport

import (
	"fmt"
	"strings"
)

// role is what a table is used for.
type role string

// The roles.
const (
	asSource    role = "source"
	asHub       role = "hub"
	asHubReader role = "hub reader"
	asDoris     role = "doris"
)

// rule is a verdict about an option that is always the same.
type rule struct {
	prefix  string // of the option's name; all of it where it does not end in a full stop
	verdict Verdict
	key     string
	text    string
}

func (r rule) fits(key string) bool {
	return key == r.prefix || strings.HasSuffix(r.prefix, ".") && strings.HasPrefix(key, r.prefix)
}

// rest says what became of the options that nobody has spoken of.
func (m *importer) rest(t *table, as role) {
	rules := kafkaRules(as)
	if as == asDoris {
		rules = dorisRules()
	}
	for _, k := range t.keys {
		o := t.options[k]
		if m.spoken[place{m.statement, o.pos}] {
			continue
		}
		found := rule{verdict: Refused, text: fmt.Sprintf("Flink's connector %s has no such option", t.connector())}
		for _, r := range rules {
			if r.fits(k) {
				found = r
				break
			}
		}
		m.sayOption(o, found.verdict, found.key, found.text)
	}
}

func kafkaRules(as role) []rule {
	rules := []rule{
		{"connector", Mapped, "", "the connector kafka"},
		{"key.format", Warned, "", "no column needs the key, so it has no effect"},
		{"key.fields", Warned, "", "no column needs the key, so it has no effect"},
		{"key.fields-prefix", Warned, "", "no column needs the key, so it has no effect"},
		{"key.raw.", Warned, "", "no column needs the key, so it has no effect"},
		{"key.json.", Warned, "", "no column needs the key, so it has no effect"},
		{"value.fields-include", Mapped, "", "the columns of the hub are as it says"},
		{"scan.parallelism", Warned, "", "Hefu's lanes are shards of the hub's partitions"},
		{"sink.parallelism", Warned, "", "Hefu's lanes are shards of the hub's partitions"},
		{"scan.topic-partition-discovery.interval", Adapted, "", "new partitions are always looked for, and begin at their log start, as in Flink"},
		{"scan.watermark.", Warned, "", "nothing here waits for event time"},
		{"json.map-null-key.", Warned, "", "no column is a MAP"},
		{"value.json.map-null-key.", Warned, "", "no column is a MAP"},
	}
	if as == asHub {
		return append(rules, rule{"scan.", Warned, "", "the job only writes this table"},
			rule{"topic-pattern", Warned, "", "the job only writes this table"},
			rule{"json.fail-on-missing-field", Warned, "", "the job only writes this table"},
			rule{"json.ignore-parse-errors", Warned, "", "the job only writes this table"},
			rule{"value.json.fail-on-missing-field", Warned, "", "the job only writes this table"},
			rule{"value.json.ignore-parse-errors", Warned, "", "the job only writes this table"},
			rule{"properties.group.id", Warned, "", "the job only writes this table"},
			rule{"properties.auto.offset.reset", Warned, "", "the job only writes this table"},
			rule{"properties.isolation.level", Warned, "", "the job only writes this table"})
	}
	return append(rules, rule{"sink.", Warned, "", "the job only reads this table"},
		rule{"properties.transaction.timeout.ms", Warned, "", "the job only reads this table"},
		rule{"json.encode.", Warned, "", "the job only reads this table"},
		rule{"value.json.encode.", Warned, "", "the job only reads this table"})
}
