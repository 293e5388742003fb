package domain

import (
	"cmp"
	"slices"
)

// Legs are the legs of a pipeline, along the way of a row.
func Legs() []Leg { return []Leg{LegIngest, LegHub, LegDoris, LegLineage} }

// Compare orders streams: control, then shard by shard those of the legs along the way of a
// row, and those of replays.
func (s Stream) Compare(other Stream) int {
	return cmp.Or(
		cmp.Compare(s.Pipeline, other.Pipeline), cmp.Compare(s.Shard, other.Shard),
		cmp.Compare(s.Leg.rank(), other.Leg.rank()), cmp.Compare(s.Leg, other.Leg),
	)
}

func (l Leg) rank() int {
	if l == LegControl {
		return -1
	}
	if at := slices.Index(Legs(), l); at >= 0 {
		return at
	}
	return len(Legs()) // of a replay
}

// Streams are the streams that a pipeline of so many shards may have: control, and those of
// each shard. Whoever looks at the journal as a whole goes by this list; which of them there
// are, the store says.
func (s *ControlState) Streams(pipeline string, shards int) []Stream {
	out := []Stream{ControlStream(pipeline)}
	for shard := range shards {
		out = append(out, s.ShardStreams(pipeline, shard)...)
	}
	return out
}

// ShardStreams are the streams that a shard may have: those of the legs along the way of a row,
// then those of the replays that were ever approved and write there, as they were planned.
func (s *ControlState) ShardStreams(pipeline string, shard int) []Stream {
	out := make([]Stream, 0, len(Legs()))
	for _, leg := range Legs() {
		out = append(out, Stream{Pipeline: pipeline, Shard: shard, Leg: leg})
	}
	for _, id := range s.Planned {
		if s.Replays[id].writes(shard) {
			out = append(out, Stream{Pipeline: pipeline, Shard: shard, Leg: ReplayLeg(id)})
		}
	}
	return out
}

// writes reports whether a replay may have a stream in a shard. Of a plan that this release
// cannot read nobody knows.
func (r *Replay) writes(shard int) bool {
	switch {
	case r.Approved == 0:
		return false
	case r.Plan == nil:
		return true
	default:
		return r.Plan.Target.Mode != ModeDeleteDuplicates && slices.ContainsFunc(r.Plan.Lanes, func(l PlanLane) bool { return l.Shard == shard })
	}
}

// Ended reports whether a stream is that of a replay that has ended: what is under way there is
// still settled, and nothing is begun.
func (s *ControlState) Ended(of Stream) bool {
	id, is := of.Leg.Plan()
	return is && s.Replays[id] != nil && s.Replays[id].State.Ended()
}

// CarriedBy is the leg whose process carries a plan's rows. Where several processes share the
// legs of a shard, it is one of them.
func (p *Plan) CarriedBy(c *PipelineConfig) Leg {
	switch {
	case p.Target.Kind == TargetTable:
		return LegDoris
	case p.Target.Kind == TargetTopic || c.Table == "":
		return LegHub
	default: // a file has the lines of a load
		return LegDoris
	}
}

// Carrier is the claim whose owner carries a plan's rows of a shard. The files of a plan are all
// on one host, that of its first shard.
func (p *Plan) Carrier(c *PipelineConfig, shard int) Claim {
	if k := p.Target.Kind; (k == TargetFile || k == TargetNull) && len(p.Lanes) > 0 {
		shard = p.Lanes[0].Shard
	}
	return Claim{Shard: shard, Leg: p.CarriedBy(c)}
}
