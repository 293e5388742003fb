package doris

import (
	"cmp"
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

// shownDifferences is how many groups of rows the evidence of an incident lists.
const shownDifferences = 10

// askRows is what decides when Doris does not know a prepared load any more: labels go
// after 12 hours, or after 2,000 later transactions of the database (doris-wire.md
// §3.3). The rows count only if the label is still unknown to the master afterwards.
func (l *leg) askRows(ctx context.Context, in *intent, p *domain.DorisPrepared) error {
	want, at, err := l.wanted(ctx, in.ev)
	if err != nil {
		return err
	}
	there, err := l.there(ctx, at)
	if err != nil {
		return err
	}
	label := domain.Label(in.ref)
	state, err := l.conn.State(ctx, l.cfg.Database, label)
	if err != nil {
		return err
	}
	if state != domain.DorisUnknown {
		return fmt.Errorf("label %s is %s now and was forgotten before", label, state)
	}
	switch action, differ := domain.RowsDecide(want, there); action {
	case domain.DorisDone:
		return l.committed(ctx, in, p, howRows, domain.IncidentID{})
	case domain.DorisAbort:
		return l.aborted(ctx, in, "Doris has forgotten the load, and the table holds none of its rows", domain.IncidentID{})
	default:
		return l.decide(ctx, in, p, l.forgotten(in, p, want, there, differ))
	}
}

// forgotten is the incident that the rows of a forgotten load are there in part, more
// than once, or not as they were sent.
func (l *leg) forgotten(in *intent, p *domain.DorisPrepared, want, there domain.RowTally, differ []domain.RowDifference) *domain.Incident {
	wanted, _ := want.Totals()
	found, distinct := there.Totals()
	facts := []domain.Fact{
		{Key: "found", Value: "Doris has forgotten a prepared load, and the table holds neither all of its rows exactly once nor none"},
		{Key: "txn", Value: fmt.Sprint(p.Txn)},
		{Key: "rows of the load", Value: fmt.Sprint(wanted)},
		{Key: "rows in the table", Value: fmt.Sprint(found)},
		{Key: "distinct rows", Value: fmt.Sprint(distinct)},
	}
	for i, d := range differ {
		if i == shownDifferences {
			facts = append(facts, domain.Fact{Key: "differences not listed", Value: fmt.Sprint(len(differ) - i)})
			break
		}
		city := cmp.Or(detail(string(d.Group.City)), "NULL")
		facts = append(facts, domain.Fact{
			Key: fmt.Sprintf("hub partition %d, city %.40s/%d", d.Group.HubPartition, city, d.Group.CityPartition), Value: d.String(),
		})
	}
	return l.incident(domain.IncidentDorisForgotten, in, facts...)
}

// incident is about an intent, whose outcome an operator may choose. A probe has no rows
// that could count as loaded.
func (l *leg) incident(kind domain.IncidentKind, in *intent, facts ...domain.Fact) *domain.Incident {
	facts = append(facts,
		domain.Fact{Key: "label", Value: domain.Label(in.ref)},
		domain.Fact{Key: "intent", Value: in.ref.String()})
	choices := []domain.Choice{domain.ChoiceCommitted, domain.ChoiceAborted}
	if in.ev.Probe != nil {
		facts = append(facts, domain.Fact{Key: "do", Value: "the load only looked for rows that Doris refuses: take out of the table what it left there, then resolve with aborted"})
		choices = choices[1:]
	}
	return domain.NewIncident(kind, l.stream, "", choices, facts...)
}

// decide does what an operator chose about an intent; without a choice the incident is
// the error.
func (l *leg) decide(ctx context.Context, in *intent, p *domain.DorisPrepared, found *domain.Incident) error {
	choice, err := l.file(ctx, found)
	if err != nil {
		return err
	}
	if choice == domain.ChoiceCommitted {
		return l.committed(ctx, in, p, howOperator, found.ID)
	}
	return l.aborted(ctx, in, howOperator, found.ID)
}
