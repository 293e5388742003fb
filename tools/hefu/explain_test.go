package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/services/explain"
)

// TestExplain: a running hefu answers, and without one the journal does, in the same words; the exit
// code says whether the row is there, and the record's text is not printed unasked.
func TestExplain(t *testing.T) {
	plain(t)
	file, broker := small(t, `
data_dir: DATA
api: {listen: "127.0.0.1:0"}
pipelines:
  - name: bridge
    reconcile: {interval: 0s} # a look between two questions would be one more line of the answer
    hub: {brokers: [BROKER], topic: ODS}
    sources: [{id: north, city: "320100", brokers: [BROKER], topic: QL}]
`)
	ask := func(more ...string) ended { return hefu(t, append([]string{"explain", "-c", file}, more...)...) }
	row := func(offset int, more ...string) []string {
		return append([]string{"--city", "320100", "--partition", "1", "--offset", fmt.Sprint(offset)}, more...)
	}
	if e := ask(row(3)...).want(t, exitUnknown); !strings.Contains(e.stderr, "has a journal in") {
		t.Error(e.stderr)
	}
	if e := ask().want(t, exitUnknown); !strings.Contains(e.stderr, "ask for one thing") {
		t.Error(e.stderr)
	}

	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range 5 {
		r := &kgo.Record{Topic: "QL", Partition: 1, Value: fmt.Appendf(nil, `{"secret":%d}`, i)}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	p := launch(t, "run", "-c", file)
	eventually(t, "it runs", func() bool { return hefu(t, "status", "-c", file).code == exitGood })
	eventually(t, "the row is in the hub", func() bool {
		e := ask(row(3)...)
		return e.code == exitGood && strings.Contains(e.stdout, "state    in the hub\n")
	})
	live := ask(row(3)...).want(t, exitGood)
	ask(row(5)...).want(t, exitNotGood)
	if e := ask("--city", "320100", "--hub", "1:2").want(t, exitUnknown); !strings.Contains(e.stderr, "ask for one thing") {
		t.Error(e.stderr)
	}
	if e := ask("--event", "bridge.0.hub@2").want(t, exitUnknown); !strings.Contains(e.stderr, "of no transaction") {
		t.Error(e.stderr)
	}
	liveRecord := ask(row(3, "--record", "--pipeline", "bridge", "--generation", "1")...).want(t, exitGood)
	p.end(t, syscall.SIGTERM, exitGood)

	if e := ask(row(3)...).want(t, exitGood); e.stdout != live.stdout || strings.Contains(e.stdout, "secret") {
		t.Errorf("the running hefu said\n%s\nthe journal says\n%s", live.stdout, e.stdout)
	}
	e := ask(row(3, "--record", "--generation", "1")...).want(t, exitGood)
	if e.stdout != liveRecord.stdout || !strings.HasSuffix(e.stdout, "\n{\"secret\":3}\n") {
		t.Errorf("with the record the running hefu said\n%s\nthe journal says\n%s", liveRecord.stdout, e.stdout)
	}
	var a explain.Answer
	if err := json.Unmarshal([]byte(ask(row(3, "-o", "json")...).want(t, exitGood).stdout), &a); err != nil || a.Row == nil || a.Row.Offset != 3 {
		t.Fatalf("%+v: %v", a, err)
	}
	ask("--hub", fmt.Sprintf("%d:%d", a.Hub.Partition, a.Hub.Offset)).want(t, exitGood)
	ask(row(5)...).want(t, exitNotGood)
}
