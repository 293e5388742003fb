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
	at     domain.Micros // its time, or that of an event that is known to be before it
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
func (t *telling) event(e *journal.Entry, what string) {
	l := told{Line: t.lineOf(e, what), stream: e.Stream, seq: e.Seq, at: max(timeOf(e), t.floor), owner: ownerOf(e)}
	for i := range t.lines {
		if other := &t.lines[i]; other.stream == l.stream && other.seq < l.seq {
			l.at = max(l.at, other.at) // a clock that was set back does not turn a stream round
		}
	}
	if id := decision(e.Event); !id.IsZero() {
		t.named[id] = l.at
	}
	t.lines = append(t.lines, l)
}

// note adds an event of control.
func (t *telling) note(e *journal.Entry, what string) {
	l := told{Line: t.lineOf(e, what), stream: e.Stream, seq: e.Seq, at: timeOf(e)}
	for i := range t.lines {
		if other := &t.lines[i]; other.stream == l.stream && other.seq < l.seq {
			l.at = max(l.at, other.at)
		}
	}
	if decided, ok := t.named[incidentOf(e.Event)]; ok {
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

// in adds the start of each process that wrote a line, and puts the lines in order.
func (t *telling) in(ctx context.Context) ([]Line, error) {
	if err := t.starts(ctx); err != nil {
		return nil, err
	}
	slices.SortStableFunc(t.lines, func(a, b told) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rank(a.stream), rank(b.stream)), cmp.Compare(a.seq, b.seq))
	})
	out := make([]Line, 0, len(t.lines))
	for i := range t.lines {
		out = append(out, t.lines[i].Line)
	}
	return out, nil
}

// starts adds the beginnings of the processes that wrote the lines, each before the first of its own.
func (t *telling) starts(ctx context.Context) error {
	first := map[domain.Seq]*told{}
	for i := range t.lines {
		if l := &t.lines[i]; l.owner > 0 && (first[l.owner] == nil || l.at < first[l.owner].at) {
			first[l.owner] = l
		}
	}
	control := domain.ControlStream(t.r.j.Pipeline())
	for owner, l := range first {
		e, err := t.r.j.Get(ctx, control, owner)
		if errors.Is(err, journal.ErrNotFound) {
			return &journal.IntegrityError{Stream: control, Seq: owner, What: "is not there, " + l.Event + " names it as the start of its process"}
		}
		if err != nil {
			return err
		}
		t.lines = append(t.lines, told{Line: t.lineOf(e, trouble(e.Event)), stream: control, seq: owner, at: min(timeOf(e), l.at-1)})
	}
	return nil
}

func (t *telling) lineOf(e *journal.Entry, what string) Line {
	return Line{Time: t.r.time(timeOf(e)), Event: e.Ref().String(), Hash: e.Hash.String(), Kind: string(e.Event.Kind()), What: what}
}
