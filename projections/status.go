package projections

import (
	"sync"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// State is what a leg is doing.
type State string

// The states.
const (
	StateOpening  State = "opening"
	StateRunning  State = "running"
	StateRetrying State = "retrying" // an error that is tried again, shown in Status.Error
	StateIncident State = "incident" // waits for an operator
	StateStopped  State = "stopped"
	StateFinished State = "finished" // of a source: bounded, and journaled to its end
)

// Status is what a leg says of itself.
type Status struct {
	Stream   domain.Stream
	State    State
	Since    time.Time         // of State
	Error    string            // why it retries, or the incident as a line
	Incident domain.IncidentID // while StateIncident
	Cursor   domain.Cursor     // the last input event that the target holds
	Open     domain.Seq        // the intent that has no outcome yet, 0 for none
	Rows     int64             // since the process began
	Bytes    int64
	Excluded int64
	Waiting  string   // what a leg holds rows back for, empty when it does not
	Opens    int64    // how often it was opened
	Orphans  *Orphans // of a Doris leg; nil before the first look
}

// Reporter holds a leg's Status for whoever looks.
type Reporter struct {
	mu sync.Mutex
	s  Status
}

// NewReporter makes the Reporter of a stream.
func NewReporter(s domain.Stream) *Reporter {
	return &Reporter{s: Status{Stream: s, State: StateOpening, Since: time.Now()}}
}

// Status is the present one.
func (r *Reporter) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.s
}

// Update changes the status.
func (r *Reporter) Update(change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.s)
}

// Enter changes the state, with the reason for people.
func (r *Reporter) Enter(state State, why string, incident domain.IncidentID) {
	r.Update(func(s *Status) {
		if s.State != state || s.Error != why {
			s.Since = time.Now()
		}
		s.State, s.Error, s.Incident = state, why, incident
	})
}
