package flinkimport

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hefu-io/hefu/services/flinkimport/flinksql"
)

// set keeps a SET until it is known what it is for, and says at once of those that have no effect.
func (m *importer) set(s *flinksql.Set) {
	if s.Key == nil || s.Value == nil {
		m.say(s.Pos, "SET "+s.Key.String(), "", Warned, "", "it shows a setting and changes none")
		return
	}
	o := option{pos: s.Key.Pos, key: s.Key.String(), value: s.Value.String(), valuePos: s.Value.Pos}
	if old, twice := m.settings[o.key]; twice {
		m.say(old.pos, old.key, old.value, Warned, "", fmt.Sprintf("SET again at line %d, which counts", o.pos.Line))
	}
	m.settings[o.key] = o
	switch o.key {
	case "table.local-time-zone", "execution.checkpointing.interval", "security.kerberos.login.keytab", "security.kerberos.login.principal":
		return // said where it is used
	case "execution.runtime-mode":
		if !strings.EqualFold(o.value, "streaming") {
			m.sayOption(o, Warned, "", "Hefu always streams; bounded sources end a run")
			return
		}
	}
	for _, w := range idleSettings() {
		if strings.HasPrefix(o.key, w.prefix) {
			m.sayOption(o, Warned, "", w.text)
			return
		}
	}
	m.sayOption(o, Warned, "", "Hefu knows no such setting; it has no effect here")
}

// idleSettings are settings of Flink that have no effect here.
func idleSettings() []struct{ prefix, text string } {
	return []struct{ prefix, text string }{
		{"execution.checkpointing.", "Hefu has no checkpoints: each batch is journaled and committed by itself"},
		{"execution.savepoint.", "Hefu starts where the sources say; see docs/cutover.md"},
		{"execution.runtime-mode", "Hefu always streams"},
		{"execution.", "about Flink's own execution"},
		{"parallelism.", "Hefu's lanes are shards; 1 carries more than one Doris table usually takes"},
		{"pipeline.name", "the pipeline is named after the hub topic"},
		{"pipeline.", "about Flink's own execution"},
		{"state.", "Hefu's state is its journal"},
		{"restart-strategy", "Hefu tries again for ever, slower each time, and says so in hefu status"},
		{"table.exec.sink.not-null-enforcer", "Hefu drops no rows: what a target cannot hold is listed"},
		{"table.exec.sink.", "about Flink's own sinks"},
		{"table.exec.", "about Flink's own operators"},
		{"table.optimizer.", "about Flink's own planner"},
		{"table.dml-sync", "hefu run stays until it is stopped, or until bounded sources have ended"},
		{"table.", "about Flink's own tables"},
		{"sql-client.", "about Flink's own client"},
		{"taskmanager.", "about Flink's own processes"},
		{"jobmanager.", "about Flink's own processes"},
		{"security.kerberos.", "Hefu logs in for each cluster by itself: sasl of the source or the hub"},
		{"yarn.", "about Flink's own processes"},
		{"kubernetes.", "about Flink's own processes"},
		{"metrics.", "Hefu has metrics of its own, at api.listen"},
	}
}

// timezone is what formats the columns without a zone.
func (m *importer) timezone(p *node) {
	o, given := m.settings["table.local-time-zone"]
	m.statement = "SET table.local-time-zone"
	switch {
	case !given:
		p.set("timezone", "Asia/Shanghai", flinksql.Pos{}, "not in the SQL: Flink took the zone of its host")
		m.slip(m.top(), "table.local-time-zone", "", Warned, "timezone",
			"the SQL sets none, so Flink took the zone of its host; Asia/Shanghai is assumed. Look at what Flink wrote, since it is fixed for the pipeline's life")
	case strings.EqualFold(o.value, "default"):
		p.set("timezone", "Asia/Shanghai", o.pos, "Flink took the zone of its host")
		m.sayOption(o, Warned, "timezone", "the zone of Flink's host; Asia/Shanghai is assumed. Look at what Flink wrote, since it is fixed for the pipeline's life")
	default:
		if _, err := time.LoadLocation(o.value); err != nil || o.value == "Local" {
			m.sayOption(o, Refused, "timezone", "it is no name of the IANA database, as in Asia/Shanghai or UTC; offsets such as GMT+08:00 have none of a zone's history")
			return
		}
		p.set("timezone", o.value, o.pos, "")
		m.sayOption(o, Mapped, "timezone", "columns without a zone are written in it")
	}
}

func (m *importer) top() flinksql.Pos { return flinksql.Pos{Filename: m.name, Line: 1, Column: 1} }

// longestAge bounds hub.batch.age: readers of the hub wait for it.
const longestAge = time.Second

// batchAge carries the checkpoint interval over, which was how often Flink's rows became visible.
func (m *importer) batchAge(hub *node) {
	o, given := m.settings["execution.checkpointing.interval"]
	m.statement = "SET execution.checkpointing.interval"
	if !given {
		m.say(m.top(), "execution.checkpointing.interval", "", Warned, "hub.batch.age",
			"the SQL sets none; without checkpoints exactly-once sinks of Flink make nothing visible, so flink-conf.yaml will have had one. Hefu commits a batch after 200ms at most")
		return
	}
	d, ok := flinkDuration(o.value)
	if !ok || d <= 0 {
		m.sayOption(o, Refused, "hub.batch.age", "it is no time of Flink, as in 3s, 500 ms or 1 min")
		return
	}
	age := min(d, longestAge)
	hub.child("batch").setPlain("age", age.String(), o.pos, "")
	text := fmt.Sprintf("Flink's rows became visible once a checkpoint; Hefu's with each batch, which is committed after %v at most, and at once when there is nothing more to send", age)
	m.sayOption(o, Adapted, "hub.batch.age", text)
}

// flinkDuration reads a time as Flink's TimeUtils does: a number, and a unit that is milliseconds if there is none.
func flinkDuration(text string) (time.Duration, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, false
	}
	var unit time.Duration
	switch strings.TrimSpace(text[len(digits):]) {
	case "", "ms", "milli", "millis", "millisecond", "milliseconds":
		unit = time.Millisecond
	case "s", "sec", "secs", "second", "seconds":
		unit = time.Second
	case "m", "min", "minute", "minutes":
		unit = time.Minute
	case "h", "hour", "hours":
		unit = time.Hour
	case "d", "day", "days":
		unit = 24 * time.Hour
	case "ns", "nano", "nanosecond", "nanoseconds":
		unit = time.Nanosecond
	case "us", "µs", "micro", "microsecond", "microseconds":
		unit = time.Microsecond
	default:
		return 0, false
	}
	if n > int64(1<<62)/int64(unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}
