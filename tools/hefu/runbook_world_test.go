package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/stack"
)

// rehearsal is a pipeline of two cities under way, to which an incident may happen.
type rehearsal struct {
	*testing.T
	dir    string // hefu.yaml is in it, and all that the stand-ins keep
	stack  *stack.Stack
	broker string // of a real Kafka that is hub and cities; empty: the stand-ins
	suffix string // of the names of topics on it
	db     *sql.DB
	run    *process
	runs   []*process
	sent   map[string]int // rows that a partition of a topic was sent, "<topic>/<partition>"

	// plays are commands of a page that are no shell's here, of a broker's host, of systemd, and
	// what befalls in the midst of it.
	plays map[string]func()
}

// firstRows is what each partition of a city has before anything happens.
const firstRows = 150

func newRehearsal(t *testing.T, broker string) *rehearsal {
	t.Helper()
	r := &rehearsal{T: t, dir: filepath.Join(t.TempDir(), "hefu"), broker: broker, sent: map[string]int{}}
	r.plays = map[string]func(){"systemctl stop hefu": r.stops, "systemctl start hefu": r.starts}
	if broker != "" {
		r.suffix = fmt.Sprintf("_%d", time.Now().UnixNano())
	}
	r.raise()
	t.Cleanup(r.lower)
	r.configure("    hub:\n", "    reconcile: {interval: 1s, doris_pause: 0s, city_sample: 100}\n    hub:\n")
	if broker != "" {
		r.moveToBroker()
	}
	for _, s := range r.stack.Sources() {
		for p := range int32(stack.CityPartitions) {
			r.sends(s.Topic, p, firstRows)
		}
	}
	r.starts()
	t.Cleanup(func() {
		if !isClosed(r.run.ended) {
			r.stops()
		}
	})
	r.until("all rows are in the table", func() bool { return r.count("") == 2*stack.CityPartitions*firstRows })
	// A look that has compared them does not read them again: what happens to them from here on
	// is found by whoever asks.
	r.says(fmt.Sprintf("hub-doris windows 4 open, %d rows", 2*stack.CityPartitions*firstRows), "status")
	return r
}

// raise starts the stand-ins, and lower stops them; their addresses stay.
func (r *rehearsal) raise() {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	var err error
	if r.stack, err = stack.Start(ctx, os.Args[0], r.dir, citySources(2), stack.Options{}); err != nil {
		r.Fatal(err)
	}
	if r.db, err = r.stack.OpenDoris(); err != nil {
		r.Fatal(err)
	}
}

func (r *rehearsal) lower() {
	r.Helper()
	if err := r.db.Close(); err != nil {
		r.Error(err)
	}
	if err := r.stack.Close(); err != nil {
		r.Error(err)
	}
}

// copies puts a copy of a folder in the place of another one.
func (r *rehearsal) copies(from, to string) {
	r.Helper()
	if err := os.RemoveAll(to); err != nil {
		r.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		r.Fatal(err)
	}
}

// configure replaces a text of hefu.yaml, which must be there.
func (r *rehearsal) configure(was, is string) {
	r.Helper()
	file := r.stack.ConfigFile()
	b, err := os.ReadFile(file)
	if err != nil {
		r.Fatal(err)
	}
	if !strings.Contains(string(b), was) {
		r.Fatalf("no %q in\n%s", was, b)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(b), was, is)), 0o600); err != nil {
		r.Fatal(err)
	}
}

// moveToBroker makes the real broker the hub and the cities, with topics of this rehearsal alone.
func (r *rehearsal) moveToBroker() {
	r.Helper()
	a := r.stack.Addresses()
	r.configure(fmt.Sprintf("%q", a.Hub), fmt.Sprintf("%q", r.broker))
	r.configure(fmt.Sprintf("%q", a.Cities), fmt.Sprintf("%q", r.broker))
	r.configure("topic: "+stack.HubTopic+"\n", "topic: "+stack.HubTopic+r.suffix+"\n      progress_topic: hefu-progress-bridge"+r.suffix+"\n")
	topics := []string{stack.HubTopic, "hefu-progress-bridge"}
	for _, s := range r.stack.Sources() {
		r.configure("topic: "+s.Topic+"}", "topic: "+s.Topic+r.suffix+"}")
		r.makesTopic(s.Topic, stack.CityPartitions)
		topics = append(topics, s.Topic)
	}
	r.makesTopic(stack.HubTopic, stack.HubPartitions)
	r.Cleanup(func() {
		cl := r.kafka(r.broker)
		defer cl.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, topic := range topics {
			_, _ = kadm.NewClient(cl).DeleteTopic(ctx, topic+r.suffix)
		}
	})
}

// at is where a topic is: the real broker, the hub's stand-in or that of the cities.
func (r *rehearsal) at(topic string) string {
	switch a := r.stack.Addresses(); {
	case r.broker != "":
		return r.broker
	case topic == stack.HubTopic:
		return a.Hub
	default:
		return a.Cities
	}
}

func (r *rehearsal) kafka(broker string) *kgo.Client {
	r.Helper()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{broker}}, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		r.Fatal(err)
	}
	return cl
}

func (r *rehearsal) makesTopic(topic string, partitions int32) {
	r.Helper()
	cl := r.kafka(r.at(topic))
	defer cl.Close()
	if err := kafkaconn.EnsureTopic(r.Context(), cl, topic+r.suffix, partitions, nil); err != nil {
		r.Fatal(err)
	}
}

func (r *rehearsal) deletesTopic(topic string) {
	r.Helper()
	cl := r.kafka(r.at(topic))
	defer cl.Close()
	if _, err := kadm.NewClient(cl).DeleteTopic(r.Context(), topic+r.suffix); err != nil {
		r.Fatal(err)
	}
}

// sends gives a partition the next rows of its city.
func (r *rehearsal) sends(topic string, partition int32, n int) {
	r.Helper()
	cl := r.kafka(r.at(topic))
	defer cl.Close()
	key := fmt.Sprintf("%s/%d", topic, partition)
	of := &sensors{bridge: "南京长江大桥", seed: uint64(len(topic)) + uint64(partition), began: time.Date(2026, 11, 26, 2, 0, 0, 0, time.UTC)}
	var rows []*kgo.Record
	for i := range n {
		rows = append(rows, &kgo.Record{Topic: topic + r.suffix, Partition: partition, Value: of.record(r.sent[key] + i)})
	}
	if err := cl.ProduceSync(r.Context(), rows...).FirstErr(); err != nil {
		r.Fatal(err)
	}
	r.sent[key] += n
}

// starts and stops are hefu run's.
func (r *rehearsal) starts() {
	r.Helper()
	r.run = launch(r.T, "run", "-c", r.stack.ConfigFile())
	r.runs = append(r.runs, r.run)
}

func (r *rehearsal) stops() {
	r.Helper()
	r.run.end(r.T, syscall.SIGTERM, exitGood)
}

// log is what every hefu run of the rehearsal said.
func (r *rehearsal) log() string {
	var b strings.Builder
	for _, p := range r.runs {
		b.WriteString(p.log())
	}
	return b.String()
}

// until waits for a condition.
func (r *rehearsal) until(what string, is func() bool) {
	r.Helper()
	for deadline := time.Now().Add(patience); !is(); r.pause() {
		if time.Now().After(deadline) {
			r.Fatalf("not so after %s: %s\nhefu run says:\n%s", patience, what, r.log())
		}
	}
}

// pause is what lies between two looks.
func (r *rehearsal) pause() {
	select {
	case <-r.Context().Done():
	case <-time.After(200 * time.Millisecond):
	}
}

// says waits until hefu prints a text.
func (r *rehearsal) says(text string, args ...string) {
	r.Helper()
	r.until(fmt.Sprintf("hefu %v says %q", args, text), func() bool {
		e := hefu(r.T, append(args, "-c", r.stack.ConfigFile())...)
		return strings.Contains(e.stdout+e.stderr, text)
	})
}

// count is how many rows the table has, of which a condition holds.
func (r *rehearsal) count(where string) (n int) {
	r.Helper()
	q := "SELECT count(*) FROM ods.ODS_QL_JC_SSJC"
	if where != "" {
		q += " WHERE " + where
	}
	if err := r.db.QueryRowContext(r.Context(), q).Scan(&n); err != nil {
		r.Fatalf("%s: %v", q, err)
	}
	return n
}

func (r *rehearsal) exec(statement string, args ...any) {
	r.Helper()
	if _, err := r.db.ExecContext(r.Context(), statement, args...); err != nil {
		r.Fatalf("%s: %v", statement, err)
	}
}

// shown gives the pages names in place of what is this rehearsal's alone.
func (r *rehearsal) shown() *strings.Replacer {
	a := r.stack.Addresses()
	dir, err := filepath.Abs(r.dir)
	if err != nil {
		r.Fatal(err)
	}
	pairs := []string{
		filepath.Join(dir, "data"), "/var/lib/hefu", dir, "/etc/hefu",
		a.Hub, "hub.example:9092", a.Cities, "city.example:9092", a.FE, "doris.example:8030", a.MySQL, "doris.example:9030",
	}
	if r.broker != "" {
		pairs = append(pairs, r.suffix, "", r.broker, "city.example:9092")
	}
	return strings.NewReplacer(pairs...)
}
