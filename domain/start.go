package domain

// StartAt is where a source partition begins at the first start of a generation.
// It is resolved once and journaled as numbers.
type StartAt string

// The start modes, in Flink's words (scan.startup.mode, flink-contract.md §1.3).
const (
	StartEarliest        StartAt = "earliest-offset"
	StartLatest          StartAt = "latest-offset"
	StartGroupOffsets    StartAt = "group-offsets"
	StartTimestamp       StartAt = "timestamp"
	StartSpecificOffsets StartAt = "specific-offsets"
)

// StopAt is where a bounded source partition ends (scan.bounded.mode, §1.5). It is resolved
// once, together with the start, and journaled as a number.
type StopAt string

// The bounded modes; Unbounded is none.
const (
	Unbounded           StopAt = ""
	StopLatest          StopAt = "latest-offset"
	StopGroupOffsets    StopAt = "group-offsets"
	StopTimestamp       StopAt = "timestamp"
	StopSpecificOffsets StopAt = "specific-offsets"
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

// StartSpec is a start mode with its parameters; those of other modes mean nothing.
type StartSpec struct {
	At      StartAt
	Missing OnMissingCursor // of group-offsets; empty: fail

	// Of timestamp, in milliseconds since 1970. Timestamps are those of partitions of
	// their own, which Flink has not; Timestamp is that of all others, and negative for
	// none: they begin at the log start.
	Timestamp  int64
	Timestamps map[int32]int64

	Offsets map[int32]int64 // of specific-offsets, as ParseOffsets gives them
}

// StopSpec is a bounded mode with its parameters.
type StopSpec struct {
	At        StopAt
	Timestamp int64           // of timestamp
	Offsets   map[int32]int64 // of specific-offsets
}

// Time is the timestamp whose first record a partition begins at; false: none is asked for.
func (s *StartSpec) Time(partition int32) (int64, bool) {
	if s.At != StartTimestamp {
		return 0, false
	}
	if at, own := s.Timestamps[partition]; own {
		return at, true
	}
	return s.Timestamp, s.Timestamp >= 0
}

// Time is the timestamp whose first record a partition ends before; false: none is asked for.
func (s *StopSpec) Time() (int64, bool) { return s.Timestamp, s.At == StopTimestamp }

// AsksGroup reports whether the committed offsets of the consumer group, if there is
// one, have a say.
func (s *StartSpec) AsksGroup() bool {
	return s.At == StartGroupOffsets || s.At == StartSpecificOffsets
}

// AsksGroup reports whether the committed offsets of the consumer group have a say.
func (s *StopSpec) AsksGroup() bool {
	return s.At == StopGroupOffsets || s.At == StopSpecificOffsets
}
