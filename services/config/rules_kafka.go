package config

import (
	"slices"
	"strings"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// applyProperties turns Kafka's own names into the keys of a connection. Where one of them is wrong all stay as they are,
// for the check that comes after and knows their places.
func applyProperties(k *kafkaconn.Config, properties *map[string]string) {
	applied, notes := withProperties(*k, *properties)
	if !slices.ContainsFunc(notes, wrong) {
		*k, *properties = applied, nil
	}
}

// withProperties applies properties to a copy.
func withProperties(k kafkaconn.Config, properties map[string]string) (kafkaconn.Config, []kafkaconn.Note) {
	if k.TLS != nil {
		t := *k.TLS
		k.TLS = &t
	}
	if k.SASL != nil {
		s := *k.SASL
		k.SASL = &s
	}
	notes := k.ApplyProperties(properties)
	return k, notes
}

// wrong says whether a property is an error in hefu.yaml: there a name that nobody knows may be a misspelt one, and what
// another key says is said by that key.
func wrong(n kafkaconn.Note) bool {
	return n.What == kafkaconn.Refused || n.What == kafkaconn.Unknown || n.What == kafkaconn.Elsewhere
}

// connection is the part that hub and sources share. Properties are those that could not be applied.
func connection(at string, k kafkaconn.Config, properties map[string]string) []rule {
	var rules []rule
	_, notes := withProperties(k, properties)
	for _, n := range notes {
		rules = append(rules, rule{at + ".properties." + n.Key, !wrong(n), "is not taken: " + n.Text, "what deploy/hefu.yaml says of properties"})
	}
	rules = append(rules, each(at+".brokers", k.Brokers, hostPort, "host:port")...)
	if t := k.TLS; t != nil {
		rules = append(rules, certificate(at+".tls", t.CertFile, t.KeyFile)...)
	}
	if s := k.SASL; s != nil {
		rules = append(rules, sasl(at+".sasl", s)...)
	}
	return rules
}

// certificate is our own one, which is of use with its key only.
func certificate(at, cert, key string) []rule {
	return []rule{
		{at + ".key_file", cert == "" || key != "", "is missing", "the key of cert_file"},
		{at + ".cert_file", key == "" || cert != "", "is missing", "the certificate of key_file"},
	}
}

func sasl(at string, s *kafkaconn.SASL) []rule {
	kerberos := s.Mechanism == kafkaconn.GSSAPI
	const setting = "mechanism: GSSAPI"
	rules := []rule{
		oneOf(at+".mechanism", s.Mechanism, kafkaconn.Mechanisms()...),
		only(at+".principal", s.Principal != "", kerberos, setting),
		only(at+".realm", s.Realm != "", kerberos, setting),
		only(at+".keytab_file", s.KeytabFile != "", kerberos, setting),
		only(at+".krb5_conf", s.Krb5Conf != "", kerberos, setting),
		only(at+".service_name", s.ServiceName != "", kerberos, setting),
		only(at+".domain_name", s.DomainName != "", kerberos, setting),
	}
	if kerberos {
		return append(rules, gssapi(at, s)...)
	}
	return append(rules,
		need(at+".user", s.User, true, "a user of the cluster"),
		need(at+".password_file", s.PasswordFile, true, "a file that holds the password"))
}

func gssapi(at string, s *kafkaconn.SASL) []rule {
	_, realm, qualified := strings.Cut(s.Principal, "@")
	return []rule{
		{at + ".principal", s.Principal != "" || s.User != "", "is missing", "who logs in, as in hefu@HADOOP.COM"},
		{at + ".user", s.Principal == "" || s.User == "", "is given beside principal", "one of principal and user"},
		{at + ".user", !strings.Contains(s.User, "@"), "has a realm in it", "principal, or user and realm"},
		{at + ".realm", !qualified || s.Realm == "", "is given beside the realm of principal", "one of them"},
		{at + ".principal", !qualified || realm != "", "has no realm after its @", "who logs in, as in hefu@HADOOP.COM"},
		{at + ".keytab_file", s.KeytabFile != "" || s.PasswordFile != "", "is missing", "a file with the principal's keys, or password_file"},
		{at + ".password_file", s.KeytabFile == "" || s.PasswordFile == "", "is given beside keytab_file", "one of keytab_file and password_file"},
		{at + ".service_name", !strings.ContainsAny(s.ServiceName, "/@"), "is more than a name", "the part of the brokers' principal before the /, as in kafka"},
		{at + ".domain_name", !strings.ContainsAny(s.DomainName, "/@"), "is more than a name", "the part of the brokers' principal after the /, as in hadoop.hadoop.com"},
	}
}
