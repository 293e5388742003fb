package journal

import (
	"context"
	"errors"

	"github.com/hefu-io/hefu/domain"
)

// Errors that a Store tells apart. Every other error of Put means unknown: the
// event may or may not be stored, now or a moment later.
var (
	// ErrNotFound: no event at this seq. On its own it proves nothing about an
	// append that is under way.
	ErrNotFound = errors.New("no event there")
	// ErrSequence: the store's tail is another one than the append expected. With
	// NATS it is error 10071 or 10164 and still means unknown: the leader compares
	// with proposed entries.
	ErrSequence = errors.New("the tail is another one than expected")
	// ErrSealed: the segment takes no more events.
	ErrSealed = errors.New("segment is sealed")
	// ErrTooLarge: the store will never take an event of this size.
	ErrTooLarge = errors.New("event is larger than the store takes")
	// ErrDrift: a segment's settings are not the ones that Hefu gave it.
	ErrDrift = errors.New("stream settings drifted")
)

// Segment is one piece of a Stream.
type Segment struct {
	First  domain.Seq
	Sealed bool
	Bytes  int64 // as the store counts them
	// Next is the seq after the last event, and Events how many there are, as the store
	// counts them; Next is 0 where it does not.
	Next   domain.Seq
	Events int64
}

// Store keeps the bytes of streams in segments. Implementations: JetStream, Memory, and
// archive.Store on top of another one. It may be used by many goroutines; a segment has
// one writer at a time by the expected sequence, not by a lock.
type Store interface {
	// Segments lists a stream's segments in order of First; none for a stream that
	// does not exist.
	Segments(ctx context.Context, s domain.Stream) ([]Segment, error)
	// Create makes the segment that begins at first. Making one that is there is no
	// error; one there with other settings is ErrDrift.
	Create(ctx context.Context, s domain.Stream, first domain.Seq) error
	// Seal closes a segment for appends. It is tidiness, not a fence.
	Seal(ctx context.Context, s domain.Stream, first domain.Seq) error
	// Put stores the parts as one event at seq, if seq - 1 is the segment's tail. It
	// is durable when nil is returned. Errors: ErrSequence, ErrSealed, ErrTooLarge;
	// any error but ErrTooLarge means unknown.
	Put(ctx context.Context, s domain.Stream, first, seq domain.Seq, parts [][]byte) error
	// Get reads one event from where the truth is (the leader). Errors: ErrNotFound.
	Get(ctx context.Context, s domain.Stream, first, seq domain.Seq) ([]byte, error)
	// Last reads the last event of a segment. Errors: ErrNotFound when it is empty.
	Last(ctx context.Context, s domain.Stream, first domain.Seq) ([]byte, error)
	// Follow reads a segment from seq on, waiting at its end.
	Follow(ctx context.Context, s domain.Stream, first, seq domain.Seq) (Follower, error)
	// Drop takes a whole segment away, sealed or not, for good. Dropping one that is not
	// there is no error; any error means unknown. Who reads it gets ErrNotFound then, a
	// Follower too.
	Drop(ctx context.Context, s domain.Stream, first domain.Seq) error
	// Size is the number of bytes that all segments of a pipeline take.
	Size(ctx context.Context, pipeline string) (int64, error)
	// Attest compares the settings of every segment of a pipeline with what they
	// must be. Errors: ErrDrift, naming the segment and the setting.
	Attest(ctx context.Context, pipeline string) error
}

// Follower hands out stored events in order. It belongs to one goroutine.
type Follower interface {
	// Next waits for the next event. The bytes belong to the caller.
	Next(ctx context.Context) ([]byte, error)
	// Close ends the follower and waits for what it started.
	Close()
}
