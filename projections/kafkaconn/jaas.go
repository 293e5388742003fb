package kafkaconn

import (
	"errors"
	"fmt"
	"strings"
)

// jaasLogin is what sasl.jaas.config holds: one login module with its options.
type jaasLogin struct {
	module  string
	options []jaasOption // in the order of their first mention; of two the last counts
}

type jaasOption struct{ name, value string }

// option returns the value of an option.
func (l *jaasLogin) option(name string) (string, bool) {
	for _, o := range l.options {
		if o.name == name {
			return o.value, true
		}
	}
	return "", false
}

func (l *jaasLogin) set(name, value string) {
	for i := range l.options {
		if l.options[i].name == name {
			l.options[i].value = value
			return
		}
	}
	l.options = append(l.options, jaasOption{name, value})
}

// parseJAAS reads sasl.jaas.config as Kafka does
// (org.apache.kafka.common.security.JaasConfig, and JaasContext, which allows
// one module):
//
//	module flag name=value …;
//
// Errors repeat names and never values: one of them is a password.
func parseJAAS(text string) (jaasLogin, error) {
	var l jaasLogin
	t := &jaasTokens{rest: []rune(text)}
	if !t.next() {
		return l, errors.New("it names no login module")
	}
	l.module = t.text
	if t.kind != jaasWord || l.module == "" {
		return l, errors.New("it does not begin with the class of a login module")
	}
	if !t.next() || !isControlFlag(t) {
		return l, fmt.Errorf("required is missing after %s", l.module)
	}
	for {
		if !t.next() {
			return l, errors.New("its semicolon at the end is missing")
		}
		if t.kind == ';' {
			break
		}
		name := t.text
		if t.kind != jaasWord || !t.next() || t.kind != '=' || !t.next() || t.kind != jaasWord {
			return l, errors.New("it has an option without a value; quotes are needed around one that is more than letters, as in keyTab=\"/etc/user.keytab\"")
		}
		l.set(name, t.text)
	}
	if t.next() {
		return l, errors.New("it has more than one login module")
	}
	return l, nil
}

func isControlFlag(t *jaasTokens) bool {
	switch strings.ToUpper(t.text) {
	case "REQUIRED", "REQUISITE", "SUFFICIENT", "OPTIONAL":
		return t.kind == jaasWord
	}
	return false
}
