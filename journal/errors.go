package journal

import (
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

// Errors that callers branch on.
var (
	// ErrUnknown: it is not known whether the append is stored. The writer is of no
	// more use; take the stream over again and read its tail.
	ErrUnknown = errors.New("append without a clear answer")
	// ErrRegressed: an event that was acknowledged is gone or is another one. Append
	// nothing and keep every node's files.
	ErrRegressed = errors.New("journal regressed")
	// ErrMissing: a journal or stream that the manifest knows is not in the store.
	ErrMissing = errors.New("journal is missing from its store")
	// ErrAnotherJournal: the store holds another journal than the manifest says.
	ErrAnotherJournal = errors.New("another journal")
)

// FencedError is returned when a process of a higher incarnation owns the stream.
// The whole process stops and never opens again.
type FencedError struct {
	Stream domain.Stream
	Mine   domain.Seq
	Owner  domain.Seq
}

// Error says who took over.
func (e *FencedError) Error() string {
	return fmt.Sprintf("%s is owned by incarnation %d, this process is %d: fenced by another owner", e.Stream, e.Owner, e.Mine)
}

// ExitCode is the process's exit code, named in the systemd unit so that it is not
// started again.
func (e *FencedError) ExitCode() int { return 3 }

// IntegrityError is returned by every reader that finds the chain broken. It never
// skips.
type IntegrityError struct {
	Stream domain.Stream
	Seq    domain.Seq
	What   string
}

// Error says where the chain breaks and how.
func (e *IntegrityError) Error() string {
	return fmt.Sprintf("%s@%d: journal integrity: %s", e.Stream, e.Seq, e.What)
}
