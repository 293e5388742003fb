package kafkaconn

import (
	"path"
	"strings"
)

// ofTLS is the way into the properties of TLS, which Kafka reads only where
// security.protocol says TLS.
func (a *applying) ofTLS(key, shown string) bool {
	if !a.tls {
		a.unused(key, shown, "SSL or SASL_SSL")
	}
	return a.tls
}

// storeType is the type of both stores; JKS is Kafka's default.
func (a *applying) storeType(key, value string) {
	switch {
	case !a.ofTLS(key, value):
	case strings.EqualFold(value, "PEM"):
		a.say(key, value, Mapped, "all files of tls are PEM")
	default:
		a.say(key, value, Refused, "tls reads PEM only: see "+strings.TrimSuffix(key, "type")+"location")
	}
}

// isPEM says whether a store is said to be PEM.
func (a *applying) isPEM(store string) bool {
	return strings.EqualFold(strings.TrimSpace(a.given[store+".type"]), "PEM")
}

func (a *applying) truststore(key, value string) {
	switch {
	case !a.ofTLS(key, value):
	case a.isPEM("ssl.truststore"):
		a.fill(key, value, value, &a.c.TLS.CAFile, "tls.ca_file")
	default:
		a.say(key, value, Refused, "tls reads PEM only: keytool -exportcert -rfc -keystore "+value+" -alias ALIAS -file "+baseName(value)+".pem"+
			" for each alias that keytool -list names, the files put together; name it with tls.ca_file")
	}
}

// keystore holds, as PEM, key and certificates in one file.
func (a *applying) keystore(key, value string) {
	switch {
	case !a.ofTLS(key, value):
	case a.isPEM("ssl.keystore"):
		a.fill(key, value, value, &a.c.TLS.CertFile, "tls.cert_file")
		if a.by[&a.c.TLS.CertFile] == key && a.c.TLS.KeyFile == "" {
			a.fill(key, value, value, &a.c.TLS.KeyFile, "tls.key_file")
		}
	default:
		name := baseName(value)
		a.say(key, value, Refused, "tls reads PEM only: keytool -importkeystore -srckeystore "+value+" -destkeystore "+name+".p12 -deststoretype PKCS12, then openssl pkcs12 -in "+
			name+".p12 -nodes -out "+name+".pem; name it with both tls.cert_file and tls.key_file")
	}
}

// baseName is the part of a store's name that its copies may share.
func baseName(store string) string { return strings.TrimSuffix(path.Base(store), path.Ext(store)) }

// The next four hold secrets, or stand in for files; no reason for either
// depends on security.protocol.

func (a *applying) truststorePassword(key, _ string) {
	a.say(key, hidden, Refused, "certificates in PEM have no password: leave it out")
}

func (a *applying) keyPassword(key, _ string) {
	a.say(key, hidden, Refused, "a password is not written here, and tls.key_file holds a key without one: openssl pkcs8 -in key.pem -out hefu.key, readable by Hefu's user only; then leave it out")
}

func (a *applying) inlineCertificates(key, _ string) {
	a.say(key, hidden, Refused, "put the certificates into a file, and name it with tls.ca_file")
}

func (a *applying) inlineKey(key, _ string) {
	a.say(key, hidden, Refused, "put key and certificates into files, and name them with tls.key_file and tls.cert_file")
}

// identification off would let anybody who has any certificate of the CA stand
// in for a broker.
func (a *applying) identification(key, value string) {
	switch {
	case !a.ofTLS(key, value):
	case strings.EqualFold(value, "https"):
		a.say(key, value, Mapped, "tls always compares the name in the certificate")
	default:
		a.say(key, value, Refused, "tls always compares the name in the certificate: where that is not the one that is dialled, give it as tls.server_name, and leave this out")
	}
}

func (a *applying) tlsVersions(key, value string) {
	switch {
	case !a.ofTLS(key, value):
	case strings.Contains(value, "TLSv1.2") || strings.Contains(value, "TLSv1.3") || strings.EqualFold(value, "TLS"):
		a.say(key, value, Adapted, "TLS 1.2 and 1.3 are spoken, whichever the broker has")
	default:
		a.say(key, value, Refused, "only TLS 1.2 and 1.3 are spoken")
	}
}
