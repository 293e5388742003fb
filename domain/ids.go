package domain

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// City is a city code as the hub's column sscsdm carries it (320100 …).
type City string

// ParseCity checks a city code: 1 to 16 of [0-9A-Za-z_-], what VARCHAR(16) holds
// and what needs no escape in JSON.
func ParseCity(s string) (City, error) {
	if !isName(s, 16, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-") {
		return "", fmt.Errorf("city code %q: 1 to 16 of [0-9A-Za-z_-]", s)
	}
	return City(s), nil
}

// SourceID is the stable id of one city's topic on its own cluster. It outlives
// brokers, topic names and generations; a new city code is a new source. An entry of
// hefu.yaml with one topic has the source of its own id; one with several has a source for
// each, see TopicSource.
type SourceID string

// ParseSourceID checks a source id: 1 to 32 of [a-z0-9-], and for one of several topics a
// slash and the topic, 1 to 249 of [a-zA-Z0-9._-], after it.
func ParseSourceID(s string) (SourceID, error) {
	entry, topic, several := strings.Cut(s, "/")
	if !isName(entry, 32, lowerDigitsDash) || several && !isName(topic, 249, topicChars) {
		return "", fmt.Errorf("source id %q: 1 to 32 of [a-z0-9-], with several topics /<topic> after it", s)
	}
	return SourceID(s), nil
}

// TopicSource is the source of one topic of an entry that has several.
func TopicSource(entry SourceID, topic string) SourceID { return entry + "/" + SourceID(topic) }

// ParsePipeline checks a pipeline name: 1 to 32 of [a-z0-9-] (decisions.md,
// "Compatibility": it is part of stream names).
func ParsePipeline(s string) (string, error) {
	if !isName(s, 32, lowerDigitsDash) {
		return "", fmt.Errorf("pipeline name %q: 1 to 32 of [a-z0-9-]", s)
	}
	return s, nil
}

const (
	lowerDigitsDash = "abcdefghijklmnopqrstuvwxyz0123456789-"
	topicChars      = lowerDigitsDash + "ABCDEFGHIJKLMNOPQRSTUVWXYZ._"
)

func isName(s string, limit int, set string) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if strings.IndexByte(set, s[i]) < 0 {
			return false
		}
	}
	return true
}

// Generation is a source partition's incarnation. It starts at 1 and counts up
// when the topic was made anew or cut; (source, generation, partition, offset)
// is unique for ever.
type Generation uint32

// Micros is a time in microseconds since 1970 UTC.
type Micros int64

// Millis is the time in Kafka's unit, milliseconds since 1970 UTC, rounded down.
func (m Micros) Millis() int64 {
	ms := int64(m) / 1000
	if int64(m)%1000 < 0 {
		ms--
	}
	return ms
}

// Hash is the SHA-256 of an event's stored bytes, or of what a field says.
type Hash [32]byte

// String is the hash in lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is the hash in lower-case hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hex digits.
func (h *Hash) UnmarshalText(b []byte) (err error) { *h, err = ParseHash(string(b)); return err }

// IsZero reports whether the hash was never set: the hash before Genesis.
func (h Hash) IsZero() bool { return h == Hash{} }

// ParseHash reads 64 hex digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("hash %q: want 64 hex digits", s)
	}
	copy(h[:], b)
	return h, nil
}

// JournalID names one journal for ever; random, made once with control's Genesis.
type JournalID [16]byte

// String is the id in lower-case hex.
func (id JournalID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText is the id in lower-case hex.
func (id JournalID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads 32 hex digits.
func (id *JournalID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseJournalID(string(b))
	return err
}

// ParseJournalID reads 32 hex digits.
func ParseJournalID(s string) (JournalID, error) {
	var id JournalID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("journal id %q: want 32 hex digits", s)
	}
	copy(id[:], b)
	return id, nil
}

// Leg is a part of the way of a row, with a stream of its own per shard.
type Leg string

// The legs; Control is the pipeline's stream with many writers.
const (
	LegIngest  Leg = "ingest"
	LegHub     Leg = "hub"
	LegDoris   Leg = "doris"
	LegLineage Leg = "lineage"
	LegControl Leg = "control"
)

// replayPrefix is how the legs of replays are called: replay-<plan>.
const replayPrefix = "replay-"

// ReplayLeg is the leg of one replay, which has a stream of its own in every shard that it
// reads.
func ReplayLeg(id PlanID) Leg { return replayPrefix + Leg(id.String()) }

// Plan is the replay whose leg it is, false for one of the pipeline itself.
func (l Leg) Plan() (PlanID, bool) {
	name, is := strings.CutPrefix(string(l), replayPrefix)
	if !is {
		return PlanID{}, false
	}
	id, err := ParsePlanID(name)
	return id, err == nil
}

// ErrStream is returned for a stream name that is not one.
var ErrStream = errors.New("not a stream name")

// Stream names an endless ordered sequence of events. Shard is 0 for control.
type Stream struct {
	Pipeline string
	Shard    int
	Leg      Leg
}

// ControlStream is the control stream of a pipeline.
func ControlStream(pipeline string) Stream { return Stream{Pipeline: pipeline, Leg: LegControl} }

// String is the name as it stands in every stored event:
// "<pipeline>.<shard>.<leg>" or "<pipeline>.control".
func (s Stream) String() string {
	if s.Leg == LegControl {
		return s.Pipeline + ".control"
	}
	return fmt.Sprintf("%s.%d.%s", s.Pipeline, s.Shard, s.Leg)
}

// MarshalText is the name.
func (s Stream) MarshalText() ([]byte, error) {
	if s == (Stream{}) {
		return nil, nil
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads a name.
func (s *Stream) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*s = Stream{}
		return nil
	}
	*s, err = ParseStream(string(b))
	return err
}

// ParseStream reads what String wrote. Errors: ErrStream.
func ParseStream(name string) (Stream, error) {
	parts := strings.Split(name, ".")
	if _, err := ParsePipeline(parts[0]); err != nil {
		return Stream{}, fmt.Errorf("%w: %q", ErrStream, name)
	}
	if len(parts) == 2 && parts[1] == string(LegControl) {
		return ControlStream(parts[0]), nil
	}
	if len(parts) != 3 {
		return Stream{}, fmt.Errorf("%w: %q", ErrStream, name)
	}
	shard, err := strconv.Atoi(parts[1])
	s := Stream{Pipeline: parts[0], Shard: shard, Leg: Leg(parts[2])}
	if err != nil || shard < 0 || s.String() != name {
		return Stream{}, fmt.Errorf("%w: %q", ErrStream, name)
	}
	switch s.Leg {
	case LegIngest, LegHub, LegDoris, LegLineage:
		return s, nil
	case LegControl: // it has no shard
	default:
		if _, is := s.Leg.Plan(); is {
			return s, nil
		}
	}
	return Stream{}, fmt.Errorf("%w: %q", ErrStream, name)
}
