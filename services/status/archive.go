package status

import (
	"context"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Archive is how far the sealed segments of a pipeline's journal went to the archive.
type Archive struct {
	Place    string            `json:"place"`
	Segments int               `json:"segments" doc:"in the archive"`
	Archived map[string]uint64 `json:"archived" doc:"seq of the last archived event of each stream"`
	Dropped  map[string]uint64 `json:"dropped" doc:"seq of the last event of each stream that only the archive has"`
	Behind   int               `json:"behind" doc:"sealed segments that are not archived yet"`
	Error    string            `json:"error,omitempty" doc:"why the store could not be asked which they are"`
}

// storePatience bounds the questions to the store: a status is wanted at once.
const storePatience = 2 * time.Second

// archiveReport is nil where the journal has no archive.
func archiveReport(ctx context.Context, o *pipeline.Open) *Archive {
	if o.Archive == nil {
		return nil
	}
	r := &Archive{Place: o.Archive.Place().String(), Archived: map[string]uint64{}, Dropped: map[string]uint64{}}
	there := map[domain.Stream]map[domain.Seq]bool{}
	var streams []domain.Stream
	o.Control.State(func(c *domain.ControlState) {
		streams = c.Streams(o.Config.Name, o.Configured.Shards)
		for s, segments := range c.Archived {
			there[s] = map[domain.Seq]bool{}
			for first, a := range segments {
				r.Segments++
				there[s][first] = true
				r.Archived[s.String()] = max(r.Archived[s.String()], uint64(a.Last.Seq))
			}
		}
		for s, last := range c.Dropped {
			r.Dropped[s.String()] = uint64(last)
		}
	})
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	for _, s := range streams {
		list, err := o.Archive.Stored(ctx, s)
		if err != nil {
			r.Error = err.Error()
			return r
		}
		for i := range max(0, len(list)-1) { // the last one grows
			if !there[s][list[i].First] {
				r.Behind++
			}
		}
	}
	return r
}
