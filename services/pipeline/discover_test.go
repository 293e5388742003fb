package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/pipeline"
)

func admin(t *testing.T, brokers []string) *kadm.Client {
	t.Helper()
	cl, err := kafkaconn.Dial(kafkaconn.Config{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

func makeTopic(t *testing.T, brokers []string, name string) {
	t.Helper()
	if _, err := admin(t, brokers).CreateTopic(t.Context(), 1, 1, nil, name); err != nil {
		t.Fatal(err)
	}
}

func removeTopic(t *testing.T, brokers []string, name string) {
	t.Helper()
	if _, err := admin(t, brokers).DeleteTopic(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// Topics that match are taken, at the start and while it runs; never the hub's own, nor those
// that this process writes beside it. A cluster that does not answer is no reason not to run.
func TestDiscover(t *testing.T) {
	r := run(t, "", city1)
	for _, topic := range []string{"QL_progress", "QL_1", "other"} {
		makeTopic(t, r.hub, topic)
	}
	r.head = strings.Replace(r.head, "topic: ODS}", "topic: ODS, progress_topic: QL_progress}", 1)
	r.write(`{id: a, city: "1", brokers: ["127.0.0.1:1"], topic_pattern: "QL_.*"}`)
	r.start(func(s *pipeline.Set) { s.DiscoverEvery = 20 * time.Millisecond })
	eventually(t, "the cluster that is not there is told", func() bool {
		l := r.open.Searches()
		return len(l) == 1 && l[0].Failed && l[0].Source == "a" && strings.Contains(l[0].Why, "QL_.*") && strings.Contains(l[0].Why, "refused")
	})
	r.write(fmt.Sprintf(`{id: a, city: "1", brokers: [%q], topic_pattern: "QL_.*"}`, r.hub[0]))
	r.reload()
	eventually(t, "the topic is found", func() bool { return cmp.Equal(r.sources(), []string{"a/QL_1"}) })
	makeTopic(t, r.hub, "QL_2")
	eventually(t, "the next one too, and no other", func() bool { return cmp.Equal(r.sources(), []string{"a/QL_1", "a/QL_2"}) })
	if got := r.open.Searches(); len(got) > 0 {
		t.Errorf("still searches %+v", got)
	}
}

// A topic that is made later is found, and begins at its log start whatever the start mode.
func TestLateTopic(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "QL_1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	source := fmt.Sprintf(`{id: a, city: "1", brokers: [%q], topic_pattern: "QL_.*", start: latest-offset}`, k.ListenAddrs()[0])
	r := run(t, "", source)
	r.start(func(s *pipeline.Set) { s.DiscoverEvery = 20 * time.Millisecond })
	eventually(t, "the topic is found", func() bool { return cmp.Equal(r.sources(), []string{"a/QL_1"}) })
	makeTopic(t, k.ListenAddrs(), "QL_2")
	eventually(t, "the later topic is found", func() bool { return cmp.Equal(r.sources(), []string{"a/QL_1", "a/QL_2"}) })
	list, _, _ := r.open.Sources()
	if list[0].Reading.Start != string(domain.StartLatest) || list[1].Reading.Start != string(domain.StartEarliest) {
		t.Errorf("start at %s and %s", list[0].Reading.Start, list[1].Reading.Start)
	}
	removeTopic(t, k.ListenAddrs(), "QL_1")
	makeTopic(t, k.ListenAddrs(), "QL_3")
	eventually(t, "one that vanished stays", func() bool { return cmp.Equal(r.sources(), []string{"a/QL_1", "a/QL_2", "a/QL_3"}) })
	r.stop()
	r.start() // the cluster is asked at once, and nobody waits for it
	if got := r.sources(); !cmp.Equal(got, []string{"a/QL_1", "a/QL_2", "a/QL_3"}) {
		t.Errorf("after a restart: %q", got)
	}
}
