// Package kafkaconn is everything that reading from and writing to a Kafka
// cluster have in common: how to reach it, what its topics look like, raw
// fetches that keep record batches as the broker sent them, and the hints a
// person needs when a cluster does not answer.
//
// It decides nothing about rows. Callers treat each error as "not known" and
// ask again with a new client; the typed errors here exist for statuses, not
// for control flow.
package kafkaconn

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Config says how to reach one Kafka cluster. Secrets are paths of files and
// never part of an error text.
type Config struct {
	// Brokers are host:port addresses to begin with; the cluster names the rest.
	Brokers []string `yaml:"brokers"`
	// TLS is nil for a plain connection.
	TLS *TLS `yaml:"tls,omitempty"`
	// SASL is nil where the listener asks for no login.
	SASL *SASL `yaml:"sasl,omitempty"`
	// ClientID names this client in the brokers' logs and quotas; "hefu" if empty.
	ClientID string `yaml:"client_id,omitempty"`
}

// Time limits of one client. A dial that has not succeeded in dialTimeout is to
// a host that drops packets; waiting for the ten seconds that kgo allows would
// only make a status late. Requests are tried again for retryTimeout: long
// enough for a leader election, short enough that the caller, who opens anew
// for ever, reports in time what is wrong.
const (
	dialTimeout  = 5 * time.Second
	retryTimeout = 15 * time.Second
	// metadataMinAge bounds how long a client may hold on to a leader that has
	// moved; kgo would wait five seconds between two looks.
	metadataMinAge = 250 * time.Millisecond
)

// Validate reports the first thing in c that cannot work, without touching a
// file or the network.
func (c Config) Validate() error {
	if len(c.Brokers) == 0 {
		return errors.New("brokers: at least one host:port is needed")
	}
	for _, b := range c.Brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" {
			return fmt.Errorf("brokers: %q is not host:port", b)
		}
	}
	if c.TLS != nil && (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		return errors.New("tls: cert_file and key_file go together")
	}
	if c.SASL != nil {
		return c.SASL.validate()
	}
	return nil
}

// Options returns the kgo options that c stands for. It reads the certificate
// and password files once, so that a missing one is an error now and not at the
// first connection; they are read again at each later handshake, which is how a
// rotated secret arrives. With GSSAPI it logs in at the KDC, for the same reason.
func (c Config) Options() ([]kgo.Opt, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	id := c.ClientID
	if id == "" {
		id = "hefu"
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(id),
		kgo.DialTimeout(dialTimeout),
		kgo.RetryTimeout(retryTimeout),
		kgo.MetadataMinAge(metadataMinAge),
		// KIP-714 telemetry would push to the broker on its own schedule; what we
		// measure goes to our own metrics.
		kgo.DisableClientMetrics(),
	}
	if c.TLS != nil {
		conf, err := c.TLS.Config()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	if c.SASL != nil {
		mech, err := c.SASL.mechanism()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(mech))
	}
	return opts, nil
}

// Dial makes a client for the cluster; extra options win over those of c. The
// first request connects, so a nil error says nothing about the cluster; with
// GSSAPI it says that the KDC let us in (else *KerberosError). The caller closes
// the client.
func Dial(c Config, extra ...kgo.Opt) (*kgo.Client, error) {
	opts, err := c.Options()
	if err != nil {
		return nil, fmt.Errorf("kafka at %s: %w", strings.Join(c.Brokers, ","), err)
	}
	cl, err := kgo.NewClient(append(opts, extra...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka at %s: %w", strings.Join(c.Brokers, ","), err)
	}
	return cl, nil
}

// Log makes a client write its own messages to log, all at debug level whatever
// it thinks of them: what matters comes back as an error and is told once, by
// whoever decides about it.
func Log(log *slog.Logger) kgo.Opt { return kgo.WithLogger(clientLog{log}) }
