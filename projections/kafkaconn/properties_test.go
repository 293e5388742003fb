package kafkaconn_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// secret must be in no note.
const secret = "hunter2"

const (
	krb5  = "com.sun.security.auth.module.Krb5LoginModule required "
	plain = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.plain.PlainLoginModule required "
	scram = "org.apache.kafka.common.security.scram.ScramLoginModule required "
)

// applied are the notes as lines, and the configuration they speak of.
func applied(c kafkaconn.Config, p map[string]string) (kafkaconn.Config, string) {
	var b strings.Builder
	for _, n := range c.ApplyProperties(p) {
		fmt.Fprintf(&b, "%s=%s: %s: %s\n", n.Key, n.Value, n.What, n.Text)
	}
	return c, b.String()
}

func TestProperties(t *testing.T) {
	sasl := func(more map[string]string) map[string]string {
		p := map[string]string{"security.protocol": "SASL_PLAINTEXT"}
		maps.Copy(p, more)
		return p
	}
	for _, c := range []struct {
		name  string
		keys  kafkaconn.Config
		given map[string]string
		want  kafkaconn.Config
		notes string
	}{
		{"the original's", kafkaconn.Config{}, map[string]string{
			"bootstrap.servers": "a:21007, b:21007,", "security.protocol": "SASL_PLAINTEXT", "sasl.kerberos.service.name": "kafka",
			"kerberos.domain.name": "hadoop.hadoop.com", "group.id": "g", "isolation.level": "read_committed", "transaction.timeout.ms": "900000",
		}, kafkaconn.Config{
			Brokers: []string{"a:21007", "b:21007"},
			SASL:    &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, ServiceName: "kafka", DomainName: "hadoop.hadoop.com"},
		}, `bootstrap.servers=a:21007, b:21007,: mapped: brokers
group.id=g: elsewhere: group of the source says it
isolation.level=read_committed: elsewhere: isolation of the source says it
kerberos.domain.name=hadoop.hadoop.com: mapped: sasl.domain_name
sasl.kerberos.service.name=kafka: mapped: sasl.service_name
security.protocol=SASL_PLAINTEXT: mapped: sasl
transaction.timeout.ms=900000: elsewhere: hub.transaction_timeout says it
`},
		{"a keytab in JAAS", kafkaconn.Config{}, sasl(map[string]string{
			"sasl.mechanism":   "GSSAPI",
			"sasl.jaas.config": krb5 + `useKeyTab=true storeKey=true keyTab="FILE:/etc/u.keytab" principal="hefu@HADOOP.COM" serviceName=kafka useTicketCache=false;`,
		}), kafkaconn.Config{SASL: &kafkaconn.SASL{
			Mechanism: kafkaconn.GSSAPI, Principal: "hefu@HADOOP.COM", KeytabFile: "/etc/u.keytab", ServiceName: "kafka",
		}}, `sasl.jaas.config=useKeyTab=true: mapped: sasl.keytab_file
sasl.jaas.config=storeKey=true: ignored: an option of Java's that changes nothing about the login
sasl.jaas.config=keyTab=FILE:/etc/u.keytab: mapped: sasl.keytab_file
sasl.jaas.config=principal=hefu@HADOOP.COM: mapped: sasl.principal
sasl.jaas.config=serviceName=kafka: mapped: sasl.service_name
sasl.jaas.config=useTicketCache=false: ignored: Hefu gets its own tickets with sasl.keytab_file, and gets new ones in time
sasl.mechanism=GSSAPI: mapped: sasl.mechanism
security.protocol=SASL_PLAINTEXT: mapped: sasl
`},
		{
			"a ticket cache",
			kafkaconn.Config{},
			sasl(map[string]string{"sasl.jaas.config": krb5 + "useTicketCache=true;"}),
			kafkaconn.Config{SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI}},
			`sasl.jaas.config=useTicketCache=true: ignored: Hefu gets its own tickets with sasl.keytab_file, and gets new ones in time
sasl.jaas.config=Krb5LoginModule: adapted: it names no keytab, and a ticket cache ends with its ticket: make a keytab, and name it with sasl.keytab_file
security.protocol=SASL_PLAINTEXT: mapped: sasl
`,
		},
		{
			"a password in JAAS",
			kafkaconn.Config{},
			map[string]string{
				"security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512", "sasl.jaas.config": scram + "username=alice password='" + secret + "' other=" + secret + ";",
			},
			kafkaconn.Config{TLS: &kafkaconn.TLS{}, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.ScramSHA512, User: "alice"}},
			`sasl.jaas.config=username=alice: mapped: sasl.user
sasl.jaas.config=password=(not shown): refused: a password is not written here: put it into a file, and name that with sasl.password_file
sasl.jaas.config=other=(not shown): ignored: an option that changes nothing about the login
sasl.mechanism=SCRAM-SHA-512: mapped: sasl.mechanism
security.protocol=sasl_ssl: mapped: tls and sasl
`,
		},
		{
			"a module that does not fit",
			kafkaconn.Config{},
			sasl(map[string]string{"sasl.mechanism": "PLAIN", "sasl.jaas.config": scram + "password=" + secret + ";"}),
			kafkaconn.Config{SASL: &kafkaconn.SASL{Mechanism: kafkaconn.Plain}},
			`sasl.jaas.config=ScramLoginModule: refused: that login module is for SCRAM-SHA-256 and SCRAM-SHA-512; the mechanism is PLAIN
sasl.mechanism=PLAIN: mapped: sasl.mechanism
security.protocol=SASL_PLAINTEXT: mapped: sasl
`,
		},
		{
			"another module",
			kafkaconn.Config{},
			sasl(map[string]string{"sasl.jaas.config": "a.OAuthBearerLoginModule required token=" + secret + ";"}),
			kafkaconn.Config{SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI}},
			`sasl.jaas.config=(not shown): refused: its login module is none of Krb5LoginModule, ScramLoginModule, PlainLoginModule
security.protocol=SASL_PLAINTEXT: mapped: sasl
`,
		},
		{
			"not JAAS",
			kafkaconn.Config{},
			sasl(map[string]string{"sasl.jaas.config": plain + "password=" + secret}),
			kafkaconn.Config{SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI}},
			`sasl.jaas.config=(not shown): refused: its semicolon at the end is missing
security.protocol=SASL_PLAINTEXT: mapped: sasl
`,
		},
		{
			"a login that Kafka does not look at",
			kafkaconn.Config{},
			map[string]string{"sasl.mechanism": "PLAIN", "sasl.jaas.config": plain + "username=alice;", "ssl.truststore.location": "/ca.pem"},
			kafkaconn.Config{},
			`sasl.jaas.config=(not shown): ignored: Kafka looks at it only where security.protocol is SASL_PLAINTEXT or SASL_SSL; here it is PLAINTEXT
sasl.mechanism=PLAIN: ignored: Kafka looks at it only where security.protocol is SASL_PLAINTEXT or SASL_SSL; here it is PLAINTEXT
ssl.truststore.location=/ca.pem: ignored: Kafka looks at it only where security.protocol is SSL or SASL_SSL; here it is PLAINTEXT
`,
		},
		{
			"… but a password there is refused",
			kafkaconn.Config{},
			map[string]string{"sasl.jaas.config": plain + "username=alice password=" + secret + ";"},
			kafkaconn.Config{},
			`sasl.jaas.config=password=(not shown): refused: a password is not written here: put it into a file, and name that with sasl.password_file
`,
		},
		{"stores as PEM", kafkaconn.Config{}, map[string]string{
			"security.protocol": "SSL", "ssl.truststore.type": "PEM", "ssl.truststore.location": "/ca.pem", "ssl.keystore.type": "pem", "ssl.keystore.location": "/me.pem",
			"ssl.endpoint.identification.algorithm": "HTTPS", "ssl.protocol": "TLSv1.3", "client.id": "me",
		}, kafkaconn.Config{ClientID: "me", TLS: &kafkaconn.TLS{CAFile: "/ca.pem", CertFile: "/me.pem", KeyFile: "/me.pem"}}, `client.id=me: mapped: client_id
security.protocol=SSL: mapped: tls
ssl.endpoint.identification.algorithm=HTTPS: mapped: tls always compares the name in the certificate
ssl.keystore.location=/me.pem: mapped: tls.cert_file
ssl.keystore.location=/me.pem: mapped: tls.key_file
ssl.keystore.type=pem: mapped: all files of tls are PEM
ssl.protocol=TLSv1.3: adapted: TLS 1.2 and 1.3 are spoken, whichever the broker has
ssl.truststore.location=/ca.pem: mapped: tls.ca_file
ssl.truststore.type=PEM: mapped: all files of tls are PEM
`},
		{"stores of Java", kafkaconn.Config{}, map[string]string{
			"security.protocol": "SSL", "ssl.truststore.location": "/etc/trust.jks", "ssl.truststore.password": secret, "ssl.keystore.type": "JKS", "ssl.keystore.location": "/etc/me.jks",
			"ssl.keystore.password": secret, "ssl.key.password": secret, "ssl.keystore.key": secret, "ssl.keystore.certificate.chain": secret, "ssl.truststore.certificates": secret,
			"ssl.endpoint.identification.algorithm": "", "ssl.enabled.protocols": "TLSv1.1",
		}, kafkaconn.Config{TLS: &kafkaconn.TLS{}}, `security.protocol=SSL: mapped: tls
ssl.enabled.protocols=TLSv1.1: refused: only TLS 1.2 and 1.3 are spoken
ssl.endpoint.identification.algorithm=: refused: tls always compares the name in the certificate: where that is not the one that is dialled, give it as tls.server_name, and leave this out
ssl.key.password=(not shown): refused: a password is not written here, and tls.key_file holds a key without one: openssl pkcs8 -in key.pem -out hefu.key, readable by Hefu's user only; then leave it out
ssl.keystore.certificate.chain=(not shown): refused: put key and certificates into files, and name them with tls.key_file and tls.cert_file
ssl.keystore.key=(not shown): refused: put key and certificates into files, and name them with tls.key_file and tls.cert_file
ssl.keystore.location=/etc/me.jks: refused: tls reads PEM only: keytool -importkeystore -srckeystore /etc/me.jks -destkeystore me.p12 -deststoretype PKCS12, then openssl pkcs12 -in me.p12 -nodes -out me.pem; name it with both tls.cert_file and tls.key_file
ssl.keystore.password=(not shown): refused: a password is not written here, and tls.key_file holds a key without one: openssl pkcs8 -in key.pem -out hefu.key, readable by Hefu's user only; then leave it out
ssl.keystore.type=JKS: refused: tls reads PEM only: see ssl.keystore.location
ssl.truststore.certificates=(not shown): refused: put the certificates into a file, and name it with tls.ca_file
ssl.truststore.location=/etc/trust.jks: refused: tls reads PEM only: keytool -exportcert -rfc -keystore /etc/trust.jks -alias ALIAS -file trust.pem for each alias that keytool -list names, the files put together; name it with tls.ca_file
ssl.truststore.password=(not shown): refused: certificates in PEM have no password: leave it out
`},
		{"what a key says already", kafkaconn.Config{Brokers: []string{"k:1"}, ClientID: "key", TLS: &kafkaconn.TLS{CAFile: "/key"}, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, ServiceName: "kafka"}}, map[string]string{
			"bootstrap.servers": "p:1", "client.id": "property", "security.protocol": "SASL_SSL", "sasl.mechanism": "GSSAPI", "sasl.kerberos.service.name": "kafka", "ssl.truststore.type": "PEM", "ssl.truststore.location": "/key",
		}, kafkaconn.Config{Brokers: []string{"k:1"}, ClientID: "key", TLS: &kafkaconn.TLS{CAFile: "/key"}, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, ServiceName: "kafka"}}, `bootstrap.servers=p:1: refused: brokers is given as well: leave one of them out
client.id=property: refused: client_id is given as well: leave one of them out
sasl.kerberos.service.name=kafka: refused: sasl.service_name is given as well: leave one of them out
sasl.mechanism=GSSAPI: refused: sasl.mechanism is given as well: leave one of them out
security.protocol=SASL_SSL: mapped: tls and sasl
ssl.truststore.location=/key: refused: tls.ca_file is given as well: leave one of them out
ssl.truststore.type=PEM: mapped: all files of tls are PEM
`},
		{
			"two properties for one thing",
			kafkaconn.Config{},
			sasl(map[string]string{"sasl.jaas.config": krb5 + "keyTab=k serviceName=kafka;", "sasl.kerberos.service.name": "other"}),
			kafkaconn.Config{SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, KeytabFile: "k", ServiceName: "kafka"}},
			`sasl.jaas.config=keyTab=k: mapped: sasl.keytab_file
sasl.jaas.config=serviceName=kafka: mapped: sasl.service_name
sasl.kerberos.service.name=other: refused: sasl.jaas.config says otherwise: leave one of them out
security.protocol=SASL_PLAINTEXT: mapped: sasl
`,
		},
		{
			"halves that do not fit",
			kafkaconn.Config{TLS: &kafkaconn.TLS{}},
			map[string]string{"security.protocol": "SASL_PLAINTEXT"},
			kafkaconn.Config{TLS: &kafkaconn.TLS{}, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI}},
			"security.protocol=SASL_PLAINTEXT: refused: it is without TLS, and tls is given as well: leave one of them out\n",
		},
		{
			"… nor these",
			kafkaconn.Config{SASL: &kafkaconn.SASL{}},
			map[string]string{"security.protocol": "PLAINTEXT"},
			kafkaconn.Config{SASL: &kafkaconn.SASL{}},
			"security.protocol=PLAINTEXT: refused: it is without a login, and sasl is given as well: leave one of them out\n",
		},
		{
			"no protocol at all",
			kafkaconn.Config{},
			map[string]string{"security.protocol": "TLS", "sasl.mechanism": "OAUTHBEARER"},
			kafkaconn.Config{},
			`sasl.mechanism=OAUTHBEARER: ignored: Kafka looks at it only where security.protocol is SASL_PLAINTEXT or SASL_SSL; here it is TLS
security.protocol=TLS: refused: it is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL
`,
		},
		{
			"a mechanism of others",
			kafkaconn.Config{},
			sasl(map[string]string{"sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url": "http://x", "sasl.login.class": "a.B"}),
			kafkaconn.Config{SASL: &kafkaconn.SASL{}},
			`sasl.login.class=a.B: refused: Hefu runs no code of others
sasl.mechanism=OAUTHBEARER: refused: it is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, GSSAPI
sasl.oauthbearer.token.endpoint.url=http://x: refused: of OAUTHBEARER, which Hefu does not speak: use SCRAM-SHA-512 or GSSAPI
security.protocol=SASL_PLAINTEXT: mapped: sasl
`,
		},
		{"what is not about the connection", kafkaconn.Config{}, map[string]string{
			"max.poll.records": "500", "fetch.min.bytes": "1", "metrics.num.samples": "2", "auto.offset.reset": "earliest", "security.protocl": "SSL", "my.password": secret, "sasl.oauthbearer.client.secret": secret,
		}, kafkaconn.Config{}, `auto.offset.reset=earliest: elsewhere: on_missing_cursor of the source says it, with start: group-offsets
fetch.min.bytes=1: ignored: Hefu fetches as ingest.fetch_bytes, ingest.queue_bytes and ingest.max_wait of the pipeline say
max.poll.records=500: ignored: Hefu fetches as ingest.fetch_bytes, ingest.queue_bytes and ingest.max_wait of the pipeline say
metrics.num.samples=2: ignored: it changes nothing about rows
my.password=(not shown): unknown: Hefu knows no such property of a Kafka client
sasl.oauthbearer.client.secret=(not shown): refused: of OAUTHBEARER, which Hefu does not speak: use SCRAM-SHA-512 or GSSAPI
security.protocl=SSL: unknown: Hefu knows no such property of a Kafka client
`},
		{
			"empty ones",
			kafkaconn.Config{},
			map[string]string{"bootstrap.servers": " , ", "client.id": ""},
			kafkaconn.Config{},
			`bootstrap.servers=,: refused: it is empty: leave it out, or give brokers
client.id=: refused: it is empty: leave it out, or give client_id
`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, notes := applied(c.keys, c.given)
			if diff := cmp.Diff(c.want, got) + cmp.Diff(c.notes, notes); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(notes, secret) {
				t.Error("the secret is in a note")
			}
		})
	}
}

// FuzzProperties looks for a panic, for a secret in a note, and for a note that
// is missing.
func FuzzProperties(f *testing.F) {
	f.Add("SASL_SSL", "PLAIN", plain+`username="a" password="`, "PEM")
	f.Fuzz(func(t *testing.T, protocol, mechanism, jaas, store string) {
		if strings.Contains(protocol+mechanism+jaas+store, secret) {
			return
		}
		given := map[string]string{
			"security.protocol": protocol, "sasl.mechanism": mechanism, "sasl.jaas.config": jaas + secret + "\";", "ssl.key.password": secret,
			"ssl.keystore.type": store, "ssl.keystore.location": "/k", "bootstrap.servers": mechanism,
		}
		var c kafkaconn.Config
		notes := c.ApplyProperties(given)
		for _, n := range notes {
			// What is no password is shown, and the fuzzer may put the secret there.
			if jaasShows := n.Key == "sasl.jaas.config" && !strings.HasPrefix(n.Value, "password="); !jaasShows && strings.Contains(n.Value+n.Text, secret) {
				t.Errorf("%+v", n)
			}
			delete(given, n.Key)
		}
		if len(given) > 0 {
			t.Errorf("nothing is said of %v: %+v", given, notes)
		}
	})
}
