package timeline_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/timeline"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with testdata/NAME.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		must(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// text is a story for people, without the id of its journal, which is another one each time.
func text(t *testing.T, s *timeline.Story) string {
	t.Helper()
	var b bytes.Buffer
	must(t, s.Text(&b))
	return strings.ReplaceAll(b.String(), s.Journal, "JOURNAL")
}

func markdown(t *testing.T, s *timeline.Story) string {
	t.Helper()
	var b bytes.Buffer
	must(t, s.Markdown(&b))
	return strings.ReplaceAll(b.String(), s.Journal, "JOURNAL")
}

func TestQuiet(t *testing.T) {
	s := usualTape(t)
	s.flows("02:20:30", everyone(10)...)
	story := s.tells()
	golden(t, "quiet", text(t, story))
	golden(t, "quiet.md", markdown(t, story))
	if !story.Good || len(story.Lines) != 1 || story.Sums.Fetched != 600*30 || story.Sums.Transactions != 600 || story.Sums.Loads != 120 {
		t.Errorf("%+v", story)
	}
}

// takenOver: a process dies with a transaction under way and a load prepared; another instance goes
// on 41 seconds later and finds out what became of them.
func takenOver(s *tape) {
	s.flows("02:12:00", everyone(10)...)
	s.load()
	s.fetch(everyone(10)...)
	s.hub()
	load := s.loadBegins(domain.LegDoris, nil, s.inHub...)
	s.loadReady(domain.LegDoris, load)
	s.fetch(everyone(7)...)
	a := s.hubBegins(s.fetched...)
	s.wait(41 * time.Second)
	s.process("host-2", domain.LegIngest, domain.LegHub, domain.LegDoris)
	s.hubNot(a, "no progress record of it", domain.FoundByNextOwner)
	s.loadDone(domain.LegDoris, load, domain.FoundByNextOwner)
	s.flows("02:20:30", everyone(10)...)
}

func TestTakeover(t *testing.T) {
	s := usualTape(t)
	takenOver(s)
	golden(t, "takeover", text(t, s.tells()))
}

// abortedLoads: Doris refuses the same load three times.
func abortedLoads(s *tape) {
	s.flows("02:12:00", everyone(10)...)
	s.load()
	s.fetch(part{source: "suzhou", rows: 25})
	s.hub()
	for range 3 {
		a := s.loadBegins(domain.LegDoris, nil, s.inHub...)
		s.wait(2 * time.Second)
		s.loadNot(domain.LegDoris, a, "Doris says ABORTED:\nno space left on <be-1> | *full*")
		s.wait(8 * time.Second)
		s.fetch(everyone(5)...)
		s.hub()
	}
	s.flows("02:20:30", everyone(10)...)
}

func TestAbortedLoads(t *testing.T) {
	s := usualTape(t)
	abortedLoads(s)
	story := s.tells()
	golden(t, "aborted-loads", text(t, story))
	golden(t, "aborted-loads.md", markdown(t, story))
}

// The JSON has what the text has.
func TestJSON(t *testing.T) {
	s := usualTape(t)
	abortedLoads(s)
	story := s.tells()
	b, err := json.MarshalIndent(story, "", "  ")
	must(t, err)
	golden(t, "aborted-loads.json", strings.ReplaceAll(string(b), story.Journal, "JOURNAL")+"\n")
	var back timeline.Story
	must(t, json.Unmarshal(b, &back))
	if d := cmp.Diff(text(t, story), text(t, &back)); d != "" {
		t.Errorf("the text of the JSON is another one: %s", d)
	}
}

// A load that never succeeds: the rows are not there, and the story says so.
func TestStillNotThere(t *testing.T) {
	s := usualTape(t)
	s.flows("02:12:00", everyone(10)...)
	s.load()
	for s.now.Before(dawn().Add(18 * time.Minute)) {
		s.fetch(everyone(10)...)
		s.hub()
		a := s.loadBegins(domain.LegDoris, nil, s.inHub...)
		s.wait(10 * time.Second)
		s.loadNot(domain.LegDoris, a, "connection refused")
	}
	story := s.tells()
	golden(t, "not-there", text(t, story))
	if story.Good {
		t.Error("rows are not there, and all is good")
	}
	s.load()
	if story = s.tells(); !story.Good || !strings.Contains(story.Verdict, "All of them are visible in the table") {
		t.Errorf("once they are there: %s", text(t, story))
	}
}

// incidentDecided: the hub leg stops at an incident; rows are fetched on, and are late.
func incidentDecided(s *tape) {
	s.flows("02:12:00", everyone(10)...)
	s.load()
	in := domain.NewIncident(domain.IncidentHubLost, domain.Stream{Pipeline: "bridge", Leg: domain.LegHub}, "", []domain.Choice{domain.ChoiceAborted},
		domain.Fact{Key: "found", Value: "the progress record is gone"})
	s.say(in)
	for range 20 {
		s.fetch(everyone(3)...)
		s.wait(10 * time.Second)
	}
	s.say(&domain.Operator{Action: domain.OperatorPause, Target: "suzhou", Who: "li", Why: "its cluster is being moved"})
	s.say(&domain.Resolved{ID: in.ID, Choice: domain.ChoiceRetry, Who: "wang", Why: "the topic is back"})
	s.wait(time.Second)
	s.flows("02:20:30", everyone(10)...)
}

func TestIncident(t *testing.T) {
	s := usualTape(t)
	incidentDecided(s)
	golden(t, "incident", text(t, s.tells()))
	golden(t, "incident-goes-on", text(t, s.between("02:13:00", "02:14:00")))
}

// An incident that is found again after it was decided is open again.
func TestIncidentAgain(t *testing.T) {
	s := usualTape(t)
	in := domain.NewIncident(domain.IncidentHubLost, domain.Stream{Pipeline: "bridge", Leg: domain.LegHub}, "", nil)
	s.until("02:11:00")
	s.say(in)
	s.wait(time.Minute)
	s.say(&domain.Resolved{ID: in.ID, Choice: domain.ChoiceRetry, Who: "wang", Why: "again"})
	s.wait(time.Minute)
	s.say(in)
	story := s.tells()
	if story.Good || len(story.Lines) != 3 || !strings.HasPrefix(story.Lines[0].Later, "decided 1m0s later, at 02:12:00.000, by wang") || story.Lines[2].Later != "it is still open" {
		t.Error(text(t, story))
	}
	if story = s.between("02:10:00", "02:12:30"); !story.Good {
		t.Error(text(t, story))
	}
}

// lostLeader: partition 1 of nanjing has no leader for three minutes, and rows were deleted in the
// meantime; then its topic is made anew.
func lostLeader(s *tape) {
	others := []part{{source: "nanjing", rows: 10}, {source: "suzhou", rows: 10}}
	s.flows("02:11:00", everyone(10)...)
	s.flows("02:14:00", others...)
	s.fetch(part{source: "nanjing", partition: 1, gone: 40, why: domain.ReasonDeleted, rows: 60})
	s.wait(time.Second)
	s.flows("02:15:00", everyone(10)...)
	c := s.c
	c.Sources = append(c.Sources[:2:2], domain.SourceConfig{ID: "wuxi", City: "320200", Topic: "QL"})
	s.say(&domain.PipelineConfigured{Config: c, Digest: journalDigest(&c)})
	s.open("nanjing", 2, 0, 1)
	s.flows("02:20:30", everyone(10)...)
}

func TestLostLeader(t *testing.T) {
	s := usualTape(t)
	lostLeader(s)
	story := s.tells()
	golden(t, "lost-leader", text(t, story))
	if story.Good {
		t.Error("offsets are without a row, and all is good")
	}
	golden(t, "silent-at-the-end", text(t, s.between("02:10:00", "02:13:00")))
}
