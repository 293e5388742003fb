package domain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// planned says a plan on control, and how far it came.
func planned(s *domain.ControlState, p *domain.Plan, moves ...domain.PlanState) {
	s.Apply(s.Tail+1, &domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text())})
	for _, to := range moves {
		s.Apply(s.Tail+1, &domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: to})
	}
}

func planOf(id byte, kind domain.TargetKind, shards ...int) *domain.Plan {
	p := &domain.Plan{ID: domain.PlanID{id}, Pipeline: "p", Target: domain.PlanTarget{Kind: kind}}
	for _, shard := range shards {
		p.Lanes = append(p.Lanes, domain.PlanLane{Shard: shard, First: 1, Last: domain.Ref{Stream: domain.Stream{Pipeline: "p", Shard: shard, Leg: domain.LegHub}, Seq: 9}})
	}
	return p
}

// A journal is control, the legs' streams, and those of replays that were ever approved, in the
// shards where they have a part.
func TestStreams(t *testing.T) {
	var s domain.ControlState
	planned(&s, planOf(9, domain.TargetTable, 1), domain.PlanRunning)
	planned(&s, planOf(1, domain.TargetTable, 0, 1), domain.PlanRunning, domain.PlanPaused)
	planned(&s, planOf(2, domain.TargetTable, 0))                       // nobody approved it
	planned(&s, planOf(3, domain.TargetTable, 0), domain.PlanCancelled) // nor this one
	deletes := planOf(4, domain.TargetTable, 0)
	deletes.Target.Mode = domain.ModeDeleteDuplicates
	planned(&s, deletes, domain.PlanRunning)
	newer := planOf(5, domain.TargetTable, 0)
	s.Apply(s.Tail+1, &domain.ReplayPlanned{ID: newer.ID, Digest: newer.Digest(), Text: strings.Replace(string(newer.Text()), `"rows"`, `"rowz"`, 1)})
	s.Apply(s.Tail+1, &domain.ReplayMoved{ID: newer.ID, Digest: newer.Digest(), To: domain.PlanRunning})
	var got []string
	for _, at := range s.Streams("p", 2) {
		got = append(got, at.String())
	}
	want := []string{
		"p.control",
		"p.0.ingest", "p.0.hub", "p.0.doris", "p.0.lineage", "p.0.replay-01000000", "p.0.replay-05000000",
		"p.1.ingest", "p.1.hub", "p.1.doris", "p.1.lineage", "p.1.replay-09000000", "p.1.replay-01000000", "p.1.replay-05000000",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	sorted := s.Streams("p", 2)
	slices.Reverse(sorted)
	slices.SortFunc(sorted, domain.Stream.Compare)
	want[11], want[12], want[13] = want[12], want[13], want[11] // replays by their ids
	for i, at := range sorted {
		if at.String() != want[i] {
			t.Fatalf("sorted: %v", sorted)
		}
	}
}

// Nothing is begun any more in the stream of a replay that is done or cancelled.
func TestStreamsThatEnded(t *testing.T) {
	for end, want := range map[domain.PlanState]bool{domain.PlanPaused: false, domain.PlanFailed: false, domain.PlanCancelled: true} {
		var s domain.ControlState
		p := planOf(1, domain.TargetTable, 0)
		if s.Ended(p.Stream(0)) {
			t.Error("ended before it was planned")
		}
		planned(&s, p, domain.PlanRunning)
		if s.Ended(p.Stream(0)) {
			t.Error("ended while it runs")
		}
		s.Apply(s.Tail+1, &domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: end})
		if s.Ended(p.Stream(0)) != want || s.Ended(domain.Stream{Pipeline: "p", Leg: domain.LegHub}) {
			t.Errorf("%s: ended is %t", end, s.Ended(p.Stream(0)))
		}
	}
}

// One leg of a shard carries a replay, also of a file, and it is one that the pipeline has.
func TestCarriedBy(t *testing.T) {
	for kind, want := range map[domain.TargetKind][2]domain.Leg{ // with a table, without one
		domain.TargetTable: {domain.LegDoris, domain.LegDoris}, domain.TargetTopic: {domain.LegHub, domain.LegHub},
		domain.TargetFile: {domain.LegDoris, domain.LegHub}, domain.TargetNull: {domain.LegDoris, domain.LegHub},
	} {
		p := planOf(1, kind, 2, 3)
		shard := 3
		if kind == domain.TargetFile || kind == domain.TargetNull {
			shard = 2 // one process has all files
		}
		if got := p.Carrier(&domain.PipelineConfig{Table: "ods.T"}, 3); got != (domain.Claim{Shard: shard, Leg: want[0]}) {
			t.Errorf("%s: the rows of shard 3 are carried by %+v", kind, got)
		}
		got := [2]domain.Leg{p.CarriedBy(&domain.PipelineConfig{Table: "ods.T"}), p.CarriedBy(&domain.PipelineConfig{})}
		if got != want {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
}
