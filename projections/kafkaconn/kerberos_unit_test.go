package kafkaconn

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/types"
)

// A krb5.conf as FusionInsight's clients get it, with what others leave out.
const fusionInsight = `[kdcdefaults]
kdc_ports = 10.0.0.2:21732
kdc_tcp_ports = ""

[libdefaults]
default_realm = HADOOP.COM
kdc_timeout = 2500
clockskew = 300
use_dns_lookup = 0
udp_preference_limit = 1465
max_retries = 5
dns_lookup_kdc = false
dns_lookup_realm = false
renewable = false
forwardable = false
renew_lifetime = 0m
max_renewable_life = 30m
allow_extend_version = false
default_ccache_name = FILE:/tmp//krb5cc_%{uid}

[realms]
HADOOP.COM = {
kdc = 10.0.0.2:21732
kdc = 10.0.0.3:21732
admin_server = 10.0.0.2:21730
kpasswd_server = 10.0.0.2:21731
supported_enctypes = aes256-cts-hmac-sha1-96:special aes128-cts-hmac-sha1-96:special
kpasswd_protocol = SET_CHANGE
}

[domain_realm]
.hadoop.com = HADOOP.COM

[logging]
kdc = SYSLOG:INFO:DAEMON
`

func writeFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestKrb5ConfOfFusionInsight(t *testing.T) {
	conf, err := loadKrb5Conf(writeFile(t, fusionInsight))
	if err != nil {
		t.Fatal(err)
	}
	n, kdcs, err := conf.GetKDCs("HADOOP.COM", true)
	if err != nil || n != 2 || conf.ResolveRealm("hadoop.hadoop.com") != "HADOOP.COM" {
		t.Errorf("%d KDCs %v, %v; realm of hadoop.hadoop.com %q", n, kdcs, err, conf.ResolveRealm("hadoop.hadoop.com"))
	}
	// What it cannot read of Kerberos 4 is no reason not to read the rest.
	old := strings.Replace(fusionInsight, "kpasswd_protocol = SET_CHANGE", "v4_realm = HADOOP", 1)
	if conf, err := loadKrb5Conf(writeFile(t, old)); err != nil || conf.LibDefaults.DefaultRealm != "HADOOP.COM" {
		t.Errorf("with a line of Kerberos 4: %v", err)
	}
	if _, err := loadKrb5Conf(writeFile(t, "[libdefaults]\nforwardable = perhaps\n")); err == nil {
		t.Error("a value that is none was read")
	}
}

func TestWho(t *testing.T) {
	conf, err := loadKrb5Conf(writeFile(t, fusionInsight))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s           SASL
		name, realm string
	}{
		{SASL{Principal: "hefu/host@OTHER.COM"}, "hefu/host", "OTHER.COM"},
		{SASL{Principal: "hefu"}, "hefu", "HADOOP.COM"},
		{SASL{Principal: "hefu", Realm: "OTHER.COM"}, "hefu", "OTHER.COM"},
		{SASL{User: "hefu", Realm: "OTHER.COM"}, "hefu", "OTHER.COM"},
		{SASL{User: "hefu"}, "hefu", "HADOOP.COM"},
	} {
		if name, realm := c.s.who(conf); name != c.name || realm != c.realm {
			t.Errorf("%+v: %s@%s, want %s@%s", c.s, name, realm, c.name, c.realm)
		}
	}
}

// Without a KDC a ticket is used to its end, and the KDC is not asked at each
// connection.
func TestTicketIsUsedToItsEnd(t *testing.T) {
	now := time.Now()
	k := &kerberos{sasl: SASL{Principal: "hefu", KeytabFile: "/nowhere", Krb5Conf: "/nowhere"}, tickets: map[string]*ticket{}}
	k.tickets["young"] = &ticket{renew: now.Add(time.Hour), ends: now.Add(2 * time.Hour)}
	k.tickets["old"] = &ticket{renew: now.Add(-time.Hour), ends: now.Add(time.Hour)}
	k.tickets["ended"] = &ticket{renew: now.Add(-2 * time.Hour), ends: now.Add(-time.Hour)}
	for host, good := range map[string]bool{"young": true, "old": true, "ended": false, "none": false} {
		got, err := k.ticket(host)
		var kerberosError *KerberosError
		if good && (err != nil || got != k.tickets[host]) || !good && !errors.As(err, &kerberosError) {
			t.Errorf("%s: %+v, %v", host, got, err)
		}
	}
	next := k.tickets["old"].renew
	if next.Before(now.Add(29*time.Minute)) || next.After(k.tickets["old"].ends) {
		t.Errorf("the KDC is asked again at %s, the ticket ends at %s", next, k.tickets["old"].ends)
	}
}

// offer is what a broker says after it has taken a ticket.
func offer(t *testing.T, key types.EncryptionKey, payload ...byte) []byte {
	t.Helper()
	w := gssapi.WrapToken{Flags: 0x01, EC: 12, Payload: payload}
	if err := w.SetCheckSum(key, keyusage.GSSAPI_ACCEPTOR_SEAL); err != nil {
		t.Fatal(err)
	}
	b, err := w.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSessionTakesNoLayer(t *testing.T) {
	key := types.EncryptionKey{KeyType: 18, KeyValue: []byte("0123456789abcdef0123456789abcdef")}
	other := types.EncryptionKey{KeyType: 18, KeyValue: []byte("fedcba9876543210fedcba9876543210")}
	s := gssSession{key: key}
	done, message, err := s.Challenge(offer(t, key, 0x07, 0, 0xff, 0xff))
	if err != nil || !done {
		t.Fatalf("%t, %v", done, err)
	}
	var answer gssapi.WrapToken
	if err := answer.Unmarshal(message, false); err != nil {
		t.Fatal(err)
	}
	if good, err := answer.Verify(key, keyusage.GSSAPI_INITIATOR_SEAL); !good || string(answer.Payload) != "\x01\x00\x00\x00" {
		t.Errorf("answer % x, %v", answer.Payload, err)
	}
	if _, _, err := s.Challenge(message); err == nil || !strings.Contains(err.Error(), "goes on after the login is done") {
		t.Errorf("once more: %v", err)
	}
	for _, c := range []struct {
		said []byte
		want string
	}{
		{offer(t, key, 0x06, 0, 0xff, 0xff), "demands a security layer (sasl.qop other than auth; it offers 06 00 ff ff)"},
		{offer(t, key, 1, 0, 0), "demands a security layer"},
		{offer(t, other, 0x01, 0, 0, 0), "is not sealed with the ticket's key: "},
		{[]byte("hello"), "the broker's offer: "},
		{nil, "the broker's offer: "},
	} {
		s := gssSession{key: key}
		if _, _, err := s.Challenge(c.said); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("% x: %v, want %q", c.said, err, c.want)
		}
	}
}

// The texts are those of the library and of a MIT KDC; what was made to happen
// with real ones is in kerberos_test.go.
func TestExplainKDC(t *testing.T) {
	for text, want := range map[string]string{
		"KRB Error: (37) KRB_AP_ERR_SKEW Clock skew too great - PREAUTH_FAILED":             "clocks of this host and of the KDC",
		"AS_REP is not valid: clock skew with KDC too large. Greater than 300 seconds":      "clocks of this host and of the KDC",
		"KRB Error: (24) KDC_ERR_PREAUTH_FAILED Pre-authentication information was invalid": "the password is wrong, or the keytab is older",
		"KRB Error: (6) KDC_ERR_C_PRINCIPAL_UNKNOWN Client not found":                       "does not know this principal",
		"KRB Error: (7) KDC_ERR_S_PRINCIPAL_UNKNOWN Server not found":                       "does not know the brokers' principal",
		"KRB Error: (68) KDC_ERR_WRONG_REALM Reserved for future use":                       "where the KDCs of this realm are",
		"KRB Error: (18) KDC_ERR_CLIENT_REVOKED":                                            "locked",
		"KRB Error: (1) KDC_ERR_NAME_EXP":                                                   "expired",
		"KRB Error: (23) KDC_ERR_KEY_EXPIRED":                                               "password has expired",
		"KRB Error: (14) KDC_ERR_ETYPE_NOSUPP":                                              "no encryption in common",
		"no KDCs defined in configuration for realm OTHER.COM":                              "where the KDCs of this realm are",
		"no KDC SRV records found for realm OTHER.COM":                                      "where the KDCs of this realm are",
		"matching key not found in keytab. Looking for \"a\" realm: B kvno: 0 etype: 18":    "klist -kt",
		"error decrypting AS_REP encrypted part":                                            "a key that is not ours",
		"dial tcp 127.0.0.1:88: connect: connection refused":                                "nothing listens at the KDC's address",
		"dial tcp 10.0.0.2:88: i/o timeout":                                                 "udp_preference_limit",
		"error resolving KDC address: lookup kdc.invalid: no such host":                     "does not resolve",
		"open /etc/u.keytab: permission denied":                                             "may not read it",
		"open /etc/u.keytab: no such file or directory":                                     "the file is not there",
		"no default_realm in it, and p names no realm":                                      "name the realm",
		"KRB Error: (60) KRB_ERR_GENERIC Generic error":                                     "kinit",
	} {
		err := &KerberosError{"kerberos login of hefu@HADOOP.COM", errors.New(text)}
		if hint := Explain(err); !strings.Contains(hint, want) {
			t.Errorf("%s\nexplained as %q, want %q in it", text, hint, want)
		}
	}
}
