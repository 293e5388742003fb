package doris_test

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// TestReachBeforeAProbe: a load that Doris committed by itself, and forgot, was settled as
// aborted. Its rows are this journal's, although the last intent is a probe, which has
// two phases.
func TestReachBeforeAProbe(t *testing.T) {
	w := newWorldWith(t, duplicate, domain.AtLeastOnce)
	at := w.Feed()
	h := w.begins(at, at)
	h.loads(strings.NewReader(h.lines()))
	h.forgets()
	_, err := h.w.Append(w.ctx, &domain.DorisAborted{Owned: h.w.Owned(), Trail: h.w.Trail(), Begun: h.begun, Why: "Doris says UNKNOWN"})
	must(t, err)
	w.beginsAs(at, at, func(ev *domain.DorisBegun) { ev.Probe = &domain.DorisProbe{Next: 5} })
	p := w.start()
	p.until(at)
	p.stop()
	if got := w.atLeast(); got != 5 {
		t.Errorf("%d rows are doubled, want 5", got)
	}
}

// TestTakesOver: rows of the job that filled hub and table before lie below the first row
// that this journal has of a partition, or in partitions that it has nothing of. Where it
// has loaded nothing yet, a row at or beyond its first one is not its own.
func TestTakesOver(t *testing.T) {
	for name, c := range map[string]struct {
		foreign []domain.Coord
		says    string
	}{
		"below, and elsewhere": {[]domain.Coord{{Partition: 1, Offset: 0}, {Partition: 1, Offset: 9}, {Partition: 3, Offset: 77}}, ""},
		"in its place":         {[]domain.Coord{{Partition: 1, Offset: 9}, {Partition: 1, Offset: 10}}, "hub partition 1: last row at 10, this journal's rows begin at 10, and it loaded none;"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, unique)
			w.opened()
			for _, f := range c.foreign {
				w.insert(int64(f.Partition), f.Offset, "flink", 0, f.Offset)
			}
			w.ends[1] = 10
			at := w.feed(w.plain("nanjing", 0, 3))
			p := w.start()
			if c.says != "" {
				defer p.stop()
				if s := p.reaches(projections.StateIncident); !contains(s.Error, string(domain.IncidentDorisAhead), c.says) {
					t.Errorf("incident: %s", s.Error)
				}
				return
			}
			p.until(at)
			w.ends[3] = 78
			p.until(w.feed(w.plain("wuxi", 1, 2)))
			p.stop()
			again := w.start() // what is loaded is no other's
			again.until(w.Feed())
			again.stop()
			w.exec("DELETE FROM " + database + "." + tableName + " WHERE sscsdm = 'flink'")
			w.Tally()
		})
	}
}

// TestTakesOverTheBacklog: a bounded leg whose source is the hub loads what lies between
// the rows that were there before and those that another pipeline goes on with.
func TestTakesOverTheBacklog(t *testing.T) {
	for name, c := range map[string]struct {
		before, after []int64 // rows of others when nothing is loaded, and when all is
		says          string
	}{
		"around it":    {[]int64{0, 4, 20, 21}, []int64{22}, ""},
		"at its first": {[]int64{0, 5}, nil, "hub partition 1: last row at 5, this journal's rows begin at 5, and it loaded none;"},
		"at its last":  {[]int64{0, 19, 20}, nil, "hub partition 1: last row at 19, this journal's rows begin at 5, and it loaded none;"},
		"behind it":    {[]int64{0}, []int64{19, 20}, "hub partition 1: last row at 19, this journal loaded up to 9;"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newDirectWorldOf(t, unique, domain.Start{Partition: 1, First: 5, Bounded: true, Stop: 20})
			foreign := func(offsets []int64) {
				for _, o := range offsets {
					w.insert(1, o, "flink", 0, o)
				}
			}
			foreign(c.before)
			ahead := func(p *process) {
				if s := p.reaches(projections.StateIncident); !contains(s.Error, string(domain.IncidentDorisAhead), c.says) {
					t.Errorf("incident: %s", s.Error)
				}
				p.stop()
			}
			p := w.start()
			if c.says != "" && c.after == nil {
				ahead(p)
				return
			}
			part := hubRecords(w, 1, 3)
			at := w.feedHub(part)
			p.until(at)
			p.stop()
			foreign(c.after)
			p = w.start()
			if c.says != "" {
				ahead(p)
				return
			}
			p.reaches(projections.StateRunning)
			p.stop()
			w.exec("DELETE FROM " + database + "." + tableName + " WHERE sscsdm = 'flink'")
			w.Tally()
		})
	}
}
