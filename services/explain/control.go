package explain

import (
	"cmp"
	"context"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// looked is what the reconciler said last of a window.
type looked struct {
	*journal.Entry
	result domain.WindowResult
}

// foundOut is a finding with the event that has it first.
type foundOut struct {
	*journal.Entry
	finding domain.Finding
}

// control is what the control stream says, as far as it may touch a row.
type control struct {
	config   domain.PipelineConfig
	seq      domain.Seq       // of config, 0 for none
	troubles []*journal.Entry // Incident, Resolved and Operator
	findings map[domain.FindingID]*foundOut
	order    []domain.FindingID // as they were found
	accepted map[domain.FindingID]*journal.Entry
	windows  map[domain.Window]*looked
	replays  []*replayed    // as they were planned
	rebased  *journal.Entry // that the journal took the place of another one, nil: it did not

	exchanges []*exchange       // of the live table with another one
	swapping  *domain.TableSwap // one that has no outcome yet

	state domain.ControlState // of replays alone
}

// readControl reads the control stream once.
func (r *reading) readControl(ctx context.Context) (*control, error) {
	c := &control{
		findings: map[domain.FindingID]*foundOut{}, accepted: map[domain.FindingID]*journal.Entry{}, windows: map[domain.Window]*looked{},
	}
	s := domain.ControlStream(r.j.Pipeline())
	tail, err := r.tail(ctx, s)
	if err != nil || tail == nil {
		return c, err
	}
	return c, r.each(ctx, s, 1, tail.Seq, func(e *journal.Entry) error { c.add(e); return nil })
}

func (c *control) add(e *journal.Entry) {
	switch ev := e.Event.(type) {
	case *domain.PipelineConfigured:
		c.config, c.seq = ev.Config, e.Seq
	case *domain.Incident, *domain.Resolved, *domain.Operator:
		c.troubles = append(c.troubles, e)
	case *domain.Accepted:
		c.accepted[ev.Finding] = e
	case *domain.Reconciled:
		c.reconciled(e, ev)
	case *domain.ReplayPlanned, *domain.ReplayMoved:
		c.replay(e)
	case *domain.TableSwap:
		c.swap(e, ev)
	case *domain.Rebased:
		c.rebased = e
	}
}

func (c *control) reconciled(e *journal.Entry, ev *domain.Reconciled) {
	slim := *e
	slim.Event = &domain.Reconciled{Done: ev.Done} // its windows are many
	for _, w := range ev.Windows {
		c.windows[w.Window] = &looked{&slim, w}
	}
	for _, f := range ev.Findings {
		if id := f.ID(); c.findings[id] == nil {
			c.findings[id] = &foundOut{&slim, f}
			c.order = append(c.order, id)
		}
	}
}

// span is the time in which something happened to a row, as the journal has it.
type span struct {
	shard  int
	source domain.SourceID
	began  domain.Micros                       // when
	last   *journal.Entry                      // the event that ended its life; nil: it goes on
	named  map[domain.IncidentID]domain.Micros // incidents by which events of its life were decided
	replay domain.Leg                          // of the replay that it is a batch of, "" for the pipeline's own way
}

// during are the incidents, decisions and pauses that touched a row's shard or source in its time, and
// those by which events of its life were decided.
func (c *control) during(at span) []*journal.Entry {
	var out []*journal.Entry
	open := map[domain.IncidentID]*journal.Entry{}
	for _, e := range c.troubles {
		_, decided := at.named[incidentOf(e.Event)]
		in := decided || at.holds(e)
		switch ev := e.Event.(type) {
		case *domain.Incident:
			if !at.touched(ev) {
				continue
			}
			if in {
				out = append(out, e)
			} else if timeOf(e) < at.began {
				open[ev.ID] = e
			}
		case *domain.Resolved:
			if !c.touched(ev.ID, at) {
				continue
			}
			if in && open[ev.ID] != nil {
				out = append(out, open[ev.ID]) // it stood when the row came
			}
			delete(open, ev.ID)
			if in {
				out = append(out, e)
			}
		case *domain.Operator:
			if in && (ev.Target == "" || domain.SourceID(ev.Target) == at.source) {
				out = append(out, e)
			}
		}
	}
	if at.last == nil {
		for _, e := range open {
			out = append(out, e) // it stands in the way
		}
	}
	slices.SortFunc(out, func(a, b *journal.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// touched reports whether an incident is of the row's shard, and of its source where it has one.
func (c *control) touched(id domain.IncidentID, at span) bool {
	for _, e := range c.troubles {
		if ev, ok := e.Event.(*domain.Incident); ok && ev.ID == id {
			return at.touched(ev)
		}
	}
	return false
}

// touched reports whether an incident may have held up the row: one of a replay stops nothing else,
// and is not stopped by others.
func (s span) touched(by *domain.Incident) bool {
	if _, replay := by.Stream.Leg.Plan(); replay || s.replay != "" {
		return by.Stream.Leg == s.replay && by.Shard == s.shard
	}
	return by.Shard == s.shard && (by.Source == "" || by.Source == s.source)
}

// holds reports whether an event of control was in the row's time.
func (s span) holds(e *journal.Entry) bool {
	when := timeOf(e)
	return when >= s.began && (s.last == nil || when <= timeOf(s.last))
}

// hubLost is the incident that the hub of a shard lost something, while nobody decided about it; nil for
// none. Which rows that are is for the reconciler to find.
func (c *control) hubLost(shard int) (lost *journal.Entry) {
	for _, e := range c.troubles {
		switch ev := e.Event.(type) {
		case *domain.Incident:
			if ev.What == domain.IncidentHubLost && ev.Stream.Leg == domain.LegHub && ev.Stream.Shard == shard {
				lost = e
			}
		case *domain.Resolved:
			if lost != nil && incidentOf(lost.Event) == ev.ID {
				lost = nil
			}
		}
	}
	return lost
}

// about are the findings that name a row by its place in the city or in the hub.
func (c *control) about(row *Row, hub *Place) []*foundOut {
	var out []*foundOut
	for _, id := range c.order {
		f := &c.findings[id].finding
		city := row != nil && f.Row.City.Partition == row.Partition && f.Row.City.Offset == row.Offset &&
			(f.Source == "" && string(f.City) == row.City || string(f.Source) == row.Source) && (f.Generation == 0 || uint32(f.Generation) == row.Generation)
		inHub := hub != nil && f.Row.Hub.Partition == hub.Partition && f.Row.Hub.Offset == hub.Offset
		if city || inHub {
			out = append(out, c.findings[id])
		}
	}
	return out
}

// proven are the newest looks at the windows that hold a row, once they came to it.
func (c *control) proven(row *Row, hub *Place) []*looked {
	var out []*looked
	take := func(w domain.Window, offset int64) {
		w.Index = offset / domain.WindowSize
		if l := c.windows[w]; l != nil && offset < l.result.Through {
			out = append(out, l)
		}
	}
	if row != nil {
		take(domain.Window{Proof: domain.ProofCityHub, Source: domain.SourceID(row.Source), Generation: domain.Generation(row.Generation), Partition: row.Partition}, row.Offset)
	}
	if hub != nil {
		take(domain.Window{Proof: domain.ProofHubDoris, Partition: hub.Partition}, hub.Offset)
	}
	return out
}
