package doris

import (
	"sync"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// sources are those of the pipeline, as far as rows of them came by. What is known of one
// never changes, and one that is not known may have been added while the leg runs. Rows are
// rendered by whoever sends them, so that more than one goroutine asks.
type sources struct {
	now projections.Configured

	mu    sync.Mutex
	known map[domain.SourceID]domain.SourceConfig
}

func (s *sources) of(id domain.SourceID) (domain.SourceConfig, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.known[id]; !known {
		c, _ := s.now()
		s.known = make(map[domain.SourceID]domain.SourceConfig, len(c.Sources))
		for _, source := range c.Sources {
			s.known[source.ID] = source
		}
	}
	source, known := s.known[id]
	return source, known
}
