package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/timeline"
)

// TestTimeline: a hefu is killed, the next one goes on; the running one tells it, and without one
// the journal does, in the same words.
func TestTimeline(t *testing.T) {
	plain(t)
	file, broker := small(t, `
data_dir: DATA
instance: first
api: {listen: "127.0.0.1:0"}
pipelines:
  - name: bridge
    timezone: Asia/Shanghai
    hub: {brokers: [BROKER], topic: ODS}
    sources: [{id: north, city: "320100", brokers: [BROKER], topic: QL}]
`)
	tell := func(more ...string) ended { return hefu(t, append([]string{"timeline", "-c", file}, more...)...) }
	if e := tell("--from", "2026-01-01").want(t, exitUnknown); !strings.Contains(e.stderr, "it has no journal") {
		t.Error(e.stderr)
	}
	for flags, want := range map[string]string{
		"": "--from says when", "--from=yesterday": "want a time", "--from=2026-01-02 --to=2026-01-01": "ends before it begins",
		"--from=02:10 --slow=0s": "slow is 0s", "--from=02:10 --pipeline=other": "no pipeline other", "--from=02:10 -o=xml": "text, md and json",
	} {
		if e := tell(strings.Fields(flags)...).want(t, exitUnknown); !strings.Contains(e.stderr, want) {
			t.Errorf("%s: %s", flags, e.stderr)
		}
	}

	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	sent := 0
	send := func() {
		t.Helper()
		sent++
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "QL", Partition: 1, Value: fmt.Appendf(nil, `{"secret":%d}`, sent)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	arrives := func() {
		t.Helper()
		send()
		eventually(t, "the row is in the hub", func() bool {
			e := hefu(t, "explain", "-c", file, "--city", "320100", "--partition", "1", "--offset", fmt.Sprint(sent-1))
			return e.code == exitGood && strings.Contains(e.stdout, "state    in the hub\n")
		})
	}
	began := time.Now().Add(-time.Minute)
	p := launch(t, "run", "-c", file)
	eventually(t, "it runs", func() bool { return hefu(t, "status", "-c", file).code == exitGood })
	arrives()
	p.end(t, syscall.SIGKILL, -1)
	send()
	p = launch(t, "run", "-c", file)
	eventually(t, "it runs again", func() bool { return hefu(t, "status", "-c", file).code == exitGood })
	arrives()

	window := []string{"--from", began.Format(time.RFC3339), "--to", time.Now().Format(time.RFC3339Nano), "--slow", "1h"}
	live := tell(window...).want(t, exitGood)
	if e := tell("--from", "25:00"); e.code != exitUnknown {
		t.Error(e.stdout)
	}
	p.end(t, syscall.SIGTERM, exitGood)
	for _, want := range []string{
		"a process begins: incarnation 3 (first on ", "takes over ingest and hub of shard 0 from incarnation 3 (first on ",
		"(the same instance, begun again), whose last event was", "verdict: There was 1 takeover; no row was touched by it.\n",
	} {
		if !strings.Contains(live.stdout, want) {
			t.Errorf("no %q in\n%s", want, live.stdout)
		}
	}
	if e := tell(window...).want(t, exitGood); lively(e.stdout) != lively(live.stdout) || strings.Contains(e.stdout, "secret") {
		t.Errorf("the running hefu said\n%s\nthe journal says\n%s", live.stdout, e.stdout)
	}
	var stories []timeline.Story
	if err := json.Unmarshal([]byte(tell(append(window, "-o", "json")...).want(t, exitGood).stdout), &stories); err != nil || len(stories) != 1 || stories[0].Sums.Fetched != 3 || stories[0].Sums.InHub != 3 {
		t.Errorf("%+v: %v", stories, err)
	}
	if e := tell(append(window, "-o", "md")...).want(t, exitGood); !strings.HasPrefix(e.stdout, "# Timeline of pipeline bridge, ") || !strings.Contains(e.stdout, "\n## Blast radius\n\nNo row was touched.\n") {
		t.Error(e.stdout)
	}
}

// lively is a story without what it sums up: a look of the reconciler may be under way as the
// window ends.
func lively(story string) string {
	var out []string
	for _, line := range strings.Split(story, "\n") {
		if !strings.Contains(line, "  normal: ") && !strings.Contains(line, "  meanwhile: ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// A time of day is the last one that was.
func TestLastTime(t *testing.T) {
	now := time.Date(2026, 1, 1, 18, 15, 0, 0, time.UTC) // 02:15 of the next day in Shanghai
	for text, want := range map[string]string{
		"02:10": "2026-01-02T02:10:00+08:00", "02:15": "2026-01-02T02:15:00+08:00", "02:16": "2026-01-01T02:16:00+08:00", "23:59:58": "2026-01-01T23:59:58+08:00",
		"2025-12-31 02:10": "2025-12-31T02:10:00+08:00", "2025-12-31T02:10:00Z": "2025-12-31T02:10:00Z", "2026-01-02": "2026-01-02T00:00:00+08:00",
	} {
		at, err := lastTime(text, "Asia/Shanghai", now)
		if err != nil || at.Format(time.RFC3339) != want {
			t.Errorf("%s: %s, %v, want %s", text, at.Format(time.RFC3339), err, want)
		}
	}
	w := windowFlags{from: "23:50", to: "00:10", slow: time.Second}
	p := &config.Pipeline{Timezone: "Asia/Shanghai"}
	ask, err := w.of(p, now)
	if err != nil || time.Duration(ask.To-ask.From)*time.Microsecond != 20*time.Minute {
		t.Errorf("over midnight: %+v, %v", ask, err)
	}
	w.to = ""
	if ask, err = w.of(p, now); err != nil || int64(ask.To) != now.UnixMicro() {
		t.Errorf("up to now: %+v, %v", ask, err)
	}
}
