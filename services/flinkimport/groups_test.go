package flinkimport_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/flinkimport"
)

// reached makes a cluster with a city's topic and a hub, as a Flink job left them.
func reached(t *testing.T) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "nj", "hub"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { goleak.VerifyNone(t) })
	t.Cleanup(c.Close)
	at := c.ListenAddrs()[0]
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: []string{at}}, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range 20 {
		r := &kgo.Record{Topic: "nj", Partition: int32(i % 2), Value: []byte("x"), Timestamp: time.UnixMilli(int64(1000 + i))}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := kafkaconn.CommitGroup(ctx, cl, "g", "nj", map[int32]int64{0: 4}); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestCompare reads where a group stands, and says where Hefu would begin and what lies between that and a checkpoint.
func TestCompare(t *testing.T) {
	at := reached(t)
	for _, c := range []struct {
		name, start string
		checkpoint  string
		want        []string
	}{
		{"group-offsets", "'group-offsets'", "", []string{
			"| nj/0 | 0 | 4 | 10 | 6 | 4 (committed offset) |", "| nj/1 | 0 | none | 10 | 10 | nowhere: no committed offset, the source would stop with an incident |",
			"Checkpoints are not read",
		}},
		{"a reset", "'group-offsets', 'properties.auto.offset.reset' = 'latest'", "nj/0:6\nNJ/nj/1:10 # of the savepoint\n", []string{
			"| nj/0 | 0 | 4 | 10 | 6 | 4 (committed offset) | 6 | 2 offsets would come twice |", "| nj/1 | 0 | none | 10 | 10 | 10 (no committed offset: log end) | 10 | none |",
		}},
		{"earliest", "'earliest-offset'", "nj/1:0", []string{"| nj/1 | 0 | none | 10 | 10 | 0 (log start) | 0 | none |", "0 (log start) | none | not known |"}},
		{"latest", "'latest-offset'", "nj/1:7", []string{"| 7 | **3 offsets would be left out** |"}},
		{"timestamp", "'timestamp', 'scan.startup.timestamp-millis' = '1004'", "", []string{"| nj/0 | 0 | 4 | 10 | 6 | 2 (first record at or after 1004) |"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := flinkimport.Import("j.sql", []byte(change(t, "nj:9092", at, "'earliest-offset'", c.start, "hub:9092", at, "hub:9092", at)))
			if !r.OK() {
				t.Fatal(r.Report())
			}
			checkpoint, err := flinkimport.ParseCheckpoint(c.checkpoint)
			if err != nil {
				t.Fatal(err)
			}
			r.Compare(t.Context(), checkpoint)
			for _, want := range c.want {
				if report := r.Report(); !strings.Contains(report, want) {
					t.Errorf("the report does not say %q:\n%s", want, report)
				}
			}
		})
	}
}

// TestCompareUnreachable says of each cluster why it was not asked.
func TestCompareUnreachable(t *testing.T) {
	at := reached(t)
	r := flinkimport.Import("j.sql", []byte(change(t, "nj:9092", "127.0.0.1:1", "hub:9092", at, "hub:9092", at)))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	r.Compare(ctx, nil)
	if report := r.Report(); !r.OK() || !strings.Contains(report, "`nj`, table `NJ`, group `g`, start earliest-offset: not compared: ") {
		t.Errorf("%s", report)
	}
	hidden := seed(t)
	hidden.Compare(ctx, nil)
	for _, g := range hidden.Groups {
		if g.Asked || g.Error != "not asked: the document masks its address" {
			t.Errorf("%s: asked %v, %s", g.Of, g.Asked, g.Error)
		}
	}
}

// TestParseCheckpoint refuses what it does not understand.
func TestParseCheckpoint(t *testing.T) {
	for text, want := range map[string]string{
		"nj 0 4": `line 1: "nj 0 4"`, "nj/0": `line 1: "nj/0"`, "\n# all\nnj/x:4": `line 3: "nj/x:4"`, "nj/0:-1": `line 1: "nj/0:-1"`, "0:4": `line 1: "0:4"`, "nj/0:4x": `line 1: "nj/0:4x"`,
	} {
		if _, err := flinkimport.ParseCheckpoint(text); err == nil || !strings.HasPrefix(fmt.Sprint(err), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
