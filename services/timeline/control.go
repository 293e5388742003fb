package timeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// control tells an event of the control stream.
func (t *telling) control(e *journal.Entry) {
	switch ev := e.Event.(type) {
	case *domain.Started:
		var claims []domain.Stream
		for _, c := range ev.Claims {
			claims = append(claims, t.stream(c.Shard, c.Leg))
		}
		t.line(e, fmt.Sprintf("a process begins: %s, for %s", t.process(e.Seq), legs(claims)))
	case *domain.PipelineConfigured:
		t.line(e, fmt.Sprintf("configuration %d is in force: %s", e.Seq, changed(t.state.Config, &ev.Config)))
	case *domain.Incident:
		t.incident(e, ev)
	case *domain.Resolved:
		t.line(e, resolved(ev))
	case *domain.Operator:
		t.line(e, operated(ev))
	case *domain.Checkpoint:
		t.flows(e.At, Counts{Checkpoints: 1})
	case *domain.Archived:
		t.flows(e.At, Counts{Archived: 1})
	case *domain.Dropped:
		t.flows(e.At, Counts{Dropped: 1})
	case *domain.Reconciled:
		t.reconciled(e, ev)
	case *domain.Accepted:
		t.accepted(e, ev)
	case *domain.ReplayPlanned:
		t.line(e, fmt.Sprintf("replay %s is planned by %s: %s%s", ev.ID, ev.Who, said(ev.Why), planned(ev.Text)))
	case *domain.ReplayMoved:
		if ev.To == domain.PlanFailed {
			t.tally.replays++
		}
		t.line(e, moved(t.state.Replays[ev.ID], ev))
	case *domain.TableSwap:
		t.line(e, swapped(ev))
	case *domain.Rebased:
		t.line(e, said(ev.String()))
	default:
		t.line(e, string(e.Event.Kind()))
	}
}

// incident tells an incident, with its end.
func (t *telling) incident(e *journal.Entry, ev *domain.Incident) {
	t.tally.incidents++
	l := t.line(e, incident(ev))
	end := t.end(ev.ID, e.At)
	if end == nil {
		l.Later = "it is still open"
		t.tally.open++
		t.troubled = append(t.troubled, stretch{e.At, t.ask.To})
		return
	}
	l.Later = fmt.Sprintf("decided %s later, at %s, by %s: %s", lasting(end.at-e.At), t.moment(end.at), end.ev.Who, end.ev.Choice)
	t.lasts(l, e.At, end.at)
}

// decidedAt is until when an incident stops something that is open at a time.
func (t *telling) decidedAt(id domain.IncidentID, open domain.Micros) domain.Micros {
	if end := t.end(id, open); end != nil {
		return end.at
	}
	return t.ask.To
}

// changed says what a configuration has that the one before it has not.
func changed(before *domain.PipelineConfigured, now *domain.PipelineConfig) string {
	if before == nil {
		return fmt.Sprintf("the first one, with %s and %s", number(int64(len(now.Sources)), "source"), number(int64(now.Shards), "shard"))
	}
	var out []string
	for _, s := range now.Sources {
		was, known := before.Config.Source(s.ID)
		switch {
		case !known:
			out = append(out, fmt.Sprintf("source %s of city %s is added", s.ID, s.City))
		case s.Ended && !was.Ended:
			out = append(out, fmt.Sprintf("source %s is ended", s.ID))
		case was.Ended && !s.Ended:
			out = append(out, fmt.Sprintf("source %s is taken up again", s.ID))
		}
	}
	if len(out) == 0 {
		return "the same sources"
	}
	return strings.Join(out, ", ")
}

// judgement is what a look of the reconciler came to, as far as it is not in order.
func judgement(ev *domain.Reconciled) string {
	counts := map[domain.WindowState]int64{}
	for i := range ev.Windows {
		counts[ev.Windows[i].State]++
	}
	var out []string
	for _, s := range []domain.WindowState{domain.WindowDiverged, domain.WindowBlocked, domain.WindowUnverifiable, domain.WindowNotChecked} {
		if n := counts[s]; n > 0 {
			out = append(out, fmt.Sprintf("%s %s", number(n, "window"), s))
		}
	}
	return strings.Join(out, ", ")
}

// reconciled tells a look that came to something else than the one before, or found something.
func (t *telling) reconciled(e *journal.Entry, ev *domain.Reconciled) {
	var fresh []*domain.Finding
	for i := range ev.Findings {
		if f := &ev.Findings[i]; t.state.Findings[f.ID()] == nil {
			fresh = append(fresh, f)
		}
	}
	now := judgement(ev)
	if len(fresh) == 0 && now == t.look {
		t.flows(e.At, Counts{Looks: 1})
		return
	}
	var verified int64
	for i := range ev.Windows {
		if ev.Windows[i].State == domain.WindowVerified {
			verified++
		}
	}
	var states []string
	if verified > 0 {
		states = append(states, number(verified, "window")+" verified")
	}
	if now != "" {
		states = append(states, now)
	}
	t.look = now
	t.story.Sums.Looks++
	l := t.line(e, fmt.Sprintf("the reconciler looks (%s): %s", ev.Depth, strings.Join(states, ", ")))
	if len(fresh) > 0 {
		l.What += "; it finds " + kinds(fresh)
		t.story.Found += int64(len(fresh))
		l.Ranges = t.found(fresh)
		t.accounts.found(fresh)
	}
}

// kinds counts findings by class and place.
func kinds(list []*domain.Finding) string {
	counts := map[string]int64{}
	var order []string
	for _, f := range list {
		name := fmt.Sprintf("%s in %s", f.Class, f.Where)
		if counts[name]++; counts[name] == 1 {
			order = append(order, name)
		}
	}
	slices.Sort(order)
	for i, name := range order {
		order[i] = fmt.Sprintf("%d %s", counts[name], name)
	}
	return strings.Join(order, ", ")
}

func (t *telling) accepted(e *journal.Entry, ev *domain.Accepted) {
	what := "finding " + brief(ev.Finding)
	if f := t.state.Findings[ev.Finding]; f != nil {
		what += fmt.Sprintf(" (%s in %s)", f.Class, f.Where)
	}
	t.line(e, fmt.Sprintf("%s is taken as it is by %s: %s", what, ev.Who, said(ev.Why)))
}
