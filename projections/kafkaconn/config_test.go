package kafkaconn_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func login(t *testing.T, mechanism, user, password string) *kafkaconn.SASL {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return &kafkaconn.SASL{Mechanism: mechanism, User: user, PasswordFile: file}
}

func TestConfigKeys(t *testing.T) {
	const text = `
brokers: [a:1, b:2]
tls: {ca_file: ca, cert_file: cert, key_file: key, server_name: name}
sasl: {mechanism: PLAIN, user: u, password_file: p, principal: n, realm: r, keytab_file: k, krb5_conf: c, service_name: s, domain_name: d}
client_id: id
`
	var got kafkaconn.Config
	if err := yaml.UnmarshalWithOptions([]byte(text), &got, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	tls, sasl := kafkaconn.TLS{CAFile: "ca", CertFile: "cert", KeyFile: "key", ServerName: "name"}, kafkaconn.SASL{
		Mechanism: kafkaconn.Plain, User: "u", PasswordFile: "p", Principal: "n", Realm: "r", KeytabFile: "k", Krb5Conf: "c", ServiceName: "s", DomainName: "d",
	}
	if strings.Join(got.Brokers, " ") != "a:1 b:2" || got.TLS == nil || *got.TLS != tls || got.SASL == nil || *got.SASL != sasl || got.ClientID != "id" {
		t.Errorf("got %+v", got)
	}
}

func TestConfigRefused(t *testing.T) {
	at := []string{"localhost:9092"}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		says string
		kafkaconn.Config
	}{
		{"at least one", kafkaconn.Config{}},
		{"not host:port", kafkaconn.Config{Brokers: []string{"localhost"}}},
		{"not host:port", kafkaconn.Config{Brokers: []string{":9092"}}},
		{"go together", kafkaconn.Config{Brokers: at, TLS: &kafkaconn.TLS{CertFile: "x"}}},
		{"ca_file", kafkaconn.Config{Brokers: at, TLS: &kafkaconn.TLS{CAFile: "/nowhere"}}},
		{"no PEM certificate", kafkaconn.Config{Brokers: at, TLS: &kafkaconn.TLS{CAFile: empty}}},
		{"key_file /nowhere", kafkaconn.Config{Brokers: at, TLS: &kafkaconn.TLS{CertFile: "/nowhere", KeyFile: "/nowhere"}}},
		{"mechanism", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: "MD5", User: "u", PasswordFile: empty}}},
		{"user", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.Plain, PasswordFile: empty}}},
		{"password_file is empty", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.Plain, User: "u"}}},
		{"password_file", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.Plain, User: "u", PasswordFile: "/nowhere"}}},
		{"is empty", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.Plain, User: "u", PasswordFile: empty}}},
		{"has none of principal", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.Plain, User: "u", PasswordFile: empty, KeytabFile: "k"}}},
		{"principal is empty", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, KeytabFile: "k"}}},
		{"principal and user are given", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, Principal: "p", User: "u", KeytabFile: "k"}}},
		{"principal and realm do not fit", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, Principal: "p@R", Realm: "R", KeytabFile: "k"}}},
		{"principal and realm do not fit", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, Principal: "p@", KeytabFile: "k"}}},
		{"keytab_file is empty", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, Principal: "p@R"}}},
		{"keytab_file and password_file are given", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, Principal: "p@R", KeytabFile: "k", PasswordFile: "p"}}},
		{"krb5_conf /nowhere", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, Principal: "p@R", KeytabFile: "k", Krb5Conf: "/nowhere"}}},
		{"no default_realm in it, and p names no realm", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, Principal: "p", KeytabFile: "k", Krb5Conf: empty}}},
		{"kerberos login of p@R with keytab_file", kafkaconn.Config{Brokers: at, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, Principal: "p@R", KeytabFile: empty, Krb5Conf: empty}}},
	} {
		if cl, err := kafkaconn.Dial(c.Config); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.Config, err, c.says)
			if cl != nil {
				cl.Close()
			}
		}
	}
}

func TestLogin(t *testing.T) {
	for _, mech := range []string{kafkaconn.Plain, kafkaconn.ScramSHA256, kafkaconn.ScramSHA512} {
		t.Run(mech, func(t *testing.T) {
			c := standin(t, kfake.SeedTopics(1, "rows"), kfake.EnableSASL(), kfake.Superuser(mech, "alice", "se cret"))
			c.SASL = login(t, mech, "alice", "old")
			cl := dial(t, c, kgo.RequestRetries(0))
			if _, err := kafkaconn.Describe(deadline(t), cl, "rows"); err == nil {
				t.Error("wrong password: no error")
			}
			// The same client takes the new password without being made anew.
			if err := os.WriteFile(c.SASL.PasswordFile, []byte("se cret"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := kafkaconn.Describe(deadline(t), cl, "rows"); err != nil {
				t.Errorf("rotated password: %v", err)
			}
		})
	}
}
