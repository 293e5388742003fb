package flinkimport

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
)

// hub writes how the hub topic is written.
func (m *importer) hub(n *node, path string, t *table) {
	t.used = true
	n.at = t.pos
	m.statement = t.head
	m.cluster(n, path, "hub", t, "transaction.timeout.ms", "group.id", "auto.offset.reset", "isolation.level")
	topic := t.options["topic"]
	switch {
	case topic.key == "":
		m.say(t.pos, "topic", "", Refused, path+".topic", "it is missing: a hub is one topic")
	case strings.Contains(topic.value, ";"):
		m.sayOption(topic, Refused, path+".topic", "a hub is one topic; Flink wants a writable metadata column topic for a list")
	default:
		n.set("topic", topic.value, topic.pos, "")
		m.sayOption(topic, Mapped, path+".topic", "the topic has to exist, Hefu never makes it")
	}
	m.semantic(n, path, t)
	m.transactionTimeout(n, path, t)
	m.partitioner(t)
	f := t.format()
	switch f.value {
	case "json":
		m.sayOption(f, Mapped, path+".format", "Flink's JSON, byte for byte")
	case "":
		m.say(t.pos, "format", "", Refused, path+".format", "neither format nor value.format is given")
	default:
		m.sayOption(f, Refused, path+".format", "Hefu writes hub records as json only")
	}
	format := n.child("format")
	format.at = f.pos
	m.timestamps(format, path+".format", t.formatOption("json.timestamp-format.standard"))
	m.truth(format, path+".format", "ignore_null_fields", t.formatOption("json.encode.ignore-null-fields"))
	m.truth(format, path+".format", "decimal_as_plain_number", t.formatOption("json.encode.decimal-as-plain-number"))
}

// semantic writes what a crash may do to hub records.
func (m *importer) semantic(n *node, path string, t *table) {
	old, now := t.options["sink.semantic"], t.options["sink.delivery-guarantee"]
	prefix := t.options["sink.transactional-id-prefix"]
	o := now
	if old.key != "" {
		o = old // it wins in Flink, too
		m.slip(old.pos, old.key, old.value, Mapped, path+".semantic", "deprecated in Flink: its name is sink.delivery-guarantee now")
		if now.key != "" {
			m.sayOption(now, Warned, "", "sink.semantic is given as well, and that is what Flink takes")
		}
	}
	word := strings.ReplaceAll(strings.ToLower(o.value), "_", "-")
	switch domain.Semantic(word) {
	case domain.None, domain.AtLeastOnce, domain.ExactlyOnce:
		n.set("semantic", word, o.pos, "")
		if o.key == now.key {
			m.sayOption(o, Mapped, path+".semantic", "the same")
		}
	case "":
		word = string(domain.AtLeastOnce)
		n.set("semantic", word, t.pos, "Flink's default")
		m.say(t.pos, "sink.delivery-guarantee", "", Mapped, path+".semantic",
			"not given: Flink's default is at-least-once, which doubles rows on a crash. Say exactly-once if that is not what you want")
	default:
		m.sayOption(o, Refused, path+".semantic", "allowed are exactly-once, at-least-once and none")
	}
	once := word == string(domain.ExactlyOnce)
	switch {
	case prefix.key != "":
		m.sayOption(prefix, Adapted, "", "Hefu's transactional ids are hefu- and the pipeline's name, one for each shard, so that no two jobs can end each other's transactions")
	case once:
		m.slip(o.pos, "sink.transactional-id-prefix", "", Adapted, "",
			"missing: Flink's connector 4.0 and later does not start without it, and before that all jobs of a cluster shared the ids kafka-sink-…, and ended each other's transactions. Hefu's are hefu- and the pipeline's name")
	}
	if s := t.options["sink.transaction-naming-strategy"]; s.key != "" {
		m.sayOption(s, Warned, "", "Hefu always uses the same few transactional ids again")
	}
}

// transactionTimeout keeps the value as an upper bound.
func (m *importer) transactionTimeout(n *node, path string, t *table) {
	const name = properties + "transaction.timeout.ms"
	o := t.options[name]
	path += ".transaction_timeout"
	own := config.DefaultPipeline().Hub.TransactionTimeout
	if o.key == "" {
		if t.get("sink.semantic")+t.get("sink.delivery-guarantee") == string(domain.ExactlyOnce) {
			m.slip(t.pos, name, "", Adapted, path, fmt.Sprintf(
				"missing: Flink then asks for one hour, which brokers refuse unless transaction.max.timeout.ms (15 minutes) was raised, and the job restarts for ever. Hefu asks for %v", own))
		}
		return
	}
	ms, err := strconv.ParseInt(o.value, 10, 32)
	if err != nil || ms <= 0 {
		m.sayOption(o, Refused, path, "it is no number of milliseconds")
		return
	}
	d := time.Duration(ms) * time.Millisecond
	text := fmt.Sprintf("Flink needs it longer than its longest outage, or loses rows; Hefu does not, since the journal holds them, and takes %v, so that readers of the hub wait less after a crash", own)
	if d < own {
		own = max(d, 2*time.Second)
		text = fmt.Sprintf("%v", own)
	}
	n.setPlain("transaction_timeout", own.String(), o.pos, "")
	m.sayOption(o, Adapted, path, text)
}

// partitioner says which partition of the hub a row goes to.
func (m *importer) partitioner(t *table) {
	o := t.options["sink.partitioner"]
	const route = "each city partition has one hub partition, so that its rows keep their order"
	switch o.value {
	case "":
	case "default", "round-robin":
		m.sayOption(o, Adapted, "", "Flink leaves it to Kafka's client, which fills one partition after the other; in Hefu "+route)
	case "fixed":
		m.sayOption(o, Adapted, "", "in Flink each subtask has one hub partition; in Hefu "+route)
	default:
		m.sayOption(o, Refused, "", "a class of your own; in Hefu "+route)
	}
}
