package explain

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// batch tells of a hub transaction or a Doris load.
func (a *asking) batch(ctx context.Context) (*Answer, error) {
	in, none, err := a.asked(ctx)
	if err != nil {
		return nil, err
	}
	if in == nil {
		return a.say(none), nil
	}
	of, none := a.replayOf(in.entry.Stream)
	if none != "" {
		return a.say(none), nil
	}
	out := a.say("")
	out.Found, out.Shard = true, in.entry.Stream.Shard
	if err := a.ends(ctx, out.Shard); err != nil {
		return nil, err
	}
	entries, err := a.outcome(ctx, in)
	if err != nil {
		return nil, err
	}
	t := tell(&a.reading)
	for _, e := range entries {
		t.event(e, words(e))
	}
	last := entries[len(entries)-1]
	if out.Batch, err = a.contents(ctx, in, last, of); err != nil {
		return nil, err
	}
	out.State = ending(last, of)
	at := span{shard: out.Shard, began: timeOf(in.entry), named: t.named}
	if of != nil {
		out.Batch.Replay, at.replay = of.ofReplay(t), in.entry.Stream.Leg
	}
	if at.last, err = a.onward(ctx, t, out, in, last, of); err != nil {
		return nil, err
	}
	for _, e := range a.control.during(at) {
		t.note(e, trouble(e.Event))
	}
	out.Lines, err = t.in(ctx)
	return out, err
}

// onward tells what became of a batch behind its outcome. It returns the event that ended it, nil
// while it goes on. What a replay carried goes nowhere from there.
func (a *asking) onward(ctx context.Context, t *telling, out *Answer, in *intent, last *journal.Entry, of *replayed) (*journal.Entry, error) {
	switch last.Event.(type) {
	case *domain.HubCommitted:
		if of != nil {
			return last, nil
		}
		var err error
		if last, err = a.onToDoris(ctx, t, out, last); err != nil {
			return nil, err
		}
	case *domain.DorisCommitted:
		if of != nil && of.Plan.Target.Kind != domain.TargetTable {
			return last, nil
		}
		if out.Doris = a.ofLoad(t, in.entry, last); of != nil {
			return last, nil
		}
	case *domain.HubAborted, *domain.DorisAborted:
	default:
		return nil, nil
	}
	return last, a.lineageOf(ctx, t, out.Shard, last)
}

// asked finds the intent that a question names. none says why there is none.
func (a *asking) asked(ctx context.Context) (in *intent, none string, err error) {
	switch {
	case a.q.Txn != 0:
		return a.ofTxn(ctx)
	case a.q.Event != "":
		s, seq, err := a.q.event()
		if err != nil {
			return nil, "", err
		}
		e, none, err := a.at(ctx, s, seq)
		if e == nil {
			return nil, none, err
		}
		if begun, about := follows(e.Event); about {
			in, err = a.intent(ctx, s, begun.Seq)
			return in, "", err
		}
		if in := intentOf(e); in != nil {
			return in, "", nil
		}
		return nil, "", ask("event %s is %s, of no transaction and no load", a.q.Event, e.Event.Kind())
	}
	parts, _ := domain.ParseLabel(a.q.Label)
	e, none, err := a.at(ctx, parts.Stream, parts.Seq)
	if e == nil {
		return nil, none, err
	}
	if in := intentOf(e); in != nil && parts.Names(e.Ref()) {
		return in, "", nil
	}
	return nil, fmt.Sprintf("the label is of another journal: what stands at %s here has hash %s", e.Ref(), short(e.Hash.String())), nil
}

// at reads an event by its place, nil when the stream does not go so far.
func (a *asking) at(ctx context.Context, s domain.Stream, seq domain.Seq) (*journal.Entry, string, error) {
	tail, err := a.tail(ctx, s)
	switch {
	case err != nil:
		return nil, "", err
	case tail == nil:
		return nil, fmt.Sprintf("the journal has no stream %s", s), nil
	case seq > tail.Seq:
		return nil, fmt.Sprintf("stream %s goes up to %d", s, tail.Seq), nil
	}
	e, err := a.j.Get(ctx, s, seq)
	return e, "", err
}

// ofTxn finds the load with a transaction id of Doris, also of a replay. Doris counts them up, so
// the prepared loads are found by halving; what Doris committed by itself, or after it was made
// anew, by reading on.
func (a *asking) ofTxn(ctx context.Context) (*intent, string, error) {
	var streams []domain.Stream
	for shard := range a.c.Shards {
		streams = append(streams, a.stream(shard, domain.LegDoris))
	}
	for _, r := range a.control.replays {
		for _, l := range r.Plan.Lanes {
			if r.approved != nil && r.Plan.Target.Kind == domain.TargetTable {
				streams = append(streams, r.Plan.Stream(l.Shard))
			}
		}
	}
	for _, find := range []func(context.Context, domain.Stream) (*journal.Entry, error){a.searchForTxn, a.readForTxn} {
		for _, s := range streams {
			e, err := find(ctx, s)
			if err != nil {
				return nil, "", err
			}
			if e != nil {
				begun, _ := follows(e.Event)
				in, err := a.intent(ctx, s, begun.Seq)
				return in, "", err
			}
		}
	}
	return nil, "no load with this transaction was prepared or committed; one that was aborted before it was prepared is known by its label only", nil
}

func (a *asking) searchForTxn(ctx context.Context, s domain.Stream) (*journal.Entry, error) {
	e, err := a.search(ctx, s, func(e *journal.Entry) (bool, error) {
		if p := domain.TrailOf(e.Event).Prepared; txnOf(e.Event) == 0 && p > 0 {
			var err error
			if e, err = a.j.Get(ctx, s, p); err != nil {
				return false, err
			}
		}
		return txnOf(e.Event) >= a.q.Txn, nil
	})
	if err != nil || e == nil || txnOf(e.Event) != a.q.Txn {
		return nil, err
	}
	return e, nil
}

func (a *asking) readForTxn(ctx context.Context, s domain.Stream) (found *journal.Entry, err error) {
	tail, err := a.tail(ctx, s)
	if err != nil || tail == nil {
		return nil, err
	}
	err = a.each(ctx, s, 1, tail.Seq, func(e *journal.Entry) error {
		if txnOf(e.Event) != a.q.Txn {
			return nil
		}
		found = e
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return found, err
}

func txnOf(ev domain.Event) int64 {
	switch ev := ev.(type) {
	case *domain.DorisPrepared:
		return ev.Txn
	case *domain.DorisCommitted:
		return ev.Txn
	default:
		return 0
	}
}

// outcome reads an intent, what follows from it, and the takeovers between.
func (r *reading) outcome(ctx context.Context, in *intent) ([]*journal.Entry, error) {
	s := in.entry.Stream
	tail, err := r.tail(ctx, s)
	if err != nil {
		return nil, err
	}
	out, done := []*journal.Entry{in.entry}, false
	for seq := in.entry.Seq + 1; seq <= tail.Seq && !done; seq++ {
		e, err := r.j.Get(ctx, s, seq)
		if err != nil {
			return nil, err
		}
		if _, takeover := e.Event.(*domain.Opened); takeover {
			out = append(out, e)
		}
		if begun, about := follows(e.Event); about && begun.Seq == in.entry.Seq {
			out = append(out, e)
			_, prepared := e.Event.(*domain.DorisPrepared)
			done = !prepared
		}
	}
	return out, nil
}

// ending says how a batch ended.
func ending(last *journal.Entry, of *replayed) string {
	switch ev := last.Event.(type) {
	case *domain.HubCommitted, *domain.DorisCommitted:
		switch {
		case of != nil:
			return "carried into " + into(of.Plan.Target)
		case last.Stream.Leg == domain.LegHub:
			return "committed in the hub"
		default:
			return "visible in Doris"
		}
	case *domain.HubAborted:
		return "did not happen: " + oneLine(ev.Why)
	case *domain.DorisAborted:
		return "did not happen: " + oneLine(ev.Why)
	default:
		return "has no outcome yet"
	}
}

// onToDoris tells what became of a committed hub transaction. It returns the event that ended it, nil
// while it goes on.
func (a *asking) onToDoris(ctx context.Context, t *telling, out *Answer, commit *journal.Entry) (*journal.Entry, error) {
	if a.c.Table == "" {
		return commit, nil
	}
	c, _ := commit.Event.(*domain.HubCommitted)
	p, err := a.passage(ctx, a.stream(out.Shard, domain.LegDoris), commit, c.Time, 0)
	if err != nil {
		return nil, err
	}
	t.passage(p)
	if p.commit == nil {
		out.State += "; " + p.pending("Doris", "load")
		return nil, nil
	}
	out.State += "; visible in Doris"
	out.Doris = a.ofLoad(t, p.intent.entry, p.commit)
	return p.commit, nil
}
