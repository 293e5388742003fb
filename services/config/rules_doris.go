package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

func (d *Doris) rules(at, timezone string) []rule {
	b := &d.Batch
	return slices.Concat(
		d.reach(at),
		d.properties(at+".properties", timezone),
		[]rule{
			tableName(at+".database", d.Database),
			tableName(at+".table", d.Table),
			oneOf(at+".model", d.Model, ModelUnique, ModelDuplicate),
			oneOf(at+".semantic", d.Semantic, string(domain.None), string(domain.AtLeastOnce), string(domain.ExactlyOnce)),
			between(at+".max_record_bytes", d.MaxRecordBytes, 1, 2_147_483_643, "the longest STRING that Doris can be told to take"),
			between(at+".batch.rows", b.Rows, 1, 100_000_000, "rows of one load"),
			between(at+".batch.bytes", b.Bytes, 1<<10, 10<<30, "Doris takes streaming_load_max_mb, 10GiB by default"),
			between(at+".batch.age", b.Age, 10*time.Millisecond, 10*time.Minute, "each load makes a version of every tablet it meets"),
			between(at+".batch.interval", b.Interval, 0, 10*time.Minute, "0s for loads that follow each other at once"),
		})
}

// properties asks whoever makes the loads, one by one and then all of them, so that the error has the place of the one.
func (d *Doris) properties(at, timezone string) []rule {
	const allowed = "what deploy/hefu.yaml says of properties"
	var rules []rule
	for _, name := range slices.Sorted(maps.Keys(d.Properties)) {
		if err := dorisconn.CheckProperties(map[string]string{name: d.Properties[name]}, timezone, domain.Semantic(d.Semantic)); err != nil {
			return append(rules, rule{at + "." + name, false, strings.TrimPrefix(err.Error(), name+": "), allowed})
		}
	}
	if err := dorisconn.CheckProperties(d.Properties, timezone, domain.Semantic(d.Semantic)); err != nil {
		rules = append(rules, rule{at, false, err.Error(), allowed})
	}
	return rules
}

// reach is the part about the way to Doris.
func (d *Doris) reach(at string) []rule {
	const fe = "http://host:port or https://host:port"
	rules := slices.Concat(
		each(at+".fe", d.FE, func(key, value string) rule { return server(key, value, fe, "http", "https") }, fe),
		each(at+".mysql", d.MySQL, hostPort, "host:port"),
		[]rule{
			need(at+".user", d.User, true, "a user of Doris"),
			{at + ".user_file", d.UserFile == "" || d.User == DefaultDoris().User, "is given beside user", "one of user and user_file"},
			between(at+".timeouts.dial", d.Timeouts.Dial, 100*time.Millisecond, time.Minute, "for a host that does not answer"),
			between(at+".timeouts.ask", d.Timeouts.Ask, time.Second, 10*time.Minute, "a question and the second phase of a load wait for no data"),
			between(at+".timeouts.load", d.Timeouts.Load, 10*time.Second, 72*time.Hour, "Doris takes at most max_stream_load_timeout_second, 259200"),
		})
	if t := d.TLS; t != nil {
		rules = append(rules, rule{
			at + ".tls", t.MySQL || slices.ContainsFunc(d.FE, isTLS) || slices.ContainsFunc(slices.Collect(maps.Values(d.BEMap)), isTLS),
			"has nothing to protect", "only with an https:// address in fe or be_map, or with mysql: true in it",
		})
		rules = append(rules, certificate(at+".tls", t.CertFile, t.KeyFile)...)
	}
	for _, from := range slices.Sorted(maps.Keys(d.BEMap)) {
		key := at + ".be_map." + from
		if strings.Contains(from, "@") { // not to be repeated
			return append(rules, rule{at + ".be_map", false, "has a user in a key", "host:port"})
		}
		rules = append(rules, rule{key, isHostPort(from, 1), "is not an address that a back end announces", "host:port"}, backEnd(key, d.BEMap[from]))
	}
	return rules
}

func isTLS(url string) bool { return strings.HasPrefix(url, "https://") }

// backEnd is a rule over where a back end is reached: over HTTP, unless it says https.
func backEnd(key, value string) rule {
	const allowed = "host:port or https://host:port"
	if isTLS(value) || strings.Contains(value, "@") {
		return server(key, value, allowed, "https")
	}
	return need(key, value, isHostPort(value, 1), allowed)
}

// is says whether two tables are one, as far as addresses tell.
func (d *Doris) is(o *Doris) bool {
	return d != nil && o != nil && d.Database == o.Database && d.Table == o.Table &&
		slices.ContainsFunc(d.FE, func(fe string) bool { return slices.Contains(o.FE, fe) })
}
