package explain

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// replayed is a replay, as control has it.
type replayed struct {
	plan     *domain.Plan
	digest   domain.Hash
	approved *noted // nil: nobody did
}

// replay takes in an event of a replay's life.
func (c *control) replay(e *journal.Entry) {
	switch ev := e.Event.(type) {
	case *domain.ReplayPlanned:
		if plan, err := domain.ParsePlan([]byte(ev.Text)); err == nil { // else whoever runs it says what is wrong
			c.replays = append(c.replays, &replayed{plan: plan, digest: ev.Digest})
		}
	case *domain.ReplayMoved:
		for _, r := range c.replays {
			if r.plan.ID == ev.ID && r.digest == ev.Digest && r.approved == nil && ev.To == domain.PlanRunning {
				r.approved = c.note(e)
				r.approved.after = &r.plan.Created
			}
		}
	}
}

// throughReplays tells of the replays that carried a row which the hub has to a table or a topic
// once more: who approved it, and the batch. input is the event that a replay reads it from.
func (a *asking) throughReplays(ctx context.Context, t *telling, out *Answer, f *fetched, input *journal.Entry) error {
	for _, r := range a.control.replays {
		if r.approved == nil || !r.takes(out, f, input) {
			continue
		}
		s := r.plan.Stream(out.Shard)
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
		t.note(r.approved, r.words(), r.plan.Created)
		t.floor = t.lines[len(t.lines)-1].at
		for _, e := range []*journal.Entry{in.entry, commit} {
			if err := t.event(ctx, e, words(e)); err != nil {
				return err
			}
		}
	}
	return nil
}

// takes reports whether a replay is to carry the row.
func (r *replayed) takes(out *Answer, f *fetched, input *journal.Entry) bool {
	target, run, rows := r.plan.Target, f.run(), &r.plan.Rows
	if target.Kind != domain.TargetTable && target.Kind != domain.TargetTopic || target.Mode == domain.ModeDeleteDuplicates {
		return false
	}
	for _, l := range r.plan.Lanes {
		if l.Last.Stream == input.Stream && l.First <= input.Seq && input.Seq <= l.Last.Seq {
			return rows.Brought(out.Shard, f.entry.Seq) && rows.HubSpans(out.Hub.Partition).Contains(out.Hub.Offset) &&
				rows.CitySpans(domain.PartitionKey{Source: run.Source, Generation: run.Generation, Partition: run.Partition}).Contains(out.Row.Offset)
		}
	}
	return false
}

func (r *replayed) words() string {
	ev, _ := r.approved.entry.Event.(*domain.ReplayMoved)
	target := r.plan.Target
	return fmt.Sprintf("replay %s into %s %s (%s) is approved by %s: %s", r.plan.ID, target.Kind, target.Name, target.Mode, ev.Who, oneLine(ev.Why))
}
