package replay

import (
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// Shown is one replay of GET /v1/replays.
type Shown struct {
	Pipeline string            `json:"pipeline"`
	ID       domain.PlanID     `json:"id"`
	State    domain.PlanState  `json:"state"`
	Digest   domain.Hash       `json:"digest" doc:"what is approved"`
	Who      string            `json:"who" doc:"who planned it"`
	Why      string            `json:"why"`
	Plan     domain.Plan       `json:"plan"`
	Limits   domain.PlanLimits `json:"limits" doc:"in force"`
	Moves    []Move            `json:"moves"`
	Progress *Progress         `json:"progress,omitempty" doc:"while this process works at it"`
}

// Move is a step of a replay's life.
type Move struct {
	To     domain.PlanState `json:"to"`
	Who    string           `json:"who,omitempty" doc:"empty: the service"`
	Why    string           `json:"why"`
	Next   string           `json:"next,omitempty" doc:"what to do"`
	Report string           `json:"report,omitempty" doc:"digest of the report of its verification"`
	// Limits is of a step that left the state as it was.
	Limits *domain.PlanLimits `json:"limits,omitempty" doc:"what the limits were changed to; of another step none"`
}

// Progress is how far this process is with a replay.
type Progress struct {
	Rows      int64          `json:"rows" doc:"since this process went on with it"`
	Seconds   float64        `json:"seconds" doc:"since then"`
	Step      string         `json:"step" doc:"what is being done"`
	Error     string         `json:"error,omitempty" doc:"what went wrong and is tried again"`
	Share     float64        `json:"share" doc:"of the journal's events that are carried, 0 to 1"`
	Remaining float64        `json:"remaining_seconds" doc:"estimated, -1 unknown"`
	Lanes     []LaneProgress `json:"lanes"`
}

// LaneProgress is one shard of it.
type LaneProgress struct {
	Shard  int               `json:"shard"`
	State  projections.State `json:"state"`
	Error  string            `json:"error,omitempty"`
	Cursor domain.Seq        `json:"cursor" doc:"the last event that is carried"`
	Rows   int64             `json:"rows"`
}

// short leaves out the lists of a plan, which may have a line for each row.
func (s *Shown) short() {
	s.Plan.Rows, s.Plan.Delete = domain.Selection{}, nil
}

// shown is a replay as people see it.
func (s *Service) shown(pipeline string, r *domain.Replay) Shown {
	out := Shown{
		Pipeline: pipeline, ID: r.Planned.ID, State: r.State, Digest: r.Planned.Digest, Who: r.Planned.Who, Why: r.Planned.Why, Limits: r.Limits, Moves: []Move{},
	}
	if plan, err := domain.ParsePlan([]byte(r.Planned.Text)); err == nil {
		out.Plan = *plan
		if r.Approved == 0 {
			out.Limits = plan.Limits
		}
	}
	state := domain.PlanPlanned
	for _, m := range r.Moves {
		move := Move{To: m.To, Who: m.Who, Why: m.Why, Next: m.Next}
		if m.To == state {
			move.Limits = &m.Limits
		}
		state = m.To
		if !m.Report.IsZero() {
			move.Report = m.Report.String()
		}
		out.Moves = append(out.Moves, move)
	}
	s.mu.Lock()
	x := s.running[r.Planned.ID]
	s.mu.Unlock()
	if x != nil {
		out.Progress = x.progress(time.Since(x.began))
	}
	return out
}

// progress is how far a run is, by events: every lane's part counts by how many it has.
func (x *run) progress(took time.Duration) *Progress {
	p := &Progress{Seconds: took.Seconds(), Remaining: -1, Lanes: []LaneProgress{}}
	if step := x.step.Load(); step != nil {
		p.Step = *step
	}
	if wrong := x.wrong.Load(); wrong != nil {
		p.Error = *wrong
	}
	var all, done, before uint64
	for _, l := range x.lanes {
		s := l.reporter.Status()
		at := max(s.Cursor.Seq, domain.Seq(l.at.Load()))
		p.Rows += s.Rows
		p.Lanes = append(p.Lanes, LaneProgress{Shard: l.Shard, State: s.State, Error: s.Error, Cursor: at, Rows: s.Rows})
		all += uint64(l.Last.Seq - l.First + 1)
		done += l.passed(at)
		before += l.passed(domain.Seq(l.at.Load()))
	}
	if all > 0 {
		p.Share = float64(done) / float64(all)
	}
	if done > before && took > 0 {
		p.Remaining = float64(all-done) / float64(done-before) * took.Seconds()
	}
	return p
}

// passed is how many events of the lane lie before a place, and there.
func (l *lane) passed(at domain.Seq) uint64 {
	if at < l.First {
		return 0
	}
	return uint64(min(at, l.Last.Seq) - l.First + 1)
}
