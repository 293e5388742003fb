package reconcile

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
	"github.com/hefu-io/hefu/services/report"
)

// A hub topic that is the source itself may be made anew, and is another generation of the source
// from then on. Its offsets mean other rows: windows of the hub are of the newest generation alone,
// and of those before there is nothing left that the table could be held against.

var errGeneration = errors.New("the hub topic was made anew, and is read as another generation of the source")

// newestAt is the part that a hub partition is of, in a direct pipeline; nil in any other.
func (p *Prover) newestAt(h int32) *part {
	if p.direct() {
		for key, n := range p.parts {
			if key.Partition == h && !n.former {
				return n
			}
		}
	}
	return nil
}

// formerAt are the offsets of a hub partition that former generations had: the table may have rows
// of them there still.
func (p *Prover) formerAt(h int32) (out domain.Spans) {
	if p.direct() {
		for key, n := range p.parts {
			if key.Partition == h && n.former && n.first < n.next {
				out, _ = out.Add(domain.Span{First: n.first, Next: n.next})
			}
		}
	}
	return out
}

// sameGeneration demands that the hub partitions are of the generations that they were scanned as.
func (p *Prover) sameGeneration() error {
	for h, of := range p.hubs {
		if n := p.newestAt(h); n != nil && n.Generation != of.generation {
			return fmt.Errorf("hub partition %d: %w %d", h, errGeneration, n.Generation)
		}
	}
	return nil
}

// isJournaled says why a hub partition cannot be compared, if its topic is not the one that the
// journal has rows of: it was made anew, and nobody decided yet what that means.
func (p *Prover) isJournaled(l *lane, h int32, of *hubLane) {
	n := p.newestAt(h)
	if n == nil {
		return
	}
	of.generation, of.anew = n.Generation, ""
	e := l.books.Opened(n.PartitionKey)
	for i := range p.positions {
		at := &p.positions[i]
		if at.Partition != h || e == nil || e.TopicID == [16]byte{} || at.TopicID == hex.EncodeToString(e.TopicID[:]) {
			continue
		}
		of.anew = fmt.Sprintf("the hub topic was made anew: the journal has rows of topic id %x, and it is %s now; "+
			"hefu incidents says what was found: resolve it as a new generation, or put the topic back", e.TopicID, at.TopicID)
	}
}

// fillFormer lists the rows of former generations of the hub topic, which nobody can compare.
func (p *Prover) fillFormer(r *report.Report) {
	if !p.direct() || p.table == nil {
		return
	}
	for i := range r.Sources {
		s := &r.Sources[i]
		n := p.parts[domain.PartitionKey{Source: domain.SourceID(s.Source), Generation: s.Generation, Partition: s.Partition}]
		if n != nil && n.former && s.Rows > 0 {
			r.Unchecked = append(r.Unchecked, report.Unchecked{
				Source: s.Source, City: s.City, Where: "doris", Rows: s.Rows,
				Why: fmt.Sprintf("they are of generation %d of partition %d, and the hub topic was made anew since: nothing is left to hold the table against", s.Generation, s.Partition),
			})
		}
	}
}

// ofFormerGenerations counts the rows of the table behind an end that may be of a former generation
// of the hub topic, and returns the end of those.
func (p *Prover) ofFormerGenerations(ctx context.Context, side *target.DorisWitness, h int32, end int64) (int64, error) {
	all := p.formerAt(h)
	if len(all) == 0 || all[len(all)-1].Next <= end {
		return end, nil
	}
	next := all[len(all)-1].Next
	n, err := countRows(ctx, side, proof.Range{
		Window: domain.Window{Proof: domain.ProofHubDoris, Partition: h}, Span: domain.Span{First: end, Next: next},
	})
	p.others[other{"in the table, at places that a former generation of the hub topic had", int64(h)}] = n
	return next, err
}
