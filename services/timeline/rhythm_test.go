package timeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/timeline"
)

// silences are the lines of a story that tell of one.
func silences(s *timeline.Story) (out []*timeline.Line) {
	for _, l := range s.Lines {
		if l.Kind == "Silence" {
			out = append(out, l)
		}
	}
	return out
}

// When all stand still that is one silence; when a process is gone it is a takeover and none.
func TestAllStandStill(t *testing.T) {
	s := usualTape(t)
	s.flows("02:12:00", everyone(10)...)
	s.until("02:14:00")
	s.flows("02:15:00", everyone(10)...)
	s.until("02:17:00")
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegDoris)
	s.flows("02:20:30", everyone(10)...)
	story := s.tells()
	list := silences(story)
	if len(list) != 1 || !strings.HasPrefix(list[0].What, "nothing is fetched from any source for 2m1s;") || len(list[0].Ranges) > 0 {
		t.Errorf("silences of %s", text(t, story))
	}
	if !strings.Contains(text(t, story), "(the same instance, begun again), whose last event was 2m1s before") {
		t.Error(text(t, story))
	}
	list = silences(s.between("02:11:00", "02:13:00"))
	if len(list) != 1 || list[0].Later != "it goes on at the end of the window" {
		t.Errorf("at the end of the window: %+v", list)
	}
}

// Partitions of a source that are silent at the same time are one line; of a source that has ended
// nothing is awaited.
func TestSourceIsSilent(t *testing.T) {
	s := usualTape(t)
	s.flows("02:11:00", everyone(10)...)
	s.put(domain.LegIngest, &domain.SourceClosed{Owned: s.owned(), Source: "suzhou", Why: "not in the file any more", Positions: s.at})
	s.open("wuxi", 1, 0)
	s.flows("02:14:00", part{source: "wuxi", rows: 1})
	s.flows("02:16:00", part{source: "nanjing", rows: 5}, part{source: "nanjing", partition: 1, rows: 6}, part{source: "wuxi", rows: 1})
	story := s.between("02:10:00", "02:16:00")
	list := silences(story)
	if len(list) != 1 || !strings.HasPrefix(list[0].What, "nothing is fetched from source nanjing partitions 0 and 1 for 3m") {
		t.Fatal(text(t, story))
	}
	if len(story.Blast) != 2 || story.Blast[1].Partition != 1 || story.Blast[1].Rows != 6 || len(story.Blast[1].Why) != 1 || story.Blast[1].Why[0] != "fetched after a silence" {
		t.Errorf("touched: %+v", story.Blast)
	}
	if !strings.Contains(text(t, story), "source suzhou ends: not in the file any more") {
		t.Error(text(t, story))
	}
}

// A partition that has an event now and then is not silent in between, nor is one that was heard of
// once.
func TestRareEvents(t *testing.T) {
	s := usualTape(t)
	s.until("02:07:00")
	for i := range 780 {
		parts := []part{{source: "suzhou", rows: 1}}
		if i%60 == 0 {
			parts = append(parts, part{source: "nanjing", rows: 1})
		}
		if i == 190 || i == 700 {
			parts = append(parts, part{source: "nanjing", partition: 1, rows: 1})
		}
		s.fetch(parts...)
		s.hub()
		if i%10 == 0 {
			s.load()
		}
		s.until("02:07:00")
		s.wait(time.Duration(i+1) * time.Second)
	}
	story := s.tells()
	if len(silences(story)) > 0 || len(story.Blast) > 0 || story.Verdict != "Nothing failed in this window." {
		t.Error(text(t, story))
	}
}

// Loads that only look for rows which Doris refuses are counted, and no failure.
func TestProbes(t *testing.T) {
	s := usualTape(t)
	s.flows("02:12:00", everyone(10)...)
	for range 3 {
		first, last := s.span(domain.LegDoris, s.inHub)
		ref := s.put(domain.LegDoris, &domain.DorisBegun{
			Owned: s.owned(), Trail: s.writers[domain.LegDoris].Trail(), First: first, Last: last, Probe: &domain.DorisProbe{First: 0, Next: 10},
		})
		s.loadNot(domain.LegDoris, &try{ref: ref}, "looked for rows that Doris refuses: 1 of 10")
	}
	s.flows("02:20:30", everyone(10)...)
	if story := s.tells(); story.Sums.Probes != 3 || len(story.Lines) != 1 || len(story.Blast) > 0 {
		t.Error(text(t, story))
	}
}

// A load that was prepared before the window, and rows fetched before it that are visible in it.
func TestBegunBefore(t *testing.T) {
	s := usualTape(t)
	s.flows("02:09:00", everyone(10)...)
	s.load()
	s.fetch(everyone(10)...)
	s.hub()
	a := s.loadBegins(domain.LegDoris, nil, s.inHub...)
	s.loadReady(domain.LegDoris, a)
	s.until("02:10:30")
	s.loadDone(domain.LegDoris, a, domain.FoundBySelf)
	s.flows("02:20:30", everyone(10)...)
	story := s.tells()
	if len(story.Blast) != 3 || story.Blast[0].Rows != 10 || story.Blast[0].Longest < 80_000 || !strings.Contains(text(t, story), "it took 1m30s from prepared to committed") {
		t.Error(text(t, story))
	}
	if story = s.between("02:10:31", "02:20:00"); len(story.Blast) > 0 {
		t.Errorf("behind it: %s", text(t, story))
	}
}

// Rows that the hub took at once and Doris only minutes later, with nothing that failed; those
// among them that Doris left out are not awaited.
func TestLate(t *testing.T) {
	s := usualTape(t)
	s.flows("02:12:00", everyone(10)...)
	s.load()
	in := s.fetch(everyone(10)...)
	a := s.hubBegins(s.fetched...)
	a.excluded = []domain.Exclusion{{Ingest: in.Seq, Run: 0, Ordinal: 2, Count: 4, Offset: s.runs[in.Seq][0].First + 2, Reason: domain.ExcludedUnreadable}}
	s.hubDone(a, domain.FoundBySelf)
	s.until("02:15:00")
	story := s.tells()
	if story.Good || len(story.Blast) != 3 || story.Blast[0].NotThere != 6 || story.Blast[1].NotThere != 10 || story.Blast[0].Excluded != 4 {
		t.Errorf("before they are there: %s", text(t, story))
	}
	s.load()
	s.flows("02:20:30", everyone(10)...)
	story = s.tells()
	if !story.Good || len(story.Blast) != 3 || story.Blast[1].NotThere != 0 || story.Blast[1].Longest < 180_000 || story.Blast[1].Why[0] != "late" {
		t.Errorf("once they are: %s", text(t, story))
	}
}

// A silence that began before the window is known by what was usual before it.
func TestSilentFromBefore(t *testing.T) {
	s := usualTape(t)
	s.flows("02:09:50", everyone(10)...)
	s.flows("02:14:00", part{source: "nanjing", rows: 1}, part{source: "suzhou", rows: 1})
	list := silences(s.between("02:10:00", "02:14:00"))
	if len(list) != 1 || !strings.HasPrefix(list[0].What, "nothing is fetched from source nanjing partition 1 for 4m11s, while others flow; usually there is an event every 1s") {
		t.Errorf("%+v", list)
	}
}
