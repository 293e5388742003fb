package domain_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
)

// The fold against the plain reading of the whole list.
func TestControlStateIsTheFoldOfItsEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s domain.ControlState
		var events []domain.Event
		for range rapid.IntRange(0, 25).Draw(t, "events") {
			e := drawControl(t)
			events = append(events, e)
			s.Apply(domain.Seq(len(events)), e)
		}
		if s.Tail != domain.Seq(len(events)) {
			t.Fatalf("tail %d of %d events", s.Tail, len(events))
		}
		checkOwners(t, &s, events)
		checkIncidents(t, &s, events)
		checkPaused(t, &s, events)
		var config *domain.PipelineConfigured
		var at domain.Seq
		for i, e := range events {
			if c, ok := e.(*domain.PipelineConfigured); ok {
				config, at = c, domain.Seq(i+1)
			}
		}
		if s.Config != config || s.ConfigSeq != at {
			t.Fatalf("configuration of %d, want of %d", s.ConfigSeq, at)
		}
	})
}

func drawControl(t *rapid.T) domain.Event {
	id := domain.IncidentID{byte(rapid.IntRange(0, 3).Draw(t, "id"))}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return &domain.PipelineConfigured{}
	case 1:
		return &domain.Incident{ID: id}
	case 2:
		return &domain.Resolved{ID: id}
	case 3:
		return &domain.Genesis{}
	case 4:
		actions := []domain.OperatorAction{domain.OperatorPause, domain.OperatorResume, domain.OperatorRate}
		return &domain.Operator{Action: rapid.SampledFrom(actions).Draw(t, "action"), Target: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "target")}
	default:
		var claims []domain.Claim
		for range rapid.IntRange(0, 3).Draw(t, "claims") {
			claims = append(claims, domain.Claim{Shard: rapid.IntRange(0, 1).Draw(t, "shard"), Leg: domain.LegHub})
		}
		return &domain.Started{Claims: claims}
	}
}

// checkPaused: a target is paused when the last of its events that says either says pause.
func checkPaused(t *rapid.T, s *domain.ControlState, events []domain.Event) {
	for _, target := range []string{"a", "b"} {
		var want *domain.Operator
		for _, e := range events {
			if o, ok := e.(*domain.Operator); ok && o.Target == target && o.Action != domain.OperatorRate {
				want = o
			}
		}
		if want != nil && want.Action == domain.OperatorResume {
			want = nil
		}
		if s.Paused[target] != want {
			t.Fatalf("%s is paused by %+v, want %+v", target, s.Paused[target], want)
		}
	}
}

func checkOwners(t *rapid.T, s *domain.ControlState, events []domain.Event) {
	for shard := range 3 {
		claim, owner := domain.Claim{Shard: shard, Leg: domain.LegHub}, domain.Seq(0)
		for i, e := range events {
			started, ok := e.(*domain.Started)
			if !ok {
				continue
			}
			if s.Started[domain.Seq(i+1)] != started {
				t.Fatalf("start %d is not known", i+1)
			}
			for _, c := range started.Claims {
				if c == claim {
					owner = domain.Seq(i + 1)
				}
			}
		}
		for incarnation := range domain.Seq(len(events) + 2) {
			if got := s.Fenced(claim, incarnation); got != (owner > incarnation) {
				t.Fatalf("%v is claimed by %d; %d is fenced: %v", claim, owner, incarnation, got)
			}
		}
	}
}

func checkIncidents(t *rapid.T, s *domain.ControlState, events []domain.Event) {
	var order []domain.IncidentID
	open, last := map[domain.IncidentID]bool{}, map[domain.IncidentID]*domain.Incident{}
	for _, e := range events {
		switch e := e.(type) {
		case *domain.Incident:
			if last[e.ID] == nil {
				order = append(order, e.ID)
			}
			open[e.ID], last[e.ID] = true, e
		case *domain.Resolved:
			open[e.ID] = false
		}
	}
	var want []*domain.Incident
	for _, id := range order {
		if open[id] {
			want = append(want, last[id])
		}
	}
	got := s.Open()
	if len(got) != len(want) {
		t.Fatalf("%d incidents are open, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("incident %d is %s, want %s", i, got[i].ID, want[i].ID)
		}
	}
}

func TestIncidentIDIsWhatWasFound(t *testing.T) {
	s := domain.Stream{Pipeline: "p", Shard: 2, Leg: domain.LegHub}
	fact := domain.Fact{Key: "found", Value: "x"}
	in := domain.NewIncident(domain.IncidentHubLost, s, "nanjing", []domain.Choice{domain.ChoiceAcceptGap}, fact)
	same := domain.NewIncident(domain.IncidentHubLost, s, "nanjing", nil, fact)
	if in.ID != same.ID || in.ID.IsZero() || in.Shard != 2 {
		t.Errorf("%s and %s of shard %d", in.ID, same.ID, in.Shard)
	}
	other := s
	other.Shard = 3
	for name, o := range map[string]*domain.Incident{
		"kind":     domain.NewIncident(domain.IncidentHubAhead, s, "nanjing", nil, fact),
		"stream":   domain.NewIncident(domain.IncidentHubLost, other, "nanjing", nil, fact),
		"source":   domain.NewIncident(domain.IncidentHubLost, s, "suzhou", nil, fact),
		"evidence": domain.NewIncident(domain.IncidentHubLost, s, "nanjing", nil, domain.Fact{Key: "found", Value: "y"}),
		"cut":      domain.NewIncident(domain.IncidentHubLost, s, "nanjing", nil, domain.Fact{Key: `found"="x`, Value: ""}),
		"more":     domain.NewIncident(domain.IncidentHubLost, s, "nanjing", nil, fact, fact),
	} {
		if o.ID == in.ID {
			t.Errorf("another %s has the same id", name)
		}
	}
	if !in.Allows(domain.ChoiceRetry) || !in.Allows(domain.ChoiceAcceptGap) || in.Allows(domain.ChoiceAborted) {
		t.Errorf("choices %v", in.Choices)
	}
	if want := "incident " + in.ID.String() + " hub-lost on p.2.hub source nanjing; found: x"; in.Error() != want {
		t.Errorf("%s\nwant %s", in, want)
	}
}

func TestSourcesAreFoundByID(t *testing.T) {
	c := domain.PipelineConfig{Sources: []domain.SourceConfig{{ID: "a", Base: 1}, {ID: "b", Base: 2}}}
	if s, ok := c.Source("b"); !ok || s.Base != 2 {
		t.Error(s, ok)
	}
	if s, ok := c.Source("c"); ok {
		t.Error(s)
	}
}
