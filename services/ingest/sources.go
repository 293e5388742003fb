package ingest

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// Configure gives the shard other sources, or the same ones other settings, while it runs;
// config is the seq of the PipelineConfigured that they are from. It says what is wanted and
// returns: a running leg does it, else the next one. A source that is not named is not
// touched. An error means that nothing changed.
func (s *Shard) Configure(sources []Source, config domain.Seq) error {
	c := s.c
	c.Sources = sources
	if err := c.validate(); err != nil {
		return fmt.Errorf("ingest of pipeline %s: %w", c.Pipeline, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted, s.config = sources, config
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// configured are the sources as they should be; changed is closed when they are others.
func (s *Shard) configured() (wanted []Source, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted, s.changed
}

// configSeq is the seq of the PipelineConfigured in force.
func (s *Shard) configSeq() domain.Seq {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config
}

// list is the sources as they are.
func (s *Shard) list() []*source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sources)
}

// source finds one by its id, nil for none.
func (s *Shard) source(id domain.SourceID) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return find(s.sources, id)
}

func find(list []*source, id domain.SourceID) *source {
	for _, src := range list {
		if src.ID == id {
			return src
		}
	}
	return nil
}

// align makes the sources those that are wanted, in their order, while none of them runs.
func (s *Shard) align() {
	wanted, _ := s.configured()
	for _, src := range s.list() {
		if wantedBy(wanted, src.ID) == nil {
			s.forget(src)
		}
	}
	for i := range wanted {
		if src := s.source(wanted[i].ID); src != nil {
			s.set(src, wanted[i])
			continue
		}
		s.take(wanted[i])
	}
	s.order(wanted)
}

// take makes a source that is shown from now on.
func (s *Shard) take(c Source) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := &source{
		Source: c, number: s.next, shard: s, log: s.log.With("source", string(c.ID)), state: Connecting,
		partitions: map[int32]PartitionStatus{}, ailing: map[int32]bool{},
	}
	s.next++
	s.sources = append(s.sources, src)
	s.budget.join(src.number)
	return src
}

// forget takes a source away that holds nothing any more.
func (s *Shard) forget(src *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources = slices.DeleteFunc(s.sources, func(other *source) bool { return other == src })
	s.budget.leave(src.number)
}

// order shows the sources as they are configured.
func (s *Shard) order(wanted []Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	place := func(src *source) int {
		return slices.IndexFunc(wanted, func(w Source) bool { return w.ID == src.ID })
	}
	slices.SortStableFunc(s.sources, func(a, b *source) int { return place(a) - place(b) })
}

func wantedBy(wanted []Source, id domain.SourceID) *Source {
	for i := range wanted {
		if wanted[i].ID == id {
			return &wanted[i]
		}
	}
	return nil
}

// set gives a source that does not run other settings.
func (s *Shard) set(src *source, c Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src.mu.Lock()
	defer src.mu.Unlock()
	src.Source = c
}

// reads reports whether the source is what is wanted.
func (s *source) reads(c *Source) bool { return c != nil && reflect.DeepEqual(s.Source, *c) }
