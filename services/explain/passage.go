package explain

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// skew is how far the clocks of two processes may be apart: what Kerberos allows.
const skew = domain.Micros(5 * 60 * 1_000_000)

// intent is a HubBegun, a DorisBegun or a LineageBegun.
type intent struct {
	entry       *journal.Entry
	first, last domain.Ref
	time        domain.Micros // 0 of a LineageBegun
	trail       domain.Trail
	excluded    []domain.Exclusion
}

func (i *intent) covers(seq domain.Seq) bool { return i.first.Seq <= seq && seq <= i.last.Seq }

// intentOf is an event as an intent, nil when it is none.
func intentOf(e *journal.Entry) *intent {
	switch ev := e.Event.(type) {
	case *domain.HubBegun:
		return &intent{e, ev.First, ev.Last, ev.Time, ev.Trail, ev.Excluded}
	case *domain.DorisBegun:
		return &intent{e, ev.First, ev.Last, ev.Time, ev.Trail, ev.Excluded}
	case *domain.LineageBegun:
		return &intent{entry: e, first: ev.First, last: ev.Last, trail: ev.Trail}
	default:
		return nil
	}
}

// follows is the intent that an event is about, false for an event that names none.
func follows(ev domain.Event) (begun domain.Ref, ok bool) {
	switch ev := ev.(type) {
	case *domain.HubCommitted:
		return ev.Begun, true
	case *domain.HubAborted:
		return ev.Begun, true
	case *domain.DorisPrepared:
		return ev.Begun, true
	case *domain.DorisCommitted:
		return ev.Begun, true
	case *domain.DorisAborted:
		return ev.Begun, true
	case *domain.LineageCommitted:
		return ev.Begun, true
	default:
		return domain.Ref{}, false
	}
}

// cursorOf is how far a committed batch brought its target, false for an event that is no commit.
func cursorOf(ev domain.Event) (cursor domain.Ref, ok bool) {
	switch ev := ev.(type) {
	case *domain.HubCommitted:
		return ev.Cursor, true
	case *domain.DorisCommitted:
		return ev.Cursor, true
	case *domain.LineageCommitted:
		return ev.Cursor, true
	default:
		return domain.Ref{}, false
	}
}

// passage is how a leg dealt with one event of its input.
type passage struct {
	commit  *journal.Entry // of the batch that carried it, nil when none did yet
	intent  *intent        // of commit, or the one that is open
	entries []*journal.Entry
}

// passage finds every batch that covered an event of the leg's input, with what became of it, and
// the takeovers on the way. since is when the input was journaled, by is the incarnation that did.
// hint is where the commit may be, 0 where nobody knows.
func (r *reading) passage(ctx context.Context, s domain.Stream, input *journal.Entry, since domain.Micros, hint domain.Seq) (*passage, error) {
	tail, err := r.tail(ctx, s)
	if err != nil || tail == nil {
		return &passage{}, err
	}
	p := &passage{}
	if p.commit, err = r.commitOf(ctx, s, input.Seq, hint); err != nil {
		return nil, err
	}
	newest, last := domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Begun, tail.Seq
	if p.commit != nil {
		begun, _ := follows(p.commit.Event)
		newest, last = begun.Seq, p.commit.Seq
	}
	covering, from, err := r.attempts(ctx, s, newest, input.Seq, since-skew)
	if err != nil {
		return nil, err
	}
	if in := covering[newest]; in != nil && (p.commit != nil || domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Open()) {
		p.intent = in
	}
	if p.commit != nil && p.intent == nil {
		return nil, contradiction(p.commit, "the batch that it commits does not hold %s", input.Ref())
	}
	by := ownerOf(input)
	return p, r.each(ctx, s, from, last, func(e *journal.Entry) error {
		begun, about := follows(e.Event)
		opened, takeover := e.Event.(*domain.Opened)
		if covering[e.Seq] != nil || about && covering[begun.Seq] != nil || takeover && opened.Incarnation > by {
			p.entries = append(p.entries, e)
		}
		return nil
	})
}

// commitOf finds the commit that brought a target to an event of its input, or beyond it; nil when
// none did.
func (r *reading) commitOf(ctx context.Context, s domain.Stream, input, hint domain.Seq) (*journal.Entry, error) {
	if tail, err := r.tail(ctx, s); err == nil && tail != nil && hint > 0 && hint <= tail.Seq {
		e, err := r.j.Get(ctx, s, hint)
		if err != nil {
			return nil, err
		}
		// Whether it is the right one is seen by what it commits.
		if begun, ok := follows(e.Event); ok && isCommit(e) {
			in, err := r.intent(ctx, s, begun.Seq)
			if err != nil || in.covers(input) {
				return e, err
			}
		}
	}
	return r.search(ctx, s, func(e *journal.Entry) (bool, error) {
		cursor, is := cursorOf(e.Event)
		if before := domain.TrailOf(e.Event).Commit; !is && before > 0 {
			c, err := r.j.Get(ctx, s, before)
			if err != nil {
				return false, err
			}
			cursor, _ = cursorOf(c.Event)
		}
		return cursor.Seq >= input, nil
	})
}

func isCommit(e *journal.Entry) bool { _, ok := cursorOf(e.Event); return ok }

func (r *reading) intent(ctx context.Context, s domain.Stream, seq domain.Seq) (*intent, error) {
	e, err := r.j.Get(ctx, s, seq)
	if err != nil {
		return nil, err
	}
	in := intentOf(e)
	if in == nil {
		return nil, contradiction(e, "is %s, another event calls it an intent", e.Event.Kind())
	}
	return in, nil
}

// attempts walks back from an intent over those before it, and keeps the ones that cover an event
// of the input. from is where the events begin that may be about them: behind the intent before.
//
// Where to stop is not in the events: after a batch that was refused the next ones are smaller, so
// one that covered the event may stand before commits that did not come so far. None can be older
// than the event itself. A block of lineage is never refused: its intent is the only one.
func (r *reading) attempts(ctx context.Context, s domain.Stream, newest, input domain.Seq, oldest domain.Micros) (covering map[domain.Seq]*intent, from domain.Seq, err error) {
	covering = map[domain.Seq]*intent{}
	from = newest + 1
	for seq := newest; seq > 0; {
		in, err := r.intent(ctx, s, seq)
		if err != nil {
			return nil, 0, err
		}
		if in.covers(input) {
			covering[seq], from = in, in.trail.Begun+1
		}
		if in.time < oldest {
			break
		}
		seq = in.trail.Begun
	}
	return covering, from, nil
}

// ownerOf is the incarnation that wrote an event.
func ownerOf(e *journal.Entry) domain.Seq {
	if owned, ok := e.Event.(domain.ShardEvent); ok {
		return owned.Owner()
	}
	return 0
}
