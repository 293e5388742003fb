package ingest

import (
	"context"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// closeEnded appends SourceClosed for each source of the position map that the
// configuration has ended. Its positions stand in the event before it and nowhere
// after: a source that was ended never comes back under its id.
func (s *Shard) closeEnded(ctx context.Context, w *journal.Writer) error {
	for _, id := range s.ended(w.Positions()) {
		left := slices.DeleteFunc(slices.Clone(w.Positions()), func(p domain.Position) bool { return p.Source == id })
		_, err := w.Append(ctx, &domain.SourceClosed{
			Owned: w.Owned(), Source: id, Why: "ended by the configuration", Positions: left,
		})
		if err != nil {
			return fmt.Errorf("close source %s: %w", id, err)
		}
	}
	return nil
}

// ended are the sources of a position map that are not configured.
func (s *Shard) ended(positions []domain.Position) []domain.SourceID {
	var out []domain.SourceID
	for _, p := range positions {
		configured := slices.ContainsFunc(s.sources, func(src *source) bool { return src.ID == p.Source })
		if !configured && !slices.Contains(out, p.Source) {
			out = append(out, p.Source)
		}
	}
	return out
}
