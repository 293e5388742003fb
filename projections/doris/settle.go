package doris

import (
	"context"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
)

// settle brings an open intent to its outcome by the table of domain.SettleDoris: the
// same way for a load that has just been prepared and for one that an owner left
// behind. It asks Doris, acts, and asks again, until an outcome is in the journal.
func (l *leg) settle(ctx context.Context, in *intent, finder domain.Finder) error {
	label := domain.Label(in.ref)
	prepared, err := l.prepared(ctx, in)
	if err != nil {
		return err
	}
	said := false
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		state, err := l.fe.state(ctx, l.cfg.Database, label)
		if err != nil {
			return err
		}
		switch domain.SettleDoris(prepared != nil, state) {
		case domain.DorisAbortLabel:
			if answer, err := l.fe.finish(ctx, l.cfg.Database, "abort", 0, label); err != nil {
				return fmt.Errorf("abort label %s: %w", label, err)
			} else if l.log.DebugContext(ctx, "load is aborted", "label", label, "answer", answer); ctx.Err() != nil {
				return ctx.Err()
			}
		case domain.DorisAbort:
			return l.aborted(ctx, in, state, finder)
		case domain.DorisCommit:
			crash.Point("doris.commit.before")
			answer, err := l.fe.finish(ctx, l.cfg.Database, "commit", prepared.Txn, "")
			if err != nil {
				return fmt.Errorf("commit %s (txn %d): %w", label, prepared.Txn, err)
			}
			crash.Point("doris.commit.after")
			l.log.DebugContext(ctx, "load is committed", "label", label, "txn", prepared.Txn, "answer", answer)
		case domain.DorisWait:
			if wait >= 500*time.Millisecond && !said {
				said = true
				l.log.InfoContext(ctx, "waiting for doris to publish", "label", label, "txn", prepared.Txn)
			}
		case domain.DorisDone:
			return l.committed(ctx, in, prepared, "transaction state", finder, domain.IncidentID{})
		case domain.DorisAskRows:
			return l.rowsDecide(ctx, in, prepared)
		default:
			return l.impossible(ctx, in, state)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// prepared is the DorisPrepared of an intent, nil when it has none.
func (l *leg) prepared(ctx context.Context, in *intent) (*domain.DorisPrepared, error) {
	seq := l.w.Trail().Prepared
	if seq < in.ref.Seq {
		return nil, nil
	}
	e, err := l.j.Get(ctx, l.stream, seq)
	if err != nil {
		return nil, err
	}
	p, ok := e.Event.(*domain.DorisPrepared)
	if !ok || p.Begun != in.ref {
		return nil, fmt.Errorf("%s@%d is not what prepared %s", l.stream, seq, in.ref)
	}
	return p, nil
}

func (l *leg) committed(ctx context.Context, in *intent, p *domain.DorisPrepared, how string, finder domain.Finder, resolved domain.IncidentID) error {
	crash.Point("doris.outcome.before")
	_, err := l.w.Append(ctx, &domain.DorisCommitted{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Begun: in.ref, Cursor: in.ev.Last, Txn: p.Txn, How: how, Rows: p.Rows,
		Visible: l.j.Now(), FoundBy: finder, Incident: resolved,
	})
	if err != nil {
		return err
	}
	crash.Point("doris.outcome.after")
	l.cursor = in.ev.Last
	l.setEnds(in.ev)
	return nil
}

func (l *leg) aborted(ctx context.Context, in *intent, state domain.DorisState, finder domain.Finder) error {
	return l.appendAborted(ctx, in, "Doris says "+string(state), finder, domain.IncidentID{})
}

func (l *leg) appendAborted(ctx context.Context, in *intent, why string, finder domain.Finder, resolved domain.IncidentID) error {
	crash.Point("doris.outcome.before")
	_, err := l.w.Append(ctx, &domain.DorisAborted{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Begun: in.ref, Why: why, FoundBy: finder, Incident: resolved,
	})
	crash.Point("doris.outcome.after")
	return err
}

// impossible files a state that the protocol cannot produce; an operator who has seen
// what happened decides.
func (l *leg) impossible(ctx context.Context, in *intent, state domain.DorisState) error {
	inc := domain.NewIncident(domain.IncidentDorisState, l.stream, "", []domain.Choice{domain.ChoiceCommitted, domain.ChoiceAborted},
		domain.Fact{Key: "found", Value: "Doris says a state that this load cannot have"},
		domain.Fact{Key: "state", Value: string(state)},
		domain.Fact{Key: "label", Value: domain.Label(in.ref)},
		domain.Fact{Key: "intent", Value: in.ref.String()})
	return l.decide(ctx, in, nil, inc)
}

// decide does what an operator chose about an intent.
func (l *leg) decide(ctx context.Context, in *intent, p *domain.DorisPrepared, inc *domain.Incident) error {
	choice, err := l.incidents.Decide(ctx, inc)
	if err != nil {
		return err
	}
	switch choice {
	case domain.ChoiceCommitted:
		if p == nil {
			p = &domain.DorisPrepared{}
		}
		return l.committed(ctx, in, p, "operator", domain.FoundByNextOwner, inc.ID)
	default:
		return l.appendAborted(ctx, in, "operator", domain.FoundByNextOwner, inc.ID)
	}
}

// rowsDecide is asked when Doris has forgotten a prepared load: labels go after 12
// hours, or after 2,000 later transactions of the database (doris-wire.md §3.3). The
// counts of its rows in the table are the evidence for the operator. They count only
// if the label is still unknown afterwards.
func (l *leg) rowsDecide(ctx context.Context, in *intent, p *domain.DorisPrepared) error {
	want, there, distinct, err := l.countRows(ctx, in)
	if err != nil {
		return err
	}
	label := domain.Label(in.ref)
	state, err := l.fe.state(ctx, l.cfg.Database, label)
	if err != nil {
		return err
	}
	if state != domain.DorisUnknown {
		return fmt.Errorf("label %s is %s now and was forgotten before", label, state)
	}
	verdict := "some rows are there, or some twice: look before you decide"
	switch {
	case there == want && distinct == want:
		verdict = "each row is there exactly once: committed"
	case there == 0:
		verdict = "no row is there: aborted"
	}
	return l.decide(ctx, in, p, domain.NewIncident(domain.IncidentDorisForgotten, l.stream, "",
		[]domain.Choice{domain.ChoiceCommitted, domain.ChoiceAborted},
		domain.Fact{Key: "found", Value: "Doris has forgotten a prepared load"},
		domain.Fact{Key: "label", Value: label},
		domain.Fact{Key: "txn", Value: fmt.Sprint(p.Txn)},
		domain.Fact{Key: "intent", Value: in.ref.String()},
		domain.Fact{Key: "rows of the load", Value: fmt.Sprint(want)},
		domain.Fact{Key: "rows in the table", Value: fmt.Sprint(there)},
		domain.Fact{Key: "distinct rows", Value: fmt.Sprint(distinct)},
		domain.Fact{Key: "the counts say", Value: verdict}))
}
