package kafkaconn_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/realkafka"
)

// Every way into a real broker but Kerberos, with a transaction and back; and
// what a person sees who leaves out one thing.
func TestSecuredListeners(t *testing.T) {
	needKerberos(t)
	b, err := realkafka.Start(t.Context(), realkafka.Config{
		Dir: t.TempDir(), Heap: "256m", Security: realkafka.Security{TLS: true, Users: map[string]string{"alice": "se cret"}},
	})
	must(t, err)
	t.Cleanup(func() { _ = b.Kill() })
	f := b.Files()
	trusts := func() *kafkaconn.TLS { return &kafkaconn.TLS{CAFile: f.CA} }
	mutual := func() *kafkaconn.TLS {
		return &kafkaconn.TLS{CAFile: f.CA, CertFile: f.ClientCert, KeyFile: f.ClientKey}
	}
	for _, c := range []struct {
		name, listener string
		tls            *kafkaconn.TLS
		sasl           *kafkaconn.SASL
		wants          []string // none: it works
	}{
		{"PLAIN", realkafka.ListenerSASLPlain, nil, login(t, kafkaconn.Plain, "alice", "se cret"), nil},
		{"SCRAM", realkafka.ListenerSASLPlain, nil, login(t, kafkaconn.ScramSHA512, "alice", "se cret"), nil},
		{"PLAIN over TLS", realkafka.ListenerSASLTLS, trusts(), login(t, kafkaconn.Plain, "alice", "se cret"), nil},
		{"SCRAM over TLS", realkafka.ListenerSASLTLS, trusts(), login(t, kafkaconn.ScramSHA512, "alice", "se cret"), nil},
		{"TLS", realkafka.ListenerTLS, trusts(), nil, nil},
		{"TLS with a certificate of ours", realkafka.ListenerMutual, mutual(), nil, nil},
		{"the broker's name said", realkafka.ListenerTLS, &kafkaconn.TLS{CAFile: f.CA, ServerName: "localhost"}, nil, nil},

		{"wrong password", realkafka.ListenerSASLPlain, nil, login(t, kafkaconn.Plain, "alice", "hunter2"), []string{"SASL_AUTHENTICATION_FAILED", "Invalid username or password", "→ the broker refused the login: wrong user or password"}},
		{"wrong password of SCRAM", realkafka.ListenerSASLTLS, trusts(), login(t, kafkaconn.ScramSHA512, "alice", "hunter2"), []string{"invalid credentials with SASL mechanism SCRAM-SHA-512", "→ the broker refused the login: wrong user or password"}},
		{"mechanism that is not offered", realkafka.ListenerSASLTLS, trusts(), login(t, kafkaconn.ScramSHA256, "alice", "se cret"), []string{"UNSUPPORTED_SASL_MECHANISM", "→ this listener does not offer the mechanism"}},
		{"no certificate of ours", realkafka.ListenerMutual, trusts(), nil, []string{"certificate", "→ the broker refused our side of the TLS handshake: does it ask for a client certificate"}},
		{"unknown authority", realkafka.ListenerTLS, &kafkaconn.TLS{}, nil, []string{"signed by unknown authority", "→ the broker's certificate is signed by nobody we trust: set tls.ca_file"}},
		{"another name", realkafka.ListenerTLS, &kafkaconn.TLS{CAFile: f.CA, ServerName: "kafka.city"}, nil, []string{"kafka.city", "→ the broker's certificate names another host: set tls.server_name"}},
		{"no TLS", realkafka.ListenerTLS, nil, nil, []string{"→ "}},
		{"no login", realkafka.ListenerSASLPlain, nil, nil, []string{"→ the broker closed a fresh connection: it is restarting, or this listener wants sasl or tls"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := kafkaconn.Config{Brokers: []string{b.ListenerAddr(c.listener)}, TLS: c.tls, SASL: c.sasl}
			if c.wants == nil {
				roundTrip(t, config)
				return
			}
			text := refusal(t, config)
			t.Log(text)
			for _, want := range c.wants {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in it", want)
				}
			}
			if strings.Contains(text, "hunter2") {
				t.Error("the password is in it")
			}
		})
	}
}
