package reconcile

import (
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// State is what the looks of a pipeline came to, of GET /v1/proof.
type State struct {
	Pipeline string        `json:"pipeline"`
	Looks    int64         `json:"looks" doc:"since the process began, those that failed too"`
	Failed   int64         `json:"failed_looks"`
	Last     *time.Time    `json:"last,omitempty" doc:"when the last look that came to its end was over"`
	Took     time.Duration `json:"took_ns" doc:"the last look"`
	Error    string        `json:"error,omitempty" doc:"of the last look: nothing is known of what came since the last one before"`
	// Windows are those that this process knows, Rows the rows of them that were compared.
	Windows  map[domain.Proof]map[domain.WindowState]int `json:"windows"`
	Rows     map[domain.Proof]int64                      `json:"rows"`
	Findings map[domain.Class]int                        `json:"findings" doc:"on control, that nobody accepted"`
	Accepted int                                         `json:"accepted_findings"`
	More     int64                                       `json:"more_findings,omitempty" doc:"that are counted and not listed"`
	Report   string                                      `json:"report,omitempty" doc:"that was kept last by the looks of this process"`
}

// tell keeps what a look came to, for whoever asks. w is nil where none could begin.
func (s *Service) tell(o *pipeline.Open, w *watch, began time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.of(o)
	st.Looks++
	st.Took = time.Since(began)
	if err != nil {
		st.Failed++
		st.Error = err.Error()
		return
	}
	now := time.Now()
	st.Error, st.Last, st.More = "", &now, w.p.found.more
	st.Windows, st.Rows = w.counts()
}

// kept takes note of a report. The state is the one that the looks are in.
func (s *Service) kept(o *pipeline.Open, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(o).Report = name
}

func (s *Service) of(o *pipeline.Open) *State {
	st := s.state[o.Config.Name]
	if st == nil {
		st = &State{Pipeline: o.Config.Name}
		s.state[o.Config.Name] = st
	}
	return st
}

// counts are the windows by state, and the rows that were compared.
func (w *watch) counts() (map[domain.Proof]map[domain.WindowState]int, map[domain.Proof]int64) {
	windows, rows := map[domain.Proof]map[domain.WindowState]int{}, map[domain.Proof]int64{}
	for _, all := range []map[domain.Window]*window{w.p.rows, w.p.loads} {
		for id, one := range all {
			if windows[id.Proof] == nil {
				windows[id.Proof] = map[domain.WindowState]int{}
			}
			windows[id.Proof][one.life.State]++
			rows[id.Proof] += one.life.Left.Rows
		}
	}
	return windows, rows
}

// States are what the looks of each pipeline that is proven here came to.
func (s *Service) States() []State {
	out := []State{}
	opened, _ := s.set.Opened()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range opened {
		st := s.state[o.Config.Name]
		if st == nil {
			continue
		}
		one := *st
		one.Findings = map[domain.Class]int{}
		o.Control.State(func(c *domain.ControlState) {
			for id, f := range c.Findings {
				if c.Accepted[id] == nil {
					one.Findings[f.Class]++
				} else {
					one.Accepted++
				}
			}
		})
		out = append(out, one)
	}
	return out
}
