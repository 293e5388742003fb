package timeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// event tells one event. Of those before the window only ingest's are read, for their rhythm.
func (t *telling) event(ctx context.Context, e *journal.Entry) error {
	defer t.spoken(e)
	if e.At < t.ask.From {
		if ev, is := e.Event.(*domain.Ingested); is {
			t.rhythm.hear(e, ev)
		}
		return nil
	}
	switch ev := e.Event.(type) {
	case *domain.Opened:
		t.opened(e, ev)
	case *domain.SourceOpened:
		t.line(e, sourceOpened(ev, t.city(ev.Source)))
	case *domain.SourceClosed:
		t.line(e, fmt.Sprintf("source %s ends: %s", ev.Source, said(ev.Why)))
		t.rhythm.forget(ev.Source)
	case *domain.Ingested:
		t.ingested(e, ev)
	case *domain.HubBegun, *domain.DorisBegun, *domain.LineageBegun:
		t.course(e.Stream).intent = attemptOf(e)
	case *domain.DorisPrepared:
		if in := t.course(e.Stream).intent; in != nil && in.ref.Seq == ev.Begun.Seq {
			in.prepared = e.At
		}
	case *domain.HubCommitted, *domain.DorisCommitted, *domain.HubAborted, *domain.DorisAborted:
		return t.outcome(ctx, e)
	case *domain.LineageCommitted:
		return t.lineage(ctx, e, ev)
	case *domain.Genesis, *domain.Rolled:
	default:
		t.control(e)
	}
	return nil
}

// spoken takes note of who wrote an event, and when.
func (t *telling) spoken(e *journal.Entry) {
	if e.Stream.Leg == domain.LegControl {
		t.state.Apply(e.Seq, e.Event)
	}
	if owned, is := e.Event.(domain.ShardEvent); is {
		t.course(e.Stream).owner = owned.Owner()
		t.spoke[owned.Owner()] = max(t.spoke[owned.Owner()], e.At)
	}
}

// asOf takes note of the owner of a stream as of one of its events, and of a block of lineage that
// is open then.
func (t *telling) asOf(ctx context.Context, s domain.Stream, seq domain.Seq) error {
	if seq == 0 || s.Leg == domain.LegControl {
		return nil
	}
	e, err := t.j.Get(ctx, s, seq)
	if err != nil {
		return err
	}
	t.spoken(e)
	if now := domain.TrailOf(e.Event).After(e.Seq, e.Event); now.Open() && s.Leg == domain.LegLineage {
		if e, err = t.j.Get(ctx, s, now.Begun); err == nil {
			t.course(s).intent = attemptOf(e)
		}
	}
	return err
}

// alive says which processes own streams now, the oldest first.
func (t *telling) alive() {
	owns := map[domain.Seq][]domain.Stream{}
	for s, c := range t.courses {
		if _, replay := s.Leg.Plan(); c.owner > 0 && !replay {
			owns[c.owner] = append(owns[c.owner], s)
		}
	}
	var order []domain.Seq
	for incarnation, streams := range owns {
		slices.SortFunc(streams, domain.Stream.Compare)
		order = append(order, incarnation)
	}
	slices.Sort(order)
	for _, incarnation := range order {
		t.story.Alive = append(t.story.Alive, t.process(incarnation)+": "+legs(owns[incarnation]))
	}
}

// takeover is a process that goes on with what another one did.
type takeover struct {
	line    *Line
	from    []domain.Seq
	streams []domain.Stream
	gap     domain.Micros // from the last event of whoever had the first stream
}

// opened tells a takeover, one line for all streams that a process takes.
func (t *telling) opened(e *journal.Entry, ev *domain.Opened) {
	was := t.course(e.Stream).owner
	if _, replay := e.Stream.Leg.Plan(); replay && was == 0 {
		return // the replay begins, which control says
	}
	o := t.taken[ev.Incarnation]
	if o == nil {
		o = &takeover{line: t.line(e, "")}
		if was > 0 {
			o.gap = e.At - t.spoke[was]
			t.troubled = append(t.troubled, stretch{t.spoke[was], e.At})
		}
		t.taken[ev.Incarnation] = o
	}
	if was > 0 && was != ev.Incarnation && !slices.Contains(o.from, was) {
		o.from = append(o.from, was)
	}
	o.streams = append(o.streams, e.Stream)
	slices.SortFunc(o.streams, domain.Stream.Compare)
	o.line.What = t.takes(ev.Incarnation, o)
	if e.Stream.Leg == domain.LegIngest {
		t.rhythm.restart(e.At)
	}
}

func (t *telling) takes(incarnation domain.Seq, o *takeover) string {
	s := fmt.Sprintf("%s takes over %s", t.process(incarnation), legs(o.streams))
	if len(o.from) == 0 {
		return s + ", which nobody had"
	}
	var from []string
	for _, old := range o.from {
		from = append(from, t.process(old))
	}
	again := "another instance"
	if a, b := t.started[incarnation], t.started[o.from[0]]; a != nil && b != nil && a.Instance == b.Instance {
		again = "the same instance, begun again"
	}
	return fmt.Sprintf("%s from %s (%s), whose last event was %s before", s, listed(from), again, lasting(o.gap))
}

// sourceOpened says where a source begins.
func sourceOpened(ev *domain.SourceOpened, city string) string {
	s := fmt.Sprintf("source %s generation %d", ev.Source, ev.Generation)
	if city != "" {
		s += " of city " + city
	}
	s += fmt.Sprintf(" is opened: topic %s on cluster %s", ev.Topic, ev.ClusterID)
	if ev.Generation > 1 {
		s += ", anew"
	}
	const most = 12
	var starts []string
	for i, start := range ev.Starts {
		if i == most {
			starts = append(starts, fmt.Sprintf("%d more", len(ev.Starts)-most))
			break
		}
		starts = append(starts, fmt.Sprintf("partition %d at %d (%s)", start.Partition, start.First, start.How))
	}
	if len(starts) > 0 {
		s += "; it begins with " + strings.Join(starts, ", ")
	}
	return s + byDecision(ev.Incident)
}

// byDecision says that something follows from an incident's decision.
func byDecision(id domain.IncidentID) string {
	if id.IsZero() {
		return ""
	}
	return ", as incident " + brief(id) + " was decided"
}
