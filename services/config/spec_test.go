package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
)

// What hefu.yaml says of start and end reaches the domain, key by key.
func TestReadingSpecs(t *testing.T) {
	r := Reading{
		Start: "timestamp", StartTimestamp: "1970-01-01T00:00:01Z", StartTimestamps: "partition:3,timestamp:7", StartOffsets: "partition:0,offset:-2",
		OnMissingCursor: "latest", Bounded: "specific-offsets", BoundedTimestamp: "2000", BoundedOffsets: "partition:1,offset:9;",
	}
	start := domain.StartSpec{
		At: domain.StartTimestamp, Missing: domain.MissingLatest, Timestamp: 1000, Timestamps: map[int32]int64{3: 7}, Offsets: map[int32]int64{0: domain.OffsetEarliest},
	}
	if diff := cmp.Diff(start, r.StartSpec()); diff != "" {
		t.Error(diff)
	}
	stop := domain.StopSpec{At: domain.StopSpecificOffsets, Timestamp: 2000, Offsets: map[int32]int64{1: 9}}
	if diff := cmp.Diff(stop, r.StopSpec()); diff != "" {
		t.Error(diff)
	}
	r = DefaultReading()
	if diff := cmp.Diff(domain.StartSpec{At: domain.StartEarliest, Timestamp: -1}, r.StartSpec()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(domain.StopSpec{}, r.StopSpec()); diff != "" {
		t.Error(diff)
	}
}
