package reconcile

import (
	"context"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/report"
)

// watch is a Prover that looks again and again, and says on control what is new each time.
type watch struct {
	o      *pipeline.Open
	p      *Prover
	began  time.Time
	before []checkpoint.Kept // signed when the last report was kept

	said map[domain.Window]domain.WindowResult // on control
}

// newWatch makes a watch that goes on with what control has.
func newWatch(ctx context.Context, o *pipeline.Open) (*watch, error) {
	said, err := Said(ctx, o.Journal)
	if err != nil {
		return nil, err
	}
	file := o.File()
	w := &watch{o: o, began: time.Now(), said: said}
	w.p = New(&file, o.Journal, Scope{Sample: file.Reconcile.CitySample}, nil)
	w.p.Resume(said)
	return w, nil
}

func (w *watch) close() {
	if w != nil {
		w.p.Close()
	}
}

// perEvent bounds the windows, and the findings, of one event: a NATS server takes 1 MiB by
// default, and half of that is what they come to.
const perEvent = 500

// look looks once, says what is new, and reads what is closed of the cities again; what comes
// of that is said at the next look.
func (w *watch) look(ctx context.Context) error {
	file := w.o.File() // which may have got sources
	w.p.p = &file
	began := w.o.Journal.Now()
	if err := w.p.Look(ctx); err != nil {
		return err
	}
	if err := w.tell(ctx, began); err != nil {
		return err
	}
	return w.p.readAgain(ctx, true)
}

// tell says what is new, in as many events as that takes. How far the streams were compared is
// in the last one, so that it never stands without what was found on the way.
func (w *watch) tell(ctx context.Context, began domain.Micros) error {
	windows, findings := w.news()
	for last := false; !last; {
		n, m := min(perEvent, len(windows)), min(perEvent, len(findings))
		ev := &domain.Reconciled{
			Incarnation: w.o.Incarnation, Began: began, Done: w.o.Journal.Now(), Depth: w.p.depth(), Windows: windows[:n], Findings: findings[:m],
		}
		windows, findings = windows[n:], findings[m:]
		if last = len(windows)+len(findings) == 0; last && !w.p.moving() {
			ev.Through = w.p.through()
		}
		if err := w.say(ctx, ev); err != nil {
			return err
		}
	}
	return nil
}

// say appends an event, unless there is nothing in it that control does not have. If the
// process dies before, or the append fails, the next watch finds the same; if it dies after,
// the next one reads that it was said.
func (w *watch) say(ctx context.Context, ev *domain.Reconciled) error {
	ref, err := w.o.Control.Append(ctx, func(s *domain.ControlState) (domain.Event, error) {
		fresh := len(ev.Windows)+len(ev.Findings) > 0
		for _, r := range ev.Through {
			fresh = fresh || s.Through[r.Stream].Seq < r.Seq
		}
		if !fresh {
			return nil, nil
		}
		crash.Point("reconciled.append.before")
		return ev, nil
	})
	if err != nil || ref.IsZero() {
		return err
	}
	crash.Point("reconciled.append.after")
	for _, r := range ev.Windows {
		w.said[r.Window] = r
	}
	return nil
}

// news are the windows that came to a result since control was told, or to another one, and
// the findings that it does not have.
func (w *watch) news() (windows []domain.WindowResult, findings []domain.Finding) {
	for _, all := range []map[domain.Window]*window{w.p.rows, w.p.loads} {
		for _, one := range sorted(all) {
			if r := one.life.Result(); w.isNews(r) {
				windows = append(windows, r)
			}
		}
	}
	for _, a := range w.p.again {
		id := a.Range.Window
		id.Proof = report.CityJournal
		if r := (domain.WindowResult{Window: id, State: a.State, Through: a.Compared.Next, Left: a.City, Right: a.Journal, Why: a.Why}); isResult(a.State) && w.isNews(r) {
			windows = append(windows, r)
		}
	}
	w.o.Control.State(func(s *domain.ControlState) {
		for i := range w.p.found.list {
			if f := w.p.found.list[i]; s.Findings[f.ID()] == nil {
				findings = append(findings, f)
			}
		}
	})
	return windows, findings
}

// isNews reports whether control does not have a result. A prefix that grows is none, nor is
// what is on its way to one; what was mended is.
func (w *watch) isNews(r domain.WindowResult) bool {
	before, told := w.said[r.Window]
	switch r.State {
	case domain.WindowSettling, domain.WindowSuspect:
		return false
	case domain.WindowOpen:
		return told && before.State != domain.WindowOpen
	default:
		closed := r.Through == r.Window.Span().Next
		return !told || before.State != r.State || closed && (before.Through != r.Through || before.Left != r.Left || before.Right != r.Right)
	}
}
