package explain

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// told is a line with what orders it.
type told struct {
	Line
	stream domain.Stream
	seq    domain.Seq
	at     domain.Micros // its time, or that of the event before it
	owner  domain.Seq
}

// telling collects the lines of a life.
type telling struct {
	r     *reading
	lines []told
	floor domain.Micros // when a leg's input was there: nothing that the leg did with it was before
	// named are the incidents by which events of lines were decided, with the times of those.
	named map[domain.IncidentID]domain.Micros
}

func tell(r *reading) *telling { return &telling{r: r, named: map[domain.IncidentID]domain.Micros{}} }

// decision is the resolved incident that an event follows from, zero for none.
func decision(ev domain.Event) domain.IncidentID {
	switch ev := ev.(type) {
	case *domain.SourceOpened:
		return ev.Incident
	case *domain.Ingested:
		return ev.Incident
	case *domain.HubCommitted:
		return ev.Incident
	case *domain.HubAborted:
		return ev.Incident
	case *domain.DorisCommitted:
		return ev.Incident
	case *domain.DorisAborted:
		return ev.Incident
	default:
		return domain.IncidentID{}
	}
}

// rank orders streams along the way of a row, with those of replays behind them, then control.
func rank(s domain.Stream) int {
	way := append(domain.Legs(), domain.LegControl)
	if _, replay := s.Leg.Plan(); replay {
		return len(way) - 1
	}
	if at := slices.Index(way, s.Leg); at < len(way)-1 {
		return at
	}
	return len(way)
}

// event adds an event of a shard's stream. The events of one stream are added in order.
func (t *telling) event(ctx context.Context, e *journal.Entry, what string) error {
	l := told{Line: lineOf(e, what), stream: e.Stream, seq: e.Seq, owner: ownerOf(e)}
	if at, ok := timeOf(e.Event); ok {
		l.Time, l.at = t.r.time(at), at
	} else {
		after, before, err := t.r.around(ctx, e)
		if err != nil {
			return err
		}
		l.After, l.Before = t.r.timeOrNil(after), t.r.timeOrNil(before)
		if after != nil {
			l.at = *after
		}
	}
	l.at = max(l.at, t.floor)
	for i := range t.lines {
		if other := &t.lines[i]; other.stream == l.stream && other.seq < l.seq {
			l.at = max(l.at, other.at) // a clock that was set back does not turn a stream round
		}
	}
	if id := decision(e.Event); !id.IsZero() {
		t.named[id] = l.at
	}
	t.lines = append(t.lines, l)
	return nil
}

// note adds an event of control. It stands behind floor, but for what is known to be before it.
func (t *telling) note(n *noted, what string, floor domain.Micros) {
	l := told{Line: lineOf(n.entry, what), stream: n.entry.Stream, seq: n.entry.Seq, at: floor}
	if at, ok := timeOf(n.entry.Event); ok {
		l.Time, l.at = t.r.time(at), at
	} else {
		l.After, l.Before = t.r.timeOrNil(n.after), t.r.timeOrNil(n.before)
		if n.after != nil {
			l.at = max(l.at, *n.after)
		}
	}
	for i := range t.lines {
		other := &t.lines[i]
		if other.stream == l.stream && other.seq < l.seq || other.seq <= n.heads[other.stream] {
			l.at = max(l.at, other.at)
		}
	}
	if n.before != nil {
		l.at = min(l.at, *n.before-1)
	}
	if decided, ok := t.named[incidentOf(n.entry.Event)]; ok {
		l.at = min(l.at, decided-1)
	}
	t.lines = append(t.lines, l)
}

func incidentOf(ev domain.Event) domain.IncidentID {
	switch ev := ev.(type) {
	case *domain.Incident:
		return ev.ID
	case *domain.Resolved:
		return ev.ID
	default:
		return domain.IncidentID{}
	}
}

// in puts the lines in order, and before the first one of each process the line of its start.
func (t *telling) in(ctx context.Context) ([]Line, error) {
	slices.SortStableFunc(t.lines, func(a, b told) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rank(a.stream), rank(b.stream)), cmp.Compare(a.seq, b.seq))
	})
	t.beforeDoris()
	out := make([]Line, 0, len(t.lines))
	known := map[domain.Seq]bool{0: true}
	for i := range t.lines {
		l := &t.lines[i]
		if !known[l.owner] {
			known[l.owner] = true
			start, err := t.start(ctx, l)
			if err != nil {
				return nil, err
			}
			if start != nil {
				out = append(out, *start)
			}
		}
		out = append(out, l.Line)
	}
	return out, nil
}

// beforeDoris says of the hub's events that the load which took them up began after them: on a quiet
// stream no other event with a time follows for long.
func (t *telling) beforeDoris() {
	i := slices.IndexFunc(t.lines, func(l told) bool { return l.stream.Leg == domain.LegDoris && l.Time != nil })
	if i < 0 {
		return
	}
	load := t.lines[i].Time
	for j := range t.lines {
		l := &t.lines[j]
		if l.stream.Leg == domain.LegHub && l.Time == nil && (l.Before == nil || load.UTC < l.Before.UTC) {
			l.Before = load
		}
	}
}

// start is the beginning of the process that wrote a line.
func (t *telling) start(ctx context.Context, first *told) (*Line, error) {
	e, err := t.r.j.Get(ctx, domain.ControlStream(t.r.j.Pipeline()), first.owner)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, &journal.IntegrityError{
			Stream: domain.ControlStream(t.r.j.Pipeline()), Seq: first.owner, What: "is not there, " + first.Event + " names it as the start of its process",
		}
	}
	if err != nil {
		return nil, err
	}
	l := lineOf(e, trouble(e.Event))
	l.Before = first.Before
	if first.Time != nil {
		l.Before = first.Time
	}
	return &l, nil
}

func lineOf(e *journal.Entry, what string) Line {
	return Line{Event: e.Ref().String(), Hash: e.Hash.String(), Kind: string(e.Event.Kind()), What: what}
}
