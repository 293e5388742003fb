package hub

import (
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// layout is what of the pipeline's configuration decides where a row goes and what it
// looks like.
type layout struct {
	hubPartitions int32
	shards, shard int
	sources       map[domain.SourceID]*source
	zone          *time.Location // of columns without one
}

// format is the one form of hub values that this release writes.
const format = "flink-json"

// source is a city as the hub needs it.
type source struct {
	city domain.City
	base int32
}

func newLayout(c domain.PipelineConfig, shard int) (*layout, error) {
	switch {
	case c.HubTopic == "":
		return nil, errors.New("pipeline names no hub topic")
	case c.HubPartitions <= 0 || c.Shards <= 0 || c.Shards > int(c.HubPartitions):
		return nil, fmt.Errorf("%d shards over %d hub partitions", c.Shards, c.HubPartitions)
	case c.Format != format:
		return nil, fmt.Errorf("hub format %q: this release writes %s", c.Format, format)
	case shard < 0 || shard >= c.Shards:
		return nil, fmt.Errorf("pipeline has %d shards", c.Shards)
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, fmt.Errorf("timezone %q: %w", c.Timezone, err)
	}
	l := &layout{hubPartitions: c.HubPartitions, shards: c.Shards, shard: shard, zone: zone, sources: map[domain.SourceID]*source{}}
	for _, s := range c.Sources {
		l.sources[s.ID] = &source{city: s.City, base: s.Base}
	}
	return l, nil
}

// route finds a run's source and hub partition. A run of another shard's partition
// would give that partition a second writer, so it is refused.
func (l *layout) route(r *domain.Run) (*source, int32, error) {
	s := l.sources[r.Source]
	if s == nil {
		return nil, 0, fmt.Errorf("source %s is not in the pipeline's configuration", r.Source)
	}
	h := domain.HubPartition(s.base, r.Partition, l.hubPartitions)
	if owner := domain.ShardOf(h, l.shards); owner != l.shard {
		return nil, 0, fmt.Errorf("source %s partition %d goes to hub partition %d of shard %d, not of this shard %d",
			r.Source, r.Partition, h, owner, l.shard)
	}
	return s, h, nil
}
