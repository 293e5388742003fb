package realkafka

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Security is what a broker offers beside its plain listener. Each has a listener of its own, on a port of its own
// ([Broker.ListenerAddr]), and certificates are of a test authority made for the broker's directory ([Broker.Files]).
type Security struct {
	// Kerberos adds [ListenerKerberos].
	Kerberos *Kerberos
	// Users, by name with their passwords, log in with PLAIN or SCRAM-SHA-512 at [ListenerSASLPlain] and [ListenerSASLTLS].
	// They are part of the storage: a Dir with data keeps those that it has for SCRAM.
	Users map[string]string
	// TLS adds [ListenerTLS], where the client needs no certificate, and [ListenerMutual], where it does.
	TLS bool
}

// Kerberos is the broker's own identity.
type Kerberos struct {
	Conf      string // path of a krb5.conf
	Keytab    string // path
	Principal string // as in kafka/hadoop.hadoop.com@HADOOP.COM; no such host needs to exist
	// Reauthenticate is how long a login holds; then the client has to log in again on its connection, or is cut. 0: for ever.
	Reauthenticate time.Duration
}

// The listeners' names.
const (
	ListenerKerberos  = "KRB"   // SASL_PLAINTEXT, GSSAPI
	ListenerSASLPlain = "SASLP" // SASL_PLAINTEXT, PLAIN and SCRAM-SHA-512
	ListenerSASLTLS   = "SASLS" // SASL_SSL, PLAIN and SCRAM-SHA-512
	ListenerTLS       = "TLS"   // SSL
	ListenerMutual    = "MTLS"  // SSL, with a certificate of the client
)

// listeners are those that s asks for, each with Kafka's name of its protocol.
func (s Security) listeners() map[string]string {
	l := map[string]string{}
	if s.Kerberos != nil {
		l[ListenerKerberos] = "SASL_PLAINTEXT"
	}
	if len(s.Users) > 0 {
		l[ListenerSASLPlain], l[ListenerSASLTLS] = "SASL_PLAINTEXT", "SASL_SSL"
	}
	if s.TLS {
		l[ListenerTLS], l[ListenerMutual] = "SSL", "SSL"
	}
	return l
}

// needsCertificates says whether one of the listeners speaks TLS.
func (s Security) needsCertificates() bool { return s.TLS || len(s.Users) > 0 }

// properties are the broker settings for s; ports are by listener.
func (s Security) properties(dir string, plain, controller int, ports map[string]int) map[string]string {
	listeners := []string{fmt.Sprintf("PLAINTEXT://127.0.0.1:%d", plain)}
	protocols := []string{"PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"}
	all := s.listeners()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		listeners = append(listeners, fmt.Sprintf("%s://127.0.0.1:%d", name, ports[name]))
		protocols = append(protocols, name+":"+all[name])
	}
	p := map[string]string{
		"advertised.listeners":           strings.Join(listeners, ","),
		"listeners":                      strings.Join(append(listeners, fmt.Sprintf("CONTROLLER://127.0.0.1:%d", controller)), ","),
		"listener.security.protocol.map": strings.Join(protocols, ","),
	}
	if k := s.Kerberos; k != nil {
		at := "listener.name.krb."
		p["sasl.kerberos.service.name"], _, _ = strings.Cut(k.Principal, "/")
		p[at+"sasl.enabled.mechanisms"] = "GSSAPI"
		p[at+"sasl.kerberos.principal.to.local.rules"] = "RULE:[1:$1],RULE:[2:$1],DEFAULT" // of whichever realm they are
		// No initiator: the broker logs in to nobody, so its clock may be off.
		p[at+"gssapi.sasl.jaas.config"] = fmt.Sprintf("com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true doNotPrompt=true isInitiator=false keyTab=%q principal=%q;", k.Keytab, k.Principal)
		if k.Reauthenticate > 0 {
			p[at+"connections.max.reauth.ms"] = strconv.FormatInt(k.Reauthenticate.Milliseconds(), 10)
		}
	}
	if len(s.Users) > 0 {
		s.users(p)
	}
	if s.needsCertificates() {
		f := files(dir)
		maps.Copy(p, map[string]string{
			"ssl.keystore.type": "PEM", "ssl.keystore.location": f.server, "ssl.truststore.type": "PEM", "ssl.truststore.location": f.CA,
			"listener.name.sasls.ssl.client.auth": "none", "listener.name.tls.ssl.client.auth": "none", "listener.name.mtls.ssl.client.auth": "required",
		})
	}
	return p
}

// users are the settings of the two listeners where users log in.
func (s Security) users(p map[string]string) {
	plain := "org.apache.kafka.common.security.plain.PlainLoginModule required"
	for _, name := range slices.Sorted(maps.Keys(s.Users)) {
		plain += fmt.Sprintf(" user_%s=%q", name, s.Users[name])
	}
	for _, at := range []string{"listener.name.saslp.", "listener.name.sasls."} {
		p[at+"sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-512"
		p[at+"plain.sasl.jaas.config"] = plain + ";"
		p[at+"scram-sha-512.sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	}
}

// format are the arguments that put the users into new storage.
func (s Security) format() (args []string) {
	for _, name := range slices.Sorted(maps.Keys(s.Users)) {
		args = append(args, "--add-scram", fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", name, s.Users[name]))
	}
	return args
}

// java are the options of the JVM: it has one krb5.conf for all it does.
func (s Security) java() []string {
	if s.Kerberos == nil {
		return nil
	}
	return []string{"-Djava.security.krb5.conf=" + s.Kerberos.Conf}
}

// ListenerAddr is the address of one of the further listeners, host:port; "" for one that the broker does not have.
func (b *Broker) ListenerAddr(name string) string {
	port, ok := b.state.Listeners[name]
	if !ok {
		return ""
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// Files are the paths of the test authority's certificate and of one that it signed for clients.
type Files struct {
	CA, ClientCert, ClientKey string

	server string // the broker's key and certificates, in one
}

// Files are those of the broker's directory; they are there if one of its listeners speaks TLS.
func (b *Broker) Files() Files { return files(b.dir) }

func files(dir string) Files {
	at := func(name string) string { return filepath.Join(dir, "tls", name) }
	return Files{CA: at("ca.pem"), ClientCert: at("client.pem"), ClientKey: at("client.key"), server: at("server.pem")}
}
