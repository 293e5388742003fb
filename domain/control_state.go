package domain

// ControlState is the fold of a control stream: what its events together say now.
// The zero value is the state before Genesis.
type ControlState struct {
	Tail      Seq
	Config    *PipelineConfigured // in force, nil before the first
	ConfigSeq Seq
	Incidents map[IncidentID]*Incident
	Order     []IncidentID // as they were found
	Resolved  map[IncidentID]*Resolved
	Owners    map[Claim]Seq // the highest incarnation that claims a leg
	Started   map[Seq]*Started
	Paused    map[string]*Operator // by target: what was paused and not resumed
}

// Apply folds one more event in.
func (s *ControlState) Apply(seq Seq, e Event) {
	if s.Incidents == nil {
		s.Incidents = map[IncidentID]*Incident{}
		s.Resolved = map[IncidentID]*Resolved{}
		s.Owners = map[Claim]Seq{}
		s.Started = map[Seq]*Started{}
		s.Paused = map[string]*Operator{}
	}
	s.Tail = seq
	switch e := e.(type) {
	case *Started:
		s.Started[seq] = e
		for _, c := range e.Claims {
			s.Owners[c] = max(s.Owners[c], seq)
		}
	case *PipelineConfigured:
		s.Config, s.ConfigSeq = e, seq
	case *Incident:
		if _, known := s.Incidents[e.ID]; !known {
			s.Order = append(s.Order, e.ID)
		}
		s.Incidents[e.ID] = e
		// Found again after it was resolved: it is open again.
		delete(s.Resolved, e.ID)
	case *Resolved:
		s.Resolved[e.ID] = e
	case *Operator:
		switch e.Action {
		case OperatorPause:
			s.Paused[e.Target] = e
		case OperatorResume:
			delete(s.Paused, e.Target)
		case OperatorRate: // nothing to keep: the file says the rate
		}
	}
}

// Open lists the incidents without a resolution, in the order in which they were found.
func (s *ControlState) Open() []*Incident {
	var out []*Incident
	for _, id := range s.Order {
		if s.Resolved[id] == nil {
			out = append(out, s.Incidents[id])
		}
	}
	return out
}

// Fenced reports whether a process of a higher incarnation claims the leg.
func (s *ControlState) Fenced(c Claim, incarnation Seq) bool { return s.Owners[c] > incarnation }
