package timeline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/timeline"
)

func journalDigest(c *domain.PipelineConfig) domain.Hash { return journal.ConfigDigest(c) }

// replayed: a replay is planned, approved, fails once, is approved again and done; its table takes
// the place of the live one.
func replayed(s *tape) {
	s.flows("02:12:00", everyone(10)...)
	s.load()
	id := domain.PlanID{0xab, 0xcd, 0xef, 0x01}
	plan := &domain.Plan{
		ID: id, Pipeline: "bridge", Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeShadow, Name: "ods.shadow"},
		Lanes: []domain.PlanLane{{First: 1, Last: s.writers[domain.LegHub].Tail()}}, Expect: domain.PlanExpect{Rows: 1200},
	}
	s.say(&domain.ReplayPlanned{ID: id, Digest: plan.Digest(), Text: string(plan.Text()), Who: "wang", Why: "rows were lost"})
	move := func(to domain.PlanState, who, why, next string) {
		s.wait(time.Second)
		s.say(&domain.ReplayMoved{ID: id, Digest: plan.Digest(), To: to, Who: who, Why: why, Next: next})
	}
	move(domain.PlanRunning, "li", "approved in the morning round", "")
	leg := domain.ReplayLeg(id)
	s.takes(leg)
	hub := domain.Stream{Pipeline: "bridge", Leg: domain.LegHub}
	var commits []domain.Ref
	for seq := domain.Seq(1); seq <= s.writers[domain.LegHub].Tail().Seq && len(commits) < 4; seq++ {
		e, err := s.j.Get(s.t.Context(), hub, seq)
		must(s.t, err)
		if _, is := e.Event.(*domain.HubCommitted); is {
			commits = append(commits, e.Ref())
		}
	}
	carry := func(of ...domain.Ref) *try {
		a := s.loadBegins(leg, nil, of...)
		s.wait(time.Second)
		return a
	}
	s.loadNot(leg, carry(commits[:2]...), "connection reset")
	a := carry(commits[:2]...)
	s.loadReady(leg, a)
	s.loadDone(leg, a, domain.FoundBySelf)
	move(domain.PlanRunning, "", "", "") // other limits
	move(domain.PlanVerifying, "", "", "")
	move(domain.PlanFailed, "", "3 rows are not there", "approve it again")
	move(domain.PlanRunning, "li", "again", "")
	a = carry(commits[2:]...)
	s.loadReady(leg, a)
	s.loadDone(leg, a, domain.FoundBySelf)
	move(domain.PlanVerifying, "", "", "")
	move(domain.PlanDone, "", "verified", "")
	move(domain.PlanPaused, "zhao", "too late", "")
	for _, step := range []domain.SwapStep{domain.SwapBegun, domain.SwapDone} {
		s.say(&domain.TableSwap{Plan: id, Live: "ods.live", Shadow: "ods.shadow", Step: step, Who: "li", Why: "verified"})
		s.wait(time.Second)
	}
	s.flows("02:20:30", everyone(10)...)
}

func TestReplay(t *testing.T) {
	s := usualTape(t)
	replayed(s)
	golden(t, "replay", text(t, s.tells()))
	golden(t, "replay-goes-on", text(t, s.between("02:12:04", "02:12:08")))
}

// Rows are left out by the hub and by Doris, the reconciler finds some, and somebody takes one as
// it is; checkpoints and the archive are only counted.
func TestLeftOutAndFound(t *testing.T) {
	s := usualTape(t)
	s.flows("02:12:00", everyone(10)...)
	s.load()
	in := s.fetch(everyone(10)...)
	a := s.hubBegins(s.fetched...)
	a.excluded = []domain.Exclusion{
		{Ingest: in.Seq, Run: 0, Ordinal: 3, Count: 1, Offset: s.runs[in.Seq][0].First + 3, Reason: domain.ExcludedTooLarge},
		{Ingest: in.Seq, Run: 2, Ordinal: 0, Count: 2, Offset: s.runs[in.Seq][2].First, Reason: domain.ExcludedUndecodable},
	}
	s.hubDone(a, domain.FoundBySelf)
	load := s.loadBegins(domain.LegDoris, []domain.Exclusion{
		{Ingest: in.Seq, Run: 1, Ordinal: 9, Count: 1, Offset: s.runs[in.Seq][1].First + 9, Reason: domain.ExcludedByDoris, Detail: "too long"},
	}, s.inHub...)
	s.loadReady(domain.LegDoris, load)
	s.loadDone(domain.LegDoris, load, domain.FoundBySelf)
	w := domain.Window{Proof: domain.ProofHubDoris, Partition: 1}
	look := func(state domain.WindowState, found ...domain.Finding) {
		s.say(&domain.Reconciled{Depth: "lineage", Windows: []domain.WindowResult{{Window: w, State: state}}, Findings: found})
		s.wait(time.Second)
	}
	lost := domain.Finding{
		Class: domain.Lost, Where: "doris", Source: "suzhou", Generation: 1, City: "320500",
		Row: domain.Lineage{City: domain.Coord{Partition: 0, Offset: 1500}, Hub: domain.Coord{Partition: 0, Offset: 200}},
	}
	strayed := domain.Finding{Class: domain.Strayed, Where: "hub", Row: domain.Lineage{City: domain.Coord{Partition: -1, Offset: -1}, Hub: domain.Coord{Partition: 1, Offset: 7}}}
	look(domain.WindowVerified)
	look(domain.WindowDiverged, lost, strayed)
	look(domain.WindowDiverged, lost, strayed)
	s.say(&domain.Accepted{Finding: strayed.ID(), Who: "wang", Why: "a test of the hub team"})
	s.say(&domain.Checkpoint{Incarnation: s.owner})
	s.say(&domain.Archived{Last: domain.Ref{Stream: domain.ControlStream("bridge"), Seq: 1}, First: 1, File: "x"})
	s.say(&domain.Dropped{Stream: domain.ControlStream("bridge"), First: 1, Last: 1})
	look(domain.WindowVerified)
	s.flows("02:20:30", everyone(10)...)
	story := s.tells()
	golden(t, "left-out-and-found", text(t, story))
	if story.Good || story.Found != 2 {
		t.Errorf("%d findings, good: %t", story.Found, story.Good)
	}
}

// A load for which Doris takes a minute, and rows that wait behind it.
func TestSlowLoad(t *testing.T) {
	s := usualTape(t)
	s.flows("02:12:00", everyone(10)...)
	s.load()
	s.fetch(everyone(10)...)
	s.hub()
	a := s.loadBegins(domain.LegDoris, nil, s.inHub...)
	s.loadReady(domain.LegDoris, a)
	for range 6 {
		s.wait(10 * time.Second)
		s.fetch(everyone(1)...)
		s.hub()
	}
	s.loadDone(domain.LegDoris, a, domain.FoundBySelf)
	s.flows("02:20:30", everyone(10)...)
	golden(t, "slow-load", text(t, s.tells()))
}

// Without a table a row is there once the hub has it; where the hub is the source itself there is
// no hub leg.
func TestOtherPipelines(t *testing.T) {
	c := usual()
	c.Table = ""
	s := newTape(t, c)
	s.process("host-1", domain.LegIngest, domain.LegHub)
	s.open("nanjing", 1, 0, 1)
	s.open("suzhou", 1, 0)
	for s.until("02:10:00"); s.now.Before(dawn().Add(8 * time.Minute)); s.wait(time.Second) {
		s.fetch(everyone(1)...)
		if s.now.Minute()%10 != 2 {
			s.hub()
		} else if s.now.Second() == 0 {
			s.hubNot(s.hubBegins(s.fetched...), "NOT_ENOUGH_REPLICAS", domain.FoundBySelf)
		}
	}
	golden(t, "without-table", text(t, s.tells()))

	c = usual()
	c.Direct, c.Sources = true, []domain.SourceConfig{{ID: "hub", Topic: "ODS"}}
	s = newTape(t, c)
	s.process("host-1", domain.LegIngest, domain.LegDoris)
	s.open("hub", 1, 0, 1)
	for s.until("02:10:00"); s.now.Before(dawn().Add(8 * time.Minute)); s.wait(time.Second) {
		s.fetch(part{source: "hub", rows: 2}, part{source: "hub", partition: 1, rows: 3})
		if s.now.Second() != 0 {
			continue
		}
		a := s.loadBegins(domain.LegDoris, nil, s.fetched...)
		if s.now.Minute() == 12 {
			s.loadNot(domain.LegDoris, a, "502")
			continue
		}
		s.loadReady(domain.LegDoris, a)
		s.inHub = a.of
		s.loadDone(domain.LegDoris, a, domain.FoundBySelf)
		s.fetched = nil
	}
	golden(t, "direct", text(t, s.tells()))
}

// An event that is as old as the window's begin is in it, one as old as its end is not; a process
// that began long before is known.
func TestWindow(t *testing.T) {
	s := usualTape(t)
	for _, clock := range []string{"02:09:59", "02:10:00", "02:19:59", "02:20:00"} {
		s.until(clock)
		s.say(&domain.Operator{Action: domain.OperatorRate, Target: "nanjing", Who: "li", Why: clock})
	}
	out := text(t, s.tells())
	for clock, in := range map[string]bool{"02:09:59": false, "02:10:00": true, "02:19:59": true, "02:20:00": false} {
		if strings.Contains(out, "by li: "+clock) != in {
			t.Errorf("%s: want %t in\n%s", clock, in, out)
		}
	}
	if !strings.Contains(out, "alive     incarnation 3 (host-1 on box, pid 4711, version 1.7.0): ingest, hub and doris of shard 0") {
		t.Error(out)
	}
	if story := s.between("01:00:00", "02:00:00"); len(story.Lines)+len(story.Alive) > 0 || story.Verdict != "Nothing happened in this window." {
		t.Errorf("before the journal: %+v", story)
	}
}

// More lines than anybody reads are counted.
func TestManyLines(t *testing.T) {
	s := usualTape(t)
	s.until("02:11:00")
	for i := range 2100 {
		s.say(&domain.Operator{Action: domain.OperatorRate, Target: "nanjing", Who: "li", Why: fmt.Sprint(i)})
	}
	in := s.fetch(everyone(3)...)
	s.hubNot(s.hubBegins(in), "NOT_ENOUGH_REPLICAS", domain.FoundBySelf)
	s.hub()
	s.load()
	story := s.tells()
	if len(story.Lines) != 2000 || story.LeftOut != 104 || !strings.Contains(text(t, story), "104 lines more are left out") {
		t.Errorf("%d lines, %d left out", len(story.Lines), story.LeftOut)
	}
	if !strings.HasPrefix(story.Verdict, "There was 1 failed attempt. Trouble touched 9 rows of 2 cities. All of them are visible") {
		t.Error(story.Verdict)
	}
}

func TestRefuses(t *testing.T) {
	s := usualTape(t)
	s.flows("02:12:00", everyone(10)...)
	var bad *timeline.AskError
	for _, ask := range []timeline.Ask{{From: 2, To: 1, Slow: 1}, {From: 1, To: 1, Slow: 1}, {From: 1, To: 2}} {
		if _, err := timeline.Tell(t.Context(), s.j, &ask, nil); !errors.As(err, &bad) {
			t.Errorf("%+v: %v", ask, err)
		}
	}
	hub := domain.Stream{Pipeline: "bridge", Leg: domain.LegHub}
	b, err := s.store.Get(t.Context(), hub, 1, s.writers[domain.LegHub].Tail().Seq-40)
	must(t, err)
	b[len(b)-1] ^= 1
	must(t, s.store.Rewrite(hub, s.writers[domain.LegHub].Tail().Seq-40, b))
	ask := &timeline.Ask{From: domain.Micros(dawn().UnixMicro()), To: s.j.Now() + 1, Slow: timeline.Slow}
	var broken *journal.IntegrityError
	if _, err := timeline.Tell(t.Context(), s.j, ask, nil); !errors.As(err, &broken) {
		t.Errorf("a broken chain: %v", err)
	}
}

// Offsets without a row are told for a reason that is a finding, once a partition; a commit marker is
// no finding.
func TestHoles(t *testing.T) {
	s := usualTape(t)
	s.until("02:11:00")
	for range 3 {
		s.fetch(part{source: "suzhou", rows: 2, gone: 1, why: domain.ReasonCommitMarker}, part{source: "nanjing", rows: 2, gone: 4, why: domain.ReasonUnexplained})
		s.wait(time.Second)
	}
	s.hub()
	s.load()
	story := s.tells()
	if story.Good || len(story.Blast) != 1 || story.Blast[0].Gone != 12 || !strings.Contains(text(t, story), "12 offsets of source nanjing partition 0 hold no row: unexplained; 3 times in all") ||
		strings.Count(text(t, story), "hold no row") != 1 {
		t.Error(text(t, story))
	}
}

// Of more separate spans than anybody reads the first ones are kept; all rows are counted.
func TestManySpans(t *testing.T) {
	s := usualTape(t)
	s.until("02:11:00")
	in := s.fetch(part{source: "suzhou", rows: 3000})
	a := s.hubBegins(in)
	for i := range int64(1100) {
		a.excluded = append(a.excluded, domain.Exclusion{Ingest: in.Seq, Ordinal: 2 * i, Count: 1, Offset: 1000 + 2*i, Reason: domain.ExcludedUnreadable})
	}
	s.hubDone(a, domain.FoundBySelf)
	s.load()
	story := s.tells()
	if b := story.Blast; len(b) != 1 || len(b[0].Offsets) != 1000 || b[0].LeftOut != 100 || b[0].Excluded != 1100 {
		t.Errorf("%+v", b)
	}
	if out := text(t, story); !strings.Contains(out, " 1000, 1002, 1004, 1006, 1096 more ") {
		t.Error(out)
	}
}
