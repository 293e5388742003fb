package kafkaconn_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func TestExplain(t *testing.T) {
	const password = "hunter2"
	server, ca, _ := serverTLS(t)
	wantsCert := server.Clone()
	wantsCert.ClientAuth = tls.RequireAnyClientCert

	plain := standin(t)
	secured := standin(t, kfake.TLS(server))
	mutual := standin(t, kfake.TLS(wantsCert))
	scram := standin(t, kfake.EnableSASL(), kfake.Superuser(kafkaconn.ScramSHA512, "alice", password))

	with := func(c kafkaconn.Config, tls *kafkaconn.TLS, sasl *kafkaconn.SASL) kafkaconn.Config {
		c.TLS, c.SASL = tls, sasl
		return c
	}
	for _, c := range []struct {
		name string
		kafkaconn.Config
		says string
	}{
		{"topic missing over TLS", with(secured, &kafkaconn.TLS{CAFile: ca}, nil), "the topic is not there"},
		{"unknown CA", with(secured, &kafkaconn.TLS{}, nil), "set tls.ca_file"},
		{"other name", with(secured, &kafkaconn.TLS{CAFile: ca, ServerName: "kafka.city"}, nil), "set tls.server_name"},
		{"plain to TLS", secured, "wants sasl or tls"},
		{"TLS to plain", with(plain, &kafkaconn.TLS{CAFile: ca}, nil), "tls towards a port"},
		{"no client certificate", with(mutual, &kafkaconn.TLS{CAFile: ca}, nil), "tls.cert_file"},
		{"no login", scram, "wants sasl"},
		{"unknown user", with(scram, nil, login(t, kafkaconn.ScramSHA512, "bob", password)), "refused the login"},
		{"nothing listens", kafkaconn.Config{Brokers: []string{unused(t)}}, "nothing listens"},
		{"no such host", kafkaconn.Config{Brokers: []string{"kafka.invalid:9092"}}, "kafka.invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			patience := time.Minute
			if c.name == "TLS to plain" {
				patience = time.Second // its error is that nobody answers
			}
			_, err := kafkaconn.Describe(deadline(t), dial(t, c.Config, kgo.RequestRetries(0), kgo.DialTimeout(patience)), "nowhere")
			if err == nil {
				t.Fatal("no error")
			}
			if hint := kafkaconn.Explain(err); !strings.Contains(hint, c.says) {
				t.Errorf("%v\nexplained as %q, want %q in it", err, hint, c.says)
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("the password is in the error: %v", err)
			}
		})
	}
}

// The stand-in answers none of these; the texts are those of Kafka 4.4.
func TestExplainCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
	}{
		{nil, ""},
		{errors.New("anything else"), ""},
		{kerr.SaslAuthenticationFailed, "wrong user or password"},
		{kerr.UnsupportedSaslMechanism, "sasl.mechanism"},
		{fmt.Errorf("%w: Authentication failed during authentication due to invalid credentials with SASL mechanism GSSAPI", kerr.SaslAuthenticationFailed), "Most often its clock differs"},
		{kerr.TopicAuthorizationFailed, "READ to read"},
		{kerr.GroupAuthorizationFailed, "consumer group"},
		{kerr.TransactionalIDAuthorizationFailed, "transactional id"},
		{kerr.ClusterAuthorizationFailed, "cluster"},
		{errors.New("these bytes appear to be a tls alert record; is this a plaintext connection speaking to a tls endpoint?"), "add tls"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "speaks no TLS"},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("describe topic rows: %w", err)
		}
		if hint := kafkaconn.Explain(err); !strings.Contains(hint, c.says) || (hint == "") != (c.says == "") {
			t.Errorf("%v explained as %q, want %q in it", c.err, hint, c.says)
		}
	}
}

// unused is an address where nothing listens.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
