package doris

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// LimitsOf are those of a replay's batch.
func LimitsOf(batch Limits, plan domain.PlanLimits) Limits { return fareLeg(batch, plan).limits() }

// Fare is a load of a replay: began is called before its intent, and row before each of its rows.
func Fare(ctx context.Context, batch Limits, plan domain.PlanLimits, rows, bytes int64, began func(), row func(int64)) error {
	f, err := fareLeg(batch, plan).fareOf(ctx, &draft{rows: rows, bytes: bytes})
	began()
	for place := range rows {
		if err == nil {
			err = f.pay(ctx, place)
		}
		row(place)
	}
	return err
}

func fareLeg(batch Limits, plan domain.PlanLimits) *leg {
	return &leg{Doris: &Doris{cfg: Config{Batch: batch.withDefaults(), Replay: &projections.Replay{Pace: projections.NewPace(plan)}}}}
}
