package reconcile

import (
	"context"
	"math"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// beyond names rows of the table behind the end of what was loaded or is being loaded. There
// are some: the table had the last one when the look began, and whatever was visible then the
// journal knows. But while they are read another load may become visible, so that each of them
// is only suspected: it is a finding when the next look, which knows that load, finds no place
// for it either.
func (p *Prover) beyond(ctx context.Context, side *target.DorisWitness, in *target.PartitionRows, of *hubLane) error {
	before, end := of.beyond, max(of.table, of.loading)
	of.beyond = nil
	end, err := p.ofFormerGenerations(ctx, side, int32(in.Partition), end)
	if err != nil {
		return err
	}
	for o, f := range before {
		if o >= end {
			p.found.add(f)
		}
	}
	if in.Max < end {
		return nil
	}
	at := proof.Range{
		Window: domain.Window{Proof: domain.ProofHubDoris, Partition: int32(in.Partition)},
		Span:   domain.Span{First: end, Next: max(in.Max, in.Max+1)}, // of the last number there is none after it
	}
	if p.direct() && p.bounded(int32(in.Partition)) {
		n, err := countRows(ctx, side, at)
		p.others[other{"in the table, behind the end of these books", in.Partition}] = n
		return err
	}
	of.beyond = map[int64]domain.Finding{}
	return p.spread(ctx, side, at, func(r proof.Row) bool {
		f := domain.Finding{
			Class: domain.Strayed, Where: "doris", City: domain.City(r.Text[proof.City]), Detail: "the journal has loaded nothing at this place",
			Row: domain.Lineage{
				City: domain.Coord{Partition: int32(number(r.Text[proof.CityPartition])), Offset: number(r.Text[proof.CityOffset]), Timestamp: -1},
				Hub:  domain.Coord{Partition: int32(in.Partition), Offset: r.Offset, Timestamp: -1},
			},
		}
		p.complete(&f)
		of.beyond[r.Offset] = f
		return len(of.beyond) < keptFindings
	})
}

// together is how many offsets are read as rows in one go where rows may be far apart.
const together = 1 << 15

// spread reads the rows of a range that may reach over more offsets than anybody can ask for,
// until each says that it has enough: it asks where the next ones are, and reads those.
func (p *Prover) spread(ctx context.Context, side *target.DorisWitness, in proof.Range, each func(proof.Row) bool) error {
	for more := true; more && in.Len() > 0; {
		got, err := side.Vectors(ctx, in, math.MaxInt64/2+1, 0)
		if err != nil {
			return err
		}
		first := int64(math.MaxInt64)
		for _, v := range got {
			if v.Rows > 0 {
				first = min(first, v.Min)
			}
		}
		if first >= in.Next {
			return nil
		}
		here := in
		here.First, here.Next = first, in.Next
		if in.Next-first > together {
			here.Next = first + together
		}
		err = side.Rows(ctx, here, func(r proof.Row) error {
			more = more && each(r)
			return nil
		})
		if err != nil {
			return err
		}
		in.First = here.Next
	}
	return nil
}
