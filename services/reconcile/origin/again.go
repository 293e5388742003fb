package origin

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/report"
)

// Again is what came of reading a part of a city's window again and holding the journal
// against it.
type Again struct {
	Range    proof.Range     // what was asked for
	Compared domain.Span     // what of it could be compared: the city still has it, decided
	Evidence report.Position // what the broker said last
	State    domain.WindowState
	Why      string // of a state that is neither verified nor diverged
	// City and Journal are the vectors of the rows compared, by the columns of Read. They are
	// equal where nothing was found. Rows of the journal that a compacted topic may have thrown
	// away are Gone and in neither.
	City, Journal domain.Vector
	Gone          int64
	Findings      []domain.Finding // of the place "journal", at most a window's offsets
}

// ReadAgain reads a part of a city's window again, with a client of its own, and compares it
// with what the journal has of it: each committed row of the city is a row of the journal, with
// the same time and the same bytes, and each row of the journal is one of the city. What the
// city does not have any more (retention, a topic made anew) is unverifiable, never lost. An
// error means that the city, or the journal, could not be read.
func (b *Books) ReadAgain(ctx context.Context, c *City, in proof.Range) (*Again, error) {
	a := &Again{Range: in, Compared: domain.Span{First: in.First, Next: in.First}, State: domain.WindowUnverifiable, Why: c.Unread}
	if c.Unread != "" {
		return a, nil
	}
	return a, c.open(ctx, in.Partition, func(p *partition) error { return b.compare(ctx, a, c, p) })
}

func (b *Books) compare(ctx context.Context, a *Again, c *City, p *partition) error {
	b.limit(a, p, c)
	a.evidence(p)
	if a.Compared.Len() == 0 {
		return nil
	}
	h := &held{b: b, a: a, city: c, p: p, clock: newCityRows(b.o, a.Range.Window), left: proof.Tally{Mask: Read}, right: proof.Tally{Mask: Read}}
	if err := h.journal(ctx); err != nil {
		return fmt.Errorf("%s as the journal has it: %w", a.Range, err)
	}
	there := domain.Span{First: a.Compared.First, Next: min(a.Compared.Next, p.stable(c.uncommitted))}
	if err := p.read(ctx, there, c.uncommitted, h.row); err != nil {
		return err
	}
	a.evidence(p)
	h.rest(domain.Span{First: h.at, Next: a.Compared.Next})
	a.City, a.Journal = h.left.Vector(), h.right.Vector()
	a.conclude()
	return nil
}

// limit finds what of the range can be compared, and says of the rest why it cannot.
func (b *Books) limit(a *Again, p *partition, c *City) {
	key := domain.PartitionKey{Source: a.Range.Source, Generation: a.Range.Generation, Partition: a.Range.Partition}
	if id := b.topicID(key); id != p.topic.ID {
		a.Why = fmt.Sprintf("the topic was made anew: it was %s, it is %s", hex.EncodeToString(id[:]), hex.EncodeToString(p.topic.ID[:]))
		return
	}
	for other := range b.accounts {
		if other.Source == key.Source && other.Partition == key.Partition && other.Generation > key.Generation {
			a.Why = fmt.Sprintf("generation %d of the partition is over, and what the topic has now is of generation %d", key.Generation, other.Generation)
			return
		}
	}
	stable := p.stable(c.uncommitted)
	a.Compared = domain.Span{First: max(a.Range.First, p.bounds.LogStart), Next: a.Range.Next}
	a.State, a.Why = domain.WindowVerified, ""
	switch {
	case a.Compared.Len() == 0:
		a.State, a.Why = domain.WindowUnverifiable, fmt.Sprintf("the city's log starts at %d", p.bounds.LogStart)
		a.Compared = domain.Span{First: a.Range.Next, Next: a.Range.Next}
	case stable < a.Range.Next && stable < p.bounds.HighWatermark:
		a.Compared.Next = max(a.Compared.First, stable)
		a.State, a.Why = domain.WindowBlocked, fmt.Sprintf("an open transaction holds back the city's last stable offset %d", stable)
	case a.Compared.First > a.Range.First:
		a.State, a.Why = domain.WindowUnverifiable, fmt.Sprintf("the city's log starts at %d", p.bounds.LogStart)
	}
}

// topicID is the id of the topic that a generation was read from: as it was opened, or as the
// position map says where it was read last.
func (b *Books) topicID(key domain.PartitionKey) (id [16]byte) {
	if e := b.opened[key]; e != nil {
		id = e.TopicID
	}
	i := slices.IndexFunc(b.positions, func(p domain.Position) bool {
		return p.Source == key.Source && p.Partition == key.Partition && p.Generation == key.Generation
	})
	if i >= 0 && b.positions[i].TopicID != [16]byte{} {
		id = b.positions[i].TopicID
	}
	return id
}

func (a *Again) evidence(p *partition) {
	a.Evidence = report.Position{
		Witness: "city", Source: string(a.Range.Source), Cluster: p.topic.Cluster, Topic: p.topic.Name, TopicID: hex.EncodeToString(p.topic.ID[:]),
		Partition: p.number, LeaderEpoch: p.leader.LeaderEpoch, LogStart: p.bounds.LogStart, LastStable: p.bounds.LSO, HighWater: p.bounds.HighWatermark,
	}
}

func (a *Again) conclude() {
	switch {
	case len(a.Findings) > 0:
		a.State, a.Why = domain.WindowDiverged, fmt.Sprintf("%d findings", len(a.Findings))
	case a.Gone > 0 && a.State == domain.WindowVerified:
		a.State, a.Why = domain.WindowUnverifiable, fmt.Sprintf("%d rows are gone from a topic that may be compacted", a.Gone)
	}
}

// Sampled reports whether a window is in a sample of so many per cent. It depends on the
// window's name and the seed only, so that a report's sample can be read again.
func Sampled(w domain.Window, seed string, percent int) bool {
	return int(xxh3.HashStringSeed(w.String(), xxh3.HashString(seed))%100) < percent
}

// Sample is the city windows to read again: a sample, and each that has other gaps than the
// markers of transactions.
func (b *Books) Sample(seed string, percent int) (out []*WindowBook) {
	for _, w := range b.Windows(domain.ProofCityHub) {
		if Sampled(w.Window, seed, percent) || !w.Innocent() {
			out = append(out, w)
		}
	}
	return out
}
