package explain

import (
	"context"
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// noted is an event of control that may belong to the life of a row.
type noted struct {
	entry         *journal.Entry
	after, before *domain.Micros // the times of the nearest events of control that have one
	heads         map[domain.Stream]domain.Seq
}

// looked is what the reconciler said last of a window.
type looked struct {
	*noted
	result domain.WindowResult
}

// foundOut is a finding with the event that has it first.
type foundOut struct {
	*noted
	finding domain.Finding
}

// control is what the control stream says, as far as it may touch a row.
type control struct {
	config   domain.PipelineConfig
	seq      domain.Seq                    // of config, 0 for none
	starts   map[domain.Claim][]domain.Seq // incarnations that claim a leg, in order
	troubles []*noted                      // Incident, Resolved and Operator
	findings map[domain.FindingID]*foundOut
	order    []domain.FindingID // as they were found
	accepted map[domain.FindingID]*noted
	windows  map[domain.Window]*looked
	replays  []*replayed // as they were planned

	last   *domain.Micros // the time of the last event that has one
	open   []*noted       // without a time behind them so far
	signed map[domain.Stream]domain.Seq
}

// readControl reads the control stream once.
func (r *reading) readControl(ctx context.Context) (*control, error) {
	c := &control{
		findings: map[domain.FindingID]*foundOut{}, accepted: map[domain.FindingID]*noted{}, windows: map[domain.Window]*looked{},
		signed: map[domain.Stream]domain.Seq{}, starts: map[domain.Claim][]domain.Seq{},
	}
	s := domain.ControlStream(r.j.Pipeline())
	tail, err := r.tail(ctx, s)
	if err != nil || tail == nil {
		return c, err
	}
	return c, r.each(ctx, s, 1, tail.Seq, func(e *journal.Entry) error { c.add(e); return nil })
}

func (c *control) add(e *journal.Entry) {
	if t, ok := timeOf(e.Event); ok {
		c.last = &t
		for _, n := range c.open {
			n.before = &t
		}
		c.open = nil
	}
	switch ev := e.Event.(type) {
	case *domain.PipelineConfigured:
		c.config, c.seq = ev.Config, e.Seq
	case *domain.Started:
		for _, claim := range ev.Claims {
			c.starts[claim] = append(c.starts[claim], e.Seq)
		}
	case *domain.Incident, *domain.Resolved, *domain.Operator:
		c.troubles = append(c.troubles, c.note(e))
	case *domain.Checkpoint:
		for _, h := range ev.Heads {
			c.signed[h.Ref.Stream] = h.Ref.Seq
		}
	case *domain.Accepted:
		c.accepted[ev.Finding] = c.note(e)
	case *domain.Reconciled:
		c.reconciled(e, ev)
	case *domain.ReplayPlanned, *domain.ReplayMoved:
		c.replay(e)
	}
}

func (c *control) reconciled(e *journal.Entry, ev *domain.Reconciled) {
	slim := *e
	slim.Event = &domain.Reconciled{Done: ev.Done} // its windows are many
	n := c.note(&slim)
	for _, w := range ev.Windows {
		c.windows[w.Window] = &looked{n, w}
	}
	for _, f := range ev.Findings {
		if id := f.ID(); c.findings[id] == nil {
			c.findings[id] = &foundOut{n, f}
			c.order = append(c.order, id)
		}
	}
}

func (c *control) note(e *journal.Entry) *noted {
	n := &noted{entry: e, after: c.last, heads: maps.Clone(c.signed)}
	c.open = append(c.open, n)
	return n
}

// span is the time in which something happened to a row, as the journal has it.
type span struct {
	shard  int
	source domain.SourceID
	from   domain.Seq                          // the incarnation that fetched it
	began  domain.Micros                       // when
	last   *journal.Entry                      // the event that ended its life; nil: it goes on
	named  map[domain.IncidentID]domain.Micros // incidents by which events of its life were decided
}

// during are the incidents, decisions and pauses that touched a row's shard or source in its time. An
// event of control is only known to lie behind what was signed before it, behind the process that
// lived when it was written, and between events with a time: what may have been in the row's time is
// in.
func (c *control) during(at span) []*noted {
	var out []*noted
	open := map[domain.IncidentID]*noted{}
	for _, n := range c.troubles {
		_, decided := at.named[incidentOf(n.entry.Event)]
		in := decided || n.in(at, c.starts)
		switch ev := n.entry.Event.(type) {
		case *domain.Incident:
			if !at.touched(ev) {
				continue
			}
			if in {
				out = append(out, n)
			} else if n.entry.Seq < at.from {
				open[ev.ID] = n
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
				out = append(out, n)
			}
		case *domain.Operator:
			if in && (ev.Target == "" || domain.SourceID(ev.Target) == at.source) {
				out = append(out, n)
			}
		}
	}
	slices.SortFunc(out, func(a, b *noted) int { return int(a.entry.Seq) - int(b.entry.Seq) })
	return out
}

// touched reports whether an incident is of the row's shard, and of its source where it has one.
func (c *control) touched(id domain.IncidentID, at span) bool {
	for _, n := range c.troubles {
		if ev, ok := n.entry.Event.(*domain.Incident); ok && ev.ID == id {
			return at.touched(ev)
		}
	}
	return false
}

// touched reports whether an incident may have held up the row: one of a replay stops nothing else.
func (s span) touched(by *domain.Incident) bool {
	_, replay := by.Stream.Leg.Plan()
	return !replay && by.Shard == s.shard && (by.Source == "" || by.Source == s.source)
}

// in reports whether the event may have been in the row's time.
func (n *noted) in(at span, starts map[domain.Claim][]domain.Seq) bool {
	if n.entry.Seq < at.from || n.before != nil && *n.before < at.began {
		return false
	}
	if at.last == nil {
		return true
	}
	if n.heads[at.last.Stream] >= at.last.Seq {
		return false
	}
	if t, ok := timeOf(at.last.Event); ok && n.after != nil && *n.after > t {
		return false
	}
	for _, s := range starts[domain.Claim{Shard: at.shard, Leg: at.last.Stream.Leg}] {
		if s > ownerOf(at.last) {
			return n.entry.Seq < s
		}
	}
	return true
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
