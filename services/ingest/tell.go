package ingest

import (
	"context"
	"maps"
	"time"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// tellEvery is how often the consumer group is told the position.
const tellEvery = 5 * time.Second

// tell tells the consumer group how far its topic is journaled, for tools that show
// lag. Nothing of ours reads it back, so that an error is no trouble.
func (s *session) tell(ctx context.Context) {
	if s.Group == "" {
		return
	}
	var told map[int32]int64
	for {
		told = s.tellNow(ctx, told)
		if sleep(ctx, tellEvery) != nil {
			return
		}
	}
}

// tellNow tells the position unless it is what was told last, and gives what is told.
func (s *session) tellNow(ctx context.Context, told map[int32]int64) map[int32]int64 {
	next := map[int32]int64{}
	for _, p := range s.l.done.of(s.ID) {
		next[p.Partition] = p.Next
	}
	if s.Group == "" || len(next) == 0 || maps.Equal(next, told) {
		return told
	}
	if err := kafkaconn.CommitGroup(ctx, s.cl, s.Group, s.Topic, next); err != nil {
		if ctx.Err() == nil {
			s.log.DebugContext(ctx, "consumer group is not told the position", "group", s.Group, "error", err)
		}
		return told
	}
	return next
}
