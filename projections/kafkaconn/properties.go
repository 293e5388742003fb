package kafkaconn

import (
	"maps"
	"slices"
	"strings"
)

// ApplyProperties fills Brokers, TLS, SASL and ClientID from the properties of
// a Kafka client in Kafka's own names, which are Flink's properties.* without
// that prefix, and says of each what became of it, sorted by name. What a key
// of c says already is not said again by a property: that is refused. A
// password in a property is refused, too, and never repeated: files hold
// secrets (password_file), and the note names the key. What can be filled in
// is filled in whatever else is refused. It reads no file.
//
// A Config that names no login for GSSAPI afterwards is as Flink's, which has
// it in flink-conf.yaml; [Config.Validate] asks for it.
func (c *Config) ApplyProperties(p map[string]string) []Note {
	a := applying{c: c, given: p, by: map[*string]string{}}
	a.protocol()
	known := a.known()
	for _, key := range slices.Sorted(maps.Keys(p)) {
		if apply, known := known[key]; known {
			apply(key, strings.TrimSpace(p[key]))
		} else {
			a.other(key, p[key])
		}
	}
	return a.notes
}

// applying is one call of ApplyProperties.
type applying struct {
	c     *Config
	given map[string]string
	by    map[*string]string // the property that filled in a field
	tls   bool               // whether TLS is spoken, by security.protocol or the keys
	sasl  bool               // whether there is a login
	name  string             // security.protocol, which is PLAINTEXT if nobody says it
	notes []Note
}

// known are the properties that this package understands.
func (a *applying) known() map[string]func(key, value string) {
	return map[string]func(key, value string){
		"bootstrap.servers":                     a.brokers,
		"client.id":                             func(k, v string) { a.fill(k, v, v, &a.c.ClientID, "client_id") },
		"security.protocol":                     a.securityProtocol,
		"sasl.mechanism":                        a.mechanism,
		"sasl.jaas.config":                      a.jaas,
		"sasl.kerberos.service.name":            a.serviceName,
		"kerberos.domain.name":                  a.domainName,
		"ssl.truststore.type":                   a.storeType,
		"ssl.truststore.location":               a.truststore,
		"ssl.truststore.password":               a.truststorePassword,
		"ssl.truststore.certificates":           a.inlineCertificates,
		"ssl.keystore.type":                     a.storeType,
		"ssl.keystore.location":                 a.keystore,
		"ssl.keystore.password":                 a.keyPassword,
		"ssl.key.password":                      a.keyPassword,
		"ssl.keystore.certificate.chain":        a.inlineKey,
		"ssl.keystore.key":                      a.inlineKey,
		"ssl.endpoint.identification.algorithm": a.identification,
		"ssl.protocol":                          a.tlsVersions,
		"ssl.enabled.protocols":                 a.tlsVersions,
	}
}

// say adds a note.
func (a *applying) say(key, value, what, text string) {
	a.notes = append(a.notes, Note{key, value, what, text})
}

// fill puts value into a field that the configuration calls name, unless it has
// one already. The note shows what is given as shown.
func (a *applying) fill(key, shown, value string, field *string, name string) {
	switch by, filled := a.by[field]; {
	case value == "":
		a.say(key, shown, Refused, "it is empty: leave it out, or give "+name)
	case filled && *field == value:
		a.say(key, shown, Mapped, name+", as "+by+" says too")
	case filled:
		a.say(key, shown, Refused, by+" says otherwise: leave one of them out")
	case *field != "":
		a.say(key, shown, Refused, name+" is given as well: leave one of them out")
	default:
		*field, a.by[field] = value, key
		a.say(key, shown, Mapped, name)
	}
}

// brokers splits as Kafka does: at commas, with spaces around them.
func (a *applying) brokers(key, value string) {
	var list []string
	for _, b := range strings.Split(value, ",") {
		if b = strings.TrimSpace(b); b != "" {
			list = append(list, b)
		}
	}
	switch {
	case len(list) == 0:
		a.say(key, value, Refused, "it is empty: leave it out, or give brokers")
	case len(a.c.Brokers) > 0:
		a.say(key, value, Refused, "brokers is given as well: leave one of them out")
	default:
		a.c.Brokers = list
		a.say(key, value, Mapped, "brokers")
	}
}

// other is a property that is not about reaching a cluster.
func (a *applying) other(key, value string) {
	if strings.Contains(key, "password") || strings.Contains(key, "secret") {
		value = hidden
	}
	for _, o := range others() {
		if o.has(key) {
			a.say(key, value, o.what, o.text)
			return
		}
	}
	a.say(key, value, Unknown, "Hefu knows no such property of a Kafka client")
}

// hidden stands for a secret.
const hidden = "(not shown)"
