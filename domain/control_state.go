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

	News     Seq                         // the last event that says more than that segments or checkpoints were made
	Heads    map[Stream]TreeHead         // the newest signed tree of each stream
	Signed   map[Stream]string           // the verifier key of each head
	Archived map[Stream]map[Seq]Archived // segments, by First
	Dropped  map[Stream]Seq              // the last event that the store has not any more
	Through  map[Stream]Ref              // how far the reconciler came
	Findings map[FindingID]*Finding      // every finding ever
	Accepted map[FindingID]*Accepted

	Rebased *Rebased // what this journal goes on from, where it took the place of another; else nil

	Replays map[PlanID]*Replay
	Planned []PlanID // in order
	Swaps   []*TableSwap
}

// Apply folds one more event in.
func (s *ControlState) Apply(seq Seq, e Event) {
	if s.Incidents == nil {
		s.Incidents = map[IncidentID]*Incident{}
		s.Resolved = map[IncidentID]*Resolved{}
		s.Owners = map[Claim]Seq{}
		s.Started = map[Seq]*Started{}
		s.Paused = map[string]*Operator{}
		s.Heads = map[Stream]TreeHead{}
		s.Signed = map[Stream]string{}
		s.Archived = map[Stream]map[Seq]Archived{}
		s.Dropped = map[Stream]Seq{}
		s.Through = map[Stream]Ref{}
		s.Findings = map[FindingID]*Finding{}
		s.Accepted = map[FindingID]*Accepted{}
		s.Replays = map[PlanID]*Replay{}
	}
	s.Tail = seq
	switch e.Kind() {
	case KindCheckpoint, KindRolled:
	default:
		s.News = seq
	}
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
	case *Rebased:
		s.Rebased = e
	case *ReplayPlanned, *ReplayMoved, *TableSwap:
		s.applyReplay(seq, e)
	default:
		s.applyProof(e)
	}
}

// applyProof folds in what is said of the journal and of the rows.
func (s *ControlState) applyProof(e Event) {
	switch e := e.(type) {
	case *Checkpoint:
		for _, h := range e.Heads {
			s.Heads[h.Ref.Stream], s.Signed[h.Ref.Stream] = h, e.Key
		}
	case *Archived:
		of := s.Archived[e.Last.Stream]
		if of == nil {
			of = map[Seq]Archived{}
			s.Archived[e.Last.Stream] = of
		}
		of[e.First] = *e
	case *Dropped:
		s.Dropped[e.Stream] = max(s.Dropped[e.Stream], e.Last)
	case *Reconciled:
		for _, r := range e.Through {
			s.Through[r.Stream] = r
		}
		for i := range e.Findings {
			s.Findings[e.Findings[i].ID()] = &e.Findings[i]
		}
	case *Accepted:
		s.Accepted[e.Finding] = e
	}
}

// applyReplay folds in what is said of replays. A move that the state before does not allow,
// or that is about another plan, says nothing: two operators may have decided at once.
func (s *ControlState) applyReplay(seq Seq, e Event) {
	switch e := e.(type) {
	case *ReplayPlanned:
		if s.Replays[e.ID] == nil {
			plan, _ := ParsePlan([]byte(e.Text)) // whoever runs it says what is wrong with it
			s.Replays[e.ID] = &Replay{Planned: e, Plan: plan, Seq: seq, State: PlanPlanned}
			s.Planned = append(s.Planned, e.ID)
		}
	case *ReplayMoved:
		r := s.Replays[e.ID]
		if r == nil || r.Planned.Digest != e.Digest || e.To != r.State && !r.State.May(e.To) {
			return
		}
		if e.To == PlanRunning && (r.State == PlanPlanned || r.State == PlanFailed) {
			r.Approved = seq
		}
		r.State, r.Limits = e.To, e.Limits
		r.Moves = append(r.Moves, e)
	case *TableSwap:
		s.Swaps = append(s.Swaps, e)
	}
}

// OpenSwap is the exchange that was begun and has no outcome, nil for none.
func (s *ControlState) OpenSwap() *TableSwap {
	if n := len(s.Swaps); n > 0 && s.Swaps[n-1].Step == SwapBegun {
		return s.Swaps[n-1]
	}
	return nil
}

// Swapped reports whether the table of a replay is the live one, by the outcomes of its exchanges.
func (s *ControlState) Swapped(plan PlanID) (swapped bool) {
	for _, e := range s.Swaps {
		if e.Plan == plan && e.Step == SwapDone {
			swapped = !swapped
		}
	}
	return swapped
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
