package origin

import (
	"maps"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// madeAnew takes in that a generation of a hub topic that is the source is opened: where there was
// one before, its offsets mean other rows now, and windows of the hub are of the newest one alone.
func (b *Books) madeAnew(key domain.PartitionKey) {
	if key.Generation--; b.accounts[key] == nil {
		return
	}
	h := key.Partition
	for _, w := range b.Windows(domain.ProofHubDoris) {
		if w.Partition != h {
			continue
		}
		for _, g := range w.ReportGaps() {
			g.Source, g.Generation = string(key.Source), key.Generation
			b.former = append(b.former, g)
		}
		delete(b.windows, w.Window)
	}
	delete(b.ends.HubSpans, h)
	delete(b.ends.Table, h)
	b.ends.WithoutDoris = maps.Clone(b.ends.WithoutDoris)
	delete(b.ends.WithoutDoris, h)
	b.leftOuts = slices.DeleteFunc(b.leftOuts, func(l leftOut) bool { return l.partition == h })
}

// isFormer reports whether a later generation of a source partition is open.
func (b *Books) isFormer(key domain.PartitionKey) bool {
	for other := range b.accounts {
		if other.Source == key.Source && other.Partition == key.Partition && other.Generation > key.Generation {
			return true
		}
	}
	return false
}

// FormerGaps are the gaps of the former generations of a hub topic that is the source.
func (b *Books) FormerGaps() []report.Gap { return b.former }
