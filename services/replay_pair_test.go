package services_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/file"
	"github.com/hefu-io/hefu/services/replay"
)

// Two processes with a shard each carry out a replay together, whichever is asked: each its part,
// and the one with the first shard has it verified. While one of them is away the replay waits.
func TestReplayOfTwoProcesses(t *testing.T) {
	whole(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	a, b := pair(t)
	a.takes(0)
	b.takes(1)
	away := false
	defer func() {
		if !away {
			b.end()
		}
		a.end()
	}()
	a.parts(2000, a, b)
	first, second := operator{a}, operator{b}
	for _, target := range []domain.PlanTarget{{Kind: domain.TargetTable}, {Kind: domain.TargetTopic}, {Kind: domain.TargetFile}} {
		r, err := second.asks(replay.Ask{Target: target})
		must(t, err)
		if len(r.Plan.Lanes) != 2 || r.Plan.Expect.Rows != 2000 {
			t.Fatalf("planned %+v of %+v", r.Plan.Expect, r.Plan.Lanes)
		}
		second.may(r.ID, replay.Approve, replay.Decision{Digest: &r.Digest})
		second.isDone(r.ID)
		first.isDone(r.ID)
		if target.Kind == domain.TargetFile {
			lines := 0
			for shard := range 2 {
				text, err := os.ReadFile(filepath.Join(a.cfg.DataDir, filepath.FromSlash(file.Name(r.ID, shard))))
				must(t, err)
				lines += strings.Count(string(text), "\n")
			}
			if lines != 2000 {
				t.Errorf("%d lines are with the first process", lines)
			}
		}
	}
	slow := domain.PlanLimits{Rows: 100, Concurrency: 2} // longer than a process takes to end
	r, err := first.asks(replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTable, Name: "halves"}, Limits: slow})
	must(t, err)
	first.may(r.ID, replay.Approve, replay.Decision{Digest: &r.Digest})
	first.carries(r.ID)
	second.carries(r.ID)
	b.end()
	away = true
	first.may(r.ID, replay.Limit, replay.Decision{Limits: &domain.PlanLimits{}})
	first.until(r.ID, "waiting for the other one", func(r *replay.Shown) bool {
		return r.Progress != nil && r.Progress.Step == "waiting for the other shards"
	})
	b.takes(1)
	away = false
	first.isDone(r.ID)
}
