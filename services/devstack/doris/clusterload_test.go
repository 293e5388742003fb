package doris_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// TestClusterUnderLoad changes the cluster while it is loaded: what was answered with Success is so afterwards, whoever
// was the master, and nothing else is visible.
func TestClusterUnderLoad(t *testing.T) {
	const workers, perWorker = 4, 15
	s := withTable(t, doris.Config{FrontEnds: 3, BackEnds: 2})
	var all sync.WaitGroup
	said := make([]map[string]string, workers) // per label, what was answered last
	step := make(chan struct{})
	for w := range workers {
		said[w] = map[string]string{}
		all.Go(func() {
			for i := range perWorker {
				label := fmt.Sprintf("w%d-%d", w, i)
				said[w][label] = s.try(label, w, i)
				step <- struct{}{}
			}
		})
	}
	rng := rand.New(rand.NewPCG(1, 0))
	for range workers * perWorker {
		<-step
		switch i := rng.IntN(3); rng.IntN(3) {
		case 0:
			_ = s.FailOver(i) // refused when it is the master
		case 1:
			must(t, s.StopFE(i))
			must(t, s.StartFE(i))
		default:
			must(t, s.StopBE(i%2))
			must(t, s.StartBE(i%2))
		}
	}
	all.Wait()
	_ = s.FailOver(0)
	count := map[string]int{}
	for _, labels := range said {
		for label, answer := range labels {
			shown := s.settled(label)
			count[answer+" "+shown]++
			if answer == "committed" && shown != "VISIBLE" {
				t.Errorf("%s: commit answered Success, and it is %s", label, shown)
			}
			if shown == "VISIBLE" {
				count["rows"]++
			}
		}
	}
	if got := s.rows("SELECT count(*) FROM ods." + table)[0][0]; got != fmt.Sprint(count["rows"]) {
		t.Errorf("%s rows of %d visible loads", got, count["rows"])
	}
	t.Log(count)
}

// try loads one row and commits it, at whichever back end, and says how far it got.
func (s *standIn) try(label string, w, i int) string {
	at := s.BEURLs()[(w+i)%len(s.BEURLs())]
	a := s.call("PUT", at+"/api/ods/"+table+"/_stream_load", strings.NewReader(line(w, i, label)), "label", label,
		"format", "json", "read_json_by_line", "true", "two_phase_commit", "true")
	if !strings.Contains(a.text, `"Status": "Success"`) {
		return "not loaded"
	}
	a = s.call("PUT", at+"/api/ods/_stream_load_2pc", nil, "txn_operation", "commit", "label", label)
	if !strings.Contains(a.text, `"status": "Success"`) {
		return "loaded"
	}
	return "committed"
}

// settled waits for what was committed to become visible, and is the state of a label then.
func (s *standIn) settled(label string) string {
	s.t.Helper()
	if s.state(label) == "COMMITTED" {
		s.until(label, "VISIBLE")
	}
	return s.state(label)
}
