package services_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/devstack/realkafka"
	"github.com/hefu-io/hefu/services/devstack/realkdc"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/report"
)

// The brokers' principal, FusionInsight's, for brokers of any name.
const (
	domainName       = "hadoop.hadoop.com"
	brokersPrincipal = "kafka/" + domainName
)

// kerberosTimes are the life of a ticket and how long rows are fed meanwhile: short ones, unless the environment asks for
// others (HEFU_TEST_KRB5_LIFE=60s HEFU_TEST_KRB5_RUN=150s).
func kerberosTimes(t *testing.T) (life, run time.Duration) {
	t.Helper()
	life, run = 8*time.Second, 24*time.Second
	for name, d := range map[string]*time.Duration{"HEFU_TEST_KRB5_LIFE": &life, "HEFU_TEST_KRB5_RUN": &run} {
		if text := os.Getenv(name); text != "" {
			var err error
			*d, err = time.ParseDuration(text)
			must(t, err)
		}
	}
	return life, run
}

// realm is a KDC with a broker of its realm, and Hefu's way to it.
type realm struct {
	kdc    *realkdc.KDC
	broker *realkafka.Broker
	config kafkaconn.Config
}

func newRealm(t *testing.T, name string, life time.Duration) *realm {
	t.Helper()
	k, err := realkdc.Start(t.Context(), realkdc.Config{Dir: t.TempDir(), Realm: name, Life: life})
	if errors.Is(err, realkdc.ErrNotInstalled) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { _ = k.Stop() })
	ofBroker, err := k.AddKeytab(t.Context(), brokersPrincipal)
	must(t, err)
	ofHefu, err := k.AddKeytab(t.Context(), "hefu")
	must(t, err)
	b := startBroker(t, realkafka.Security{Kerberos: &realkafka.Kerberos{
		Conf: k.Conf(), Keytab: ofBroker, Principal: brokersPrincipal + "@" + name, Reauthenticate: life / 3,
	}})
	return &realm{k, b, kafkaconn.Config{
		Brokers: []string{b.ListenerAddr(realkafka.ListenerKerberos)},
		SASL: &kafkaconn.SASL{
			Mechanism: kafkaconn.GSSAPI, Principal: "hefu@" + name, KeytabFile: ofHefu, Krb5Conf: k.Conf(), DomainName: domainName,
		},
	}}
}

func startBroker(t *testing.T, s realkafka.Security) *realkafka.Broker {
	t.Helper()
	b, err := realkafka.Start(t.Context(), realkafka.Config{Dir: t.TempDir(), Heap: "256m", Security: s})
	must(t, err)
	t.Cleanup(func() { _ = b.Kill() })
	return b
}

// issued is how many tickets for its brokers the realm's KDC gave to Hefu.
func (r *realm) issued(t *testing.T) int {
	t.Helper()
	log, err := r.kdc.Log()
	must(t, err)
	n := 0
	for line := range bytes.Lines(log) {
		if bytes.Contains(line, []byte("TGS_REQ")) && bytes.Contains(line, []byte("ISSUE")) && bytes.Contains(line, []byte("hefu@"+r.kdc.Realm()+" for "+brokersPrincipal)) {
			n++
		}
	}
	return n
}

// makeTopics makes those of worldOn through a plain listener.
func makeTopics(t *testing.T, b *realkafka.Broker) {
	t.Helper()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{b.Addr()}})
	must(t, err)
	defer cl.Close()
	for topic, partitions := range map[string]int32{"ODS": 4, "north": 2, "south": 2} {
		must(t, kafkaconn.EnsureTopic(t.Context(), cl, topic, partitions, nil))
	}
}

// complaints keeps what is said above info: in these runs that is a leg or a source that begins again.
type complaints struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *complaints) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *complaints) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// startAloud is start with a log.
func (w *world) startAloud() *complaints {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop, w.done = cancel, make(chan error, 1)
	said := new(complaints)
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	go func() { w.done <- services.Run(ctx, w.cfg, role, log) }()
	return said
}

// feedFor feeds both cities twice a second, through the brokers' plain listeners, for as long as it is told.
func feedFor(north, south *world, run time.Duration) (rows int) {
	const n = 40
	end := time.NewTimer(run)
	defer end.Stop()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for from := 0; ; from += n {
		north.feed("north", from, n)
		south.feed("south", from, n)
		rows += 2 * 2 * n // two transactions of three are committed
		select {
		case <-end.C:
			return rows
		case <-tick.C:
		}
	}
}

// compare holds what the cities hold against the hub and the table.
func (w *world) compare(rows int) {
	w.t.Helper()
	b := w.books()
	if len(b.Findings) > 0 {
		w.t.Errorf("books: %v", b.Findings)
	}
	got := prove(w.t, w.cfg, &w.cfg.Pipelines[0])
	isVerified(w.t, got)
	all := sum(got, "")
	city, hub, doris, aborted := covered(got, report.CityJournal).Verified, all.InHub, all.InDoris, all.Gaps["aborted"]
	if city != int64(rows) || hub != city || doris != city {
		w.t.Errorf("%d rows were fed; in the cities %d, in the hub %d, in the table %d", rows, city, hub, doris)
	}
	w.t.Logf("fed %d rows: cities %d (and %d aborted), hub %d, table %d; verdict %s", rows, city, aborted, hub, doris, got.Verdict)
}

// The whole app on two real clusters of two realms: SASL_PLAINTEXT with GSSAPI and one principal for all brokers, while
// tickets end and logins have to be made anew on connections that are in use. Nothing is lost or doubled, and no leg and
// no source had to begin again.
func TestKerberosFromCityToTable(t *testing.T) {
	if os.Getenv("HEFU_TEST_KRB5") == "" {
		t.Skip("HEFU_TEST_KRB5 is not set")
	}
	life, run := kerberosTimes(t)
	hub, city := newRealm(t, "HADOOP.COM", life), newRealm(t, "CITY.TEST", life)
	makeTopics(t, hub.broker)
	makeTopics(t, city.broker)
	w := worldOn(t, []string{hub.broker.Addr()})
	p := &w.cfg.Pipelines[0]
	p.Hub.Config, p.Sources[0].Config, p.Sources[1].Config = hub.config, city.config, hub.config
	said := w.startAloud()
	north := &world{t: t, kafka: []string{city.broker.Addr()}}
	north.feed("north", 0, 10)
	w.feed("south", 0, 10)
	w.untilRows(40)
	before := []int{hub.issued(t), city.issued(t)}

	rows := 40 + feedFor(north, w, run)
	w.untilRows(rows)
	// Hub and cities each have at least one client that was there all the time, and a ticket is renewed after five sixths
	// of its life at the next login, which the brokers demand three times in a life.
	least := int(run / (life * 5 / 6 * 4 / 3))
	renewed := []int{hub.issued(t) - before[0], city.issued(t) - before[1]}
	if least < 1 || renewed[0] < least || renewed[1] < least {
		t.Errorf("tickets renewed during the run: %v; want %d at each KDC", renewed, least)
	}
	if said := said.String(); said != "" {
		t.Errorf("something had to begin again:\n%s", said)
	}
	w.end()
	t.Logf("tickets of %s, fed for %s; new tickets meanwhile: %d of HADOOP.COM, %d of CITY.TEST", life, run, renewed[0], renewed[1])
	w.compare(rows)
}

// The same with SCRAM-SHA-512 over TLS.
func TestScramOverTLSFromCityToTable(t *testing.T) {
	if os.Getenv("HEFU_TEST_KRB5") == "" {
		t.Skip("HEFU_TEST_KRB5 is not set")
	}
	_, run := kerberosTimes(t)
	const password = "se cret"
	b := startBroker(t, realkafka.Security{Users: map[string]string{"hefu": password}})
	makeTopics(t, b)
	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte(password), 0o600))
	w := worldOn(t, []string{b.Addr()})
	secured := kafkaconn.Config{
		Brokers: []string{b.ListenerAddr(realkafka.ListenerSASLTLS)}, TLS: &kafkaconn.TLS{CAFile: b.Files().CA},
		SASL: &kafkaconn.SASL{Mechanism: kafkaconn.ScramSHA512, User: "hefu", PasswordFile: file},
	}
	p := &w.cfg.Pipelines[0]
	p.Hub.Config, p.Sources[0].Config, p.Sources[1].Config = secured, secured, secured
	said := w.startAloud()
	rows := feedFor(w, w, run/3)
	w.untilRows(rows)
	if said := said.String(); said != "" {
		t.Errorf("something had to begin again:\n%s", said)
	}
	w.end()
	w.compare(rows)
}

// A city whose keytab is stale: the log says what the KDC said and what to look at, and the other city goes on.
func TestKerberosRefusalIsSaid(t *testing.T) {
	if os.Getenv("HEFU_TEST_KRB5") == "" {
		t.Skip("HEFU_TEST_KRB5 is not set")
	}
	k, err := realkdc.Start(t.Context(), realkdc.Config{Dir: t.TempDir()})
	if errors.Is(err, realkdc.ErrNotInstalled) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { _ = k.Stop() })
	stale, err := k.AddKeytab(t.Context(), "hefu")
	must(t, err)
	_, err = k.Keytab(t.Context(), "hefu")
	must(t, err)
	w := newWorld(t)
	w.cfg.Pipelines[0].Sources[0].SASL = &kafkaconn.SASL{
		Mechanism: kafkaconn.GSSAPI, Principal: "hefu@HADOOP.COM", KeytabFile: stale, Krb5Conf: k.Conf(), DomainName: domainName,
	}
	said := w.startAloud()
	w.feed("south", 0, 50)
	w.untilRows(100)
	w.end()
	text := said.String()
	for _, want := range []string{
		"source is not readable, it is tried again", "kerberos login of hefu@HADOOP.COM with keytab_file " + stale, "(24) KDC_ERR_PREAUTH_FAILED",
		"hint=\"the KDC does not take this key: the password is wrong, or the keytab is older than the key",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the log:\n%s", want, text)
		}
	}
}
