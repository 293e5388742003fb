package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// running is a Set over a hefu.yaml that a test rewrites.
type running struct {
	t       *testing.T
	path    string
	head    string // the file up to its sources
	hub     []string
	set     *pipeline.Set
	open    *pipeline.Open
	signals chan os.Signal
	stop    func()
}

const city1, city2 = `{id: a, city: "1", brokers: ["127.0.0.1:1"], topic: QL}`, `{id: b, city: "2", brokers: ["127.0.0.1:1"], topic: QL}`

// run starts a Set over a file with some sources.
func run(t *testing.T, journalKeys string, sources ...string) *running {
	t.Helper()
	dir := t.TempDir()
	r := &running{t: t, path: filepath.Join(dir, "hefu.yaml"), signals: make(chan os.Signal), hub: hubWith(t, "ODS")}
	r.head = fmt.Sprintf("instance: test\ndata_dir: %s\n%spipelines:\n  - name: bridge\n    hub: {brokers: [%q], topic: ODS}\n    sources:\n",
		filepath.Join(dir, "data"), journalKeys, r.hub[0])
	r.write(sources...)
	return r
}

func (r *running) write(sources ...string) {
	r.t.Helper()
	r.writeText(r.head + "      - " + strings.Join(sources, "\n      - ") + "\n")
}

func (r *running) writeText(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) start(change ...func(*pipeline.Set)) {
	r.t.Helper()
	c, err := config.Load(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.set = pipeline.NewSet(c, pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest}, Reloads: r.signals}, quiet())
	for _, c := range change {
		c(r.set)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.set.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("run: %v", err)
		}
	})
	r.t.Cleanup(r.stop)
	wait, late := context.WithTimeout(ctx, 30*time.Second)
	defer late()
	opened, err := r.set.Wait(wait)
	if err != nil {
		r.t.Fatal(err)
	}
	r.open = opened[0]
}

// sources are what ingest would read now.
func (r *running) sources() (out []string) {
	list, _, _ := r.open.Sources()
	for _, s := range list {
		text := string(s.ID)
		if s.Reading.Paused {
			text += " paused"
		}
		out = append(out, text)
	}
	return out
}

// control are the events of control that a reload may make.
func (r *running) control() (configs int, operators []domain.Operator) {
	r.t.Helper()
	stream := domain.ControlStream("bridge")
	tail, err := r.open.Journal.Tail(r.t.Context(), stream)
	if err != nil {
		r.t.Fatal(err)
	}
	reader, err := r.open.Journal.Read(r.t.Context(), stream, domain.Cursor{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer reader.Close()
	for seq := domain.Seq(0); seq < tail.Seq; {
		e, err := reader.Next(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		seq = e.Seq
		switch ev := e.Event.(type) {
		case *domain.PipelineConfigured:
			configs++
		case *domain.Operator:
			operators = append(operators, *ev)
		}
	}
	return configs, operators
}

func (r *running) reload() []pipeline.SourceChange {
	r.t.Helper()
	done, err := r.set.Reload(r.t.Context(), "wang", "ticket 7")
	if err != nil {
		r.t.Fatal(err)
	}
	if r.set.Last() != done || done.Who != "wang" || done.Why != "ticket 7" || done.At.IsZero() {
		r.t.Errorf("last %+v, now %+v", r.set.Last(), done)
	}
	if _, seq := r.open.InForce(); len(done.Pipelines) != 1 || done.Pipelines[0].Config != seq || done.Pipelines[0].Name != "bridge" {
		r.t.Errorf("%+v, in force is %d", done.Pipelines, seq)
	}
	return done.Pipelines[0].Sources
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-late:
			t.Fatalf("%s: not seen", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// What a reload changes is journaled and answered, source by source, and nothing else is.
func TestReload(t *testing.T) {
	r := run(t, "", city1)
	r.start()
	with := func(source, more string) string { return strings.Replace(source, "}", ", "+more+"}", 1) }
	changed := func(keys ...string) pipeline.SourceChange {
		return pipeline.SourceChange{Source: "a", What: pipeline.Changed, Keys: keys}
	}
	operator := func(action domain.OperatorAction, why string) domain.Operator {
		return domain.Operator{Action: action, Target: "a", Who: "wang", Why: why + "ticket 7"}
	}
	for _, step := range []struct {
		name      string
		file      []string
		sources   []string
		changes   []pipeline.SourceChange
		configs   int
		operators []domain.Operator
	}{
		{"the same file", []string{city1}, []string{"a"}, nil, 1, nil},
		{"added", []string{city1, city2}, []string{"a", "b"}, []pipeline.SourceChange{{Source: "b", What: pipeline.Added}}, 2, nil},
		{
			"paused",
			[]string{with(city1, "paused: true"), city2},
			[]string{"a paused", "b"},
			[]pipeline.SourceChange{{Source: "a", What: pipeline.Paused}},
			2,
			[]domain.Operator{operator(domain.OperatorPause, "")},
		},
		{
			"removed and resumed",
			[]string{city1},
			[]string{"a"},
			[]pipeline.SourceChange{{Source: "b", What: pipeline.Removed}, {Source: "a", What: pipeline.Resumed}},
			3,
			[]domain.Operator{operator(domain.OperatorResume, "")},
		},
		{"back", []string{city1, city2}, []string{"a", "b"}, []pipeline.SourceChange{{Source: "b", What: pipeline.Back}}, 4, nil},
		{
			"connection and rate",
			[]string{with(strings.Replace(city1, "127.0.0.1:1", "127.0.0.1:2", 1), "catch_up: 1MiB"), city2},
			[]string{"a", "b"},
			[]pipeline.SourceChange{changed("brokers", "catch_up")},
			4,
			[]domain.Operator{operator(domain.OperatorRate, "catch_up 0B to 1MiB: ")},
		},
		{
			"a pattern",
			[]string{city1, city2, `{id: all, city: "3", brokers: ["127.0.0.1:1"], topic_pattern: "X.*"}`},
			[]string{"a", "b"},
			[]pipeline.SourceChange{changed("brokers", "catch_up"), {Source: "all", What: pipeline.Added}},
			4,
			[]domain.Operator{operator(domain.OperatorRate, "catch_up 1MiB to 0B: ")},
		},
	} {
		_, before := r.control()
		r.write(step.file...)
		if diff := cmp.Diff(step.changes, r.reload()); diff != "" {
			t.Errorf("%s: changes (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.sources, r.sources()); diff != "" {
			t.Errorf("%s: sources (-want +got):\n%s", step.name, diff)
		}
		configs, operators := r.control()
		if diff := cmp.Diff(step.operators, operators[len(before):], cmp.Transformer("none", func(l []domain.Operator) []domain.Operator { return append([]domain.Operator{}, l...) })); diff != "" || configs != step.configs {
			t.Errorf("%s: %d configurations, want %d; operators (-want +got):\n%s", step.name, configs, step.configs, diff)
		}
	}
}

// What is paused while nothing runs is journaled by the next start, once.
func TestPausedBeforeTheStart(t *testing.T) {
	r := run(t, "", strings.Replace(city1, "}", ", paused: true}", 1))
	for range 2 {
		r.start()
		_, operators := r.control()
		want := []domain.Operator{{Action: domain.OperatorPause, Target: "a", Who: "test", Why: "hefu.yaml, as the process began"}}
		if diff := cmp.Diff(want, operators); diff != "" {
			t.Error(diff)
		}
		r.stop()
	}
	r.write(city1)
	r.start()
	if _, operators := r.control(); len(operators) != 2 || operators[1].Action != domain.OperatorResume {
		t.Errorf("%+v", operators)
	}
}

// A file that is bad, or asks for what cannot change, changes nothing: neither in the journal
// nor for the sources, though it has a new one as well.
func TestReloadRefuses(t *testing.T) {
	r := run(t, "", city1)
	r.start()
	good := r.head + "      - " + city1 + "\n      - " + city2 + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"not YAML", "pipelines: [", "hefu.yaml:1:"},
		{"bad key", strings.Replace(good, "topic: QL}", "topik: QL}", 1), "hefu.yaml:7:54: pipelines[0].sources[0].topik: is not a key here"},
		{"data_dir", strings.Replace(good, "data_dir: ", "data_dir: /other", 1), "data_dir: cannot change while the process runs"},
		{"two keys", strings.Replace(good, "instance: test", "instance: other\nlog: {level: warn}", 1), "instance, log.level: cannot change while"},
		{"hub", strings.Replace(good, "topic: ODS}", "topic: ODS, transaction_timeout: 20s}", 1), "pipeline bridge: hub.transaction_timeout: cannot change while"},
		{"hub topic", strings.Replace(good, "topic: ODS}", "topic: ODS2}", 1), "pipeline bridge: hub.topic is ODS for this pipeline's life"},
		{"city", strings.Replace(good, `city: "1"`, `city: "9"`, 1), "pipeline bridge: source a is city 1 topic QL for ever"},
		{"format", strings.Replace(good, "topic: QL}", "topic: QL, charset: GBK}", 1), "source a is read as"},
		{"name", strings.Replace(good, "name: bridge", "name: other", 1), "pipeline bridge: is not in the file any more"},
		{"one more", good + strings.NewReplacer("name: bridge", "name: second", "topic: ODS", "topic: ODS3").Replace(good[strings.Index(good, "  - name"):]), "pipeline second: is new in the file"},
	} {
		r.writeText(c.text)
		_, err := r.set.Reload(t.Context(), "wang", "why")
		var bad *config.Error
		var refused *pipeline.ConfigError
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &bad) && !errors.As(err, &refused) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	var refused *pipeline.ConfigError
	if _, err := r.set.Reload(t.Context(), "wang", "why"); !errors.As(err, &refused) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
	configs, operators := r.control()
	if got := r.sources(); configs != 1 || len(operators) != 0 || !cmp.Equal(got, []string{"a"}) || r.set.Last() != nil {
		t.Errorf("%d configurations, operators %v, sources %q, last %+v", configs, operators, got, r.set.Last())
	}
}

// Reloads come one after the other, whoever asks for them.
func TestReloadsDoNotMeet(t *testing.T) {
	r := run(t, "", city1)
	r.start()
	r.write(city1, city2)
	var wg sync.WaitGroup
	var mu sync.Mutex
	added := 0
	for range 8 {
		wg.Go(func() {
			done, err := r.set.Reload(t.Context(), "wang", "why")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			added += len(done.Pipelines[0].Sources)
		})
	}
	wg.Wait()
	if configs, _ := r.control(); configs != 2 || added != 1 {
		t.Errorf("%d configurations, the source was added %d times", configs, added)
	}
}

// A signal reloads, and says so; a bad file is not the end.
func TestSignalReloads(t *testing.T) {
	r := run(t, "", city1)
	r.start()
	r.writeText("pipelines: [")
	r.signals <- syscall.SIGHUP
	r.write(strings.Replace(city1, "}", ", paused: true}", 1))
	r.signals <- syscall.SIGHUP
	eventually(t, "the source is paused", func() bool { return cmp.Equal(r.sources(), []string{"a paused"}) })
	_, operators := r.control()
	want := []domain.Operator{{Action: domain.OperatorPause, Target: "a", Who: "SIGHUP", Why: "reload of hefu.yaml"}}
	if diff := cmp.Diff(want, operators); diff != "" {
		t.Error(diff)
	}
}

// With an external journal only `hefu apply` adds and removes sources: a reload takes over
// what it put in force. Whoever follows the journal learns of it, from whatever host it was.
func TestReloadOfAnExternalJournal(t *testing.T) {
	r := run(t, fmt.Sprintf("journal: {mode: external, servers: [%q]}\n", natsServer(t)), city1)
	applyFile := func() {
		t.Helper()
		c, err := config.Load(r.path)
		if err != nil {
			t.Fatal(err)
		}
		apply(t, c)
	}
	applyFile()
	r.start()
	r.write(city1, city2)
	if _, err := r.set.Reload(t.Context(), "wang", "why"); err == nil || !strings.Contains(err.Error(), "hefu apply") {
		t.Fatalf("before apply: %v", err)
	}
	_, _, changed := r.open.Sources()
	applyFile()
	select {
	case <-changed:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody was told of the configuration that another process applied")
	}
	if got := r.sources(); !cmp.Equal(got, []string{"a"}) {
		t.Errorf("before the reload %q: how would b be reached?", got)
	}
	r.reload()
	if got := r.sources(); !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("sources %q", got)
	}
}
