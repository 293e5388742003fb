package report

import (
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// The proofs of a replay: the rows of its plan, as the journal has them, held against what it
// wrote. Windows are of hub offsets; of a topic, whose offsets are others, of positions: the
// rows of a partition counted from 0.
const (
	PlanTable domain.Proof = "journal-doris"
	PlanTopic domain.Proof = "journal-topic"
	PlanFile  domain.Proof = "journal-file"
)

// Plan is the replay whose outcome a report verifies.
type Plan struct {
	ID     domain.PlanID     `json:"id"`
	Digest domain.Hash       `json:"digest"` // of the plan's text, which is what was approved
	Kind   domain.TargetKind `json:"kind"`
	Mode   domain.TargetMode `json:"mode"`
	Target string            `json:"target"`
	Lanes  []PlanLane        `json:"lanes"`
	AsOf   []Ref             `json:"as_of"` // of a plan as of a moment: the last events that belong to it
	Rows   int64             `json:"rows"`  // that the target is to have
}

// PlanLane is the events of a shard that the plan reads, both ends included.
type PlanLane struct {
	Shard int        `json:"shard"`
	First domain.Seq `json:"first"`
	Last  Ref        `json:"last"`
}

// PlanOf is a plan as reports have it. How many rows it comes to is for the caller to say.
func PlanOf(p *domain.Plan) *Plan {
	out := &Plan{ID: p.ID, Digest: p.Digest(), Kind: p.Target.Kind, Mode: p.Target.Mode, Target: p.Target.Name}
	for _, l := range p.Lanes {
		out.Lanes = append(out.Lanes, PlanLane{l.Shard, l.First, Ref(l.Last)})
	}
	if p.Scope.AsOf != nil {
		for _, at := range p.Scope.AsOf.Positions {
			out.AsOf = append(out.AsOf, Ref(at))
		}
	}
	return out
}

// Where is the target for people: "table ods.t (shadow)".
func (p *Plan) Where() string {
	out := string(p.Kind) + " " + p.Target
	if p.Mode != "" {
		out += " (" + string(p.Mode) + ")"
	}
	return out
}

// PlanProof is the proof of a replay into a kind of target; "" where there is none.
func PlanProof(k domain.TargetKind) domain.Proof {
	switch k {
	case domain.TargetTable:
		return PlanTable
	case domain.TargetTopic:
		return PlanTopic
	case domain.TargetFile:
		return PlanFile
	default:
		return ""
	}
}

// isPlan reports whether a proof is of a replay.
func isPlan(p domain.Proof) bool { return p == PlanTable || p == PlanTopic || p == PlanFile }

// ofHub reports whether the windows of a proof are those of the report's hub partitions.
func ofHub(p domain.Proof) bool { return p == domain.ProofHubDoris || isPlan(p) }

// plan checks what a report says of a replay.
func (p *problems) plan(r *Report) {
	of := r.Scope.Plan
	if of == nil {
		if slices.ContainsFunc(r.Scope.Proofs, isPlan) {
			p.add(PartScope, "a proof of a replay, and no plan")
		}
		return
	}
	if len(r.Scope.Proofs) != 1 || r.Scope.Proofs[0] != PlanProof(of.Kind) {
		p.add(PartScope, "plan %s has the target %s, which the proofs %v are not of", of.ID, of.Kind, r.Scope.Proofs)
	}
	if of.ID.IsZero() || of.Digest.IsZero() || len(r.Sources) > 0 {
		p.add(PartScope, "plan %s has no name or no digest, or books beside it", of.ID)
	}
	rows := int64(0)
	for _, h := range r.Hub {
		rows += h.Rows
	}
	if rows != of.Rows {
		p.add(PartSums, "plan %s is of %d rows, and the hub partitions have %d", of.ID, of.Rows, rows)
	}
	for _, l := range of.Lanes {
		if l.Shard < 0 || l.Last.Stream.Pipeline != r.Scope.Pipeline || l.Last.Stream.Shard != l.Shard {
			p.add(PartScope, "plan %s reads shard %d up to %s", of.ID, l.Shard, l.Last.Stream)
		}
	}
}
