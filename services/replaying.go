package services

import (
	"context"

	"go.uber.org/fx"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/project"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/replay"
)

// replaying is what carries out replays, of which the reconciler says what they came to.
func replaying() fx.Option {
	return fx.Options(
		fx.Provide(
			func(s *reconcile.Service) replay.Prover { return prover{s} },
			func(s *project.Service) replay.Legs { return s },
		),
		replay.Module,
	)
}

// prover is the reconciler as replays ask it.
type prover struct{ *reconcile.Service }

// ProvePlan implements replay.Prover.
func (p prover) ProvePlan(ctx context.Context, plan *domain.Plan, say func(string)) (replay.Verdict, error) {
	v, err := p.Service.ProvePlan(ctx, plan, say)
	if err != nil {
		return replay.Verdict{}, err
	}
	return replay.Verdict{Good: v.Verdict == domain.Verified, Text: v.Why, Report: v.Name, Digest: v.Digest}, nil
}
