package timeline

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// attempt is a hub transaction, a load or a block of lineage, from its intent on.
type attempt struct {
	ref         domain.Ref
	owner       domain.Seq
	at          domain.Micros
	first, last domain.Ref    // of what it is to carry
	prepared    domain.Micros // of a load: when Doris had it; 0: not known, or never
	probe       bool
	excluded    []domain.Exclusion
	table       string
}

// attemptOf is what an intent says, nil of any other event.
func attemptOf(e *journal.Entry) *attempt {
	switch ev := e.Event.(type) {
	case *domain.HubBegun:
		return &attempt{ref: e.Ref(), owner: ev.Incarnation, at: e.At, first: ev.First, last: ev.Last, excluded: ev.Excluded}
	case *domain.DorisBegun:
		return &attempt{ref: e.Ref(), owner: ev.Incarnation, at: e.At, first: ev.First, last: ev.Last, probe: ev.Probe != nil, excluded: ev.Excluded, table: ev.Table}
	case *domain.LineageBegun:
		return &attempt{ref: e.Ref(), owner: ev.Incarnation, at: e.At, first: ev.First, last: ev.Last}
	default:
		return nil
	}
}

// String names it.
func (a *attempt) String() string {
	of := through(a.first, a.last)
	switch {
	case a.ref.Stream.Leg == domain.LegLineage:
		return fmt.Sprintf("lineage block %s of %s", spot(a.ref), of)
	case a.table == "":
		return fmt.Sprintf("hub transaction %s of %s", spot(a.ref), of)
	default:
		return fmt.Sprintf("load %s of %s into %s", spot(a.ref), of, a.table)
	}
}

// ending is an attempt's outcome, alike for both legs.
type ending struct {
	begun    domain.Ref
	why      string // of one that came to nothing
	done     bool
	rows     int64
	visible  domain.Micros
	excluded []domain.Exclusion // of a hub transaction that is committed
	by       domain.Finder
	incident domain.IncidentID
}

func endingOf(e *journal.Entry) ending {
	switch ev := e.Event.(type) {
	case *domain.HubCommitted:
		return ending{begun: ev.Begun, done: true, rows: ev.Rows, visible: e.At, excluded: ev.Excluded, by: ev.FoundBy, incident: ev.Incident}
	case *domain.DorisCommitted:
		return ending{begun: ev.Begun, done: true, rows: ev.Rows, visible: ev.Visible, by: ev.FoundBy, incident: ev.Incident}
	case *domain.HubAborted:
		return ending{begun: ev.Begun, why: ev.Why, by: ev.FoundBy, incident: ev.Incident}
	case *domain.DorisAborted:
		return ending{begun: ev.Begun, why: ev.Why, by: ev.FoundBy, incident: ev.Incident}
	default:
		return ending{}
	}
}

// failing are attempts that came to nothing, one after the other, to carry the same.
type failing struct {
	line  *Line
	began domain.Micros // when the first one was known to have come to nothing
	last  domain.Seq    // of what they were to carry: who goes on before or at it tries the same again
	next  domain.Seq    // what lies before it, the widest of them has had
}

// outcome tells how an attempt ended.
func (t *telling) outcome(ctx context.Context, e *journal.Entry) error {
	o := endingOf(e)
	in, err := t.intentOf(ctx, e, o.begun)
	if err != nil {
		return err
	}
	switch {
	case !o.done && in.probe:
		t.flows(e.At, Counts{Probes: 1})
		return nil
	case !o.done:
		return t.failed(ctx, e, in, &o)
	default:
		return t.committed(ctx, e, in, &o)
	}
}

// intentOf is the attempt that an outcome is of, which may have begun before the window.
func (t *telling) intentOf(ctx context.Context, e *journal.Entry, begun domain.Ref) (*attempt, error) {
	if in := t.course(e.Stream).intent; in != nil && in.ref.Seq == begun.Seq {
		return in, nil
	}
	b, err := t.j.Get(ctx, e.Stream, begun.Seq)
	if err != nil {
		return nil, err
	}
	in := attemptOf(b)
	if in == nil {
		return nil, contradiction(e, "is the outcome of %s, which is no intent", begun)
	}
	if prepared := domain.TrailOf(e.Event).Prepared; prepared > begun.Seq {
		p, err := t.j.Get(ctx, e.Stream, prepared)
		if err != nil {
			return nil, err
		}
		in.prepared = p.At
	}
	return in, nil
}

func contradiction(e *journal.Entry, format string, args ...any) error {
	return &journal.IntegrityError{Stream: e.Stream, Seq: e.Seq, What: fmt.Sprintf(format, args...)}
}

// failed tells an attempt that came to nothing; one that tries the same again is not told anew.
func (t *telling) failed(ctx context.Context, e *journal.Entry, in *attempt, o *ending) error {
	t.tally.attempts++
	c := t.course(e.Stream)
	f := c.failing
	if f == nil || in.first.Seq > f.last {
		what := fmt.Sprintf("%s comes to nothing: %s", in, said(o.why))
		f = &failing{line: t.line(e, what+t.foundBy(o, in, e)+byDecision(o.incident)), began: e.At, last: in.last.Seq}
		c.failing = f
	} else {
		f.line.Times = max(f.line.Times, 1) + 1
	}
	f.last = max(f.last, in.last.Seq)
	until := t.time(e.At)
	if f.line.Times > 1 {
		f.line.Until = &until
	}
	if _, replay := e.Stream.Leg.Plan(); replay || in.last.Seq < f.next {
		return nil // it is not about rows that are to be there, or about none that are not known yet
	}
	f.next = in.last.Seq + 1
	cause := causeFailed
	if o.by == domain.FoundByNextOwner {
		cause = causeInterrupted
	}
	return t.touch(ctx, f.line, e.Stream, in, cause)
}

// foundBy says that somebody else found an outcome out.
func (t *telling) foundBy(o *ending, in *attempt, e *journal.Entry) string {
	if o.by != domain.FoundByNextOwner {
		return ""
	}
	owned, _ := e.Event.(domain.ShardEvent)
	return fmt.Sprintf("; incarnation %d began it, incarnation %d found it so", in.owner, owned.Owner())
}

// committed tells a batch that is there, where there is something to tell of it.
func (t *telling) committed(ctx context.Context, e *journal.Entry, in *attempt, o *ending) error {
	defer t.succeeds(e, in)
	if _, replay := e.Stream.Leg.Plan(); replay {
		t.flows(e.At, Counts{Replays: 1, Replayed: o.rows})
		return nil
	}
	excluded, counts := in.excluded, Counts{Loads: 1, Loaded: o.rows}
	if e.Stream.Leg == domain.LegHub {
		excluded = o.excluded // with what was not acknowledged
		counts = Counts{Transactions: 1, InHub: o.rows}
	}
	told, err := t.outOfTheOrdinary(ctx, e, in, o)
	if err != nil {
		return err
	}
	if told {
		t.story.Sums.add(&counts)
	} else {
		t.flows(e.At, counts)
	}
	if err := t.leftOut(ctx, e, in, excluded); err != nil {
		return err
	}
	return t.lateIn(ctx, e, in, o)
}

// succeeds ends the trouble with what an attempt carried, if it went so far. What flowed in the
// meantime is summed up here: what comes is normal again.
func (t *telling) succeeds(e *journal.Entry, in *attempt) {
	c := t.course(e.Stream)
	if f := c.failing; f != nil && in.last.Seq >= f.last {
		t.sumUp()
		t.troubled = append(t.troubled, stretch{f.began, e.At})
		c.failing = nil
	}
}

// outOfTheOrdinary tells a batch of which another process found out that it is there, about which
// somebody decided, or for which Doris took long.
func (t *telling) outOfTheOrdinary(ctx context.Context, e *journal.Entry, in *attempt, o *ending) (told bool, err error) {
	slow := in.prepared > 0 && e.At-in.prepared > t.ask.slow()
	foreign := o.by == domain.FoundByNextOwner || !o.incident.IsZero()
	if !slow && !foreign {
		return false, nil
	}
	what, cause := fmt.Sprintf("%s is there: %s", in, number(o.rows, "row")), causeSlow
	if slow {
		what += fmt.Sprintf("; it took %s from prepared to committed", lasting(e.At-in.prepared))
	}
	if slow && !foreign {
		t.tally.slow++
	}
	if foreign {
		what += t.foundBy(o, in, e) + byDecision(o.incident)
		cause = causeInterrupted
	}
	l := t.line(e, what)
	if slow {
		t.lasts(l, in.prepared, e.At)
		l.At = t.time(in.prepared)
	}
	return true, t.touch(ctx, l, e.Stream, in, cause)
}
