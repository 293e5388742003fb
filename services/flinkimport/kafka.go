package flinkimport

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/flinkimport/flinksql"
)

const properties = "properties."

// cluster writes how a table's cluster is reached, from its properties.* but for those that the caller knows better.
func (m *importer) cluster(n *node, path, id string, t *table, known ...string) kafkaconn.Config {
	given := map[string]string{}
	for _, k := range t.keys {
		if name, is := strings.CutPrefix(k, properties); is && !slices.Contains(known, name) {
			given[name] = t.get(k)
		}
	}
	var c kafkaconn.Config
	from := map[string]flinksql.Pos{}
	for _, note := range c.ApplyProperties(given) {
		o := t.options[properties+note.Key]
		m.property(&c, path, id, o, note)
		if note.What == kafkaconn.Mapped {
			from[note.Text] = o.pos
		}
	}
	if !t.has(properties + "bootstrap.servers") {
		m.say(t.pos, properties+"bootstrap.servers", "", Refused, path+".brokers", "it is missing, and Flink asks for it, too")
	}
	n.setList("brokers", c.Brokers, t.at(properties+"bootstrap.servers"), m.hidden(path+".brokers", t, strings.Join(c.Brokers, ",")))
	if c.ClientID != "" {
		n.set("client_id", c.ClientID, t.at(properties+"client.id"), "")
	}
	if c.TLS != nil {
		fields(n, "tls", reflect.ValueOf(*c.TLS), t.at(properties+"security.protocol"), from)
	}
	if c.SASL != nil {
		m.login(c.SASL, path, id, t, from)
		fields(n, "sasl", reflect.ValueOf(*c.SASL), t.at(properties+"security.protocol"), from)
	}
	return c
}

// property says what became of one of them.
func (m *importer) property(c *kafkaconn.Config, path, id string, o option, note kafkaconn.Note) {
	key := ""
	v := map[string]Verdict{
		kafkaconn.Mapped: Mapped, kafkaconn.Adapted: Adapted, kafkaconn.Ignored: Warned, kafkaconn.Elsewhere: Warned,
		kafkaconn.Unknown: Warned, kafkaconn.Refused: Refused,
	}[note.What]
	text := note.Text
	switch {
	case v == Mapped:
		key, text = path+"."+note.Text, "the same"
	case v == Refused && note.Key == "sasl.jaas.config" && strings.HasPrefix(note.Value, "password="):
		c.SASL.PasswordFile = secretFile(id, "password")
		key, v, text = path+".sasl.password_file", Adapted, "Hefu reads the password from a file, so that it is in no configuration, log or report"
		m.toDo(o.pos, key, "write the password of "+o.key+" into "+c.SASL.PasswordFile+", readable by hefu alone (mode 0600)")
	}
	value := note.Value
	if secretKey(note.Key) && v != Mapped {
		value = shownSecret
	}
	m.spoken[place{m.statement, o.pos}] = true
	m.result.Items = append(m.result.Items, Item{
		Pos: o.pos, At: o.pos.String(), Statement: m.statement, What: o.key, Value: value, Verdict: v, Key: key, Text: text,
	})
}

// login fills in what a login needs and Flink has elsewhere than in its SQL.
func (m *importer) login(s *kafkaconn.SASL, path, id string, t *table, from map[string]flinksql.Pos) {
	at := t.at(properties + "security.protocol")
	if s.Mechanism != kafkaconn.GSSAPI {
		if s.User == "" {
			s.User = "FILL-IN"
			m.toDo(at, path+".sasl.user", "the SQL names no user for "+s.Mechanism+": fill it in")
		}
		if s.PasswordFile == "" {
			s.PasswordFile = secretFile(id, "password")
			m.toDo(at, path+".sasl.password_file", "write the password of that user into "+s.PasswordFile+", readable by hefu alone (mode 0600)")
		}
		return
	}
	if s.Principal == "" && s.User == "" {
		s.Principal = "FILL-IN@" + realm(s.DomainName)
		if o, given := m.settings["security.kerberos.login.principal"]; given {
			s.Principal, from["sasl.principal"] = o.value, o.pos
			m.sayOption(o, Mapped, path+".sasl.principal", "Flink has one login for all clusters; Hefu has one for each")
		} else {
			m.say(at, "Kerberos principal", "", Warned, path+".sasl.principal",
				"the SQL has none: Flink takes it from security.kerberos.login.principal of flink-conf.yaml. Hefu has one login for each cluster")
			m.toDo(at, path+".sasl.principal", "fill in the principal that logs in (security.kerberos.login.principal of flink-conf.yaml)")
		}
	}
	if s.KeytabFile == "" && s.PasswordFile == "" {
		s.KeytabFile = secretFile(id, "keytab")
		if o, given := m.settings["security.kerberos.login.keytab"]; given {
			s.KeytabFile, from["sasl.keytab_file"] = o.value, o.pos
			m.sayOption(o, Mapped, path+".sasl.keytab_file", "Flink has one login for all clusters; Hefu has one for each")
		} else {
			m.toDo(at, path+".sasl.keytab_file", "put the principal's keytab there (security.kerberos.login.keytab of flink-conf.yaml)")
		}
	}
}

// realm guesses one from a domain, for a place that has to be filled in anyway.
func realm(domain string) string {
	if _, rest, found := strings.Cut(domain, "."); found && rest != "" {
		return strings.ToUpper(rest)
	}
	return "REALM"
}

// secretFile is where a secret that the SQL holds is to go.
func secretFile(id, kind string) string { return "/etc/hefu/" + id + "." + kind }

// hidden says of a value that the document shows only in part that it has to be filled in: the comment behind its key.
func (m *importer) hidden(path string, t *table, value string) string {
	if !masked(value) {
		return ""
	}
	m.toDo(t.at(properties+"bootstrap.servers"), path, "the document masks it: fill in the addresses of "+t.name)
	return "FILL IN, the document masks it"
}

// fields writes the fields of a struct that are not empty under their YAML names.
func fields(n *node, key string, v reflect.Value, at flinksql.Pos, from map[string]flinksql.Pos) {
	out := n.child(key)
	out.at = at
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if v.Field(i).IsZero() || name == "" || name == "-" {
			continue
		}
		note := ""
		text := fmt.Sprint(v.Field(i).Interface())
		if strings.Contains(text, "FILL-IN") {
			note = "FILL IN"
		}
		if v.Field(i).Kind() == reflect.String {
			out.set(name, text, from[key+"."+name], note)
		} else {
			out.setPlain(name, text, from[key+"."+name], note)
		}
	}
	if len(out.children) == 0 {
		out.value = "{}"
	}
}
