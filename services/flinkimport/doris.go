package flinkimport

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// queryPort is where front ends speak MySQL unless fe.conf says otherwise (query_port).
const queryPort = "9030"

// doris writes the Doris table that rows are loaded into.
func (m *importer) doris(n *node, path string, t *table, zone string) {
	t.used = true
	n.at = t.pos
	m.statement = t.head
	m.frontEnds(n, path, t)
	id := t.options["table.identifier"]
	database, name, two := strings.Cut(id.value, ".")
	switch {
	case id.key == "":
		m.say(t.pos, "table.identifier", "", Refused, path+".table", "it is missing")
	case !two || strings.Contains(name, "."):
		m.sayOption(id, Refused, path+".table", "it is not database.table")
	default:
		n.set("database", database, id.pos, "")
		n.set("table", name, id.pos, "")
		m.sayOption(id, Mapped, path+".database, "+path+".table", "the table has to exist, and is compared with what rows need at each start; deploy/doris.sql says what that is")
	}
	m.loadSemantic(n, path, t)
	m.user(n, path, t)
	m.loadProperties(n, path, t, zone)
	m.rest(t, asDoris)
}

// frontEnds writes the addresses for HTTP and for questions.
func (m *importer) frontEnds(n *node, path string, t *table) {
	fe, jdbc := t.options["fenodes"], t.options["jdbc-url"]
	var urls, hosts []string
	for _, a := range split(fe.value) {
		if !strings.Contains(a, "://") {
			a = "http://" + a
		}
		urls = append(urls, a)
		if u, err := url.Parse(unmasked(a)); err == nil && u.Hostname() != "" {
			host := strings.TrimPrefix(strings.TrimPrefix(a, "http://"), "https://")
			if h, _, found := strings.Cut(host, ":"); found {
				host = h
			}
			hosts = append(hosts, net.JoinHostPort(host, queryPort))
		}
	}
	note := ""
	if masked(fe.value) {
		note = "FILL IN, the document masks it"
		m.toDo(fe.pos, path+".fe", "the document masks it: fill in the front ends of Doris")
	}
	switch {
	case fe.key == "" || len(urls) == 0:
		m.say(t.at("fenodes"), "fenodes", "", Refused, path+".fe", "it is missing")
		return
	case slices.ContainsFunc(urls, func(u string) bool { return strings.Contains(u, "@") }):
		m.sayOption(fe, Refused, path+".fe", "it has a user in it; username and password have options of their own")
		return
	}
	n.setList("fe", urls, fe.pos, note)
	m.sayOption(fe, Mapped, path+".fe", "for Stream Load; the rows themselves go to a back end")
	if jdbc.key != "" {
		rest, is := strings.CutPrefix(jdbc.value, "jdbc:mysql://")
		rest, _, _ = strings.Cut(rest, "/")
		rest, _, _ = strings.Cut(rest, "?")
		if !is || rest == "" || strings.Contains(rest, "@") {
			m.sayOption(jdbc, Refused, path+".mysql", "it is not jdbc:mysql://host:port without a user")
			return
		}
		n.setList("mysql", split(rest), jdbc.pos, "")
		m.sayOption(jdbc, Mapped, path+".mysql", "for questions about the table and its rows")
		return
	}
	if note == "" {
		note = "CHECK the port"
	}
	n.setList("mysql", slices.Compact(hosts), fe.pos, note)
	m.say(fe.pos, "jdbc-url", "", Adapted, path+".mysql",
		"not given: the front ends' MySQL port is not in the SQL, and Hefu asks there what became of a load; "+queryPort+" is assumed, the default of query_port in fe.conf")
	m.toDo(fe.pos, path+".mysql", "check that the front ends answer MySQL clients at port "+queryPort+" (query_port in fe.conf)")
}

func split(list string) []string {
	var out []string
	for _, s := range strings.Split(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// loadSemantic writes what a crash may do to rows of the table.
func (m *importer) loadSemantic(n *node, path string, t *table) {
	two, batch := t.options["sink.enable-2pc"], t.options["sink.enable.batch-mode"]
	semantic := domain.ExactlyOnce
	at := t.pos
	switch strings.ToLower(two.value) {
	case "false":
		semantic, at = domain.AtLeastOnce, two.pos
		m.sayOption(two, Mapped, path+".semantic", "one phase: a crash may double rows")
	case "true":
		at = two.pos
		m.sayOption(two, Mapped, path+".semantic", "two phases")
	case "":
		m.say(t.pos, "sink.enable-2pc", "", Mapped, path+".semantic", "not given: the connector's default is two phases")
	default:
		m.sayOption(two, Refused, path+".semantic", "allowed are true and false")
	}
	if strings.EqualFold(batch.value, "true") {
		m.sayOption(batch, Adapted, path+".semantic", "the connector's labels are random then, which is at-least-once whatever else is said; Hefu's batches have labels that tell what became of them")
	}
	if o := t.options["sink.ignore.commit-error"]; strings.EqualFold(o.value, "true") {
		m.sayOption(o, Refused, path+".semantic", "rows whose commit fails would be lost without a word; Hefu asks Doris what became of them. Leave it out")
	}
	n.set("semantic", string(semantic), at, "")
}

// user writes who loads.
func (m *importer) user(n *node, path string, t *table) {
	user, password := t.options["username"], t.options["password"]
	if user.key == "" {
		m.say(t.pos, "username", "", Refused, path+".user", "it is missing")
	} else {
		n.set("user", user.value, user.pos, "")
		m.sayOption(user, Mapped, path+".user", "better one that may only load into and read this database: deploy/doris.sql has the GRANT")
	}
	if password.key == "" || password.value == "" {
		m.say(t.at("password"), "password", "", Mapped, path+".password_file", "none is sent")
		return
	}
	file := secretFile("doris", "password")
	n.set("password_file", file, password.pos, "write the password into it")
	m.sayOption(password, Adapted, path+".password_file", "Hefu reads the password from a file, so that it is in no configuration, log or report")
	m.toDo(password.pos, path+".password_file", "write the password of user "+user.value+" into "+file+", readable by hefu alone (mode 0600)")
}

// loadProperties writes the headers of Stream Load.
func (m *importer) loadProperties(n *node, path string, t *table, zone string) {
	semantic := domain.ExactlyOnce
	if strings.EqualFold(t.get("sink.enable-2pc"), "false") {
		semantic = domain.AtLeastOnce
	}
	const prefix = "sink.properties."
	path += ".properties"
	for _, k := range t.keys {
		name, is := strings.CutPrefix(k, prefix)
		if !is {
			continue
		}
		o := t.options[k]
		if err := dorisconn.CheckProperties(map[string]string{name: o.value}, zone, semantic); err != nil {
			m.sayOption(o, Refused, path+"."+name, strings.TrimPrefix(err.Error(), name+": "))
			continue
		}
		n.child("properties").set(name, o.value, o.pos, "")
		m.sayOption(o, Mapped, path+"."+name, propertyText(strings.ToLower(name)))
	}
	byLine, strip := t.options[prefix+"read_json_by_line"], t.options[prefix+"strip_outer_array"]
	if strings.EqualFold(byLine.value, "true") && strings.EqualFold(strip.value, "true") {
		m.slip(strip.pos, "strip_outer_array and read_json_by_line", "", Adapted, path,
			"both at once: Doris then takes each line as an array of rows. Hefu sends each row as an array of one on its own line, which Doris understands; read_json_by_line alone says what is meant")
	}
	if !t.has(prefix + "format") {
		m.slip(t.pos, prefix+"format", "", Adapted, path,
			"missing: the connector then writes CSV, for which the JSON flags mean nothing, and a record with a tab or a line feed in it tears its row apart. Hefu always loads JSON, written and checked strictly")
	}
}

func propertyText(name string) string {
	switch name {
	case "format", "read_json_by_line", "two_phase_commit", "max_filter_ratio", "strict_mode", "timezone", "time_zone", "merge_type",
		"group_commit", "line_delimiter", "skip_lines", "partial_columns", "strip_outer_array":
		return "as Hefu loads anyway"
	}
	return "passed on to Doris as it is"
}

func dorisRules() []rule {
	return []rule{
		{"connector", Mapped, "", "the connector doris"},
		{"sink.label-prefix", Adapted, "", "a label of Hefu's names the pipeline and the intent it belongs to, so that what became of a load can be asked for after a crash"},
		{"sink.enable-delete", Warned, "", "rows are only ever added"},
		{"sink.ignore.update-before", Warned, "", "rows are only ever added"},
		{"sink.buffer-flush.", Adapted, "doris.batch", "doris.batch says when a load is cut: 500000 rows, 128MiB or 5s"},
		{"sink.buffer-size", Adapted, "doris.batch", "doris.batch says when a load is cut: 500000 rows, 128MiB or 5s"},
		{"sink.buffer-count", Adapted, "doris.batch", "doris.batch says when a load is cut: 500000 rows, 128MiB or 5s"},
		{"sink.flush.queue-size", Warned, "", "about the connector's own buffers"},
		{"sink.max-retries", Warned, "", "Hefu tries again for ever, slower each time, and asks first what became of the load"},
		{"sink.check-interval", Warned, "", "Hefu sees the answer of a load as it comes"},
		{"sink.use-cache", Warned, "", "about the connector's own buffers"},
		{"sink.parallelism", Warned, "", "Hefu's lanes are shards of the hub's partitions"},
		{"sink.ignore.commit-error", Warned, "", "false: as Hefu does anyway"},
		{"sink.enable.batch-mode", Warned, "", "false: as Hefu does anyway"},
		{"sink.table-with-", Warned, "", "about the connector's own writing"},
		{"sink.write-mode", Warned, "", "Hefu writes by Stream Load"},
		{"auto-redirect", Warned, "", "Hefu always follows the front end's redirect to a back end"},
		{"benodes", Warned, "doris.be_map", "back ends are those that the front ends name; doris.be_map says where they are reached otherwise"},
		{"doris.", Warned, "", "about reading from Doris with the connector"},
		{"source.", Warned, "", "about reading from Doris with the connector"},
		{"lookup.", Warned, "", "about reading from Doris with the connector"},
	}
}
