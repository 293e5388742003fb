package explain

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// replayed is a replay, as control has it.
type replayed struct {
	*domain.Replay
	steps    []*step
	approved *step // the first time, nil: nobody did
}

// step is one in a replay's life, in words.
type step struct {
	*journal.Entry
	what string
}

// replay takes in an event of a replay's life. A move that does not hold is none.
func (c *control) replay(e *journal.Entry) {
	var was domain.PlanState
	if ev, is := e.Event.(*domain.ReplayMoved); is && c.state.Replays[ev.ID] != nil {
		was = c.state.Replays[ev.ID].State
	}
	c.state.Apply(e.Seq, e.Event)
	switch ev := e.Event.(type) {
	case *domain.ReplayPlanned:
		if r := c.state.Replays[ev.ID]; r.Planned == ev && r.Plan != nil { // else whoever runs it says what is wrong
			c.replays = append(c.replays, &replayed{Replay: r})
			c.step(e, ev.ID, fmt.Sprintf("is planned by %s: %s", ev.Who, oneLine(ev.Why)))
		}
	case *domain.ReplayMoved:
		if r := c.state.Replays[ev.ID]; r != nil && r.Last() == ev {
			c.step(e, ev.ID, moved(was, ev))
		}
	}
}

func (c *control) step(e *journal.Entry, id domain.PlanID, what string) {
	r := c.planned(id)
	if r == nil {
		return
	}
	one := &step{e, fmt.Sprintf("replay %s into %s %s", id, into(r.Plan.Target), what)}
	if r.Approved == e.Seq && r.approved == nil {
		r.approved = one
	}
	r.steps = append(r.steps, one)
}

// moved says what a move does, given the state before it.
func moved(was domain.PlanState, ev *domain.ReplayMoved) string {
	what := "is " + string(ev.To)
	switch {
	case ev.To == was:
		what = "has other limits"
	case was == domain.PlanPaused && ev.To == domain.PlanRunning:
		what = "is resumed"
	case ev.To == domain.PlanRunning:
		what = "is approved"
	case ev.To == domain.PlanFailed:
		what = "fails"
	}
	if ev.Who != "" {
		what += " by " + ev.Who
	}
	if ev.Why != "" {
		what += ": " + oneLine(ev.Why)
	}
	if !ev.Report.IsZero() {
		what += "; report " + short(ev.Report.String())
	}
	return what
}

// into is where the rows of a replay go, and how: "table ods.T (shadow)", "file".
func into(to domain.PlanTarget) string {
	if to.Name == "" {
		return string(to.Kind)
	}
	return fmt.Sprintf("%s %s (%s)", to.Kind, to.Name, to.Mode)
}

// planned is a replay by its id, nil where control has none, or one that this release cannot read.
func (c *control) planned(id domain.PlanID) *replayed {
	for _, r := range c.replays {
		if r.Planned.ID == id {
			return r
		}
	}
	return nil
}

// throughReplays tells of the replays that carried a row which the hub has to a table or a topic
// once more: who approved it, and the batch; loads gets those of a table. input is the event that a
// replay reads it from. A batch may leave a row out, as one that is there already.
func (a *asking) throughReplays(ctx context.Context, t *telling, out *Answer, f *fetched, input *journal.Entry, loads *[]load) error {
	for _, r := range a.control.replays {
		if r.approved == nil || !r.takes(out, f, input) {
			continue
		}
		s := r.Plan.Stream(out.Shard)
		commit, err := a.commitOf(ctx, s, input.Seq, 0)
		if err != nil {
			return err
		}
		if commit == nil {
			continue // it is on its way, or was stopped
		}
		begun, _ := follows(commit.Event)
		in, err := a.intent(ctx, s, begun.Seq)
		if err != nil {
			return err
		}
		if !in.covers(input.Seq) {
			continue
		}
		t.note(r.approved.Entry, r.approved.what)
		t.floor = t.lines[len(t.lines)-1].at
		excluded, left := in.excluded, ""
		if c, topic := commit.Event.(*domain.HubCommitted); topic {
			excluded = c.Excluded // with what was not acknowledged
		}
		if x := excludes(excluded, f.entry.Seq, f.index, out.Row.Ordinal); x != nil {
			left = "; this row is left out: " + why(x)
		} else if r.Plan.Target.Kind == domain.TargetTable {
			*loads = append(*loads, load{in.entry, commit, r})
		}
		t.event(in.entry, words(in.entry)+left)
		t.event(commit, words(commit))
	}
	return nil
}

// takes reports whether a replay is to carry the row.
func (r *replayed) takes(out *Answer, f *fetched, input *journal.Entry) bool {
	target, run, rows := r.Plan.Target, f.run(), &r.Plan.Rows
	if target.Kind != domain.TargetTable && target.Kind != domain.TargetTopic || target.Mode == domain.ModeDeleteDuplicates {
		return false
	}
	for _, l := range r.Plan.Lanes {
		if l.Last.Stream == input.Stream && l.First <= input.Seq && input.Seq <= l.Last.Seq {
			return rows.Brought(out.Shard, f.entry.Seq) && rows.HubSpans(out.Hub.Partition).Contains(out.Hub.Offset) &&
				rows.CitySpans(domain.PartitionKey{Source: run.Source, Generation: run.Generation, Partition: run.Partition}).Contains(out.Row.Offset)
		}
	}
	return false
}

// replayOf is the replay that a stream is of, nil for one of the pipeline itself. none says why it
// cannot be told of.
func (a *asking) replayOf(s domain.Stream) (of *replayed, none string) {
	id, is := s.Leg.Plan()
	if !is {
		return nil, ""
	}
	if of = a.control.planned(id); of == nil {
		none = fmt.Sprintf("replay %s is not planned in this journal, or by a release whose plans this one cannot read", id)
	}
	return of, none
}

// ofReplay tells the life of the replay that a batch is of.
func (r *replayed) ofReplay(t *telling) *Replay {
	for _, s := range r.steps {
		t.note(s.Entry, s.what)
	}
	return &Replay{
		Plan: r.Planned.ID.String(), Digest: r.Planned.Digest.String(), Into: into(r.Plan.Target), State: string(r.State), Who: r.Planned.Who, Why: oneLine(r.Planned.Why),
	}
}
