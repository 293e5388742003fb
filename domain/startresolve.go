package domain

import "strconv"

// Asked is what the brokers said about one partition. The bounds are asked for before
// the offsets by time, so that a record which comes between the two questions is not
// skipped.
type Asked struct {
	Bounds
	Committed int64 // the group's offset; negative: none, or there is no group
	From      int64 // the first record at or after StartSpec.Time; negative: none
	Until     int64 // the first record at or after StopSpec.Time; negative: none
}

// ResolveStart decides where a partition begins, as Flink does where that is sane. how
// says how the number was found. ok is false where Flink loops, or silently begins at
// the log start: no committed offset with on_missing_cursor fail, an offset below the
// log start or beyond the log end; how then is the reason with its numbers.
func ResolveStart(s *StartSpec, partition int32, a Asked) (first int64, how string, ok bool) {
	switch s.At {
	case StartLatest:
		return a.HighWatermark, a.logEnd(), true
	case StartGroupOffsets:
		switch {
		case a.Committed >= 0:
			return a.inside(a.Committed, "committed offset")
		case s.Missing == MissingEarliest:
			return a.LogStart, "no committed offset: log start", true
		case s.Missing == MissingLatest:
			return a.HighWatermark, "no committed offset: " + a.logEnd(), true
		default:
			return 0, "no committed offset", false
		}
	case StartTimestamp:
		at, asked := s.Time(partition)
		if !asked {
			return a.LogStart, "no timestamp for this partition: log start", true
		}
		first, how = a.byTime(at, a.From)
		return first, how, true
	case StartSpecificOffsets:
		return a.specificStart(s, partition)
	default:
		return a.LogStart, "log start", true
	}
}

// specificStart is a listed offset, or what Flink does with a partition that is not
// listed: the group's committed offset, else the log start.
func (a *Asked) specificStart(s *StartSpec, partition int32) (int64, string, bool) {
	offset, listed := s.Offsets[partition]
	switch {
	case listed && offset == OffsetLatest:
		return a.HighWatermark, "listed as latest: " + a.logEnd(), true
	case listed && offset == OffsetEarliest:
		return a.LogStart, "listed as earliest: log start", true
	case listed && offset >= 0:
		return a.inside(offset, "specific offset")
	}
	found := "not listed: "
	if listed {
		found = "listed as committed: "
	}
	if a.Committed >= 0 {
		return a.inside(a.Committed, found+"committed offset")
	}
	return a.LogStart, found + "no committed offset: log start", true
}

// ResolveStop decides where a partition that begins at first ends: the offset that is
// not read any more. A stop at or below first is one that is reached at once. A specific
// offset beyond the log end is waited for. ok is false for a committed offset that is
// missing, or beyond the log end, where nobody ever read.
func ResolveStop(s *StopSpec, partition int32, first int64, a Asked) (stop int64, how string, ok bool) {
	switch s.At {
	case StopLatest:
		return a.HighWatermark, a.logEnd(), true
	case StopGroupOffsets:
		return a.committedStop("committed offset")
	case StopTimestamp:
		stop, how = a.byTime(s.Timestamp, a.Until)
		return stop, how, true
	case StopSpecificOffsets:
		offset, listed := s.Offsets[partition]
		switch {
		case !listed:
			// As Flink's documentation says; its code would stop at the group's
			// committed offset (flink-contract.md §1.5).
			return first, "not listed: not read", true
		case offset == OffsetLatest:
			return a.HighWatermark, "listed as latest: " + a.logEnd(), true
		case offset == OffsetEarliest:
			return a.LogStart, "listed as earliest: log start", true
		case offset == OffsetCommitted:
			return a.committedStop("listed as committed: committed offset")
		default:
			return offset, "specific offset", true
		}
	default:
		return 0, "", true
	}
}

func (a *Asked) committedStop(what string) (int64, string, bool) {
	switch {
	case a.Committed < 0:
		return 0, "no committed offset to end at", false
	case a.Committed > a.HighWatermark:
		return a.inside(a.Committed, what)
	default:
		return a.Committed, what, true
	}
}

// inside is an offset that must lie in the log, or at its end.
func (a *Asked) inside(offset int64, what string) (int64, string, bool) {
	switch {
	case offset < a.LogStart:
		return 0, what + " " + itoa(offset) + " is below the log start " + itoa(a.LogStart), false
	case offset > a.HighWatermark:
		return 0, what + " " + itoa(offset) + " is beyond the log end " + itoa(a.HighWatermark), false
	default:
		return offset, what, true
	}
}

func (a *Asked) byTime(at, found int64) (int64, string) {
	when := strconv.FormatInt(at, 10)
	if found >= 0 {
		return found, "first record at or after " + when
	}
	return a.HighWatermark, "no record at or after " + when + ": " + a.logEnd()
}

// logEnd says how the log end was found. It is the high watermark, as in Flink, which
// asks an admin client that knows no isolation. A reader of committed rows who begins
// here skips the rows of a transaction that is open now as far as they are written: they
// were in the city before. Beginning at the last stable offset instead would let one
// hanging transaction of anybody turn "latest" into days of old rows.
func (a *Asked) logEnd() string {
	if a.LastStable < a.HighWatermark {
		return "log end, with a transaction open from " + itoa(a.LastStable) + " on"
	}
	return "log end"
}
