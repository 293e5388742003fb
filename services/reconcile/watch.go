package reconcile

import (
	"context"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// watch is a Prover that looks again and again, and says on control what is new each time.
type watch struct {
	o      *pipeline.Open
	p      *Prover
	began  time.Time
	before []domain.TreeHead // signed when the last report was kept

	said  map[domain.Window]domain.WindowResult // on control
	known map[domain.FindingID]bool             // on control
}

// newWatch makes a watch that looks for the first time. What control has is not looked at
// again where it was verified.
func newWatch(o *pipeline.Open) *watch {
	file := o.File()
	w := &watch{o: o, began: time.Now(), said: map[domain.Window]domain.WindowResult{}, known: map[domain.FindingID]bool{}}
	w.p = New(&file, o.Journal, Scope{Sample: file.Reconcile.CitySample}, nil)
	o.Control.State(func(s *domain.ControlState) {
		for id := range s.Findings {
			w.known[id] = true
		}
	})
	return w
}

func (w *watch) close() {
	if w != nil {
		w.p.Close()
	}
}

// perEvent bounds the windows and the findings of one event.
const perEvent = 2000

// look looks once and says what is new.
func (w *watch) look(ctx context.Context) error {
	began := w.o.Journal.Now()
	if err := w.p.Look(ctx); err != nil {
		return err
	}
	windows, findings := w.news()
	for first := true; first || len(windows)+len(findings) > 0; first = false {
		n, m := min(perEvent, len(windows)), min(perEvent, len(findings))
		ev := &domain.Reconciled{
			Incarnation: w.o.Incarnation, Began: began, Done: w.o.Journal.Now(), Depth: w.p.depth(), Windows: windows[:n], Findings: findings[:m],
		}
		windows, findings = windows[n:], findings[m:]
		if len(windows)+len(findings) == 0 && !w.p.moving() {
			ev.Through = w.p.through()
		}
		if err := w.say(ctx, ev); err != nil {
			return err
		}
	}
	return nil
}

// say appends an event, unless there is nothing in it that control does not have. If the
// process dies before, the next one finds the same; if it dies after, the next one says it
// again: a verdict that is there twice is the same verdict.
func (w *watch) say(ctx context.Context, ev *domain.Reconciled) error {
	_, err := w.o.Control.Append(ctx, func(s *domain.ControlState) (domain.Event, error) {
		fresh := len(ev.Windows)+len(ev.Findings) > 0
		for _, r := range ev.Through {
			fresh = fresh || s.Through[r.Stream].Seq < r.Seq
		}
		if !fresh {
			return nil, nil
		}
		return ev, nil
	})
	if err != nil {
		return err
	}
	for _, r := range ev.Windows {
		w.said[r.Window] = r
	}
	for i := range ev.Findings {
		w.known[ev.Findings[i].ID()] = true
	}
	return nil
}

// news are the windows that came to a result since control was told, or changed it, and the
// findings that it does not have. A prefix that grew is no news.
func (w *watch) news() (windows []domain.WindowResult, findings []domain.Finding) {
	for _, all := range []map[domain.Window]*window{w.p.rows, w.p.loads} {
		for _, one := range sorted(all) {
			r := one.life.Result()
			before, told := w.said[r.Window]
			if r.State == domain.WindowOpen && (!told || before.State == domain.WindowOpen) || told && before == r {
				continue
			}
			windows = append(windows, r)
		}
	}
	for i := range w.p.found.list {
		if f := w.p.found.list[i]; !w.known[f.ID()] {
			findings = append(findings, f)
		}
	}
	return windows, findings
}

// counts are the windows by state, and the findings that nobody accepted.
func (w *watch) counts() (map[domain.Proof]map[domain.WindowState]int, int) {
	out := map[domain.Proof]map[domain.WindowState]int{}
	for _, all := range []map[domain.Window]*window{w.p.rows, w.p.loads} {
		for id, one := range all {
			if out[id.Proof] == nil {
				out[id.Proof] = map[domain.WindowState]int{}
			}
			out[id.Proof][one.life.State]++
		}
	}
	n := 0
	w.o.Control.State(func(s *domain.ControlState) {
		for i := range w.p.found.list {
			if s.Accepted[w.p.found.list[i].ID()] == nil {
				n++
			}
		}
	})
	return out, n
}

// through is how far the streams were compared: all of them up to here, and nothing of it
// differs without being named.
func (p *Prover) through() []domain.Ref {
	var out []domain.Ref
	for _, l := range p.lanes {
		for _, r := range []domain.Ref{l.scan.At().Ingest, l.to.Hub, l.to.Doris} {
			if !r.IsZero() && !r.Hash.IsZero() {
				out = append(out, r)
			}
		}
	}
	return out
}
