package hub_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// TestOneIncidentAtOnce: a leg that finds that the hub lacks something else than before stands still
// by that alone, and one that is open stands still by none. What is not its own it leaves open.
func TestOneIncidentAtOnce(t *testing.T) {
	w := newWorld(t)
	w.commits()
	file := func(kind domain.IncidentKind, s domain.Stream) domain.IncidentID {
		in := domain.NewIncident(kind, s, "", nil, domain.Fact{Key: "found", Value: "a test"})
		if _, err := (projections.Incidents{Control: w.control}).Decide(w.ctx, in); !errors.Is(err, in) {
			t.Fatal(err)
		}
		return in.ID
	}
	resolved := func(id domain.IncidentID) (r *domain.Resolved) {
		w.control.State(func(s *domain.ControlState) { r = s.Resolved[id] })
		return r
	}
	elsewhere := w.stream()
	elsewhere.Shard = 7
	other, refused := file(domain.IncidentHubLost, elsewhere), file(domain.IncidentHubRefused, w.stream())
	stale := file(domain.IncidentHubLost, w.stream())
	open(w, w.process()).Close()
	if r := resolved(stale); r == nil || r.Who != "hefu" || r.Choice != domain.ChoiceRetry || r.Why != "the hub has again what it had lost" {
		t.Errorf("of a leg that is open: %+v", r)
	}
	stale = file(domain.IncidentHubLost, w.stream())
	w.deletes(w.cfg.Pipeline.HubTopic)
	_, err := try(w, w.process())
	gone := w.mustBeIncident(err, domain.IncidentHubLost, "hub topic is gone")
	if r := resolved(stale); r == nil || !strings.HasSuffix(r.Why, gone.ID.String()) {
		t.Errorf("of a leg that found something else: %+v", r)
	}
	w.makeHubTopic(nil)
	_, err = try(w, w.process())
	anew := w.mustBeIncident(err, domain.IncidentHubLost, "made anew")
	if resolved(gone.ID) == nil {
		t.Error("the topic is there, and that it is gone is still open")
	}
	_, err = try(w, w.process())
	if again := w.mustBeIncident(err, domain.IncidentHubLost, "made anew"); again.ID != anew.ID {
		t.Errorf("found again as %s, was %s", again.ID, anew.ID)
	}
	for _, id := range []domain.IncidentID{other, refused} {
		if r := resolved(id); r != nil {
			t.Errorf("%s is resolved: %+v", id, r)
		}
	}
}
