package timeline

import (
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// planned says what a plan is to do, "" where this release cannot read it.
func planned(text string) string {
	p, err := domain.ParsePlan([]byte(text))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("; %s to %s", number(p.Expect.Rows, "row"), goal(&p.Target))
}

func goal(to *domain.PlanTarget) string {
	s := string(to.Kind)
	if to.Name != "" {
		s += " " + to.Name
	}
	if to.Mode != "" {
		s += fmt.Sprintf(" (%s)", to.Mode)
	}
	return s
}

// moved tells a step in the life of a replay; was is what it was before, nil: not known.
func moved(was *domain.Replay, ev *domain.ReplayMoved) string {
	what, vain := "is "+string(ev.To), false
	switch {
	case was == nil:
	case was.Planned.Digest != ev.Digest || ev.To != was.State && !was.State.May(ev.To):
		what, vain = "is to be "+string(ev.To), true
	case ev.To == was.State:
		what = fmt.Sprintf("has other limits: %s a second, %s a second, %s at once",
			limit(ev.Limits.Rows, "row"), limit(ev.Limits.Bytes, "byte"), limit(int64(ev.Limits.Concurrency), "lane"))
	case ev.To == domain.PlanRunning && was.State != domain.PlanPaused:
		what = "is approved"
	case ev.To == domain.PlanRunning:
		what = "goes on"
	case ev.To == domain.PlanFailed:
		what = "fails"
	}
	s := fmt.Sprintf("replay %s %s", ev.ID, what)
	if ev.Who != "" {
		s += " by " + ev.Who
	}
	if ev.Why != "" {
		s += ": " + said(ev.Why)
	}
	if ev.Next != "" {
		s += "; next: " + said(ev.Next)
	}
	if !ev.Report.IsZero() {
		s += "; report " + brief(ev.Report)
	}
	if vain {
		s += "; it comes to nothing"
	}
	return s
}

func limit(n int64, noun string) string {
	if n == 0 {
		return "any number of " + noun + "s"
	}
	return number(n, noun)
}

// swapped tells a step of an exchange of tables.
func swapped(ev *domain.TableSwap) string {
	s := fmt.Sprintf("%s and %s of replay %s ", ev.Live, ev.Shadow, ev.Plan)
	switch ev.Step {
	case domain.SwapBegun:
		s += "are to be exchanged"
	case domain.SwapDone:
		s += "are exchanged"
	default:
		s += "are not exchanged"
	}
	if ev.Who != "" {
		s += fmt.Sprintf(" by %s: %s", ev.Who, said(ev.Why))
	}
	if ev.How != "" {
		s += "; known by: " + said(ev.How)
	}
	return s
}
