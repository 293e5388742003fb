package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/twmb/franz-go/pkg/sasl"
)

// KerberosError is a login that did not come to pass on our side: a file, the
// KDC's answer, or none. [Explain] has its likely cause. What a broker thinks of
// a ticket is no KerberosError.
type KerberosError struct {
	Doing string // with principal, realm and files
	Err   error
}

// Error is for people.
func (e *KerberosError) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *KerberosError) Unwrap() error { return e.Err }

func (s *SASL) validateKerberos() error {
	_, realm, qualified := strings.Cut(s.Principal, "@")
	switch {
	case s.Principal == "" && s.User == "":
		return errors.New("sasl: principal is empty")
	case s.Principal != "" && s.User != "":
		return errors.New("sasl: principal and user are given; one of them says who logs in")
	case qualified && (realm == "" || s.Realm != ""):
		return errors.New("sasl: principal and realm do not fit: the part after the @ is the realm")
	case s.KeytabFile == "" && s.PasswordFile == "":
		return errors.New("sasl: keytab_file is empty")
	case s.KeytabFile != "" && s.PasswordFile != "":
		return errors.New("sasl: keytab_file and password_file are given; one of them is enough")
	}
	return nil
}

// who is the principal, its realm from the first that names one: the principal
// itself, realm, or krb5.conf.
func (s *SASL) who(conf *config.Config) (name, realm string) {
	name, realm, _ = strings.Cut(s.Principal+s.User, "@")
	switch {
	case realm != "":
	case s.Realm != "":
		realm = s.Realm
	default:
		realm = conf.LibDefaults.DefaultRealm
	}
	return name, realm
}

// kerberos is the mechanism GSSAPI of one client. It holds the tickets for the
// brokers in memory and gets new ones with keytab or password, which it reads
// again, when most of their life is over: nothing runs between two connections,
// and there is nothing to end.
type kerberos struct {
	sasl SASL
	// mu makes connections that begin at once get one ticket, not one each.
	mu      sync.Mutex
	tickets map[string]*ticket // by the brokers' host
}

// kerberos logs in once, so that a keytab that is not there or a principal that
// nobody knows is an error now. With a fixed domain_name it gets the ticket for
// the brokers as well.
func (s *SASL) kerberos() (sasl.Mechanism, error) {
	k := &kerberos{sasl: *s, tickets: map[string]*ticket{}}
	if s.DomainName != "" {
		_, err := k.ticket(s.DomainName)
		return k, err
	}
	l, err := s.login()
	if err != nil {
		return nil, err
	}
	l.close()
	return k, nil
}

// Name implements sasl.Mechanism.
func (k *kerberos) Name() string { return GSSAPI }

// Authenticate implements sasl.Mechanism. Where the KDC has to be asked it waits
// for as long as that takes, ten seconds for each KDC that does not answer: the
// Kerberos client knows no context.
func (k *kerberos) Authenticate(_ context.Context, addr string) (sasl.Session, []byte, error) {
	host := k.sasl.DomainName
	if host == "" {
		var err error
		if host, _, err = net.SplitHostPort(addr); err != nil {
			return nil, nil, err
		}
	}
	t, err := k.ticket(host)
	if err != nil {
		return nil, nil, err
	}
	first, err := t.token()
	if err != nil {
		return nil, nil, &KerberosError{"token for " + t.service, err}
	}
	return &gssSession{key: t.key}, first, nil
}

// ticket is the one that is held, or a new one. A KDC that does not answer is no
// reason not to use the old one to its end.
func (k *kerberos) ticket(host string) (*ticket, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, now := k.tickets[host], time.Now()
	if old != nil && now.Before(old.renew) {
		return old, nil
	}
	t, err := k.sasl.serviceTicket(host)
	if err == nil {
		k.tickets[host] = t
		return t, nil
	}
	if old != nil && now.Before(old.ends) {
		// Not at each connection: a KDC behind a firewall takes ten seconds to fail.
		old.renew = now.Add(old.ends.Sub(now) / 2)
		return old, nil
	}
	return nil, err
}

// serviceTicket logs in and gets a ticket for the brokers that share a host.
func (s *SASL) serviceTicket(host string) (*ticket, error) {
	l, err := s.login()
	if err != nil {
		return nil, err
	}
	defer l.close()
	service := s.ServiceName
	if service == "" {
		service = "kafka"
	}
	t, err := l.ticketFor(service, host)
	if err != nil {
		return nil, &KerberosError{fmt.Sprintf("kerberos ticket for %s/%s as %s", service, host, l.who), err}
	}
	return t, nil
}
