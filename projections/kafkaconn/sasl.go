package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The mechanisms a SASL may name, as Kafka spells them.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
	GSSAPI      = "GSSAPI"
)

// Mechanisms are all of them.
func Mechanisms() []string { return []string{Plain, ScramSHA256, ScramSHA512, GSSAPI} }

// SASL is a login: with user and password, or, with [GSSAPI], with Kerberos.
type SASL struct {
	// Mechanism is one of [Mechanisms].
	Mechanism string `yaml:"mechanism"`
	// User is a user of the cluster; with GSSAPI the part of the principal before
	// the @, and Realm is the one after it.
	User string `yaml:"user,omitempty"`
	// PasswordFile holds the password; one newline at its end is not part of it.
	PasswordFile string `yaml:"password_file,omitempty"`

	// What follows has a meaning with GSSAPI only.

	// Principal is who logs in, as in hefu@HADOOP.COM, in place of User and Realm.
	// Without a realm it is of krb5.conf's default_realm.
	Principal string `yaml:"principal,omitempty"`
	Realm     string `yaml:"realm,omitempty"`
	// KeytabFile holds the principal's keys, in place of PasswordFile.
	KeytabFile string `yaml:"keytab_file,omitempty"`
	// Krb5Conf says where the KDCs of the realm are; [DefaultKrb5Conf] if empty.
	// Each SASL has its own, so that one process logs in to many realms. The
	// environment (KRB5_CONFIG) has no say: the configuration alone decides.
	Krb5Conf string `yaml:"krb5_conf,omitempty"`
	// ServiceName is the first part of the brokers' principal; "kafka" if empty.
	ServiceName string `yaml:"service_name,omitempty"`
	// DomainName is its second part where all brokers share one, as FusionInsight's
	// kafka/hadoop.hadoop.com; the host that is dialled if empty.
	DomainName string `yaml:"domain_name,omitempty"`
}

// DefaultKrb5Conf is where the system has it.
const DefaultKrb5Conf = "/etc/krb5.conf"

func isMechanism(m string) bool { return slices.Contains(Mechanisms(), m) }

func mechanisms() string { return strings.Join(Mechanisms(), ", ") }

func (s *SASL) validate() error {
	switch {
	case !isMechanism(s.Mechanism):
		return fmt.Errorf("sasl: mechanism %q is none of %s", s.Mechanism, mechanisms())
	case s.Mechanism == GSSAPI:
		return s.validateKerberos()
	case s.Principal+s.Realm+s.KeytabFile+s.Krb5Conf+s.ServiceName+s.DomainName != "":
		return fmt.Errorf("sasl: mechanism %s has none of principal, realm, keytab_file, krb5_conf, service_name, domain_name", s.Mechanism)
	case s.User == "":
		return errors.New("sasl: user is empty")
	case s.PasswordFile == "":
		return errors.New("sasl: password_file is empty")
	}
	return nil
}

// mechanism reads the password once to find a missing file now, and again at
// each login (SASL sessions end, connections are made anew). With GSSAPI it
// logs in once.
func (s *SASL) mechanism() (sasl.Mechanism, error) {
	if s.Mechanism == GSSAPI {
		return s.kerberos()
	}
	if _, err := s.password(); err != nil {
		return nil, err
	}
	if s.Mechanism == Plain {
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			pass, err := s.password()
			return plain.Auth{User: s.User, Pass: pass}, err
		}), nil
	}
	auth := func(context.Context) (scram.Auth, error) {
		pass, err := s.password()
		return scram.Auth{User: s.User, Pass: pass}, err
	}
	if s.Mechanism == ScramSHA256 {
		return scram.Sha256(auth), nil
	}
	return scram.Sha512(auth), nil
}

func (s *SASL) password() (string, error) {
	b, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("sasl password_file: %w", err)
	}
	pass := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if pass == "" {
		return "", fmt.Errorf("sasl password_file %s is empty", s.PasswordFile)
	}
	return pass, nil
}
