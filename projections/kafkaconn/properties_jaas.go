package kafkaconn

import (
	"slices"
	"strings"
)

// jaas takes the login out of sasl.jaas.config, with a note for each option.
func (a *applying) jaas(key, value string) {
	login, err := parseJAAS(value)
	_, secret := login.option("password")
	switch {
	case !a.sasl && !secret:
		a.unused(key, hidden, "SASL_PLAINTEXT or SASL_SSL")
		return
	case !a.sasl:
		a.passwordOption(key, "password", "")
		return
	case err != nil:
		a.say(key, hidden, Refused, err.Error())
		return
	}
	// The class may be shaded (org.apache.flink.kafka.shaded.…), so the last part
	// of its name decides.
	class := login.module[strings.LastIndexByte(login.module, '.')+1:]
	var fit []string
	var apply func(key, name, value string)
	switch class {
	case "PlainLoginModule":
		fit, apply = []string{Plain}, a.passwordOption
	case "ScramLoginModule":
		fit, apply = []string{ScramSHA256, ScramSHA512}, a.passwordOption
	case "Krb5LoginModule":
		fit, apply = []string{GSSAPI}, a.kerberosOption
	default:
		a.say(key, hidden, Refused, "its login module is none of Krb5LoginModule, ScramLoginModule, PlainLoginModule")
		return
	}
	mechanism := a.c.SASL.Mechanism
	if mechanism == "" {
		mechanism = strings.TrimSpace(a.given["sasl.mechanism"])
	}
	if !slices.Contains(fit, mechanism) {
		a.say(key, class, Refused, "that login module is for "+strings.Join(fit, " and ")+"; the mechanism is "+mechanism)
		return
	}
	for _, o := range login.options {
		apply(key, o.name, o.value)
	}
	if _, keytab := login.option("keyTab"); class == "Krb5LoginModule" && !keytab && a.c.SASL.KeytabFile == "" {
		a.say(key, class, Adapted, "it names no keytab, and a ticket cache ends with its ticket: make a keytab, and name it with sasl.keytab_file")
	}
}

// passwordOption is an option of PlainLoginModule or ScramLoginModule.
func (a *applying) passwordOption(key, name, value string) {
	switch name {
	case "username":
		a.fill(key, name+"="+value, value, &a.c.SASL.User, "sasl.user")
	case "password":
		a.say(key, name+"="+hidden, Refused, "a password is not written here: put it into a file, and name that with sasl.password_file")
	case "tokenauth":
		a.say(key, name+"="+value, Refused, "delegation tokens end: log in with a user of its own")
	default:
		a.say(key, name+"="+hidden, Ignored, "an option that changes nothing about the login")
	}
}

// kerberosOption is an option of Krb5LoginModule
// (docs.oracle.com, com.sun.security.auth.module.Krb5LoginModule) or, of
// serviceName, Kafka's own.
func (a *applying) kerberosOption(key, name, value string) {
	shown := name + "=" + value
	switch name {
	case "principal":
		a.fill(key, shown, value, &a.c.SASL.Principal, "sasl.principal")
	case "keyTab":
		path := strings.TrimPrefix(strings.TrimPrefix(value, "FILE:"), "file:")
		a.fill(key, shown, path, &a.c.SASL.KeytabFile, "sasl.keytab_file")
	case "serviceName":
		a.fill(key, shown, value, &a.c.SASL.ServiceName, "sasl.service_name")
	case "useKeyTab":
		a.say(key, shown, Mapped, "sasl.keytab_file")
	case "useTicketCache", "ticketCache", "renewTGT":
		a.say(key, shown, Ignored, "Hefu gets its own tickets with sasl.keytab_file, and gets new ones in time")
	default:
		a.say(key, shown, Ignored, "an option of Java's that changes nothing about the login")
	}
}
