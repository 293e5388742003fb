package hub

import (
	"context"
	"fmt"
)

// Sender is how a batch gets to the hub: two verbs, whatever the semantic. Behind them
// is kgo today; nothing of it shows here, so that an own wire path can take its place.
//
// After an error from either verb it is not known what the hub has, and the sender is
// of no more use: close it, open again, settle.
type Sender interface {
	// Produce begins a transaction, where there is one, and writes rows with a timestamp in
	// milliseconds, that of their piece where it has one. When it returns nil every row has its place in
	// p.Offsets, which rise within each partition; with exactly-once none is visible
	// yet. With none it may return *unacknowledgedError: then p.Offsets has -1 for the
	// rows that were not acknowledged.
	Produce(ctx context.Context, p *Packed, timestamp int64) error
	// Commit writes the progress record, behind the rows, and ends the transaction. nil,
	// with the record's offset, means committed: every write acknowledged and the
	// first request to end the transaction answered well (kafka-real.md §0.2).
	Commit(ctx context.Context, record []byte) (offset int64, err error)
	// Close gives the connections back. An open transaction is left to the next
	// owner's fencing, or to its time-out.
	Close()
}

// Packed is what one batch carries, as the sender needs it: the values one
// after the other in one buffer, in the order in which each partition gets them.
type Packed struct {
	Values []byte
	Ends   []int // of each row's value in Values
	Pieces []Piece
	// Passed is each row's key and headers, of a hub that is passed the city's; else empty.
	Passed []Passed
	// Offsets is where the sender put each row; it has the length of Ends after
	// Produce. -1 where the semantic none has no acknowledgement. Of a replay it is where each
	// row was, until then.
	Offsets []int64
}

// Piece is a run of consecutive rows of one ingest run; they go to one partition.
type Piece struct {
	Partition int32
	N         int
	// Time is the timestamp of the rows in milliseconds, of a replay, whose batch has those of
	// several commits; 0: that of the batch.
	Time int64
}

// unacknowledgedError says that a hub of the semantic none did not acknowledge some rows.
// They are not sent again, and may be there all the same.
type unacknowledgedError struct {
	rows int
	err  error // the first one
}

// Error is for people.
func (e *unacknowledgedError) Error() string {
	return fmt.Sprintf("%d rows were not acknowledged, and are not sent again: %v", e.rows, e.err)
}

// Unwrap is the cause.
func (e *unacknowledgedError) Unwrap() error { return e.err }
