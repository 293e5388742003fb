package doris

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// impossible files a state that the protocol cannot produce; an operator who has seen
// what happened decides.
func (l *leg) impossible(ctx context.Context, in *intent, p *domain.DorisPrepared, state domain.DorisState) error {
	return l.decide(ctx, in, p, l.incident(domain.IncidentDorisState, in,
		domain.Fact{Key: "found", Value: "Doris says a state that this load cannot have"},
		domain.Fact{Key: "state", Value: string(state)},
		domain.Fact{Key: "prepared", Value: fmt.Sprint(p != nil)}))
}

// forgotten is asked when Doris does not know a prepared load any more: labels go after
// 12 hours, or after 2,000 later transactions of the database (doris-wire.md §3.3). The
// counts of its rows in the table are the evidence for the operator. They count only
// if the label is still unknown afterwards.
func (l *leg) forgotten(ctx context.Context, in *intent, p *domain.DorisPrepared) error {
	n, err := l.countRows(ctx, in)
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
	case n.there == n.want && n.distinct == n.want:
		verdict = "each row is there exactly once: committed"
	case n.there == 0:
		verdict = "no row is there: aborted"
	}
	return l.decide(ctx, in, p, l.incident(domain.IncidentDorisForgotten, in,
		domain.Fact{Key: "found", Value: "Doris has forgotten a prepared load"},
		domain.Fact{Key: "txn", Value: fmt.Sprint(p.Txn)},
		domain.Fact{Key: "rows of the load", Value: fmt.Sprint(n.want)},
		domain.Fact{Key: "rows in the table", Value: fmt.Sprint(n.there)},
		domain.Fact{Key: "distinct rows", Value: fmt.Sprint(n.distinct)},
		domain.Fact{Key: "the counts say", Value: verdict}))
}

// incident is about an intent, whose outcome an operator may choose.
func (l *leg) incident(kind domain.IncidentKind, in *intent, facts ...domain.Fact) *domain.Incident {
	facts = append(facts,
		domain.Fact{Key: "label", Value: domain.Label(in.ref)},
		domain.Fact{Key: "intent", Value: in.ref.String()})
	return domain.NewIncident(kind, l.stream, "", []domain.Choice{domain.ChoiceCommitted, domain.ChoiceAborted}, facts...)
}

// decide does what an operator chose about an intent; without a choice the incident is
// the error.
func (l *leg) decide(ctx context.Context, in *intent, p *domain.DorisPrepared, found *domain.Incident) error {
	choice, err := l.incidents.Decide(ctx, found)
	if err != nil {
		return err
	}
	if choice == domain.ChoiceCommitted {
		return l.committed(ctx, in, p, howOperator, found.ID)
	}
	return l.aborted(ctx, in, howOperator, found.ID)
}
