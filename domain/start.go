package domain

import "fmt"

// StartAt is where a source partition begins at the first start of a generation.
// It is resolved once and journaled as numbers.
type StartAt string

// The start modes, in the words of hefu.yaml (Flink: earliest-offset,
// latest-offset, group-offsets; flink-contract.md §1.3).
const (
	StartEarliest     StartAt = "earliest"
	StartLatest       StartAt = "latest"
	StartGroupOffsets StartAt = "group-offsets"
)

// OnMissingCursor is what group-offsets does for a partition without a committed
// offset (Flink: properties.auto.offset.reset, none = fail).
type OnMissingCursor string

// The reactions to a missing committed offset.
const (
	MissingEarliest OnMissingCursor = "earliest"
	MissingLatest   OnMissingCursor = "latest"
	MissingFail     OnMissingCursor = "fail"
)

// Bounds are the offsets of a partition as its leader says them.
type Bounds struct {
	LogStart, LastStable, HighWatermark int64
}

// ResolveStart decides where a partition begins. committed is the group's offset,
// or negative for none. ok is false when there is nothing to begin at: group-offsets
// with on_missing_cursor fail, or a committed offset outside the log, which is never
// silently reset.
func ResolveStart(at StartAt, missing OnMissingCursor, b Bounds, committed int64) (first int64, how string, ok bool) {
	switch at {
	case StartLatest:
		return b.HighWatermark, "log end", true
	case StartGroupOffsets:
		switch {
		case committed >= b.LogStart && committed <= b.HighWatermark:
			return committed, "committed offset", true
		case committed >= 0:
			return 0, fmt.Sprintf("committed offset %d outside the log [%d,%d)", committed, b.LogStart, b.HighWatermark), false
		case missing == MissingEarliest:
			return b.LogStart, "no committed offset: log start", true
		case missing == MissingLatest:
			return b.HighWatermark, "no committed offset: log end", true
		default:
			return 0, "no committed offset", false
		}
	default:
		return b.LogStart, "log start", true
	}
}
