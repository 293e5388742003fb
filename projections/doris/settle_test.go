package doris_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

const (
	begun     = domain.KindDorisBegun
	prepared  = domain.KindDorisPrepared
	committed = domain.KindDorisCommitted
	aborted   = domain.KindDorisAborted
)

// TestSettles: every cell of the table that the machine decides, as the next owner
// finds it.
func TestSettles(t *testing.T) {
	all := func(h *byHand) { h.loads(strings.NewReader(h.lines())) }
	for _, c := range []struct {
		name    string
		arrange func(h *byHand) (after func())
		want    []domain.Kind
		why     string
	}{
		{"begun, unknown", func(*byHand) func() { return nil }, []domain.Kind{begun, aborted, begun, prepared, committed}, "UNKNOWN"},
		{"begun, PREPARE", func(h *byHand) func() { return h.hangs() }, []domain.Kind{begun, aborted, begun, prepared, committed}, "ABORTED"},
		{"begun, PRECOMMITTED", func(h *byHand) func() { all(h); return nil }, []domain.Kind{begun, aborted, begun, prepared, committed}, "ABORTED"},
		{"begun, ABORTED", func(h *byHand) func() { all(h); h.does("abort"); return nil }, []domain.Kind{begun, aborted, begun, prepared, committed}, "ABORTED"},
		{"prepared, PRECOMMITTED", func(h *byHand) func() { all(h); h.prepares(); return nil }, []domain.Kind{begun, prepared, committed}, ""},
		{"prepared, VISIBLE", func(h *byHand) func() {
			all(h)
			h.prepares()
			h.does("commit")
			h.until(h.label, "VISIBLE")
			return nil
		}, []domain.Kind{begun, prepared, committed}, ""},
		{"prepared, ABORTED", func(h *byHand) func() {
			all(h)
			h.prepares()
			h.does("abort")
			return nil
		}, []domain.Kind{begun, prepared, aborted, begun, prepared, committed}, "ABORTED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, unique)
			w.opened()
			at := w.Feed()
			h := w.begins(at, at)
			if after := c.arrange(h); after != nil {
				defer after()
			}
			p := w.start()
			p.until(at)
			p.until(w.Feed())
			p.stop()
			w.Tally()
			if got := w.kinds()[:len(c.want)]; !slices.Equal(got, c.want) {
				t.Errorf("stream holds %v, want %v", got, c.want)
			}
			for i, a := range events[*domain.DorisAborted](w) {
				if i > 0 || a.FoundBy != domain.FoundByNextOwner || a.Begun != h.begun || !strings.Contains(a.Why, c.why) {
					t.Errorf("aborted: %+v", a)
				}
			}
			if first := events[*domain.DorisCommitted](w)[0]; c.why == "" && (first.FoundBy != domain.FoundByNextOwner || first.Begun != h.begun || first.Txn != h.txn) {
				t.Errorf("committed: %+v", first)
			}
		})
	}
}

// TestWaits: a committed load that Doris does not publish yet is waited for, and said.
func TestWaits(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	at := w.Feed()
	h := w.begins(at, at)
	h.loads(strings.NewReader(h.lines()))
	h.prepares()
	w.s.Faults().Arm(standin.HoldPublish, standin.Arming{})
	h.does("commit")
	p := w.start()
	eventually(w, "being told to wait", func() (string, bool) {
		s := p.reporter.Status()
		return s.Error, strings.Contains(s.Error, "waiting for Doris to publish")
	})
	w.s.Faults().Disarm(standin.HoldPublish)
	p.until(at)
	p.stop()
	w.Tally()
}

// TestIncidents: what the machine may not decide waits for an operator, whose choice is
// done by an event that names the incident.
func TestIncidents(t *testing.T) {
	all := func(h *byHand) { h.loads(strings.NewReader(h.lines())) }
	for _, c := range []struct {
		name    string
		arrange func(h *byHand) (after func())
		kind    domain.IncidentKind
		says    string
		choice  domain.Choice
	}{
		{"begun, VISIBLE", func(h *byHand) func() { all(h); h.does("commit"); h.until(h.label, "VISIBLE"); return nil }, domain.IncidentDorisState, "VISIBLE", domain.ChoiceCommitted},
		{"begun, COMMITTED", func(h *byHand) func() {
			h.s.Faults().Arm(standin.HoldPublish, standin.Arming{})
			all(h)
			h.does("commit")
			return func() { h.s.Faults().Disarm(standin.HoldPublish); h.until(h.label, "VISIBLE") }
		}, domain.IncidentDorisState, "COMMITTED", domain.ChoiceCommitted},
		{"prepared, PREPARE", func(h *byHand) func() {
			all(h)
			h.prepares()
			h.does("abort")
			return h.hangs()
		}, domain.IncidentDorisState, "PREPARE", domain.ChoiceAborted},
		{"prepared, forgotten, with another row between", func(h *byHand) func() {
			all(h)
			h.prepares()
			h.does("commit")
			h.forgets()
			h.insert(1, 2, "999999", 0, 0)
			return func() { h.exec("DELETE FROM " + database + "." + tableName + " WHERE sscsdm = '999999'") }
		}, domain.IncidentDorisForgotten, "city 999999/0: 1 rows instead of 0", domain.ChoiceCommitted},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, duplicate)
			w.opened()
			at := w.Feed()
			h := w.begins(at, at)
			after := c.arrange(h)
			p := w.start()
			s := p.reaches(projections.StateIncident)
			if !strings.Contains(s.Error, string(c.kind)) || !strings.Contains(s.Error, c.says) {
				t.Errorf("incident: %s", s.Error)
			}
			// Looked at again without a change it is the same incident, and open again.
			w.resolve(s.Incident, domain.ChoiceRetry)
			eventually(w, "the incident again", func() (int64, bool) {
				again := p.reporter.Status()
				return again.Opens, again.State == projections.StateIncident && again.Since.After(s.Since)
			})
			if again := p.reporter.Status(); again.Incident != s.Incident {
				t.Errorf("incident %s became %s: %s", s.Incident, again.Incident, again.Error)
			}
			w.resolve(s.Incident, c.choice) // in another state it would be another incident
			p.until(at)
			if after != nil {
				after()
			}
			p.until(w.Feed())
			p.stop()
			w.Tally()
			done := func(id domain.IncidentID, how string, ref domain.Ref) {
				if id != s.Incident || how != "operator" || ref != h.begun {
					t.Errorf("what the operator chose is an event of incident %s, %q, about %s", id, how, ref)
				}
			}
			if c.choice == domain.ChoiceCommitted {
				ev := events[*domain.DorisCommitted](w)[0]
				done(ev.Incident, ev.How, ev.Begun)
			} else {
				ev := events[*domain.DorisAborted](w)[0]
				done(ev.Incident, ev.Why, ev.Begun)
			}
		})
	}
}

// TestAhead: a row beyond what this journal loaded is an incident, and gone after it
// was taken out and looked at again.
func TestAhead(t *testing.T) {
	w := newWorld(t, unique)
	w.opened()
	p := w.start()
	at := w.Feed()
	p.until(at)
	p.stop()
	insert := func(h, o int64) { w.insert(h, o, "x", 0, 0) }
	insert(0, 9999) // another shard's
	insert(1, 2)    // below the end: nothing that Open looks for
	w.exec("DELETE FROM " + database + "." + tableName + " WHERE hw_partition_id = 0")
	insert(1, 3)
	p = w.start()
	defer p.stop()
	s := p.reaches(projections.StateIncident)
	if !strings.Contains(s.Error, "doris-ahead") || !strings.Contains(s.Error, "hub partition 1: last row at 3, this journal loaded up to 3") {
		t.Errorf("incident: %s", s.Error)
	}
	w.exec("DELETE FROM " + database + "." + tableName + " WHERE hw_partition_id = 1 AND hw_offset_id = 3")
	w.resolve(s.Incident, domain.ChoiceRetry)
	p.until(w.Feed())
}

// TestAheadOfAnAbortedLoad: a load that is settled as aborted brought no row, so a row where
// it would have put one is not of this journal; unless Doris commits loads by itself, and
// then not beyond them.
func TestAheadOfAnAbortedLoad(t *testing.T) {
	for _, c := range []struct {
		semantic domain.Semantic
		offset   int64
		says     string
	}{
		{domain.ExactlyOnce, 1, "hub partition 1: last row at 1, this journal's rows begin at 0, and it loaded none"},
		{domain.AtLeastOnce, 3, "hub partition 1: last row at 3, this journal loaded up to 3"},
		{domain.AtLeastOnce, 2, ""},
		{domain.None, 3, "hub partition 1: last row at 3, this journal loaded up to 3"},
	} {
		w := newWorldWith(t, unique, c.semantic)
		at := w.Feed()
		w.beginsAs(at, at, func(ev *domain.DorisBegun) {
			ev.Ends = []domain.HubEnd{{Partition: 1, Next: 3}, {Partition: 3, Next: 2}}
		})
		w.insert(1, c.offset, "320100", 0, c.offset)
		p := w.start()
		if c.says == "" {
			p.until(at)
			w.Tally()
		} else if s := p.reaches(projections.StateIncident); !contains(s.Error, string(domain.IncidentDorisAhead), c.says) {
			t.Errorf("%s: incident: %s", c.semantic, s.Error)
		}
		p.stop()
	}
}

// TestActionWithoutEffect: a second phase that changes nothing is an error with Doris's
// answer, not an endless loop.
func TestActionWithoutEffect(t *testing.T) {
	w := newWorld(t, unique)
	w.opened()
	at := w.Feed()
	h := w.begins(at, at)
	h.loads(strings.NewReader(h.lines()))
	h.txn += 1000 // of nobody
	h.prepares()
	p := w.start()
	s := eventually(w, "an error", func() (projections.Status, bool) {
		s := p.reporter.Status()
		return s, s.State == projections.StateRetrying
	})
	p.stop()
	if !strings.Contains(s.Error, "is still PRECOMMITTED after Doris answered") || !strings.Contains(s.Error, "not found") {
		t.Errorf("error: %s", s.Error)
	}
}
