package main

import (
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/replay"
)

// left prints what a cancelled replay leaves where it is, and how that is removed: Hefu drops no table
// and no topic, since people may have looked at them. What went into a live target belongs there.
func (p *printer) left(r *replay.Shown) {
	if !slices.ContainsFunc(r.Moves, func(m replay.Move) bool { return m.To == domain.PlanRunning }) {
		return // nothing was made
	}
	switch t := &r.Plan.Target; {
	case t.Kind == domain.TargetFile:
		p.line("left", "files of shards that were whole, in replays/%s of data_dir; what was half written is removed", r.ID)
	case t.Mode != domain.ModeShadow || !t.Shadow.IsZero():
	case t.Kind == domain.TargetTable:
		p.line("left", "what was carried, in table %s, if its comment is %q", t.Name, doris.ShadowComment(r.ID))
		p.line("remove", "DROP TABLE %s", t.Name)
	case t.Kind == domain.TargetTopic:
		progress := hub.ShadowProgress(t.Name)
		p.line("left", "what was carried, in topics %s and %s, if this replay made them", t.Name, progress)
		for _, topic := range []string{t.Name, progress} {
			p.line("remove", "kafka-topics.sh --bootstrap-server … --delete --topic %s", topic)
		}
	}
}
