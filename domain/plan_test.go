package domain

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func fullPlan() *Plan {
	from, at := Micros(1_785_000_000_000_000), Micros(1_785_000_600_000_000)
	ref := Ref{Stream: Stream{Pipeline: "track", Leg: LegHub}, Seq: 70, Hash: Hash{1}}
	return &Plan{
		ID: PlanID{0xde, 0xad, 0xbe, 0xef}, Pipeline: "track", Created: 1_785_000_700_000_000,
		Scope: PlanScope{
			Sources: []SourceID{"nanjing"}, Cities: []CitySpan{{Source: "nanjing", Partition: 1, Span: Span{5, 9}}}, From: &from,
			AsOf: &AsOf{Time: &at, Positions: []Ref{ref}}, Report: &Hash{3}, Findings: []FindingID{{4}},
		},
		Target: PlanTarget{Kind: TargetTable, Mode: ModeFillMissing, Name: "ods.T"},
		Lanes:  []PlanLane{{Shard: 0, First: 3, Last: ref}},
		Rows: Selection{
			Ingest: []SeqSpan{{Shard: 0, First: 2, Last: 8}}, Cities: []CitySpan{{Source: "nanjing", Partition: 1, Span: Span{5, 9}}},
			Hub: []HubSpan{{Partition: 2, Span: Span{100, 104}}},
		},
		Undecided: []Undecided{{Begun: ref, Rows: 4, Taken: true}}, Delete: []RowKey{{Partition: 2, Offset: 7}},
		Limits: PlanLimits{Rows: 1000}, Expect: PlanExpect{Rows: 4, Bytes: 800, Batches: 1, Seconds: 1, Names: []string{"hefu-track-0-rdeadbeef-"}}, Notes: []string{"of two cities one is left out"},
	}
}

// TestPlanText: a plan is read back as it was written, an edited one has another digest, and
// what this release does not know is refused.
func TestPlanText(t *testing.T) {
	p := fullPlan()
	back, err := ParsePlan(p.Text())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Error(diff)
	}
	if back.Digest() != p.Digest() {
		t.Error("the digest is another one after reading it back")
	}
	edited := strings.Replace(string(p.Text()), `"first":100`, `"first":101`, 1)
	other, err := ParsePlan([]byte(edited))
	if err != nil || other.Digest() == p.Digest() {
		t.Errorf("an edited plan: %v, the same digest: %t", err, err == nil && other.Digest() == p.Digest())
	}
	if _, err := ParsePlan([]byte(strings.Replace(string(p.Text()), `"rows"`, `"rowz"`, 1))); err == nil || !strings.Contains(err.Error(), "rowz") {
		t.Errorf("a field that is not known: %v", err)
	}
}

// TestReplayNames: the stream, the leg and the labels of a replay are told from those of the
// pipeline itself.
func TestReplayNames(t *testing.T) {
	p := fullPlan()
	s := p.Stream(3)
	if s.String() != "track.3.replay-deadbeef" {
		t.Error(s)
	}
	if back, err := ParseStream(s.String()); err != nil || back != s {
		t.Errorf("%v, %v", back, err)
	}
	if id, is := s.Leg.Plan(); !is || id != p.ID {
		t.Errorf("%s: %s %t", s.Leg, id, is)
	}
	if _, is := LegDoris.Plan(); is {
		t.Error("doris is no replay")
	}
	for _, bad := range []string{"track.3.replay-", "track.3.replay-DEADBEEF", "track.3.replay-deadbee", "track.3.replay-deadbeef0", "track.control.replay-deadbeef"} {
		if got, err := ParseStream(bad); !errors.Is(err, ErrStream) {
			t.Errorf("%s: %v, %v", bad, got, err)
		}
	}
	begun := Ref{Stream: s, Seq: 12, Hash: Hash{1, 2, 3, 4, 5, 6, 7}}
	label := Label(begun)
	if label != "hefu-track-3-rdeadbeef-12-010203040506" {
		t.Error(label)
	}
	if parts, ours := ParseLabel(label); !ours || !parts.Names(begun) {
		t.Errorf("%s is of %v, %t", label, parts, ours)
	}
}

// TestPlanStates: what may follow what.
func TestPlanStates(t *testing.T) {
	all := []PlanState{PlanPlanned, PlanRunning, PlanPaused, PlanVerifying, PlanDone, PlanCancelled, PlanFailed}
	want := map[PlanState]string{
		PlanPlanned: "running cancelled", PlanRunning: "paused verifying cancelled failed", PlanPaused: "running cancelled",
		PlanVerifying: "paused done cancelled failed", PlanDone: "", PlanCancelled: "", PlanFailed: "running cancelled",
	}
	for _, from := range all {
		var may []string
		for _, to := range all {
			if from.May(to) {
				may = append(may, string(to))
			}
		}
		if got := strings.Join(may, " "); got != want[from] {
			t.Errorf("%s: %s, want %s", from, got, want[from])
		}
		if from.Ended() != (want[from] == "") {
			t.Errorf("%s: ended is %t", from, from.Ended())
		}
	}
}

// TestReplayOnControl: the fold takes what may be, and nothing else: two operators may have
// decided at once, and another plan's digest decides nothing.
func TestReplayOnControl(t *testing.T) {
	id, digest := PlanID{1}, Hash{2}
	var s ControlState
	seq := Seq(0)
	apply := func(e Event) { seq++; s.Apply(seq, e) }
	moved := func(to PlanState, limits PlanLimits) {
		apply(&ReplayMoved{ID: id, Digest: digest, To: to, Limits: limits})
	}
	state := func(want PlanState, moves int) {
		t.Helper()
		if r := s.Replays[id]; r.State != want || len(r.Moves) != moves {
			t.Errorf("%s after %d moves, want %s after %d", r.State, len(r.Moves), want, moves)
		}
	}
	moved(PlanRunning, PlanLimits{}) // of a plan that is not there
	apply(&ReplayPlanned{ID: id, Digest: digest})
	apply(&ReplayPlanned{ID: id, Digest: Hash{9}}) // an id is taken once
	if r := s.Replays[id]; len(s.Planned) != 1 || r.Planned.Digest != digest || r.Seq != 2 || r.Last() != nil {
		t.Errorf("%+v %+v", s.Planned, r)
	}
	moved(PlanDone, PlanLimits{})
	apply(&ReplayMoved{ID: id, Digest: Hash{9}, To: PlanRunning})
	state(PlanPlanned, 0)
	moved(PlanRunning, PlanLimits{Rows: 5})
	state(PlanRunning, 1)
	approved := seq
	moved(PlanRunning, PlanLimits{Rows: 7}) // other limits
	state(PlanRunning, 2)
	moved(PlanPaused, PlanLimits{Rows: 7})
	moved(PlanRunning, PlanLimits{Rows: 7})
	if r := s.Replays[id]; r.Limits.Rows != 7 || r.Approved != approved || r.Last().To != PlanRunning {
		t.Errorf("%+v, approved at %d", r, approved)
	}
	moved(PlanFailed, PlanLimits{})
	moved(PlanRunning, PlanLimits{})
	if r := s.Replays[id]; r.Approved != seq {
		t.Errorf("approved again at %d, says %d", seq, r.Approved)
	}
	moved(PlanCancelled, PlanLimits{})
	moved(PlanRunning, PlanLimits{})
	state(PlanCancelled, 7)
}

// TestSelection: lists narrow each other down; none takes everything.
func TestSelection(t *testing.T) {
	var all Selection
	key := PartitionKey{Source: "nanjing", Generation: 2, Partition: 1}
	if !all.All() || !all.Brought(0, 1) || !all.HubSpans(3).Contains(0) || !all.CitySpans(key).Contains(1<<62) {
		t.Error("the zero selection leaves something out")
	}
	s := fullPlan().Rows
	s.Cities = append(s.Cities, CitySpan{Source: "nanjing", Generation: 1, Partition: 1, Span: Span{20, 30}}, CitySpan{Source: "nanjing", Generation: 2, Partition: 1, Span: Span{9, 12}})
	if s.All() || s.Brought(0, 1) || !s.Brought(0, 2) || !s.Brought(0, 8) || s.Brought(0, 9) || s.Brought(1, 2) {
		t.Error("ingest events")
	}
	if diff := cmp.Diff(Spans{{5, 12}}, s.CitySpans(key)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Spans{{100, 104}}, s.HubSpans(2)); diff != "" || s.HubSpans(1) != nil {
		t.Error(diff, s.HubSpans(1))
	}
}
