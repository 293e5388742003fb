package kafkaconn_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/faketime"
	"github.com/hefu-io/hefu/services/devstack/realkafka"
	"github.com/hefu-io/hefu/services/devstack/realkdc"
)

// realm is a KDC and a real broker in its realm.
type realm struct {
	kdc    *realkdc.KDC
	broker *realkafka.Broker
}

// brokersPrincipal is FusionInsight's, for brokers of any name.
const brokersPrincipal = "kafka/hadoop.hadoop.com"

func needKerberos(t *testing.T) {
	t.Helper()
	if os.Getenv("HEFU_TEST_KRB5") == "" {
		t.Skip("HEFU_TEST_KRB5 is not set")
	}
}

func startKDC(t *testing.T, c realkdc.Config) *realkdc.KDC {
	t.Helper()
	c.Dir = t.TempDir()
	k, err := realkdc.Start(t.Context(), c)
	if errors.Is(err, realkdc.ErrNotInstalled) || errors.Is(err, faketime.ErrNotInstalled) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { _ = k.Stop() })
	return k
}

// newRealm starts both. What c and security leave out is filled in.
func newRealm(t *testing.T, c realkdc.Config, security realkafka.Security, clock time.Duration) *realm {
	t.Helper()
	k := startKDC(t, c)
	keytab, err := k.AddKeytab(t.Context(), brokersPrincipal)
	must(t, err)
	security.Kerberos = &realkafka.Kerberos{
		Conf: k.Conf(), Keytab: keytab, Principal: brokersPrincipal + "@" + k.Realm(), Reauthenticate: 5 * time.Second,
	}
	b, err := realkafka.Start(t.Context(), realkafka.Config{Dir: t.TempDir(), Heap: "256m", Security: security, ClockOffset: clock})
	must(t, err)
	t.Cleanup(func() { _ = b.Kill() })
	return &realm{k, b}
}

// config leads to the broker, without who logs in.
func (r *realm) config() kafkaconn.Config {
	return kafkaconn.Config{
		Brokers: []string{r.broker.ListenerAddr(realkafka.ListenerKerberos)},
		SASL:    &kafkaconn.SASL{Mechanism: kafkaconn.GSSAPI, Krb5Conf: r.kdc.Conf(), DomainName: "hadoop.hadoop.com"},
	}
}

// keytab is the configuration of a new principal.
func (r *realm) keytab(t *testing.T, principal string) kafkaconn.Config {
	t.Helper()
	file, err := r.kdc.AddKeytab(t.Context(), principal)
	must(t, err)
	c := r.config()
	c.SASL.Principal, c.SASL.KeytabFile = principal+"@"+r.kdc.Realm(), file
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// roundTrip writes a row in a transaction to a new topic and reads it back committed.
func roundTrip(t *testing.T, c kafkaconn.Config) {
	t.Helper()
	ctx := deadline(t)
	topic := newTopic(ctx, t, dial(t, c), 1, nil)
	w := newTxn(ctx, t, c)
	w.write(topic.Name, 3)
	w.end(kgo.TryCommit)
	r := dial(t, c, kgo.ConsumeTopics(topic.Name), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for rows := 0; rows < 3; {
		f := r.PollFetches(ctx)
		must(t, f.Err())
		rows += f.NumRecords()
	}
}

// A keytab, a password, and two realms in one process, each with a krb5.conf of
// its own, at the same time.
func TestKerberos(t *testing.T) {
	needKerberos(t)
	hub := newRealm(t, realkdc.Config{}, realkafka.Security{}, 0)
	city := newRealm(t, realkdc.Config{Realm: "CITY.TEST"}, realkafka.Security{}, 0)
	ofHub, ofCity := hub.keytab(t, "hefu"), city.keytab(t, "hefu/bridge.city.test")
	t.Run("keytab", func(t *testing.T) { roundTrip(t, ofHub) })
	t.Run("password", func(t *testing.T) {
		c := hub.config()
		must(t, hub.kdc.AddPassword(t.Context(), "people", "se cret"))
		c.SASL.User, c.SASL.PasswordFile = "people", login(t, "", "", "se cret").PasswordFile
		roundTrip(t, c)
	})
	t.Run("two realms at once", func(t *testing.T) {
		one, two := dial(t, ofHub), dial(t, ofCity)
		for range 3 {
			for _, cl := range []*kgo.Client{one, two} {
				must(t, cl.Ping(deadline(t)))
			}
		}
		roundTrip(t, ofCity)
	})
	t.Run("realms that trust each other", func(t *testing.T) { roundTrip(t, trusted(t, hub, city, *ofHub.SASL)) })
	t.Run("refused", func(t *testing.T) { refusedLogins(t, hub, ofHub) })
	t.Run("broker with a stale keytab", func(t *testing.T) {
		_, err := city.kdc.Keytab(t.Context(), brokersPrincipal)
		must(t, err)
		text := refusal(t, ofCity)
		t.Log(text)
		if !strings.Contains(text, "SASL_AUTHENTICATION_FAILED") || !strings.Contains(text, "else its keytab is older than its key at the KDC") {
			t.Error("the likely causes are not in it")
		}
	})
}

// trusted is a login of one realm at the broker of another, with a krb5.conf
// that says that the broker is there.
func trusted(t *testing.T, from, to *realm, s kafkaconn.SASL) kafkaconn.Config {
	t.Helper()
	for _, r := range []*realm{from, to} {
		must(t, r.kdc.AddPassword(t.Context(), "krbtgt/"+to.kdc.Realm()+"@"+from.kdc.Realm(), "between us"))
	}
	s.Krb5Conf = filepath.Join(t.TempDir(), "krb5.conf")
	must(t, os.WriteFile(s.Krb5Conf, fmt.Appendf(nil, `[libdefaults]
 default_realm = %[1]s
 udp_preference_limit = 1
[realms]
 %[1]s = {
  kdc = %[2]s
 }
 %[3]s = {
  kdc = %[4]s
 }
[domain_realm]
 hadoop.hadoop.com = %[3]s
`, from.kdc.Realm(), from.kdc.Addr(), to.kdc.Realm(), to.kdc.Addr()), 0o600))
	c := to.config()
	c.SASL = &s
	return c
}

// refusal is what a person sees: the error, then what to look at.
func refusal(t *testing.T, c kafkaconn.Config) string {
	t.Helper()
	cl, err := kafkaconn.Dial(c, kgo.RequestRetries(0))
	if err == nil {
		defer cl.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err = kafkaconn.Describe(ctx, cl, "nowhere")
	}
	if err == nil {
		t.Fatal("no error")
	}
	return fmt.Sprintf("%v\n  → %s", err, kafkaconn.Explain(err))
}

func refusedLogins(t *testing.T, r *realm, good kafkaconn.Config) {
	stale, err := r.kdc.AddKeytab(t.Context(), "rolled")
	must(t, err)
	_, err = r.kdc.Keytab(t.Context(), "rolled")
	must(t, err)
	must(t, r.kdc.AddPassword(t.Context(), "somebody", "right"))
	nobody := startKDC(t, realkdc.Config{Realm: "GONE.TEST"})
	must(t, nobody.Stop())
	for _, c := range []struct {
		name  string
		set   func(*kafkaconn.SASL)
		wants []string
	}{
		{"stale keytab", func(s *kafkaconn.SASL) { s.Principal, s.KeytabFile = "rolled", stale }, []string{"kerberos login of rolled@HADOOP.COM with keytab_file", "(24) KDC_ERR_PREAUTH_FAILED", "older than the key"}},
		{"wrong password", func(s *kafkaconn.SASL) {
			s.Principal, s.KeytabFile, s.PasswordFile = "somebody", "", login(t, "", "", "wrong").PasswordFile
		}, []string{"with password_file", "(24) KDC_ERR_PREAUTH_FAILED", "the password is wrong"}},
		{"principal that is not in the keytab", func(s *kafkaconn.SASL) { s.Principal = "somebody" }, []string{"matching key not found in keytab", "klist -kt"}},
		{"unknown principal", func(s *kafkaconn.SASL) { s.Principal = "nobody" }, []string{"(6) KDC_ERR_C_PRINCIPAL_UNKNOWN", "does not know this principal"}},
		{"wrong realm", func(s *kafkaconn.SASL) { s.Principal = "hefu@OTHER.COM" }, []string{"no KDCs defined in configuration for realm OTHER.COM", "[realms]"}},
		{"no domain_name", func(s *kafkaconn.SASL) { s.DomainName = "" }, []string{"kerberos ticket for kafka/127.0.0.1 as hefu@HADOOP.COM", "(7) KDC_ERR_S_PRINCIPAL_UNKNOWN", "sasl.domain_name"}},
		{"other service", func(s *kafkaconn.SASL) { s.ServiceName = "nfs" }, []string{"kerberos ticket for nfs/hadoop.hadoop.com", "(7) ", "sasl.service_name"}},
		{"no keytab", func(s *kafkaconn.SASL) { s.KeytabFile = "/nowhere" }, []string{"/nowhere: no such file", "the file is not there"}},
		{"no krb5.conf", func(s *kafkaconn.SASL) { s.Krb5Conf = "/nowhere" }, []string{"krb5_conf /nowhere", "the file is not there"}},
		{"KDC is down", func(s *kafkaconn.SASL) { s.Krb5Conf, s.Principal = nobody.Conf(), "hefu@GONE.TEST" }, []string{"connection refused", "nothing listens at the KDC's address"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong, s := good, *good.SASL
			wrong.SASL = &s
			c.set(&s)
			text := refusal(t, wrong)
			t.Log(text)
			for _, want := range c.wants {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in it", want)
				}
			}
		})
	}
}
