package doris_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
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
			w := newWorld(t, duplicate)
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
	w := newWorld(t, unique)
	w.opened()
	at := w.Feed()
	h := w.begins(at, at)
	h.loads(strings.NewReader(h.lines()))
	h.prepares()
	w.s.Faults().HoldPublish.Store(true)
	h.does("commit")
	p := w.start()
	eventually(w, "being told to wait", func() (string, bool) {
		s := p.reporter.Status()
		return s.Error, strings.Contains(s.Error, "waiting for Doris to publish")
	})
	w.s.Faults().HoldPublish.Store(false)
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
			h.s.Faults().HoldPublish.Store(true)
			all(h)
			h.does("commit")
			return func() { h.s.Faults().HoldPublish.Store(false); h.until(h.label, "VISIBLE") }
		}, domain.IncidentDorisState, "COMMITTED", domain.ChoiceCommitted},
		{"prepared, PREPARE", func(h *byHand) func() {
			all(h)
			h.prepares()
			h.does("abort")
			return h.hangs()
		}, domain.IncidentDorisState, "PREPARE", domain.ChoiceAborted},
		{"prepared, forgotten, there", func(h *byHand) func() {
			all(h)
			h.prepares()
			h.does("commit")
			h.until(h.label, "VISIBLE")
			must(h.t, h.s.ForgetLabel(database, h.label))
			return nil
		}, domain.IncidentDorisForgotten, "each row is there exactly once: committed", domain.ChoiceCommitted},
		{"prepared, forgotten, not there", func(h *byHand) func() {
			all(h)
			h.prepares()
			h.does("abort")
			must(h.t, h.s.ForgetLabel(database, h.label))
			return nil
		}, domain.IncidentDorisForgotten, "no row is there: aborted", domain.ChoiceAborted},
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

// TestForgottenEvidence: some rows, or rows twice, are no answer.
func TestForgottenEvidence(t *testing.T) {
	w := newWorld(t, duplicate)
	w.opened()
	at := w.Feed()
	h := w.begins(at, at)
	h.loads(strings.NewReader(h.lines()[:strings.Index(h.lines(), "\n")+1]))
	h.prepares()
	h.does("commit")
	h.until(h.label, "VISIBLE")
	must(t, w.s.ForgetLabel(database, h.label))
	p := w.start()
	defer p.stop()
	if s := p.reaches(projections.StateIncident); !strings.Contains(s.Error, "look before you decide") ||
		!strings.Contains(s.Error, "rows of the load: 5; rows in the table: 1; distinct rows: 1") {
		t.Errorf("incident: %s", s.Error)
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
	insert := func(h, o int64) {
		if _, err := w.db.ExecContext(w.ctx, "INSERT INTO "+database+"."+tableName+" (hw_partition_id, hw_offset_id, sscsdm, extract_time,"+
			" record, city_partition_id, city_offset_id, city_ts, hw_ts) VALUES (?, ?, 'x', '2024-05-01 12:00:00', 'x', 0, 0, '2024-05-01 12:00:00', '2024-05-01 12:00:00')", h, o); err != nil {
			t.Fatal(err)
		}
	}
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
