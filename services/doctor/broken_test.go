package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/doctor"
)

// fault is one thing that is not as it should be.
type fault struct {
	name    string
	before  func(*world) // the world starts
	after   func(*world)
	verdict doctor.Verdict // of exactly one check, "system: name"
	check   string
	found   string // part of what is found
}

// One broken thing at a time gives exactly that check, and no other that is not good.
func TestOneBrokenThing(t *testing.T) {
	for _, f := range slices.Concat(kafkaFaults(), dorisFaults(), hostFaults(), proofFaults()) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if f.before != nil {
				f.before(w)
			}
			w.start()
			if f.after != nil {
				f.after(w)
			}
			r := w.examine()
			bad := append(lines(r, doctor.Bad), lines(r, doctor.Unknown)...)
			var want []string
			if f.verdict == doctor.Bad {
				want = []string{f.check}
			}
			if !slices.EqualFunc(bad, want, is) {
				t.Errorf("not good are %q, want %q\n%s", bad, want, dump(r))
			}
			if !slices.ContainsFunc(r.Checks, func(c doctor.Check) bool {
				return is(c.System+": "+c.Name, f.check) && c.Verdict == f.verdict && strings.Contains(c.Found, f.found) && (c.Do != "" || f.verdict == doctor.Unchecked)
			}) {
				t.Errorf("no %s %q with %q and a mend:\n%s", f.verdict, f.check, f.found, dump(r))
			}
		})
	}
}

// is reports whether a check is the one that is wanted, which may end in *.
func is(check, wanted string) bool {
	prefix, rest := strings.CutSuffix(wanted, "*")
	return check == wanted || rest && strings.HasPrefix(check, prefix)
}

func kafkaFaults() []fault {
	const hub, city = "hub bridge: ", "city bridge/nanjing: "
	set := func(topic, key, value string) func(*world) {
		return func(w *world) {
			settings := map[string]string{key: value}
			if topic == progressTopic {
				settings = kafkaconn.ProgressConfig()
				settings[key] = value
			}
			w.hubTopics[topic] = settings
		}
	}
	return []fault{
		{
			"transactions too short", func(w *world) {
				w.hubOpts = append(w.hubOpts, kfake.BrokerConfigs(map[string]string{"transaction.max.timeout.ms": "5000"}))
			}, nil,
			doctor.Bad, hub + "transaction timeout", "5.0 s",
		},
		{"hub writes its own times", set(hubTopic, "message.timestamp.type", "LogAppendTime"), nil, doctor.Bad, hub + "message.timestamp.type of " + hubTopic, "LogAppendTime"},
		{"hub compacts", set(hubTopic, "cleanup.policy", "compact"), nil, doctor.Bad, hub + "cleanup.policy of " + hubTopic, "compact"},
		{"progress is deleted", set(progressTopic, "cleanup.policy", "delete"), nil, doctor.Bad, hub + "cleanup.policy of " + progressTopic, "delete"},
		{"no hub topic", func(w *world) { w.hubTopics[hubTopic] = nil }, nil, doctor.Bad, hub + "hub topic " + hubTopic, "is not there"},
		{"no city topic", func(w *world) { w.cityConf = nil }, nil, doctor.Bad, city + "city topic " + cityTopic, "is not there"},
		{"more shards than partitions of progress", func(w *world) { w.hubTopics[progressTopic] = nil }, func(w *world) {
			w.must(w.hub.CreateTopic(progressTopic, 1, kafkaconn.ProgressConfig()))
			w.said.More = "    shards: 2"
		}, doctor.Bad, hub + "partitions of " + progressTopic, "1"},
		{"hub takes small batches", set(hubTopic, "max.message.bytes", "1000"), nil, doctor.Note, hub + "max.message.bytes of " + hubTopic, "1000 B"},
		{"one copy", nil, nil, doctor.Note, hub + "replicas of " + hubTopic, "1"},
		{"city compacts", func(w *world) { w.cityConf["cleanup.policy"] = "compact" }, nil, doctor.Note, city + "cleanup.policy of " + cityTopic, "compact"},
		{
			"city's batches are too large", func(w *world) { w.cityConf["max.message.bytes"] = fmt.Sprint(15<<20 + 1) }, nil,
			doctor.Bad, city + "max.message.bytes of " + cityTopic, "15 MiB",
		},
		{
			"rows are about to go", func(w *world) { w.cityConf["retention.ms"] = "3600000" }, func(w *world) { w.produce(1, 50*time.Minute, time.Minute) },
			doctor.Bad, city + "retention of " + cityTopic, "left for partition 1 by retention.ms; 2 offsets unread",
		},
		{
			"rows will go tonight", func(w *world) { w.cityConf["retention.ms"] = "86400000" }, func(w *world) { w.produce(1, 10*time.Hour) },
			doctor.Note, city + "retention of " + cityTopic, "13 h",
		},
		{"rows went unread", nil, func(w *world) {
			w.produce(0, 5*time.Second, 4*time.Second, 3*time.Second)
			w.must(w.city.DeleteRecords(cityTopic, 0, 3))
			w.running(map[int32]int64{0: 1, 1: 0})
		}, doctor.Bad, city + "retention of " + cityTopic, "2 offsets were deleted before they were read (position of the running hefu)"},
		{"rows of the future", nil, func(w *world) { w.produce(0, -time.Hour) }, doctor.Note, city + "clock", "ahead of this host"},
		{"rows that the former job did not load", nil, func(w *world) {
			w.said.HubMore = "      backlog_group: flink-doris"
			w.produceTo(w.hub, hubTopic, 1, time.Second, time.Second)
			w.commitTo(w.hub, "flink-doris", hubTopic, map[int32]int64{0: 0, 1: 1})
		}, doctor.Bad, hub + "backlog of group flink-doris", "1 rows: partition 1"},
		{"no offsets to start at", nil, func(w *world) { w.said.SourceMore = startAtGroup }, doctor.Bad, city + "group offsets of " + cityTopic, "no offset for partitions 0, 1"},
		{"offsets to start at were deleted", nil, func(w *world) {
			w.said.SourceMore = startAtGroup
			w.produce(0, 5*time.Second, 4*time.Second)
			w.commit(map[int32]int64{0: 0, 1: 0})
			w.must(w.city.DeleteRecords(cityTopic, 0, 2))
		}, doctor.Bad, city + "group offsets of " + cityTopic, "2 offsets after those of group flink are deleted"},
	}
}

const startAtGroup = "        start: group-offsets\n        group: flink"

func dorisFaults() []fault {
	const at = "doris bridge: "
	limits := func(change func(*doris.Limits)) func(*world) {
		return func(w *world) {
			l := doris.DefaultLimits()
			change(&l)
			w.limits = &l
		}
	}
	return []fault{
		{"no table", func(w *world) { w.noTable = true }, nil, doctor.Bad, at + "table ods.ODS_QL_JC_SSJC", "is not there"},
		{"another key", nil, func(w *world) { w.said.DorisMore = "      model: duplicate" }, doctor.Bad, at + "table ods.ODS_QL_JC_SSJC", "UNIQUE key"},
		{"may not load", nil, func(w *world) {
			w.sql("CREATE USER 'mover' IDENTIFIED BY 'geheim'")
			w.sql("GRANT SELECT_PRIV ON ods.* TO 'mover'@'%'")
			w.said.DorisMore = "      user: mover\n      password_file: " + w.file("password", "geheim", 0o600)
		}, doctor.Bad, at + "table ods.ODS_QL_JC_SSJC", "may not load into"},
		{"no back end", nil, func(w *world) { w.must(w.doris.StopBE(0)) }, doctor.Bad, at + "back ends", "1, 0 alive"},
		{"no way to the back end", nil, func(w *world) {
			w.said.DorisMore = fmt.Sprintf("      be_map: {%q: %q}", strings.TrimPrefix(w.doris.BEURL(), "http://"), nowhere)
		}, doctor.Bad, at + "way to the back ends", "0 of 1"},
		{"clock of Doris", nil, func(w *world) { w.doris.Advance(time.Hour) }, doctor.Note, at + "clock", "ahead of this host"},
		{"labels are forgotten soon", limits(func(l *doris.Limits) { l.LabelKeep = time.Minute }), nil, doctor.Note, at + "label retention", "1 min 0 s"},
		{"few labels", limits(func(l *doris.Limits) { l.LabelNum = 10 }), nil, doctor.Note, at + "labels kept", "10: 50.0 s of loads"},
		{"precommit ends soon", limits(func(l *doris.Limits) { l.PrecommitTimeout = 10 * time.Second }), nil, doctor.Note, at + "precommit timeout", "10.0 s"},
		{"few transactions", limits(func(l *doris.Limits) { l.MaxRunning = 3 }), nil, doctor.Note, at + "running transactions", "3"},
	}
}

func hostFaults() []fault {
	tls := func(w *world, ends time.Duration) {
		w.said.DorisMore = "      be_map: {\"10.1.2.3:8040\": \"https://10.1.2.3:8043\"}\n      tls:\n        ca_file: " + w.file("ca.pem", certificate(w, time.Now().Add(ends)), 0o644)
	}
	return []fault{
		{"password for everybody", nil, func(w *world) {
			path := w.file("password", "geheim", 0o644)
			w.sql("CREATE USER 'mover' IDENTIFIED BY 'geheim'")
			w.sql("GRANT SELECT_PRIV, LOAD_PRIV ON ods.* TO 'mover'@'%'")
			w.said.DorisMore = "      user: mover\n      password_file: " + path
		}, doctor.Bad, "host: file *", "mode 0644"},
		{"a certificate that ended", nil, func(w *world) { tls(w, -time.Hour) }, doctor.Bad, "host: file *", "ended 1 h 0 min ago"},
		{"a certificate that ends", nil, func(w *world) { tls(w, 49*time.Hour) }, doctor.Note, "host: file *", "ends in 2 d 0 h"},
		{"data_dir is a file", nil, func(w *world) { w.must(os.WriteFile(w.said.DataDir, nil, 0o600)) }, doctor.Bad, "journal: data_dir *", "is no folder"},
		{"no room", nil, func(w *world) { w.said.Journal = "journal: {max_bytes: 1000TiB, reserve_bytes: 1GiB}" }, doctor.Note, "journal: room on the disk", "free"},
	}
}

// running is an API that says how far a hefu is.
func (w *world) running(next map[int32]int64) {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/status" {
			rw.WriteHeader(http.StatusNotFound)
			return
		}
		var parts []string
		for p, n := range next {
			parts = append(parts, fmt.Sprintf(`{"partition":%d,"next":%d}`, p, n))
		}
		_, _ = io.WriteString(rw, `{"instance":"there","pipelines":[{"name":"bridge","sources":[{"source":"nanjing","partitions":[`+strings.Join(parts, ",")+`]}]}]}`)
	}))
	w.t.Cleanup(s.Close)
	w.api = s.URL
}

// commit commits offsets of the group flink.
func (w *world) commit(next map[int32]int64) { w.commitTo(w.city, "flink", cityTopic, next) }

func (w *world) commitTo(c *kfake.Cluster, group, topic string, next map[int32]int64) {
	w.t.Helper()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: c.ListenAddrs()})
	w.must(err)
	defer cl.Close()
	w.must(kafkaconn.CommitGroup(w.ctx(), cl, group, topic, next))
}

// nowhere is an address at which nobody listens: a port that was let go may be another test's.
const nowhere = "127.0.0.1:1"

// certificate is a PEM that ends at a time.
func certificate(w *world, ends time.Time) string {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	c := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: ends.Add(-1000 * time.Hour), NotAfter: ends, IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, key.Public(), key)
	w.must(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
