package domain

import "fmt"

// Seq is the position of an event in its Stream, over all segments. It starts at
// 1; 0 means "none".
type Seq uint64

// Ref points at one event for ever: the hash says that it still is the same one.
// Whatever names a place in the journal from outside is a Ref and the JournalID.
type Ref struct {
	Stream Stream
	Seq    Seq
	Hash   Hash
}

// IsZero reports whether the Ref points nowhere.
func (r Ref) IsZero() bool { return r.Seq == 0 }

// String is "<stream>@<seq>".
func (r Ref) String() string { return fmt.Sprintf("%s@%d", r.Stream, r.Seq) }

// Cursor is how far a projection has come: the last event of its input that its
// target holds.
type Cursor = Ref

// Coord is where a record stands in a Kafka topic. Timestamp is the record's, in
// milliseconds since 1970 UTC (int64, as on the wire).
type Coord struct {
	Partition int32
	Offset    int64
	Timestamp int64
}

// String is "<partition>/<offset>".
func (c Coord) String() string { return fmt.Sprintf("%d/%d", c.Partition, c.Offset) }

// Lineage is the way of one row: where its city had it and where the hub has it.
type Lineage struct {
	City Coord
	Hub  Coord
}
