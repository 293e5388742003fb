package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// secret must be in no error.
const secret = "hunter2"

// TestRefuseConnections: what may not stand under hub, and in the same way under a source.
func TestRefuseConnections(t *testing.T) {
	const sasl = "sasl: {mechanism: GSSAPI, principal: hefu@HADOOP.COM, keytab_file: /k"
	const given = "; allowed: what deploy/hefu.yaml says of properties"
	for _, c := range []struct{ text, want string }{
		{"sasl: {mechanism: GSSAPI}", `17:13: pipelines[0].hub.sasl.principal: is missing; allowed: who logs in, as in hefu@HADOOP.COM`},
		{"sasl: {mechanism: GSSAPI, principal: hefu@HADOOP.COM}", `17:13: pipelines[0].hub.sasl.keytab_file: is missing; allowed: a file with the principal's keys, or password_file`},
		{"sasl: {mechanism: GSSAPI, principal: hefu@, keytab_file: /k}", `17:44: pipelines[0].hub.sasl.principal: has no realm after its @; allowed: who logs in, as in hefu@HADOOP.COM`},
		{"sasl: {mechanism: GSSAPI, user: hefu@HADOOP.COM, keytab_file: /k}", `17:39: pipelines[0].hub.sasl.user: has a realm in it; allowed: principal, or user and realm`},
		{sasl + ", user: hefu}", `17:84: pipelines[0].hub.sasl.user: is given beside principal; allowed: one of principal and user`},
		{sasl + ", realm: HADOOP.COM}", `17:85: pipelines[0].hub.sasl.realm: is given beside the realm of principal; allowed: one of them`},
		{sasl + ", password_file: /p}", `17:93: pipelines[0].hub.sasl.password_file: is given beside keytab_file; allowed: one of keytab_file and password_file`},
		{sasl + ", service_name: kafka/hadoop.hadoop.com}", `17:92: pipelines[0].hub.sasl.service_name: is more than a name; allowed: the part of the brokers' principal before the /, as in kafka`},
		{sasl + ", domain_name: kafka/hadoop.hadoop.com}", `17:91: pipelines[0].hub.sasl.domain_name: is more than a name; allowed: the part of the brokers' principal after the /, as in hadoop.hadoop.com`},
		{"sasl: {mechanism: PLAIN, user: u, password_file: /p, keytab_file: /k}", `17:73: pipelines[0].hub.sasl.keytab_file: has no meaning here; allowed: only with mechanism: GSSAPI`},
		{"sasl: {mechanism: PLAIN, user: u, password_file: /p, principal: u}", `17:71: pipelines[0].hub.sasl.principal: has no meaning here; allowed: only with mechanism: GSSAPI`},
		{"sasl: {mechanism: PLAIN, user: u, password_file: /p, realm: R}", `17:67: pipelines[0].hub.sasl.realm: has no meaning here; allowed: only with mechanism: GSSAPI`},
		{"sasl: {mechanism: PLAIN, user: u, password_file: /p, krb5_conf: /c}", `17:71: pipelines[0].hub.sasl.krb5_conf: has no meaning here; allowed: only with mechanism: GSSAPI`},
		{"sasl: {mechanism: PLAIN, user: u, password_file: /p, domain_name: d}", `17:73: pipelines[0].hub.sasl.domain_name: has no meaning here; allowed: only with mechanism: GSSAPI`},
		{"sasl: {mechanism: PLAIN, user: u, password_file: /p, service_name: s}", `17:74: pipelines[0].hub.sasl.service_name: has no meaning here; allowed: only with mechanism: GSSAPI`},

		{"properties: {bootstrap.servers: \"h:1\"}", `17:39: pipelines[0].hub.properties.bootstrap.servers: is not taken: brokers is given as well: leave one of them out` + given},
		{"properties: {group.id: g}", `17:30: pipelines[0].hub.properties.group.id: is not taken: group of the source says it` + given},
		{"properties: {security.protocl: SSL}", `17:38: pipelines[0].hub.properties.security.protocl: is not taken: Hefu knows no such property of a Kafka client` + given},
		// What could be applied before the wrong one is not there the second time.
		{sasl[:len("sasl: {")] + "principal: hefu@HADOOP.COM}\n      properties: {sasl.mechanism: GSSAPI, security.protocl: SSL}", `18:62: pipelines[0].hub.properties.security.protocl: is not taken: Hefu knows no such property of a Kafka client` + given},
		{"tls: {}\n      properties: {security.protocol: SASL_PLAINTEXT}", `18:39: pipelines[0].hub.properties.security.protocol: is not taken: it is without TLS, and tls is given as well: leave one of them out` + given},
		{"properties: {security.protocol: SSL, ssl.key.password: " + secret + "}", `17:62: pipelines[0].hub.properties.ssl.key.password: is not taken: a password is not written here, and tls.key_file holds a key without one: openssl pkcs8 -in key.pem -out hefu.key, readable by Hefu's user only; then leave it out` + given},
		{"properties: {ssl.truststore.password: " + secret + "}", `17:45: pipelines[0].hub.properties.ssl.truststore.password: is not taken: certificates in PEM have no password: leave it out` + given},
		{"properties: {sasl.jaas.config: 'a.PlainLoginModule required username=u password=" + secret + ";'}", `17:38: pipelines[0].hub.properties.sasl.jaas.config: is not taken: a password is not written here: put it into a file, and name that with sasl.password_file` + given},
		{"properties: {security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.jaas.config: 'a.PlainLoginModule required username=u password=" + secret + ";'}", `17:90: pipelines[0].hub.properties.sasl.jaas.config: is not taken: a password is not written here: put it into a file, and name that with sasl.password_file` + given},
		{"properties: {security.protocol: SASL_PLAINTEXT}", `15:7: pipelines[0].hub.sasl.principal: is missing; allowed: who logs in, as in hefu@HADOOP.COM`},
	} {
		text := strings.Replace(base, "topic: ODS\n", "topic: ODS\n      "+c.text+"\n", 1)
		_, err := Parse("f", []byte(text))
		if err == nil || err.Error() != "f:"+c.want {
			t.Errorf("%s\ngot  %v\nwant f:%s", c.text, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the secret is in the error: %v", err)
		}
		// Under a source the same is an error in the same key.
		inSource := strings.Replace(base, "topic: SSJC\n", "topic: SSJC\n        "+strings.ReplaceAll(c.text, "\n", "\n  ")+"\n", 1)
		_, key, _ := strings.Cut(c.want, "pipelines[0].hub.")
		if _, err := Parse("f", []byte(inSource)); err == nil || !strings.HasSuffix(err.Error(), "pipelines[0].sources[0]."+key) {
			t.Errorf("under a source: %v", err)
		}
	}
}

// TestPropertiesBecomeKeys: the original's, with the login that Flink had in flink-conf.yaml; nothing of them is left.
func TestPropertiesBecomeKeys(t *testing.T) {
	const text = `
pipelines:
  - name: bridge
    hub:
      sasl: {principal: hefu@HADOOP.COM, keytab_file: /k}
      properties:
        bootstrap.servers: 'h:21007, i:21007'
        security.protocol: SASL_PLAINTEXT
        sasl.kerberos.service.name: kafka
        kerberos.domain.name: hadoop.hadoop.com
        max.poll.records: 500
      topic: hub
    sources: [{id: nanjing, city: 320100, brokers: ["c:1"], topic: t, properties: {security.protocol: SSL, client.id: me}}]
`
	c, err := Parse("hefu.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Pipelines[0]
	hub := kafkaconn.Config{Brokers: []string{"h:21007", "i:21007"}, SASL: &kafkaconn.SASL{
		Mechanism: kafkaconn.GSSAPI, Principal: "hefu@HADOOP.COM", KeytabFile: "/k", ServiceName: "kafka", DomainName: "hadoop.hadoop.com",
	}}
	city := kafkaconn.Config{Brokers: []string{"c:1"}, TLS: &kafkaconn.TLS{}, ClientID: "me"}
	if diff := cmp.Diff(hub, p.Hub.Config) + cmp.Diff(city, p.Sources[0].Config); diff != "" || p.Hub.Properties != nil || p.Sources[0].Properties != nil {
		t.Errorf("%s%v %v", diff, p.Hub.Properties, p.Sources[0].Properties)
	}
}
