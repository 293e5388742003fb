package archive

import (
	"context"
	"errors"
	"io"
)

// Errors that a Place tells apart. Any other error of Put means unknown: the file may be
// there, now or a moment later; any other of a reading, that the place does not answer.
var (
	// ErrNoFile: the place answers, and has no file of that name.
	ErrNoFile = errors.New("no such file")
	// ErrExists: the name is taken.
	ErrExists = errors.New("a file of that name exists")
)

// Place is where files are kept. It may be used by many goroutines.
type Place interface {
	// Put stores what write writes under a name that no file has: the whole of it or
	// nothing, durably, and never over another one. An error of write is returned as it
	// is, and nothing was stored then. Errors: ErrExists.
	Put(ctx context.Context, name string, write func(io.Writer) error) error
	// Size is the size of a file in bytes. Errors: ErrNoFile.
	Size(ctx context.Context, name string) (int64, error)
	// Read reads n bytes of a file from an offset on, and less only where it ends.
	// Errors: ErrNoFile.
	Read(ctx context.Context, name string, offset int64, n int) ([]byte, error)
	// String says where it is, for people.
	String() string
}
