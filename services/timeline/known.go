package timeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// known is what the control stream says of a window before any of it is told.
type known struct {
	config  domain.PipelineConfig // the newest: sources are only ever added to it
	last    domain.Seq            // of control, 0: it is empty
	before  domain.ControlState   // as the window begins
	look    string                // what the last look of the reconciler before came to
	started map[domain.Seq]*domain.Started
	decided map[domain.IncidentID][]decision
	plans   []domain.PlanID // replays that may have done something in the window
}

// decision is an incident's end.
type decision struct {
	at domain.Micros
	ev *domain.Resolved
}

// know reads the control stream once.
func (r *reading) know(ctx context.Context, ask *Ask) (*known, error) {
	k := &known{started: map[domain.Seq]*domain.Started{}, decided: map[domain.IncidentID][]decision{}}
	s := domain.ControlStream(r.j.Pipeline())
	var err error
	if k.last, err = r.tail(ctx, s); err != nil {
		return nil, err
	}
	err = r.each(ctx, s, 1, k.last, func(e *journal.Entry) error { k.add(e, ask); return nil })
	k.plans = slices.DeleteFunc(k.plans, func(id domain.PlanID) bool {
		was := k.before.Replays[id]
		return was != nil && was.State.Ended()
	})
	return k, err
}

func (k *known) add(e *journal.Entry, ask *Ask) {
	switch ev := e.Event.(type) {
	case *domain.PipelineConfigured:
		k.config = ev.Config
	case *domain.Started:
		k.started[e.Seq] = ev
	case *domain.Resolved:
		k.decided[ev.ID] = append(k.decided[ev.ID], decision{e.At, ev})
	case *domain.ReplayPlanned:
		if e.At < ask.To {
			k.plans = append(k.plans, ev.ID)
		}
	case *domain.Reconciled:
		if e.At < ask.From {
			k.look = judgement(ev)
		}
	}
	if e.At < ask.From {
		k.before.Apply(e.Seq, e.Event)
	}
}

// process names an incarnation for people.
func (k *known) process(incarnation domain.Seq) string {
	ev := k.started[incarnation]
	if ev == nil {
		return fmt.Sprintf("incarnation %d", incarnation)
	}
	return fmt.Sprintf("incarnation %d (%s on %s, pid %d, version %s)", incarnation, ev.Instance, ev.Host, ev.PID, ev.Version)
}

// city is the code of a source's city, "" where a row says it itself.
func (k *known) city(id domain.SourceID) string {
	s, _ := k.config.Source(id)
	return string(s.City)
}

// end is the decision about an incident that was found at a time, nil while it is open.
func (k *known) end(id domain.IncidentID, found domain.Micros) *decision {
	list := k.decided[id]
	for i := range list {
		if list[i].at >= found {
			return &list[i]
		}
	}
	return nil
}

// already says what was so when the window began.
func (k *known) already() []string {
	out := []string{}
	for _, in := range k.before.Open() {
		out = append(out, "open: "+incident(in))
	}
	for _, target := range slices.Sorted(maps.Keys(k.before.Paused)) {
		out = append(out, operated(k.before.Paused[target]))
	}
	for _, id := range k.before.Planned {
		if r := k.before.Replays[id]; !r.State.Ended() {
			out = append(out, fmt.Sprintf("replay %s is %s", id, r.State))
		}
	}
	return out
}

// clock turns the journal's times into the pipeline's.
type clock struct{ zone *time.Location }

func (c clock) time(at domain.Micros) time.Time { return time.UnixMicro(int64(at)).In(c.zone) }
