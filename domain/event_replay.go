package domain

// ReplayPlanned says that a replay is planned. Nothing runs before it is approved.
type ReplayPlanned struct {
	ID     PlanID
	Digest Hash   // of Text
	Text   string // the Plan as Plan.Text writes it
	Who    string
	Why    string
}

// ReplayMoved says that a replay has gone to another state of its life, or that its limits are
// others now: then To is the state that it is in.
type ReplayMoved struct {
	ID     PlanID
	Digest Hash // of the plan that this is about: another one is another plan
	To     PlanState
	Who    string // empty where the service itself moved it
	Why    string // of an operator: the reason; of the service: what happened
	Next   string // what to do: of a replay that failed, or is done and leaves something to do
	Report Hash   // of the report of its verification, zero for none
	Limits PlanLimits
}

// PlanState is where a replay is in its life (replay.md).
type PlanState string

// The states. The last three are for ever, but that a failed one may be approved again.
const (
	PlanPlanned   PlanState = "planned"
	PlanRunning   PlanState = "running" // approved
	PlanPaused    PlanState = "paused"
	PlanVerifying PlanState = "verifying"
	PlanDone      PlanState = "done"
	PlanCancelled PlanState = "cancelled"
	PlanFailed    PlanState = "failed"
)

// May reports whether a replay can go from this state to another one.
func (s PlanState) May(to PlanState) bool {
	switch s {
	case PlanPlanned, PlanFailed:
		return to == PlanRunning || to == PlanCancelled
	case PlanRunning:
		return to == PlanPaused || to == PlanVerifying || to == PlanFailed || to == PlanCancelled
	case PlanPaused:
		return to == PlanRunning || to == PlanCancelled
	case PlanVerifying:
		return to == PlanDone || to == PlanFailed || to == PlanCancelled || to == PlanPaused
	default:
		return false
	}
}

// Ended reports whether nothing is done any more.
func (s PlanState) Ended() bool { return s == PlanDone || s == PlanCancelled }

// Replay is what control says of a replay.
type Replay struct {
	Planned  *ReplayPlanned
	Plan     *Plan // of Planned.Text; nil where this release cannot read it
	Seq      Seq   // of Planned
	State    PlanState
	Approved Seq        // of the last approval, 0 before the first: the order in which they run
	Limits   PlanLimits // in force, once it was approved
	Moves    []*ReplayMoved
}

// Last is the last move, nil of a replay that is only planned.
func (r *Replay) Last() *ReplayMoved {
	if len(r.Moves) == 0 {
		return nil
	}
	return r.Moves[len(r.Moves)-1]
}

// TableSwap is a step of the exchange of a shadow table with the live one: the exchange itself
// happens between the two, in Doris, and what happened is asked there.
type TableSwap struct {
	Plan   PlanID // whose shadow it is; of the way back the same
	Live   string // "<db>.<table>"
	Shadow string // the other one; of an outcome, under which name it stands from then on
	Step   SwapStep
	Who    string
	Why    string
	How    string // of an outcome: how it is known
}

// SwapStep is how far an exchange is.
type SwapStep string

// The steps: the intent and its two outcomes.
const (
	SwapBegun SwapStep = "begun"
	SwapDone  SwapStep = "done"
	SwapNot   SwapStep = "not done"
)

// Kind implements Event.
func (*ReplayPlanned) Kind() Kind { return KindReplayPlanned }
func (*ReplayPlanned) sealed()    {}

// Kind implements Event.
func (*ReplayMoved) Kind() Kind { return KindReplayMoved }
func (*ReplayMoved) sealed()    {}

// Kind implements Event.
func (*TableSwap) Kind() Kind { return KindTableSwap }
func (*TableSwap) sealed()    {}
