package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hefu-io/hefu/journal/crash"
)

// Local is a folder.
type Local struct{ dir string }

// OpenLocal makes a folder a place, and makes it when it is new.
func OpenLocal(dir string) (*Local, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("archive folder: %w", err)
	}
	return &Local{dir}, nil
}

// String implements Place.
func (l *Local) String() string { return l.dir }

// path is where a file lies. Names come from control; one that leads out of the folder
// was not made by this package.
func (l *Local) path(name string) (string, error) {
	name = filepath.FromSlash(name)
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("archive file %q: %w in %s", name, ErrNoFile, l.dir)
	}
	return filepath.Join(l.dir, name), nil
}

// Put implements Place: written under another name, synced, and given its name. A process
// that dies before that leaves the other name behind, which the next Put of this one
// takes away.
func (l *Local) Put(_ context.Context, name string, write func(io.Writer) error) (err error) {
	path, err := l.path(name)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("put %s: %w", path, err)
	}
	leftBehind(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*"+unfinished)
	if err != nil {
		return fmt.Errorf("put %s: %w", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where all went well
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("put %s: %w", path, err)
	}
	// A rename would replace a file that came in between. Two processes can only be here
	// with the same events: the store's chain says which.
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("put %s: %w", path, ErrExists)
	}
	crash.Point("archive.put.before")
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("put %s: %w", path, err)
	}
	return l.syncDirs(dir)
}

// unfinished ends the name of a file that is being written.
const unfinished = ".part"

// leftBehind takes away what a process that died was writing: nobody writes for a day.
func leftBehind(path string) {
	list, _ := filepath.Glob(path + ".*" + unfinished) // the pattern is well-formed
	for _, old := range list {
		if info, err := os.Stat(old); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.Remove(old) // in the way of nobody if it stays
		}
	}
}

// syncDirs makes a new name durable, and those of the folders on the way to it.
func (l *Local) syncDirs(dir string) error {
	for {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		err = errors.Join(d.Sync(), d.Close())
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("sync folder %s: %w", dir, err)
		}
		if dir == filepath.Clean(l.dir) || dir == filepath.Dir(dir) {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// Size implements Place.
func (l *Local) Size(_ context.Context, name string) (int64, error) {
	path, err := l.path(name)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, noFile(err)
	}
	return info.Size(), nil
}

// Read implements Place.
func (l *Local) Read(_ context.Context, name string, offset int64, n int) ([]byte, error) {
	path, err := l.path(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, noFile(err)
	}
	defer f.Close()
	b := make([]byte, n)
	n, err = f.ReadAt(b, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}

func noFile(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNoFile, err)
	}
	return err
}
