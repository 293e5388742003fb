package ingest

import (
	"context"
	"sync"

	"github.com/hefu-io/hefu/domain"
)

// journaled is the position map that stands in the journal, for those who read it
// while the writer moves it on.
type journaled struct {
	mu        sync.Mutex
	positions []domain.Position
	changed   chan struct{} // closed and replaced at each change
}

func newJournaled(positions []domain.Position) *journaled {
	return &journaled{positions: positions, changed: make(chan struct{})}
}

// set is called with the map of each event once it is durable.
func (j *journaled) set(positions []domain.Position) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.positions = positions
	close(j.changed)
	j.changed = make(chan struct{})
}

func (j *journaled) now() ([]domain.Position, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.positions, j.changed
}

// of lists a source's positions.
func (j *journaled) of(source domain.SourceID) []domain.Position {
	all, _ := j.now()
	i, _ := searchPosition(all, source, 0)
	n := i
	for n < len(all) && all[n].Source == source {
		n++
	}
	return all[i:n:n]
}

// reach waits until a partition is journaled up to next, and gives its position.
func (j *journaled) reach(ctx context.Context, source domain.SourceID, partition int32, next int64) (domain.Position, error) {
	for {
		all, changed := j.now()
		if p := positionOf(all, source, partition); p != nil && p.Next >= next {
			return *p, nil
		}
		select {
		case <-ctx.Done():
			return domain.Position{}, ctx.Err()
		case <-changed:
		}
	}
}
