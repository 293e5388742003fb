package kafkaconn

import (
	"errors"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// login is a principal that a KDC has let in: the two exchanges of RFC 4120, one
// for a ticket-granting ticket, one for each service.
//
// The client's own Login would renew that ticket on a goroutine for as long as
// the client lives. Ours is needed for a moment only.
type login struct {
	who    string // principal@REALM
	realm  string
	conf   *config.Config
	client *client.Client
	tgt    messages.Ticket
	key    types.EncryptionKey
}

func (s *SASL) login() (*login, error) {
	file := s.Krb5Conf
	if file == "" {
		file = DefaultKrb5Conf
	}
	conf, err := loadKrb5Conf(file)
	if err != nil {
		return nil, &KerberosError{"krb5_conf " + file, err}
	}
	name, realm := s.who(conf)
	if realm == "" {
		return nil, &KerberosError{"krb5_conf " + file, fmt.Errorf("no default_realm in it, and %s names no realm", name)}
	}
	l := &login{who: name + "@" + realm, realm: realm, conf: conf}
	doing := fmt.Sprintf("kerberos login of %s with password_file %s, krb5_conf %s", l.who, s.PasswordFile, file)
	if s.KeytabFile != "" {
		doing = fmt.Sprintf("kerberos login of %s with keytab_file %s, krb5_conf %s", l.who, s.KeytabFile, file)
	}
	if l.client, err = s.kerberosClient(name, realm, conf); err != nil {
		return nil, &KerberosError{doing, err}
	}
	if err := l.in(); err != nil {
		l.close()
		return nil, &KerberosError{doing, err}
	}
	return l, nil
}

// loadKrb5Conf reads a krb5.conf. Directives that the library does not know (those
// of Kerberos 4) are passed over, as everybody else does.
func loadKrb5Conf(file string) (*config.Config, error) {
	conf, err := config.Load(file)
	var unsupported config.UnsupportedDirective
	if err != nil && !errors.As(err, &unsupported) {
		return nil, err
	}
	return conf, nil
}

// kerberosClient has the credentials, read from their file.
func (s *SASL) kerberosClient(name, realm string, conf *config.Config) (*client.Client, error) {
	if s.KeytabFile == "" {
		password, err := s.password()
		if err != nil {
			return nil, err
		}
		return client.NewWithPassword(name, realm, password, conf), nil
	}
	keys, err := keytab.Load(s.KeytabFile)
	if err != nil {
		return nil, err
	}
	return client.NewWithKeytab(name, realm, keys, conf), nil
}

// in gets the ticket-granting ticket.
func (l *login) in() error {
	ask, err := messages.NewASReqForTGT(l.realm, l.conf, l.client.Credentials.CName())
	if err != nil {
		return err
	}
	got, err := l.client.ASExchange(l.realm, ask, 0)
	if err != nil {
		return err
	}
	l.tgt, l.key = got.Ticket, got.DecryptedEncPart.Key
	return nil
}

// ticketFor gets a ticket for service/host. Our realm's KDC is asked; one of
// another realm, where krb5.conf says that the host is in it ([domain_realm]), or
// where our KDC sends us there.
func (l *login) ticketFor(service, host string) (*ticket, error) {
	realm, tgt, key := l.realm, l.tgt, l.key
	if other := l.conf.ResolveRealm(host); other != "" && other != realm {
		granting := types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", other}}
		_, got, err := l.client.TGSREQGenerateAndExchange(granting, realm, tgt, key, false)
		if err != nil {
			return nil, err
		}
		realm, tgt, key = other, got.Ticket, got.DecryptedEncPart.Key
	}
	name := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, service+"/"+host)
	_, got, err := l.client.TGSREQGenerateAndExchange(name, realm, tgt, key, false)
	if err != nil {
		return nil, err
	}
	part := got.DecryptedEncPart
	// By the KDC's clock it lives from AuthTime, the login a moment ago, to EndTime;
	// by ours, which may be minutes off, for as long from now on.
	now, life := time.Now(), part.EndTime.Sub(part.AuthTime)
	return &ticket{
		service: service + "/" + host + "@" + realm, granted: got.Ticket, key: part.Key,
		client: l.client.Credentials.CName(), realm: l.realm,
		renew: now.Add(life * 5 / 6), ends: now.Add(life),
	}, nil
}

// close forgets keys and tickets.
func (l *login) close() { l.client.Destroy() }
