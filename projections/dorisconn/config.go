// Package dorisconn is how Hefu speaks with a Doris cluster: Stream Load and its second
// phase over HTTP, the state of a label, and questions over the MySQL protocol
// (doris-wire.md; §11 of it was observed on a real front end and overrules the rest).
//
// It decides nothing about rows and knows no journal. What each answer of Doris means
// is data, in answers.go; whatever is not there is unknown, and the caller then asks
// for the state of the label.
package dorisconn

import (
	"context"
	"net"
	"time"
)

// Config says how to reach one Doris cluster. Secrets are paths of files and never part
// of an error text.
type Config struct {
	// FE are the front ends for HTTP: http://host:port or https://host:port. A request
	// goes to the first one that is well; no byte of a body ever goes to any of them.
	FE []string `yaml:"fe"`
	// MySQL are the front ends for questions: host:port.
	MySQL []string `yaml:"mysql"`
	// User or the content of UserFile logs in; root if both are empty.
	User     string `yaml:"user"`
	UserFile string `yaml:"user_file,omitempty"`
	// PasswordFile is read anew by each Open; empty: no password.
	PasswordFile string `yaml:"password_file,omitempty"`
	// TLS is for front ends with https and, with TLS.MySQL, for questions. A front end
	// with https still sends loads to its back ends by http, password and rows in the
	// clear, as Doris does (doris-wire.md §1.3), unless BEMap names an https address.
	TLS *TLS `yaml:"tls,omitempty"`
	// BEMap says where a back end is reached that announces itself at an address of its
	// own network: "10.0.0.1:8040" to "be-1.example:18040", or to "https://host:port".
	BEMap map[string]string `yaml:"be_map,omitempty"`
	// Timeouts bound everything.
	Timeouts Timeouts `yaml:"timeouts"`
	// Now is the clock by which a host that failed is tried again; nil: time.Now.
	Now func() time.Time `yaml:"-"`
	// Dial makes the connections of all protocols; nil: the host's network. Simulations
	// set it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `yaml:"-"`
}

// TLS says how to check front ends, back ends and, with a certificate, who we are. All
// files are PEM.
type TLS struct {
	CAFile     string `yaml:"ca_file,omitempty"` // the certificates to trust; the system's if empty
	CertFile   string `yaml:"cert_file,omitempty"`
	KeyFile    string `yaml:"key_file,omitempty"`
	ServerName string `yaml:"server_name,omitempty"` // in the certificates, where it is not the host that is dialled
	MySQL      bool   `yaml:"mysql,omitempty"`       // questions use TLS as well, and refuse a server without it
}

// Timeouts bound what is waited for; a zero takes the default.
type Timeouts struct {
	Dial time.Duration `yaml:"dial"` // for a host that does not answer at all; 0: 10 s
	Ask  time.Duration `yaml:"ask"`  // a question, a second phase: neither waits for data; 0: 1 min
	Load time.Duration `yaml:"load"` // a load, at Doris as well; 0: 10 min
}

// WithDefaults fills in what is zero.
func (t Timeouts) WithDefaults() Timeouts {
	for _, d := range []struct {
		at   *time.Duration
		most time.Duration
	}{{&t.Dial, 10 * time.Second}, {&t.Ask, time.Minute}, {&t.Load, 10 * time.Minute}} {
		if *d.at <= 0 {
			*d.at = d.most
		}
	}
	return t
}
