package ingest

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// ask asks the cluster whatever the modes need to know of partitions. Partitions without
// a leader are left out of the answer and named in the error, so both are worth looking
// at.
func (s *session) ask(ctx context.Context, partitions []int32, start *domain.StartSpec, stop *domain.StopSpec) (map[int32]domain.Asked, error) {
	bounds, missing := kafkaconn.Offsets(ctx, s.cl, s.Topic)
	var committed map[int32]int64
	if s.Group != "" && (start.AsksGroup() || stop.AsksGroup()) {
		var err error
		if committed, err = kafkaconn.Committed(ctx, s.cl, s.Group, s.Topic); err != nil {
			return nil, err
		}
	}
	from, until := map[int32]int64{}, map[int32]int64{}
	for _, id := range partitions {
		if _, led := bounds[id]; !led {
			continue
		}
		if ms, asked := start.Time(id); asked {
			from[id] = ms
		}
		if ms, asked := stop.Time(); asked {
			until[id] = ms
		}
	}
	// After the bounds, or a record that comes in between would be skipped.
	from, err := kafkaconn.OffsetsAfter(ctx, s.cl, s.Topic, from)
	if err != nil {
		return nil, err
	}
	if until, err = kafkaconn.OffsetsAfter(ctx, s.cl, s.Topic, until); err != nil {
		return nil, err
	}
	out := make(map[int32]domain.Asked, len(bounds))
	for id, b := range bounds {
		out[id] = domain.Asked{
			Bounds:    domain.Bounds{LogStart: b.LogStart, LastStable: b.LSO, HighWatermark: b.HighWatermark},
			Committed: orNone(committed, id), From: orNone(from, id), Until: orNone(until, id),
		}
	}
	return out, missing
}

// orNone is a partition's offset, -1 where there is none.
func orNone(offsets map[int32]int64, partition int32) int64 {
	if at, ok := offsets[partition]; ok {
		return at
	}
	return -1
}
