package dorisconn

import (
	"slices"
	"sync"
	"time"
)

// How long an address that failed stands at the back of the list: long enough that not
// every request waits for it, short enough that one that comes back is soon in use.
const (
	firstPenalty = 5 * time.Second
	maxPenalty   = 2 * time.Minute
)

// addresses are places that do the same work, with their health. Failing never takes one
// out of the list: when all are ill, all are tried. It is safe for concurrent use.
type addresses struct {
	now func() time.Time

	mu      sync.Mutex
	all     []address
	answers int // so far, of all of them
}

type address struct {
	name    string
	penalty time.Duration // of the last failure; 0: it answered since
	until   time.Time     // when the penalty ends
	turn    int           // of its last answer, in answers
}

func newAddresses(names []string, now func() time.Time) *addresses {
	a := &addresses{now: now}
	for _, n := range names {
		if !slices.ContainsFunc(a.all, func(o address) bool { return o.name == n }) {
			a.all = append(a.all, address{name: n})
		}
	}
	return a
}

// order is who to try, one after the other: the one that answered last, the others as
// configured, and those that failed lately, the earliest to be forgiven first.
func (a *addresses) order() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	all := slices.Clone(a.all)
	slices.SortStableFunc(all, func(x, y address) int {
		switch illX, illY := x.until.After(now), y.until.After(now); {
		case illX && illY:
			return x.until.Compare(y.until)
		case illX:
			return 1
		case illY:
			return -1
		default:
			return y.turn - x.turn
		}
	})
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	return names
}

// answered makes an address the first choice.
func (a *addresses) answered(name string) {
	a.change(name, func(at *address) {
		a.answers++
		at.turn, at.penalty, at.until = a.answers, 0, time.Time{}
	})
}

// failed puts an address behind the others, for twice as long as the last time. Requests
// that fail at the same moment count once.
func (a *addresses) failed(name string) {
	a.change(name, func(at *address) {
		now := a.now()
		if at.until.After(now) {
			return
		}
		at.penalty = min(max(2*at.penalty, firstPenalty), maxPenalty)
		at.until = now.Add(at.penalty)
	})
}

func (a *addresses) change(name string, do func(*address)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.all {
		if a.all[i].name == name {
			do(&a.all[i])
		}
	}
}
