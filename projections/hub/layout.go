package hub

import (
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/projections"
)

// layout is what of the pipeline's configuration decides where a row goes and what it
// looks like.
type layout struct {
	hubPartitions int32
	shards, shard int
	sources       map[domain.SourceID]*source
	now           projections.Configured // asked for a source that is not known; nil: there are no others
	zone          *time.Location         // of columns without one
	format        domain.HubFormat
}

// source is a city as the hub needs it.
type source struct {
	city    domain.City
	base    int32
	reader  *flink.RecordReader // these two belong to the packer
	encoder *flink.HubEncoder
}

func newLayout(c domain.PipelineConfig, shard int) (*layout, error) {
	switch {
	case c.HubTopic == "":
		return nil, errors.New("pipeline names no hub topic")
	case c.HubPartitions <= 0 || c.Shards <= 0 || c.Shards > int(c.HubPartitions):
		return nil, fmt.Errorf("%d shards over %d hub partitions", c.Shards, c.HubPartitions)
	case shard < 0 || shard >= c.Shards:
		return nil, fmt.Errorf("pipeline has %d shards", c.Shards)
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, fmt.Errorf("timezone %q: %w", c.Timezone, err)
	}
	l := &layout{hubPartitions: c.HubPartitions, shards: c.Shards, shard: shard, zone: zone, format: c.Format, sources: map[domain.SourceID]*source{}}
	return l, l.learn(c.Sources)
}

// learn takes sources in that are new. What it knows of a source never changes.
func (l *layout) learn(list []domain.SourceConfig) error {
	for _, s := range list {
		if l.sources[s.ID] != nil {
			continue
		}
		reader, err := flink.NewRecordReader(s.Format)
		if err != nil {
			return fmt.Errorf("source %s: %w", s.ID, err)
		}
		encoder, err := flink.NewHubEncoder(l.format, s.Format, l.zone)
		if err != nil {
			return fmt.Errorf("source %s: %w", s.ID, err)
		}
		l.sources[s.ID] = &source{city: s.City, base: s.Base, reader: reader, encoder: encoder}
	}
	return nil
}

// route finds a run's source and hub partition. A run of another shard's partition
// would give that partition a second writer, so it is refused.
func (l *layout) route(r *domain.Run) (*source, int32, error) {
	s, err := l.source(r.Source)
	if err != nil {
		return nil, 0, err
	}
	h := domain.HubPartition(s.base, r.Partition, l.hubPartitions)
	if owner := domain.ShardOf(h, l.shards); owner != l.shard {
		return nil, 0, fmt.Errorf("source %s partition %d goes to hub partition %d of shard %d, not of this shard %d",
			r.Source, r.Partition, h, owner, l.shard)
	}
	return s, h, nil
}

// source finds a source, also one that was added while the leg runs.
func (l *layout) source(id domain.SourceID) (*source, error) {
	if l.sources[id] == nil && l.now != nil {
		c, _ := l.now()
		if err := l.learn(c.Sources); err != nil {
			return nil, err
		}
	}
	s := l.sources[id]
	if s == nil {
		return nil, fmt.Errorf("source %s is not in the pipeline's configuration", id)
	}
	return s, nil
}
