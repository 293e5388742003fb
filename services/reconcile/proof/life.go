package proof

import (
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// Looks is how often a window that differs is looked at again, with both sides unchanged,
// before it is diverged.
const Looks = 3

// Reach is how far something has come in the offsets of a window: everything before Next is
// decided there. Of city and hub: the last stable offset of the city's partition, the
// journal's position, the hub's cursor; of hub and Doris: the hub's last stable offset, the
// end of what is loaded and VISIBLE. A transaction or a load without an outcome is one more,
// with the first offset that it holds.
type Reach struct {
	What string
	Next int64
}

// Closed says up to which offset a window can be compared, which is the least of all reaches,
// whether that is all of it, and if not, what it waits for. No clock has a say: what lies
// beyond is on its way, and nobody calls it missing.
func Closed(w domain.Window, reaches ...Reach) (through int64, closed bool, waits string) {
	span := w.Span()
	through = span.Next
	for _, r := range reaches {
		if next := max(r.Next, span.First); next < through {
			through = next
			waits = fmt.Sprintf("waits for %s, which is at %d", r.What, r.Next)
		}
	}
	return through, through == span.Next, waits
}

// Life is a window's (proof.md, "Window life"). It is a value: each step gives the next one.
//
//	open      its prefix [First, Through) was the same on both sides, or nobody looked yet
//	settling  all of it can be compared and was not yet
//	suspect   [First, Through) differs; it is looked at again until both sides stand still
//	verified  all of it is the same; if it is not at a later look, it is suspect again
//	diverged  [First, Through) differed and stood still; it stays so until it is the same
//	not checked, unverifiable, blocked upstream   somebody said so, and said why
type Life struct {
	Window  domain.Window
	State   domain.WindowState
	Through int64 // what was compared
	Reach   int64 // what can be
	Left    domain.Vector
	Right   domain.Vector
	Same    int // looks at which what differs was as at the one before
	Why     string
}

// Begin is the life of a window that nobody looked at.
func Begin(w domain.Window) Life {
	return Life{Window: w, State: domain.WindowOpen, Through: w.Span().First, Reach: w.Span().First}
}

// Resume is the life of a window as a look left it (domain.Reconciled). What was suspect
// begins to stand still anew.
func Resume(r domain.WindowResult) Life {
	l := Life{Window: r.Window, State: r.State, Through: r.Through, Reach: r.Through, Left: r.Left, Right: r.Right, Why: r.Why}
	if r.State == domain.WindowDiverged {
		l.Same = Looks
	}
	return l
}

// Result is what an event says of it.
func (l Life) Result() domain.WindowResult {
	return domain.WindowResult{Window: l.Window, State: l.State, Through: l.Through, Left: l.Left, Right: l.Right, Why: l.Why}
}

// closed reports whether all of the window can be compared.
func (l Life) closed() bool { return l.Reach == l.Window.Span().Next }

// Reached says how far it can be compared now (Closed). It never takes back what could be.
func (l Life) Reached(through int64) Life {
	before := l.Reach
	l.Reach = min(max(l.Reach, through), l.Window.Span().Next)
	switch l.State {
	case domain.WindowOpen:
		if l.closed() {
			l.State = domain.WindowSettling
		}
	case domain.WindowBlocked: // what held it back gave way
		if l.Reach > before {
			l.State, l.Why = l.waiting(), ""
		}
	default:
	}
	return l
}

// waiting is the state of a window that is not a result.
func (l Life) waiting() domain.WindowState {
	if l.closed() {
		return domain.WindowSettling
	}
	return domain.WindowOpen
}

// Due reports whether a look would say something new. A result is looked at again when
// somebody wants to; so is what nobody could check.
func (l Life) Due() bool {
	switch l.State {
	case domain.WindowOpen:
		return l.Reach > l.Through
	case domain.WindowSettling, domain.WindowSuspect:
		return true
	case domain.WindowDiverged: // of a prefix: what came after it is to be looked at
		return !l.Stands() || l.Reach > l.Through
	default:
		return false
	}
}

// Stands reports whether it is diverged and both sides stood still since: now, and not before,
// what a Search finds in [First, Through) are findings.
func (l Life) Stands() bool { return l.State == domain.WindowDiverged && l.Same >= Looks }

// moving reports whether it differs and was not seen to stand still.
func (l Life) moving() bool {
	return l.State == domain.WindowSuspect || l.State == domain.WindowDiverged && !l.Stands()
}

// Ask is what a look compares. Of what differs the same offsets as at the look before, though
// more have come, or it would never be seen to stand still.
func (l Life) Ask() Range {
	next := l.Reach
	if l.moving() {
		next = l.Through
	}
	return Range{l.Window, domain.Span{First: l.Window.Span().First, Next: next}}
}

// Looked takes in the vectors of a look at asked, the Ask of before.
func (l Life) Looked(asked Range, left, right domain.Vector) Life {
	same := (l.State == domain.WindowSuspect || l.State == domain.WindowDiverged) && asked.Next == l.Through && left == l.Left && right == l.Right
	l.Through, l.Left, l.Right = asked.Next, left, right
	l.Reach = max(l.Reach, asked.Next)
	switch {
	case Equal(left, right) && l.Through == l.Window.Span().Next:
		l.State, l.Same, l.Why = domain.WindowVerified, 0, ""
	case Equal(left, right):
		l.State, l.Same, l.Why = l.waiting(), 0, ""
	default:
		if l.State != domain.WindowDiverged { // which it stays until both sides are the same
			l.State = domain.WindowSuspect
		}
		if l.Same++; !same {
			l.Same = 0
		}
		if l.Same >= Looks {
			l.State = domain.WindowDiverged
		}
		l.Why = Shape(left, right)
	}
	return l
}

// Cannot says that it was not looked at (domain.WindowNotChecked), cannot be
// (WindowUnverifiable), or is held back (WindowBlocked), and why. A result stays one: what
// was seen was seen.
func (l Life) Cannot(state domain.WindowState, why string) Life {
	switch {
	case state != domain.WindowNotChecked && state != domain.WindowUnverifiable && state != domain.WindowBlocked:
		return l
	case l.State == domain.WindowVerified, l.State == domain.WindowDiverged:
		return l
	case l.State == domain.WindowSuspect:
		why += "; it differed when it was last looked at: " + l.Why
	}
	l.State, l.Same, l.Why = state, 0, why
	return l
}
