package realkafka

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestListenersKeepTheirPorts(t *testing.T) {
	c := Config{Dir: t.TempDir(), Security: Security{Kerberos: &Kerberos{}}}
	first, err := ports(c)
	if err != nil || len(first.Listeners) != 1 || first.Listeners[ListenerKerberos] == 0 {
		t.Fatalf("chose %+v, %v", first, err)
	}
	if err := first.save(c.Dir); err != nil {
		t.Fatal(err)
	}
	c.Security.TLS = true
	then, err := ports(c)
	if err != nil || then.Listeners[ListenerKerberos] != first.Listeners[ListenerKerberos] || then.Listeners[ListenerMutual] == 0 || then.Port != first.Port {
		t.Errorf("then %+v, %v; first %+v", then, err, first)
	}
	b := Broker{state: then}
	if b.ListenerAddr(ListenerTLS) == "" || b.ListenerAddr(ListenerSASLTLS) != "" {
		t.Errorf("addresses %q, %q", b.ListenerAddr(ListenerTLS), b.ListenerAddr(ListenerSASLTLS))
	}
}

func TestSecurityProperties(t *testing.T) {
	s := Security{
		Kerberos: &Kerberos{Conf: "/c", Keytab: "/k", Principal: "kafka/h@R", Reauthenticate: 2 * time.Second},
		Users:    map[string]string{"alice": `a"b`, "bob": "b"}, TLS: true,
	}
	ports := map[string]int{ListenerKerberos: 1, ListenerMutual: 2, ListenerSASLPlain: 3, ListenerSASLTLS: 4, ListenerTLS: 5}
	p := s.properties("/dir", 8, 9, ports)
	for key, want := range map[string]string{
		"listeners":                                   "PLAINTEXT://127.0.0.1:8,KRB://127.0.0.1:1,MTLS://127.0.0.1:2,SASLP://127.0.0.1:3,SASLS://127.0.0.1:4,TLS://127.0.0.1:5,CONTROLLER://127.0.0.1:9",
		"advertised.listeners":                        "PLAINTEXT://127.0.0.1:8,KRB://127.0.0.1:1,MTLS://127.0.0.1:2,SASLP://127.0.0.1:3,SASLS://127.0.0.1:4,TLS://127.0.0.1:5",
		"listener.security.protocol.map":              "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,KRB:SASL_PLAINTEXT,MTLS:SSL,SASLP:SASL_PLAINTEXT,SASLS:SASL_SSL,TLS:SSL",
		"sasl.kerberos.service.name":                  "kafka",
		"listener.name.krb.connections.max.reauth.ms": "2000",
		"listener.name.saslp.plain.sasl.jaas.config":  `org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="a\"b" user_bob="b";`,
		"listener.name.mtls.ssl.client.auth":          "required",
		"ssl.keystore.location":                       "/dir/tls/server.pem",
	} {
		if p[key] != want {
			t.Errorf("%s\n got %s\nwant %s", key, p[key], want)
		}
	}
	if args := strings.Join(s.format(), " "); args != `--add-scram SCRAM-SHA-512=[name=alice,password=a"b] --add-scram SCRAM-SHA-512=[name=bob,password=b]` {
		t.Errorf("format with %s", args)
	}
	plain := Security{}.properties("/dir", 8, 9, nil)
	if keys := slices.Sorted(maps.Keys(plain)); len(keys) != 3 || plain["listeners"] != "PLAINTEXT://127.0.0.1:8,CONTROLLER://127.0.0.1:9" || (Security{}).java() != nil {
		t.Errorf("without security: %v", plain)
	}
}

func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	if err := certificates(dir); err != nil {
		t.Fatal(err)
	}
	f := files(dir)
	before, err := os.ReadFile(f.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(before)
	for file, check := range map[string]x509.VerifyOptions{
		f.server:     {Roots: roots, DNSName: "127.0.0.1", KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
		f.ClientCert: {Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
	} {
		key := file
		if file == f.ClientCert {
			key = f.ClientKey
		}
		pair, err := tls.LoadX509KeyPair(file, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pair.Leaf.Verify(check); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if err := certificates(dir); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(f.CA); err != nil || string(after) != string(before) {
		t.Errorf("another authority for the same directory, %v", err)
	}
}
