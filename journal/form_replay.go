package journal

import "github.com/hefu-io/hefu/domain"

func (e *enc) replay(ev domain.Event) {
	switch ev := ev.(type) {
	case *domain.ReplayPlanned:
		e.plan(ev.ID)
		e.hash(ev.Digest)
		e.str(ev.Text)
		e.str(ev.Who)
		e.str(ev.Why)
	case *domain.TableSwap:
		e.plan(ev.Plan)
		e.str(ev.Live)
		e.str(ev.Shadow)
		e.str(string(ev.Step))
		e.str(ev.Who)
		e.str(ev.Why)
		e.str(ev.How)
	case *domain.ReplayMoved:
		e.plan(ev.ID)
		e.hash(ev.Digest)
		e.str(string(ev.To))
		e.str(ev.Who)
		e.str(ev.Why)
		e.str(ev.Next)
		e.hash(ev.Report)
		e.i(ev.Limits.Rows)
		e.i(ev.Limits.Bytes)
		e.i(int64(ev.Limits.Concurrency))
	}
}

func (d *dec) replay(kind domain.Kind) domain.Event {
	switch kind {
	case domain.KindReplayPlanned:
		return &domain.ReplayPlanned{ID: d.plan(), Digest: d.hash(), Text: d.str(), Who: d.str(), Why: d.str()}
	case domain.KindTableSwap:
		return &domain.TableSwap{Plan: d.plan(), Live: d.str(), Shadow: d.str(), Step: domain.SwapStep(d.str()), Who: d.str(), Why: d.str(), How: d.str()}
	default:
		return &domain.ReplayMoved{
			ID: d.plan(), Digest: d.hash(), To: domain.PlanState(d.str()), Who: d.str(), Why: d.str(), Next: d.str(), Report: d.hash(),
			Limits: domain.PlanLimits{Rows: d.i(), Bytes: d.i(), Concurrency: int(d.i())},
		}
	}
}
