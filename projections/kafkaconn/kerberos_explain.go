package kafkaconn

import (
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// The causes below were each made to happen with a MIT KDC and a real broker.

// explainKerberos is for logins with GSSAPI. Both libraries keep their errors'
// types to themselves, so their words decide.
func explainKerberos(err error) string {
	var ours *KerberosError
	if errors.As(err, &ours) {
		return explainKDC(err.Error())
	}
	if errors.Is(err, kerr.SaslAuthenticationFailed) && strings.Contains(err.Error(), "mechanism "+GSSAPI) {
		// This is all that a broker says, in its own log, too, even with its
		// Kerberos debugging on.
		return "the broker refused a ticket that the KDC gave us. Most often its clock differs from the KDC's by more than five minutes (compare date on broker, KDC and here); " +
			"else its keytab is older than its key at the KDC (klist -kt there, kvno here), or sasl.service_name and sasl.domain_name name another principal than the broker's own"
	}
	return ""
}

// kdcCauses are tried in order: the first text that is in the error decides.
func kdcCauses() [][2]string {
	return [][2]string{
		{"(37) ", clockCause},
		{"clock skew with KDC too large", clockCause},
		{"(24) ", "the KDC does not take this key: the password is wrong, or the keytab is older than the key (somebody made a new one): get a new keytab (kadmin ktadd), or look at both (klist -kt and kvno)"},
		{"(6) ", "the KDC does not know this principal: look at its spelling, capitals too, and at the realm"},
		{"(7) ", "the KDC does not know the brokers' principal: sasl.service_name and sasl.domain_name have to give it (kafka and hadoop.hadoop.com on FusionInsight); without domain_name it ends in the host that is dialled"},
		{"(68) ", realmCause},
		{"(18) ", "the principal is locked or expired at the KDC"},
		{"(1) ", "the principal has expired at the KDC"},
		{"(23) ", "the principal's password has expired at the KDC: set a new one"},
		{"(14) ", "the KDC and krb5.conf have no encryption in common: look at default_tkt_enctypes there, and at the keys of the principal"},
		{"no KDCs defined", realmCause},
		{"no KDC SRV records", realmCause},
		{"matching key not found in keytab", "the keytab has no key for this principal and realm: klist -kt shows what it has; names and capitals have to be the same"},
		{"decrypting AS_REP", "the KDC answered with a key that is not ours: the password is wrong, or the keytab is older than the key"},
		{"connection refused", "nothing listens at the KDC's address: look at kdc in krb5.conf and at the KDC. With udp_preference_limit = 1 it has to answer by TCP"},
		{"i/o timeout", "the KDC does not answer: a firewall that drops packets, or the wrong address in krb5.conf. udp_preference_limit = 1 there takes TCP, which fails at once where it fails"},
		{"no such host", "the KDC's name does not resolve on this host: look at kdc in krb5.conf"},
		{"no such file", "the file is not there: look at keytab_file, password_file and krb5_conf"},
		{"permission denied", "the file is there, and the user that Hefu runs as may not read it"},
		{"no default_realm", "name the realm: in principal, after the @, or with realm"},
	}
}

const (
	clockCause = "the clocks of this host and of the KDC differ by more than krb5.conf's clockskew (five minutes): compare date on both, and let both follow NTP"
	realmCause = "krb5.conf does not say where the KDCs of this realm are ([realms]): look at the realm's spelling, in capitals as a rule, and whether krb5_conf is the file of this cluster"
)

func explainKDC(text string) string {
	for _, c := range kdcCauses() {
		if strings.Contains(text, c[0]) {
			return c[1]
		}
	}
	return "the login with Kerberos did not come to pass: try the same by hand, with KRB5_CONFIG and kinit"
}
