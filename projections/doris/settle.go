package doris

import (
	"context"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// slowPoll is how often Doris is asked about a load that it takes its time to publish.
const slowPoll = 500 * time.Millisecond

// How it is known that a load is committed.
const (
	howState    = "transaction state"
	howRows     = "rows of the table"
	howOperator = "operator"
	howNothing  = "nothing to load"
	howUnasked  = "not asked"
)

// settle brings an open intent to its outcome by the table of domain.SettleDoris: the
// same way for a load that has just been prepared and for one that an owner left
// behind. It asks Doris, acts, and asks again, until an outcome is in the journal. An
// action that changes nothing is an error with Doris's answer.
func (l *leg) settle(ctx context.Context, in *intent) error {
	label := domain.Label(in.ref)
	prepared, err := l.prepared(ctx, in)
	if err != nil {
		return err
	}
	if in.unasked() {
		return l.committed(ctx, in, nil, howUnasked, domain.IncidentID{})
	}
	var did domain.DorisAction
	var answer *dorisconn.Answer
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, slowPoll) {
		state, err := l.conn.State(ctx, l.cfg.Database, label)
		if err != nil {
			return err
		}
		action := in.ev.Settle(prepared != nil, state)
		switch action {
		case domain.DorisWait:
			if wait == slowPoll {
				l.sayWaiting(ctx, label)
			}
		case domain.DorisAbortLabel, domain.DorisCommit:
			if action == did {
				return fmt.Errorf("label %s is still %s after Doris answered %w", label, state, answer)
			}
			answer = l.act(ctx, action, label, prepared)
			if answer.Err != nil {
				return fmt.Errorf("label %s: %w", label, answer)
			}
			did = action
		default:
			return l.conclude(ctx, action, in, prepared, state)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (l *leg) act(ctx context.Context, action domain.DorisAction, label string, p *domain.DorisPrepared) *dorisconn.Answer {
	if action == domain.DorisAbortLabel {
		return l.conn.Abort(ctx, l.cfg.Database, label)
	}
	crash.Point("doris.commit.before")
	answer := l.conn.Commit(ctx, l.cfg.Database, p.Txn)
	if answer.Err == nil {
		crash.Point("doris.commit.after")
	}
	return answer
}

// sayWaiting tells people that Doris has not published yet: that may take minutes when
// a back end is down, and there is nothing to do but to wait.
func (l *leg) sayWaiting(ctx context.Context, label string) {
	why := fmt.Sprintf("load %s is committed, waiting for Doris to publish it", label)
	said := false
	l.reporter.Update(func(s *projections.Status) { said, s.Error = s.Error == why, why })
	if !said {
		l.log.WarnContext(ctx, "waiting for Doris to publish", "label", label)
	}
}

// conclude ends an intent, or asks the rows or an operator how.
func (l *leg) conclude(ctx context.Context, action domain.DorisAction, in *intent, p *domain.DorisPrepared, state domain.DorisState) error {
	switch action {
	case domain.DorisAbort:
		why := "Doris says " + string(state)
		if in.found != "" {
			why = in.found
		} else if in.said != nil && in.said.Meaning != dorisconn.Prepared {
			why += " and answered " + in.said.Error()
		}
		return l.aborted(ctx, in, why, domain.IncidentID{})
	case domain.DorisDone:
		return l.committed(ctx, in, p, howState, domain.IncidentID{})
	case domain.DorisAskRows:
		return l.askRows(ctx, in, p)
	default:
		return l.impossible(ctx, in, p, state)
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
		return nil, &journal.IntegrityError{Stream: l.stream, Seq: seq, What: fmt.Sprintf("is not what prepared %s, as the trail says", in.ref)}
	}
	return p, nil
}

// committed appends that a load is VISIBLE, or counts as such; p is nil where nothing
// was prepared.
func (l *leg) committed(ctx context.Context, in *intent, p *domain.DorisPrepared, how string, resolved domain.IncidentID) error {
	txn, rows, err := l.facts(ctx, in, p)
	if err != nil {
		return err
	}
	crash.Point("doris.outcome.before")
	_, err = l.w.Append(ctx, &domain.DorisCommitted{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Begun: in.ref, Cursor: in.ev.Last, Txn: txn, How: how, Rows: rows,
		Visible: l.j.Now(), FoundBy: l.finder(in), Incident: resolved,
	})
	if err != nil {
		return err
	}
	crash.Point("doris.outcome.after")
	l.moveTo(in.ev)
	l.pace.committed()
	l.reporter.Update(func(s *projections.Status) {
		s.Open, s.Cursor, s.Error = 0, l.cursor, ""
		s.Rows += rows
		for i := range in.ev.Excluded {
			s.Excluded += in.ev.Excluded[i].Count
		}
	})
	return nil
}

// facts are the transaction of a load, 0 when it is not known, and its rows: as Doris
// counted them when it prepared them, else as the journal has them.
func (l *leg) facts(ctx context.Context, in *intent, p *domain.DorisPrepared) (txn, rows int64, err error) {
	if p != nil {
		return p.Txn, p.Rows, nil
	}
	if in.said != nil {
		txn = in.said.Txn
	}
	rows, err = l.size(ctx, in.ev)
	return txn, rows, err
}

// aborted appends that a load did not happen: its label is never used again.
func (l *leg) aborted(ctx context.Context, in *intent, why string, resolved domain.IncidentID) error {
	crash.Point("doris.outcome.before")
	_, err := l.w.Append(ctx, &domain.DorisAborted{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Begun: in.ref, Why: why, FoundBy: l.finder(in), Incident: resolved,
	})
	if err != nil {
		return err
	}
	crash.Point("doris.outcome.after")
	if in.ev.Probe == nil {
		l.pace.aborted()
	}
	l.reporter.Update(func(s *projections.Status) { s.Open = 0 })
	return nil
}

func (l *leg) finder(in *intent) domain.Finder {
	if in.ev.Incarnation == l.incarnation {
		return domain.FoundBySelf
	}
	return domain.FoundByNextOwner
}
