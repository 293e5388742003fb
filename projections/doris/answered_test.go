package doris_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

const noPartition = "[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = Unknown partition 'p1' in table 'ODS_QL_JC_SSJC'"

// TestRefusedForGood: a load that Doris refuses whatever its rows are is settled, and then
// waits for an operator instead of being sent again and again.
func TestRefusedForGood(t *testing.T) {
	for _, semantic := range []domain.Semantic{domain.None, domain.AtLeastOnce, domain.ExactlyOnce} {
		t.Run(string(semantic), func(t *testing.T) {
			w := newWorldWith(t, duplicate, semantic)
			w.s.Faults().Arm(standin.FailLoad, standin.Arming{Text: noPartition})
			p := w.start()
			at := w.Feed()
			s := p.reaches(projections.StateIncident)
			if !contains(s.Error, "doris-refused", "table: ods.ODS_QL_JC_SSJC", "Doris says: Fail: "+noPartition, "resolve with retry") {
				t.Errorf("incident: %s", s.Error)
			}
			if got := w.kinds(); !slices.Equal(got, []domain.Kind{begun, aborted}) {
				t.Errorf("stream holds %v", got)
			}
			if a := events[*domain.DorisAborted](w)[0]; !contains(a.Why, "Unknown partition 'p1'") || a.FoundBy != domain.FoundBySelf {
				t.Errorf("aborted: %+v", a)
			}
			// Looked at again without a change it is the same incident; so it is for another
			// process.
			w.resolve(s.Incident, domain.ChoiceRetry)
			eventually(w, "the incident again", func() (projections.Status, bool) {
				again := p.reporter.Status()
				return again, again.State == projections.StateIncident && again.Opens == 2
			})
			p.stop()
			p = w.start()
			if again := p.reaches(projections.StateIncident); again.Incident != s.Incident {
				t.Errorf("incident %s became %s: %s", s.Incident, again.Incident, again.Error)
			}
			if n := w.s.Faults().Hits(standin.FailLoad); n != 3 {
				t.Errorf("%d loads were sent", n)
			}
			w.s.Faults().Disarm(standin.FailLoad)
			w.resolve(s.Incident, domain.ChoiceRetry)
			p.until(at)
			p.stop()
			w.Tally()
		})
	}
}

// TestRefusedWords: a refusal that names the label, which is another one each time, is
// still one incident.
func TestRefusedWords(t *testing.T) {
	w := newWorldWith(t, unique, domain.ExactlyOnce)
	w.wire.answer(func(label string) string {
		return fmt.Sprintf(`{"TxnId": -1, "Label": %q, "TwoPhaseCommit": "true", "Status": "Fail", "Message": "%s, label: %s"}`,
			label, "[INTERNAL_ERROR]TStatus: errCode = 2, detailMessage = Label format error. regex: ^[-_A-Za-z0-9:]{1,128}$", label)
	})
	w.Feed()
	p := w.start()
	s := p.reaches(projections.StateIncident)
	if !contains(s.Error, "doris-refused", "label: (its label);") {
		t.Errorf("incident: %s", s.Error)
	}
	p.stop()
}

// TestShort: a load that Doris commits by itself and counts other rows of is nothing that
// a retry would mend.
func TestShort(t *testing.T) {
	for _, semantic := range []domain.Semantic{domain.None, domain.AtLeastOnce} {
		w := newWorldWith(t, duplicate, semantic)
		w.wire.arm("load", miscount)
		at := w.Feed()
		p := w.start()
		s := p.reaches(projections.StateIncident)
		if !contains(s.Error, "doris-refused", "Doris committed a load and counted 4 rows of 5", "label: hefu-p-1-") {
			t.Errorf("%s: incident: %s", semantic, s.Error)
		}
		w.resolve(s.Incident, domain.ChoiceRetry)
		p.until(at)
		p.stop()
		w.Tally()
		if got := w.kinds(); !slices.Equal(got, []domain.Kind{begun, committed}) {
			t.Errorf("%s: stream holds %v", semantic, got)
		}
	}
}

// TestRefusedForNow: too many versions is no incident: the load is settled and sent again
// later, under another label.
func TestRefusedForNow(t *testing.T) {
	w := newWorldWith(t, duplicate, domain.ExactlyOnce)
	w.s.Faults().Arm(standin.TooManyVersions, standin.Arming{Times: 2})
	at := w.Feed()
	p := w.start()
	p.until(at)
	p.stop()
	w.Tally()
	if got := w.kinds(); !slices.Equal(got, []domain.Kind{begun, aborted, begun, aborted, begun, prepared, committed}) {
		t.Errorf("stream holds %v", got)
	}
	for _, a := range events[*domain.DorisAborted](w) {
		if !contains(a.Why, "Doris says ABORTED and answered", "try again", "E-235") {
			t.Errorf("aborted: %+v", a)
		}
	}
}

// TestPause: loads that are aborted one after the other come ever more slowly, and the
// first one after a commit at once.
func TestPause(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	want := []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 12800 * ms, 25600 * ms, 30 * s, 30 * s, 0}
	if got := doris.Pauses(11); !slices.Equal(got, want) {
		t.Errorf("pauses are %v", got)
	}
	w := newWorldWith(t, duplicate, domain.ExactlyOnce)
	w.s.Faults().Arm(standin.FailLoad, standin.Arming{Times: 3, Text: "[INTERNAL_ERROR]out of luck"})
	at := w.Feed()
	p := w.start()
	p.until(at)
	p.stop()
	var times []domain.Micros
	for _, ev := range events[*domain.DorisBegun](w) {
		times = append(times, ev.Time)
	}
	for i := range 3 {
		if gap := time.Duration(times[i+1]-times[i]) * time.Microsecond; gap < want[i] {
			t.Errorf("load %d came %s after the one before", i+2, gap)
		}
	}
}
