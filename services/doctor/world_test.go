package doctor_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/deploy"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/doctor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	hubTopic      = "ODS_QL_JC_SSJC"
	progressTopic = "hefu-progress-bridge"
	cityTopic     = "QL_JC_SSJC"
)

// world is a hub, a city, a Doris and an empty data directory, all well. What a test
// breaks, it breaks before start, or after.
type world struct {
	t         *testing.T
	hubOpts   []kfake.Opt
	hubTopics map[string]map[string]string // settings by topic; nil: the topic is not made
	cityConf  map[string]string
	limits    *doris.Limits
	noTable   bool

	hub, city *kfake.Cluster
	doris     *doris.Server
	api       string
	said      said
}

// said is what hefu.yaml says; the zero value of a text leaves a key out.
type said struct {
	DataDir, Hub, City, FE, MySQL        string
	More, HubMore, SourceMore, DorisMore string // further lines of a block
	Journal                              string // the block, or empty
}

const configText = `
instance: examined
data_dir: {{printf "%q" .DataDir}}
{{with .Journal}}{{.}}{{end}}
pipelines:
  - name: bridge
{{.More}}
    hub:
      brokers: [{{printf "%q" .Hub}}]
      topic: ODS_QL_JC_SSJC
{{.HubMore}}
    doris:
      fe: [{{printf "%q" .FE}}]
      mysql: [{{printf "%q" .MySQL}}]
      database: ods
      table: ODS_QL_JC_SSJC
{{.DorisMore}}
    sources:
      - id: nanjing
        city: "320100"
        brokers: [{{printf "%q" .City}}]
        topic: QL_JC_SSJC
{{.SourceMore}}
`

func newWorld(t *testing.T) *world {
	return &world{
		t: t, hubTopics: map[string]map[string]string{hubTopic: {}, progressTopic: kafkaconn.ProgressConfig()},
		cityConf: map[string]string{},
	}
}

// start starts what the world consists of.
func (w *world) start() *world {
	w.t.Helper()
	w.hub = w.cluster(w.hubOpts...)
	for topic, settings := range w.hubTopics {
		if settings != nil {
			w.must(w.hub.CreateTopic(topic, 2, settings))
		}
	}
	w.city = w.cluster()
	if w.cityConf != nil {
		w.must(w.city.CreateTopic(cityTopic, 2, w.cityConf))
	}
	w.startDoris()
	w.said.DataDir = filepath.Join(w.t.TempDir(), "hefu")
	w.said.Hub, w.said.City = w.hub.ListenAddrs()[0], w.city.ListenAddrs()[0]
	w.said.FE, w.said.MySQL = w.doris.FEURL(), w.doris.MySQLAddr()
	return w
}

func (w *world) cluster(opts ...kfake.Opt) *kfake.Cluster {
	w.t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	w.must(err)
	w.t.Cleanup(c.Close)
	return c
}

func (w *world) startDoris() {
	w.t.Helper()
	var err error
	w.doris, err = doris.Open(w.ctx(), doris.Config{Dir: w.t.TempDir(), Limits: w.limits})
	w.must(err)
	w.t.Cleanup(func() { _ = w.doris.Kill() })
	if w.noTable {
		return
	}
	for _, s := range deploy.DorisStatements() {
		w.sql(s)
	}
}

// sql does a statement as root.
func (w *world) sql(statement string) {
	w.t.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User = "tcp", w.doris.MySQLAddr(), "root"
	connector, err := mysql.NewConnector(c)
	w.must(err)
	db := sql.OpenDB(connector)
	defer db.Close()
	_, err = db.ExecContext(w.ctx(), statement)
	w.must(err)
}

// produce writes a row of some age to the city.
func (w *world) produce(partition int32, ages ...time.Duration) {
	w.t.Helper()
	w.produceTo(w.city, cityTopic, partition, ages...)
}

func (w *world) produceTo(c *kfake.Cluster, topic string, partition int32, ages ...time.Duration) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	w.must(err)
	defer cl.Close()
	for _, age := range ages {
		w.must(cl.ProduceSync(w.ctx(), &kgo.Record{Topic: topic, Partition: partition, Value: []byte("a row"), Timestamp: time.Now().Add(-age)}).FirstErr())
	}
}

func (w *world) config() *config.Config {
	w.t.Helper()
	text, err := template.New("").Parse(configText)
	w.must(err)
	var b bytes.Buffer
	w.must(text.Execute(&b, w.said))
	cfg, err := config.Parse("hefu.yaml", b.Bytes())
	if err != nil {
		w.t.Fatalf("%v\n%s", err, b.String())
	}
	return cfg
}

func (w *world) examine() *doctor.Report {
	w.t.Helper()
	return doctor.Examine(w.ctx(), w.config(), doctor.Options{API: w.api})
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	w.t.Cleanup(cancel)
	return ctx
}

// file writes a file with a mode.
func (w *world) file(name, text string, mode os.FileMode) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	w.must(os.WriteFile(path, []byte(text), 0o600))
	w.must(os.Chmod(path, mode))
	return path
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// lines are the checks with a verdict, as "system: name".
func lines(r *doctor.Report, v doctor.Verdict) []string {
	var out []string
	for _, c := range r.Checks {
		if c.Verdict == v {
			out = append(out, c.System+": "+c.Name)
		}
	}
	return out
}

// dump is a report for the log of a test that went wrong.
func dump(r *doctor.Report) string {
	var b strings.Builder
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "%-14s %-22s %-40s %s | %s | do: %s\n", c.Verdict, c.System, c.Name, c.Found, c.Needed, c.Do)
	}
	return b.String()
}
