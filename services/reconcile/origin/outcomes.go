package origin

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/report"
)

// Outcomes are the newest transactions and loads of a stream, in their order: a shard's, or
// that of a replay.
func (o *Journal) Outcomes(ctx context.Context, of domain.Stream) ([]report.Outcome, error) {
	end, err := o.tail(ctx, of)
	if err != nil {
		return nil, err
	}
	var out []report.Outcome
	var begun report.Outcome
	ends := func(e *journal.Entry, state string, rows int64) {
		one := begun
		one.Ref, one.State, one.Rows = report.Ref(e.Ref()), state, rows
		if out = append(out, one); len(out) > keptOutcomes {
			out = out[1:]
		}
	}
	s := stream{j: o.j, s: of}
	defer s.close()
	err = s.to(ctx, end, func(e *journal.Entry) error {
		switch ev := e.Event.(type) {
		case *domain.HubBegun:
			begun = report.Outcome{Kind: "hub transaction", Time: micros(ev.Time)}
		case *domain.DorisBegun:
			begun = report.Outcome{Kind: "doris load", Time: micros(ev.Time)}
		case *domain.DorisPrepared:
			begun.Label, begun.Txn = ev.Label, ev.Txn
		case *domain.HubCommitted:
			ends(e, "committed", ev.Rows)
		case *domain.DorisCommitted:
			ends(e, "visible", ev.Rows)
		case *domain.HubAborted, *domain.DorisAborted:
			ends(e, "aborted", 0)
		}
		return nil
	})
	return out, err
}
