package doris_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// TestRefusedMany: a search that comes to the end of its probes leaves out what it found,
// and the next one goes on.
func TestRefusedMany(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	r := w.refusing(&refuser{refuses: refusesDistasteful})
	bad := []int64{7, 19, 31, 58, 77, 90, 118, 133, 149, 177, 190, 203, 236, 251, 264, 290}
	p := w.start()
	at := w.feedSpoilt(w.spoilt("nanjing", 1, 300, bad...))
	p.until(at)
	if s := p.told(at); s.Excluded != int64(len(bad)) || s.Rows != int64(300-len(bad)) || s.Waiting != "" || s.Opens != 1 {
		t.Errorf("status: %+v", s)
	}
	p.until(w.Feed())
	p.stop()
	w.Tally()
	w.probesSay()
	if r.probes <= 64 {
		t.Errorf("%d probes: one search found them all", r.probes)
	}
}

// TestRefusedTooMuch: what a search does not find waits for an operator, and goes on when
// the table is mended.
func TestRefusedTooMuch(t *testing.T) {
	for name, c := range map[string]struct {
		r    *refuser
		n    int
		says []string
	}{
		"a table that takes nothing": {&refuser{refuses: func(string) bool { return true }}, 1001, []string{"0 of 1001 are found after 1 probes", "1001 rows of p.1.hub@"}},
		"no probe is taken":          {&refuser{refuses: func(string) bool { return true }, whim: noProbe}, 5, []string{"it takes no load at all of rows 0 to 4"}},
		"no row is to blame":         {&refuser{refuses: func(string) bool { return true }, whim: noRow}, 5, []string{"a load of the same rows that allows refusals has none"}},
		"counts are wrong":           {&refuser{refuses: func(string) bool { return true }, whim: miscounts}, 5, []string{"0 rows loaded and 6 refused of 5"}},
		"the rest is refused too": {
			&refuser{refuses: func(line string) bool { return strings.Contains(line, `"hw_offset_id":3,`) }, whim: never}, 5,
			[]string{"4 rows of p.1.hub@", "a load without the rows that were found is refused for its rows again"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, duplicate)
			w.opened()
			r := w.refusing(c.r)
			at := w.feed(w.plain("nanjing", 0, c.n))
			p := w.start()
			s := p.reaches(projections.StateIncident)
			if !contains(s.Error, append(c.says, string(domain.IncidentDorisRefused), "too many filtered rows", "resolve with retry")...) {
				t.Errorf("incident: %s", s.Error)
			}
			r.mu.Lock()
			r.refuses, r.whim = func(string) bool { return false }, 0
			r.mu.Unlock()
			w.resolve(s.Incident, domain.ChoiceRetry)
			p.until(at)
			p.stop()
			w.Tally()
		})
	}
}
