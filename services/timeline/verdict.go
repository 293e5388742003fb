package timeline

import (
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// blast is the blast radius in numbers.
type blast struct {
	rows, notThere, excluded, gone int64
	longest                        domain.Micros
	cities                         map[string]bool
}

func (s *Story) blast() blast {
	b := blast{cities: map[string]bool{}}
	for i := range s.Blast {
		row := &s.Blast[i]
		name := row.City
		if name == "" {
			name = row.Source
		}
		b.cities[name] = true
		b.rows += row.Rows
		b.notThere += row.NotThere
		b.excluded += row.Excluded
		b.gone += row.Gone
		b.longest = max(b.longest, domain.Micros(row.Longest*1000))
	}
	return b
}

// judge says in a sentence or two what it all came to.
func (t *telling) judge() {
	s := t.story
	b, happened, open := s.blast(), t.happened(), t.tally.open
	s.Good = b.notThere == 0 && b.gone == 0 && s.Found == 0 && open == 0
	where, noun := "visible in the table", "city"
	if t.c.Table == "" {
		where = "in the hub"
	}
	if t.c.Direct {
		noun = "source"
	}
	var out []string
	switch {
	case happened == "" && len(s.Blast) == 0 && s.Sums == (Counts{}) && len(s.Lines) == 0:
		out = append(out, "Nothing happened in this window.")
	case happened == "" && len(s.Blast) == 0:
		out = append(out, "Nothing failed in this window.")
	case happened != "" && len(s.Blast) == 0:
		out = append(out, happened+"; no row was touched by it.")
	case happened != "":
		out = append(out, happened+".")
	}
	if b.rows > 0 {
		out = append(out, fmt.Sprintf("Trouble touched %s of %s.", number(b.rows, "row"), number(int64(len(b.cities)), noun)))
	}
	if b.rows > 0 && b.notThere == 0 {
		all := "All of them are " + where
		if b.excluded > 0 {
			all += " but for those that were left out"
		}
		out = append(out, fmt.Sprintf("%s, the slowest %s after it was fetched.", all, lasting(b.longest)))
	}
	for _, n := range []struct {
		n          int64
		noun, what string
	}{
		{b.notThere, "row", "still not " + where},
		{b.excluded, "row", "left out, for the reasons above"},
		{b.gone, "offset", "without a row, for a reason that is a finding"},
		{s.Found, "finding of the reconciler", "new"},
		{open, "incident", "still open"},
	} {
		if n.n > 0 {
			out = append(out, fmt.Sprintf("%s %s %s.", number(n.n, n.noun), areOrIs(n.n), n.what))
		}
	}
	s.Verdict = strings.Join(out, " ")
}

func areOrIs(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// happened counts what happened, "" for nothing.
func (t *telling) happened() string {
	var takeovers int64
	for _, o := range t.taken {
		if len(o.from) > 0 {
			takeovers++
		}
	}
	there, out := "There were ", []string(nil)
	for _, n := range []struct {
		n    int64
		noun string
	}{{takeovers, "takeover"}, {t.tally.attempts, "failed attempt"}, {t.tally.slow, "slow load"}, {t.tally.incidents, "incident"}, {t.tally.silences, "silence"}, {t.tally.replays, "failed replay"}} {
		if n.n == 0 {
			continue
		}
		if out = append(out, number(n.n, n.noun)); len(out) == 1 && n.n == 1 {
			there = "There was "
		}
	}
	if len(out) == 0 {
		return ""
	}
	return there + listed(out)
}
