// Package bounded ends the process when there is nothing left to do: every source of every
// pipeline is bounded and journaled to its end, and what the journal holds is in the hub
// and in the table. A source that is paused holds the end up, one that is no longer
// configured does not.
package bounded

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/lifecycle"
	"github.com/hefu-io/hefu/services/pipeline"
)

// lookEvery is how often it is looked whether all is done. While a source still runs a
// look costs no question to the journal.
const lookEvery = 200 * time.Millisecond

// Service waits for the end of a bounded run.
type Service struct {
	set    *pipeline.Set
	board  *projections.Board
	ending *lifecycle.Ending
	log    *slog.Logger
}

// New makes the Service.
func New(set *pipeline.Set, board *projections.Board, ending *lifecycle.Ending, log *slog.Logger) *Service {
	return &Service{set: set, board: board, ending: ending, log: log}
}

// Run looks until the run is complete, and then ends the app with exit code 0. A process
// that dies before it could is started again and finds the same.
func (s *Service) Run(ctx context.Context) error {
	opened, err := s.set.Wait(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for said := ""; ; {
		done, err := s.complete(ctx, opened)
		if done {
			s.tell(ctx)
			s.ending.Done(ctx)
			<-ctx.Done()
			return nil
		}
		if err != nil && ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			s.log.WarnContext(ctx, "end of a bounded run is looked for again after an error", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// complete reports whether nothing is left to do.
func (s *Service) complete(ctx context.Context, opened []*pipeline.Open) (bool, error) {
	shown := s.board.Sources()
	some := false
	for _, o := range opened {
		all, there := finished(o, shown)
		if !all {
			return false, nil
		}
		some = some || there
	}
	if !some {
		return false, nil
	}
	// Whatever the sources had is in the journal now.
	for _, o := range opened {
		for _, shard := range o.Shards {
			if ok, err := taken(ctx, o, shard); !ok || err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// finished reports whether all sources of a pipeline have come to their end in all shards
// of this process, and whether there is any. A pattern that no topic matches yet is
// waited for.
func finished(o *pipeline.Open, shown []projections.SourceStatus) (all, some bool) {
	type place struct {
		shard  int
		source domain.SourceID
	}
	ended := map[place]bool{}
	for i := range shown {
		if shown[i].Pipeline == o.Config.Name && shown[i].State == projections.StateFinished {
			ended[place{shown[i].Shard, shown[i].Source}] = true
		}
	}
	sources, _, _ := o.Sources()
	groups := map[domain.SourceID]bool{}
	for i := range sources {
		groups[sources[i].Group] = true
		for _, shard := range o.Shards {
			if !ended[place{shard, sources[i].ID}] {
				return false, true
			}
		}
	}
	for i := range o.Config.Sources {
		if src := &o.Config.Sources[i]; src.TopicPattern != "" && !groups[domain.SourceID(src.ID)] {
			return false, true
		}
	}
	return true, len(sources) > 0
}

// tell says what was moved since the process began.
func (s *Service) tell(ctx context.Context) {
	sources, journaled := map[string]bool{}, int64(0)
	for _, src := range s.board.Sources() {
		sources[fmt.Sprintf("%s/%s", src.Pipeline, src.Source)] = true
		journaled += src.Rows
	}
	rows, excluded := map[domain.Leg]int64{}, int64(0)
	for _, leg := range s.board.Legs() {
		rows[leg.Stream.Leg] += leg.Rows
		excluded += leg.Excluded
	}
	s.log.InfoContext(ctx, "bounded run is complete, the process ends; rows are those of this process",
		"sources", len(sources), "rows_journaled", journaled, "rows_to_hub", rows[domain.LegHub],
		"rows_to_doris", rows[domain.LegDoris], "rows_excluded", excluded)
}
