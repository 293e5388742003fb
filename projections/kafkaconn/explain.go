package kafkaconn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Explain returns one line that tells a person what to look at for an error of
// this package, or "" where the error's own text says it all. The hints are for
// statuses; nothing may decide by them.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	for _, h := range []func(error) string{explainKerberos, explainTLS, explainBroker, explainNetwork} {
		if hint := h(err); hint != "" {
			return hint
		}
	}
	return ""
}

func explainTLS(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unknown):
		return "the broker's certificate is signed by nobody we trust: set tls.ca_file to its CA"
	case errors.As(err, &host):
		return "the broker's certificate names another host: set tls.server_name, or dial the name it carries"
	case errors.As(err, &invalid):
		return "the broker's certificate is not valid now: look at its dates and at this host's clock"
	case errors.As(err, &record):
		return "this port speaks no TLS: remove tls, or use the TLS port"
	// crypto/tls keeps the type of a peer's alert to itself.
	case strings.Contains(err.Error(), "remote error: tls:"):
		return "the broker refused our side of the TLS handshake: does it ask for a client certificate (tls.cert_file, tls.key_file)?"
	case strings.Contains(err.Error(), "plaintext connection speaking to a tls endpoint"):
		return "this port speaks TLS: add tls to the configuration"
	}
	return ""
}

func explainBroker(err error) string {
	var early *kgo.ErrFirstReadEOF
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "the broker refused the login: wrong user or password for this listener and mechanism"
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return "this listener does not offer the mechanism: set sasl.mechanism to one that it does"
	case errors.As(err, &early):
		// kgo guesses "is SASL missing?" for any connection that is cut on its
		// first answer, also by a broker that is just going down.
		return "the broker closed a fresh connection: it is restarting, or this listener wants sasl or tls"
	case errors.Is(err, io.EOF):
		return "the broker closed the connection: it is restarting, or it refused the login without saying so"
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return "the user lacks an ACL on the topic: READ to read it, WRITE to write it"
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return "the user lacks the ACL READ on the consumer group"
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return "the user lacks the ACL WRITE on the transactional id"
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return "the user lacks an ACL on the cluster (CREATE to make topics)"
	case errors.Is(err, ErrNoTopic):
		return "the topic is not there, or the user lacks the ACL DESCRIBE on it"
	}
	return ""
}

func explainNetwork(err error) string {
	var (
		dns     *net.DNSError
		timeout net.Error
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at this address: is the broker up, and does its advertised.listeners name an address that this host can reach?"
	case errors.As(err, &dns):
		return "the name " + dns.Name + " does not resolve on this host: brokers send clients to the names in their advertised.listeners"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time: a firewall that drops packets, a broker that hangs, or tls towards a port that speaks none"
	}
	return ""
}
