package hub

import "context"

// Sender is how a transaction gets to the hub: two verbs. Behind them is kgo today;
// nothing of it shows here, so that an own wire path can take its place.
//
// After an error from either verb it is not known what the hub has, and the sender is
// of no more use: close it, open again, settle.
type Sender interface {
	// Produce begins a transaction and writes rows into it, all with one timestamp in
	// milliseconds. When it returns nil every row has its place in p.Offsets, which
	// rise within each partition; none is visible yet.
	Produce(ctx context.Context, p *Packed, timestamp int64) error
	// Commit writes the progress record into the same transaction and ends it. nil,
	// with the record's offset, means committed: every write acknowledged and the
	// first request to end the transaction answered well (kafka-real.md §0.2).
	Commit(ctx context.Context, record []byte) (offset int64, err error)
	// Close gives the connections back. An open transaction is left to the next
	// owner's fencing, or to its time-out.
	Close()
}

// Packed is what one transaction carries, as the sender needs it: the values one
// after the other in one buffer, in the order in which each partition gets them.
type Packed struct {
	Values []byte
	Ends   []int // of each row's value in Values
	Pieces []Piece
	// Offsets is where the sender put each row; it has the length of Ends after
	// Produce.
	Offsets []int64
}

// Piece is a run of consecutive rows of one ingest run; they go to one partition.
type Piece struct {
	Partition int32
	N         int
}
