package kafkaconn

import "strings"

// protocol settles first what the other properties depend on.
func (a *applying) protocol() {
	a.name = strings.ToUpper(strings.TrimSpace(a.given["security.protocol"]))
	_, given := a.given["security.protocol"]
	if !given {
		a.name = "PLAINTEXT"
	}
	a.tls = a.c.TLS != nil || a.name == "SSL" || a.name == "SASL_SSL"
	a.sasl = a.c.SASL != nil || strings.HasPrefix(a.name, "SASL_")
	if a.name == "SSL" || a.name == "SASL_SSL" {
		if a.c.TLS == nil {
			a.c.TLS = &TLS{}
		}
	}
	if a.name != "SASL_PLAINTEXT" && a.name != "SASL_SSL" {
		return
	}
	if a.c.SASL == nil {
		a.c.SASL = &SASL{}
	}
	// Kafka's own default (SaslConfigs.DEFAULT_SASL_MECHANISM).
	if _, given := a.given["sasl.mechanism"]; !given && a.c.SASL.Mechanism == "" {
		a.c.SASL.Mechanism = GSSAPI
	}
}

func (a *applying) securityProtocol(key, value string) {
	tls, sasl := a.c.TLS != nil, a.c.SASL != nil
	switch a.name {
	case "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL":
	default:
		a.say(key, value, Refused, "it is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL")
		return
	}
	switch {
	case tls && !strings.HasSuffix(a.name, "SSL"):
		a.say(key, value, Refused, "it is without TLS, and tls is given as well: leave one of them out")
	case sasl && !strings.HasPrefix(a.name, "SASL_"):
		a.say(key, value, Refused, "it is without a login, and sasl is given as well: leave one of them out")
	case tls && sasl:
		a.say(key, value, Mapped, "tls and sasl")
	case tls:
		a.say(key, value, Mapped, "tls")
	case sasl:
		a.say(key, value, Mapped, "sasl")
	default:
		a.say(key, value, Mapped, "neither tls nor sasl")
	}
}

// unused notes a property of a half that security.protocol leaves out, of which
// Kafka takes no notice.
func (a *applying) unused(key, value, needs string) {
	a.say(key, value, Ignored, "Kafka looks at it only where security.protocol is "+needs+"; here it is "+a.name)
}

// ofSASL fills a field of SASL.
func (a *applying) ofSASL(key, value, name string, field func(*SASL) *string) {
	if !a.sasl {
		a.unused(key, value, "SASL_PLAINTEXT or SASL_SSL")
		return
	}
	a.fill(key, value, value, field(a.c.SASL), "sasl."+name)
}

func (a *applying) mechanism(key, value string) {
	if a.sasl && !isMechanism(value) {
		a.say(key, value, Refused, "it is none of "+mechanisms())
		return
	}
	a.ofSASL(key, value, "mechanism", func(s *SASL) *string { return &s.Mechanism })
}

func (a *applying) serviceName(key, value string) {
	a.ofSASL(key, value, "service_name", func(s *SASL) *string { return &s.ServiceName })
}

// domainName is not Apache's: the client of FusionInsight has it.
func (a *applying) domainName(key, value string) {
	a.ofSASL(key, value, "domain_name", func(s *SASL) *string { return &s.DomainName })
}
