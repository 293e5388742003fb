package doris

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// file asks an operator about what the leg found (projections.Incidents.Decide), unless
// another process owns the stream by now. Then it was found with an old view of the
// journal: rows beyond its end may be the new owner's, and an incident would stop the
// shard for nothing. Whatever was seen in Doris before the tail is read here was done by
// an owner that this tail knows. Errors: *journal.FencedError, *domain.Incident.
func (l *leg) file(ctx context.Context, in *domain.Incident) (domain.Choice, error) {
	tail, err := l.j.Tail(ctx, l.stream)
	if err != nil {
		return "", err
	}
	if owned, ok := tail.Event.(domain.ShardEvent); ok && owned.Owner() > l.incarnation {
		return "", &journal.FencedError{Stream: l.stream, Mine: l.incarnation, Owner: owned.Owner()}
	}
	return l.incidents.Decide(ctx, in)
}
