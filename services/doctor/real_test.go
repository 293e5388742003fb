package doctor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
	"github.com/hefu-io/hefu/services/devstack/realkafka"
	"github.com/hefu-io/hefu/services/doctor"
)

// What a real ClickHouse says of a table that is not there, and of one that is another.
func TestRealClickHouse(t *testing.T) {
	address, own, err := clickhouse.ForTests(t.Context(), t.TempDir())
	if clickhouse.Skips(err) {
		t.Skipf("SKIPPED: %v", err)
	}
	w := newWorld(t)
	w.must(err)
	if own != nil {
		t.Cleanup(func() { _ = own.Stop() })
	}
	w.start()
	w.said.More = fmt.Sprintf("    lineage: {addresses: [%q], database: hefu_doctor}", address)
	w.demand(w.examine(), "lineage bridge: table hefu_doctor.hefu_lineage", doctor.Good, "the first start makes both")
	conn, err := clickhouseconn.Open(w.ctx(), clickhouseconn.Config{Addresses: []string{address}})
	w.must(err)
	defer conn.Close()
	w.must(conn.Exec(w.ctx(), "CREATE DATABASE IF NOT EXISTS hefu_doctor"))
	defer func() { w.must(conn.Exec(w.ctx(), "DROP DATABASE hefu_doctor")) }()
	w.must(conn.Exec(w.ctx(), "CREATE TABLE hefu_doctor.hefu_lineage (city String) ENGINE = Log"))
	r := w.examine()
	w.demand(r, "lineage bridge: table hefu_doctor.hefu_lineage", doctor.Bad, `its engine is ["Log"]`)
	if old := strings.Contains(dump(r), "ClickHouse 18."); old {
		w.demand(r, "lineage bridge: rights", doctor.Unchecked, "does not tell")
	} else {
		w.demand(r, "lineage bridge: rights", doctor.Good, "granted")
	}
}

// What a real broker says of itself, of ACLs and of transactions, and that asking for a
// group or an id makes no internal topic on a cluster that has none yet.
func TestRealKafka(t *testing.T) {
	if os.Getenv("HEFU_TEST_KAFKA") == "" {
		t.Skip("HEFU_TEST_KAFKA is not set: no real Kafka")
	}
	w := newWorld(t)
	b, err := realkafka.Start(w.ctx(), realkafka.Config{Dir: t.TempDir(), Extra: map[string]string{
		"authorizer.class.name":              "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"allow.everyone.if.no.acl.found":     "true", // until a test adds one
		"transaction.max.timeout.ms":         "600000",
		"transactional.id.expiration.ms":     "86400000",
		"connections.max.idle.ms":            "600000",
		"log.message.timestamp.after.max.ms": "9223372036854775807",
	}})
	w.must(err)
	defer func() { w.must(b.Stop()) }()
	w.startDoris()
	w.said.DataDir, w.said.Hub, w.said.City = filepath.Join(t.TempDir(), "hefu"), b.Addr(), b.Addr()
	w.said.FE, w.said.MySQL, w.said.SourceMore = w.doris.FEURL(), w.doris.MySQLAddr(), "        group: watched"
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{b.Addr()}})
	w.must(err)
	defer cl.Close()
	adm := kadm.NewClient(cl)
	w.must(kafkaconn.EnsureTopic(w.ctx(), cl, hubTopic, 2, nil))
	w.must(kafkaconn.EnsureTopic(w.ctx(), cl, cityTopic, 2, map[string]string{"retention.ms": "36000000"}))
	row := &kgo.Record{Topic: cityTopic, Value: []byte("a row"), Timestamp: time.Now().Add(-3 * time.Hour)}
	w.must(cl.ProduceSync(w.ctx(), row).FirstErr())

	r := w.examine()
	if bad := append(lines(r, doctor.Bad), lines(r, doctor.Unknown)...); !slices.Equal(bad, []string{"city bridge/nanjing: retention of " + cityTopic}) {
		t.Errorf("not good are %q\n%s", bad, dump(r))
	}
	w.demand(r, "hub bridge: reachable", doctor.Good, "release by its requests: 4.")
	w.demand(r, "hub bridge: transaction.version", doctor.Good, "2")
	w.demand(r, "hub bridge: transaction timeout", doctor.Good, "10 min 0 s")
	w.demand(r, "hub bridge: transactional id expiration", doctor.Good, "24 h 0 min")
	w.demand(r, "hub bridge: progress topic "+progressTopic, doctor.Good, "the first start makes it")
	w.demand(r, "hub bridge: ACL transactional id", doctor.Unchecked, "no transaction was ever begun")
	w.demand(r, "city bridge/nanjing: retention of "+cityTopic, doctor.Bad, "6 h 59 min left")
	if topics := internal(w.ctx(), w, adm); len(topics) > 0 {
		t.Errorf("asking made %q", topics)
	}

	w.demand(r, "city bridge/nanjing: ACL group watched", doctor.Unchecked, "is not known to this cluster")

	// Somebody's open transaction, and ACLs that leave us out.
	tx, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{b.Addr()}}, kgo.TransactionalID("other"), kgo.TransactionTimeout(5*time.Minute))
	w.must(err)
	defer tx.Close()
	w.must(tx.BeginTransaction())
	w.must(tx.ProduceSync(w.ctx(), &kgo.Record{Topic: hubTopic, Value: []byte("undecided")}).FirstErr())
	w.demand(w.examine(), "hub bridge: open transactions of "+hubTopic, doctor.Good, "1, 1 of them young")
	w.must(kafkaconn.CommitGroup(w.ctx(), cl, "watched", cityTopic, map[int32]int64{0: 0}))
	w.demand(w.examine(), "city bridge/nanjing: ACL group watched", doctor.Good, "READ")
	alice := func(op kadm.ACLOperation) *kadm.ACLBuilder {
		return kadm.NewACLs().Allow("User:alice").AllowHosts().Operations(op).ResourcePatternType(kadm.ACLPatternPrefixed)
	}
	for _, acl := range []*kadm.ACLBuilder{
		alice(kadm.OpWrite).TransactionalIDs("hefu-"), alice(kadm.OpRead).Topics(cityTopic), alice(kadm.OpRead).Groups("watched"),
	} {
		results, err := adm.CreateACLs(w.ctx(), acl)
		w.must(err)
		w.must(results[0].Err)
	}
	want := []string{"hub bridge: ACL transactional id", "city bridge/nanjing: city topic " + cityTopic, "city bridge/nanjing: group watched"}
	for end := time.Now().Add(time.Minute); ; {
		// ACLs reach the broker's authorizer after the controller has answered.
		if r = w.examine(); slices.Equal(lines(r, doctor.Bad), want) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not good are %q, want %q\n%s", lines(r, doctor.Bad), want, dump(r))
		}
	}
}

// demand demands one check with its verdict and a part of what was found.
func (w *world) demand(r *doctor.Report, name string, v doctor.Verdict, found string) {
	w.t.Helper()
	for _, c := range r.Checks {
		if c.System+": "+c.Name == name && c.Verdict == v && strings.Contains(c.Found, found) {
			return
		}
	}
	w.t.Errorf("no %s %q with %q:\n%s", v, name, found, dump(r))
}

// internal are the internal topics of a cluster.
func internal(ctx context.Context, w *world, adm *kadm.Client) []string {
	w.t.Helper()
	topics, err := adm.ListTopicsWithInternal(ctx)
	w.must(err)
	var names []string
	for name, topic := range topics {
		if topic.IsInternal {
			names = append(names, name)
		}
	}
	return names
}
