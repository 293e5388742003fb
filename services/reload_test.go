package services_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/status"
)

// town is a city on a cluster of its own, which counts the connections made to it.
type town struct {
	brokers     []string
	connections atomic.Int64
}

func newTown(t *testing.T, topics ...string) *town {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	c := &town{brokers: k.ListenAddrs()}
	k.ControlKey(int16(kmsg.ApiVersions), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		c.connections.Add(1)
		return nil, nil, false
	})
	return c
}

// source is the town's entry in hefu.yaml.
func (c *town) source(id, more string) string {
	code := map[string]string{"north": "320100", "south": "320200", "west": "320300"}[id]
	return fmt.Sprintf(`{id: %s, city: "%s", brokers: [%q], %s}`, id, code, c.brokers[0], more)
}

func (c *town) feed(t *testing.T, topic string, from, n int) {
	t.Helper()
	(&world{t: t, kafka: c.brokers}).feed(topic, from, n)
}

// fileWorld is a world whose configuration is a file that the test rewrites.
type fileWorld struct {
	*world
	path    string
	head    string
	signals chan os.Signal
}

func newFileWorld(t *testing.T, sources ...string) *fileWorld {
	t.Helper()
	w := &fileWorld{world: newWorld(t), path: filepath.Join(t.TempDir(), "hefu.yaml"), signals: make(chan os.Signal)}
	d := w.cfg.Pipelines[0].Doris
	w.head = fmt.Sprintf(`instance: test
data_dir: %s
api: {listen: "127.0.0.1:0"}
pipelines:
  - name: bridge
    reconcile: {doris_pause: 0s}
    hub: {brokers: [%q], topic: ODS, progress_topic: progress}
    doris: {fe: [%q], mysql: [%q], database: ods, table: ODS_QL_JC_SSJC, model: unique, batch: {age: 50ms, interval: 0s}}
    sources:
`, w.cfg.DataDir, w.kafka[0], d.FE[0], d.MySQL[0])
	w.write(sources...)
	w.load()
	return w
}

func (w *fileWorld) write(sources ...string) {
	w.t.Helper()
	text := w.head + "      - " + strings.Join(sources, "\n      - ") + "\n"
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *fileWorld) load() {
	w.t.Helper()
	c, err := config.Load(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.cfg = c
}

// start runs the process, with a way to signal it.
func (w *fileWorld) start() {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop, w.done = cancel, make(chan error, 1)
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}, Reloads: w.signals}
	go func() { w.done <- services.Run(ctx, w.cfg, role, slog.New(slog.DiscardHandler)) }()
}

// reload asks the API, and gives the changes as "source change".
func (w *fileWorld) reload(want ...string) {
	w.t.Helper()
	code, answer := w.post("/v1/reload", `{"who":"wang","why":"ticket 7"}`)
	var r status.ReloadReport
	if err := json.Unmarshal(answer, &r); err != nil || code != http.StatusOK {
		w.t.Fatalf("%d %s %v", code, answer, err)
	}
	var got []string
	for _, s := range r.Pipelines[0].Sources {
		got = append(got, s.Source+" "+s.Change)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("changed %q, want %q", got, want)
	}
}

func (w *fileWorld) post(path, body string) (int, []byte) {
	w.t.Helper()
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, status.AddressFile))
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+string(address)+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, b.Bytes()
}

// until waits until the report is as wanted.
func (w *fileWorld) until(what string, ok func(p *status.PipelineReport) bool) {
	w.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		r, answered := w.report()
		if answered && len(r.Pipelines) == 1 && ok(&r.Pipelines[0]) {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not seen; %+v", what, r)
		}
	}
}

// state waits until a source is in a state.
func (w *fileWorld) state(source, state string) {
	w.t.Helper()
	w.until(source+" is "+state, func(p *status.PipelineReport) bool {
		return slices.ContainsFunc(p.Sources, func(s status.SourceReport) bool { return s.Source == source && s.State == state })
	})
}

// opens is how often the three legs were opened, all together.
func (w *fileWorld) opens() (n int64) {
	w.t.Helper()
	r, _ := w.report()
	for _, p := range r.Pipelines {
		for _, l := range p.Legs {
			n += l.Opens
		}
	}
	return n
}

// verified compares everything, row by row, with the file as it is now.
func (w *fileWorld) verified(rows int64) {
	w.t.Helper()
	w.load()
	b := w.books()
	if len(b.Findings) > 0 {
		w.t.Errorf("books: %v", b.Findings)
	}
	got := prove(w.t, w.cfg, &w.cfg.Pipelines[0])
	inHub, inDoris := sum(got, "").InHub, sum(got, "").InDoris
	if got.Verdict != domain.Verified || inHub != rows || inDoris != rows {
		w.t.Errorf("verdict %s: %s: %d rows in the hub, %d in Doris: %+v", got.Verdict, got.Why, inHub, inDoris, got.Findings)
	}
}

// A second city is added while the first one's rows flow, removed, and added again, by the API
// and by a signal: the first one's client and the legs stay as they are, the second one goes
// on at its cursor, and hub and table have every row of both once.
func TestCityComesAndGoes(t *testing.T) {
	one, two := newTown(t, "QL"), newTown(t, "QL")
	north, south := one.source("north", "topic: QL"), two.source("south", "topic: QL")
	w := newFileWorld(t, north)
	one.feed(t, "QL", 0, 100)
	byFeed := one.connections.Load() // each has a client of its own
	two.feed(t, "QL", 0, 50)
	w.start()
	w.untilRows(200)
	w.state("north", "running")
	had, opens, began := one.connections.Load(), w.opens(), time.Now()

	w.write(north, south)
	w.reload("south added")
	w.untilRows(300)
	one.feed(t, "QL", 100, 50)
	w.untilRows(400)

	w.write(north)
	w.signals <- syscall.SIGHUP
	w.state("south", "ended")
	two.feed(t, "QL", 50, 50)
	one.feed(t, "QL", 150, 50)
	w.untilRows(500)

	w.write(north, south)
	w.signals <- syscall.SIGHUP
	w.untilRows(600)
	w.state("south", "running")
	r, _ := w.report() // rows may come before it is said that the reload is over
	for deadline := time.Now().Add(time.Minute); r.Reloaded == nil || r.Reloaded.Who != "SIGHUP" || r.Reloaded.Pipelines[0].Config != r.Pipelines[0].Config; r, _ = w.report() {
		if time.Now().After(deadline) {
			t.Fatalf("reloaded %+v", r.Reloaded)
		}
	}
	// A client closes a connection that it did not need for 20 seconds, and makes another when it does.
	quick := time.Since(began) < 15*time.Second
	if now := one.connections.Load() - 2*byFeed; quick && now != had || w.opens() != opens {
		t.Errorf("%d connections to the first city, %d before; legs opened %d times, %d before", now, had, w.opens(), opens)
	}
	w.end()
	w.verified(600)
	for _, leg := range []domain.Leg{domain.LegHub, domain.LegDoris} {
		if got := w.begunUnder(leg); got != domain.Seq(r.Pipelines[0].Config) {
			t.Errorf("the last intent of %s was begun under configuration %d, in force was %d", leg, got, r.Pipelines[0].Config)
		}
	}
}

// begunUnder is the configuration that the last intent of a leg names.
func (w *fileWorld) begunUnder(leg domain.Leg) (config domain.Seq) {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(w.t.Context(), w.cfg, log)
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	j, err := store.OpenJournal(w.t.Context(), w.cfg, "bridge", log)
	if err != nil {
		w.t.Fatal(err)
	}
	stream := domain.Stream{Pipeline: "bridge", Leg: leg}
	tail, err := j.Tail(w.t.Context(), stream)
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := j.Get(w.t.Context(), stream, domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Begun)
	if err != nil {
		w.t.Fatal(err)
	}
	switch ev := e.Event.(type) {
	case *domain.HubBegun:
		config = ev.Config
	case *domain.DorisBegun:
		config = ev.Config
	}
	return config
}

// A paused city is not read, and all is well; a bad file is refused and changes nothing.
func TestPauseAndBadFile(t *testing.T) {
	one, two := newTown(t, "QL"), newTown(t, "QL")
	north, south := one.source("north", "topic: QL"), two.source("south", "topic: QL")
	w := newFileWorld(t, north, south)
	w.start()
	one.feed(t, "QL", 0, 20)
	two.feed(t, "QL", 0, 20)
	w.untilRows(80)
	w.write(north, two.source("south", "topic: QL, paused: true"))
	w.reload("south paused")
	w.state("south", "paused")
	two.feed(t, "QL", 20, 20)
	w.write(north, south, two.source("west", "topik: QL"))
	code, answer := w.post("/v1/reload", `{"who":"wang","why":"ticket 8"}`)
	if code != http.StatusUnprocessableEntity || !strings.Contains(string(answer), "hefu.yaml:12:") || !strings.Contains(string(answer), "sources[2].topik") {
		t.Errorf("%d %s", code, answer)
	}
	one.feed(t, "QL", 20, 20)
	w.untilRows(120)
	w.state("south", "paused")
	w.write(north, south)
	w.reload("south resumed")
	w.untilRows(160)
	w.end()
	w.verified(160)
}

// Topics of a pattern are taken, one that is made later from its beginning although the start
// mode is latest-offset. The hub's rows do not say the topic; the journal and the books do.
func TestPatternWhileRunning(t *testing.T) {
	one := newTown(t, "QL_1", "other")
	w := newFileWorld(t, one.source("north", `topic_pattern: "QL_.*", start: latest-offset`))
	one.feed(t, "QL_1", 0, 20)
	w.start()
	w.state("north/QL_1", "running")
	one.feed(t, "QL_1", 20, 20)
	w.untilRows(40)
	cl, err := kgo.NewClient(kgo.SeedBrokers(one.brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 2, 1, nil, "QL_2"); err != nil {
		t.Fatal(err)
	}
	one.feed(t, "QL_2", 0, 20)
	w.reload() // nothing changed; the cluster is asked again at once
	w.untilRows(80)
	w.end()
	b := w.books()
	rows := map[domain.SourceID]int64{}
	for _, a := range b.Accounts {
		rows[a.Source] += a.Doris
	}
	if len(b.Findings) > 0 || rows["north/QL_1"] != 40 || rows["north/QL_2"] != 40 {
		t.Errorf("rows %v, %v", rows, b.Findings)
	}
}

// The process ends after a city was put into the configuration and before it was opened: the
// next one opens it, as if it had been added then.
func TestEndBetweenConfigurationAndOpening(t *testing.T) {
	one, two := newTown(t, "QL"), newTown(t, "QL")
	north, south := one.source("north", "topic: QL"), two.source("south", "topic: QL")
	w := newFileWorld(t, north)
	w.start()
	one.feed(t, "QL", 0, 20)
	two.feed(t, "QL", 0, 20)
	w.untilRows(40)
	w.end()
	w.write(north, south)
	w.load()
	// A process without legs does what a reload does first, and no more.
	set := pipeline.NewSet(w.cfg, pipeline.Role{Version: "test"}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- set.Run(ctx) }()
	opened, err := set.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	configured := opened[0].ConfigSeq
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.start()
	w.untilRows(80)
	if r, _ := w.report(); r.Pipelines[0].Config != uint64(configured) {
		t.Errorf("configuration %d, want %d", r.Pipelines[0].Config, configured)
	}
	w.end()
	w.verified(80)
}
