package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/durable"
)

// File keeps the newest signed head of each stream in a file outside of the journal's store.
// It belongs to one goroutine.
type File struct {
	path    string
	heads   map[domain.Stream]Kept
	replace func(path string, b []byte) error // durable.ReplaceFile, or a test's fault
}

// OpenFile reads the file, which need not exist yet. Errors: *DamagedError.
func OpenFile(path string) (*File, error) {
	f := &File{path: path, heads: map[domain.Stream]Kept{}, replace: durable.ReplaceFile}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	heads, err := DecodeKept(b)
	if err != nil {
		return nil, &DamagedError{Path: path, Why: err}
	}
	for _, h := range heads {
		f.heads[h.Ref.Stream] = h
	}
	return f, nil
}

// DamagedError says that the file of checkpoints is not as it was written.
type DamagedError struct {
	Path string
	Why  error
}

// Error says what to do.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is not as it was written: %v: put the file back from a copy; "+
		"without one, run `hefu journal verify --deep`, and only if that finds nothing move the file away", e.Path, e.Why)
}

// Unwrap is why.
func (e *DamagedError) Unwrap() error { return e.Why }

// ExitCode is 2: only an operator can mend it.
func (e *DamagedError) ExitCode() int { return 2 }

// Path is where the file is.
func (f *File) Path() string { return f.path }

// Heads are the newest of each stream, by its name.
func (f *File) Heads() []Kept { return ordered(f.heads) }

func ordered(heads map[domain.Stream]Kept) []Kept {
	return slices.SortedFunc(maps.Values(heads), func(a, b Kept) int {
		return strings.Compare(a.Ref.Stream.String(), b.Ref.Stream.String())
	})
}

// Put replaces the heads of their streams, durably; the others stay. After an error the file
// holds either, and Put is called again.
func (f *File) Put(heads ...Kept) error {
	next := maps.Clone(f.heads)
	for _, h := range heads {
		next[h.Ref.Stream] = h
	}
	b, err := EncodeKept(ordered(next))
	if err == nil {
		err = f.replace(f.path, b)
	}
	if err != nil {
		return fmt.Errorf("write checkpoints: %w", err)
	}
	f.heads = next
	return nil
}
