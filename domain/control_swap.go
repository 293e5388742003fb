package domain

// Beside is the table "<db>.<table>" that the one of a plan is exchanged with, or was: where the
// live one is not. It is the plan's shadow until an exchange has moved it.
func (s *ControlState) Beside(plan *Plan) string {
	table := plan.Target.Name
	for _, e := range s.Swaps {
		if e.Plan == plan.ID {
			table = e.Shadow
		}
	}
	return table
}

// Retired reports whether no table may have a name again: an exchange that named it had no known
// outcome until the table was given another one, and its statement may still be on its way.
func (s *ControlState) Retired(table string) bool {
	for i, e := range s.Swaps {
		if e.Step != SwapBegun && i > 0 && s.Swaps[i-1].Shadow == table && e.Shadow != table {
			return true
		}
	}
	return false
}
