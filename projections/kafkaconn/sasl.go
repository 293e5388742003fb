package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"os"
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
)

// SASL is a login with user and password.
type SASL struct {
	// Mechanism is one of [Plain], [ScramSHA256], [ScramSHA512].
	Mechanism string `yaml:"mechanism"`
	User      string `yaml:"user"`
	// PasswordFile holds the password; one newline at its end is not part of it.
	PasswordFile string `yaml:"password_file"`
}

func (s *SASL) validate() error {
	switch {
	case s.Mechanism != Plain && s.Mechanism != ScramSHA256 && s.Mechanism != ScramSHA512:
		return fmt.Errorf("sasl: mechanism %q is none of %s, %s, %s", s.Mechanism, Plain, ScramSHA256, ScramSHA512)
	case s.User == "":
		return errors.New("sasl: user is empty")
	case s.PasswordFile == "":
		return errors.New("sasl: password_file is empty")
	}
	return nil
}

// mechanism reads the password once to find a missing file now, and again at
// each login (SASL sessions end, connections are made anew).
func (s *SASL) mechanism() (sasl.Mechanism, error) {
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
