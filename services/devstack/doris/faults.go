package doris

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Arming says how a fault is armed.
type Arming struct {
	Times       int           // how many requests it hits; 0: all until it is disarmed
	Probability float64       // of hitting a request; 0: always
	Delay       time.Duration // of the faults that delay
	Text        string        // of fail-load and too-many-versions: the reply's Message; empty: a real one's
}

// Faults are armed and disarmed while the server runs. The zero value is a healthy
// server.
type Faults struct {
	changed func(name Fault, armed bool) // told of each arming and disarming

	mu      sync.Mutex
	armed   map[Fault]Arming
	dice    *rand.Rand
	hits    map[Fault]int
	disarms map[Fault]int // how often each was disarmed
}

// Seed makes the dice of faults with a probability fall the same way again.
func (f *Faults) Seed(seed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dice = rand.New(rand.NewPCG(seed, 0))
}

// Arm arms a fault, in place of an earlier arming.
func (f *Faults) Arm(name Fault, a Arming) {
	if f.changed != nil {
		f.changed(name, true)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.armed == nil {
		f.armed = map[Fault]Arming{}
	}
	f.armed[name] = a
}

// Disarm disarms faults; all of them when none is named. What a fault holds back goes on.
func (f *Faults) Disarm(names ...Fault) {
	if len(names) == 0 {
		names = AllFaults()
	}
	for _, n := range names {
		f.mu.Lock()
		if f.disarms == nil {
			f.disarms = map[Fault]int{}
		}
		f.disarms[n]++
		delete(f.armed, n)
		f.mu.Unlock()
		if f.changed != nil {
			f.changed(n, false)
		}
	}
}

// disarmed is how often a fault was disarmed.
func (f *Faults) disarmed(name Fault) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.disarms[name]
}

// Armed is what is armed, with what is left of it.
func (f *Faults) Armed() map[Fault]Arming {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[Fault]Arming{}
	for n, a := range f.armed {
		out[n] = a
	}
	return out
}

// Hits is how often a fault hit.
func (f *Faults) Hits(name Fault) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits[name]
}

// take asks whether a fault hits now, and uses it up.
func (f *Faults) take(name Fault) (Arming, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, armed := f.armed[name]
	if !armed {
		return a, false
	}
	if a.Probability > 0 {
		if f.dice == nil {
			f.dice = rand.New(rand.NewPCG(1, 0))
		}
		if f.dice.Float64() >= a.Probability {
			return a, false
		}
	}
	if f.hits == nil {
		f.hits = map[Fault]int{}
	}
	f.hits[name]++
	if a.Times == 1 {
		delete(f.armed, name)
	} else if a.Times > 1 {
		left := a
		left.Times--
		f.armed[name] = left
	}
	return a, true
}
