package file

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/durable"
)

// mark is how far a file has come, between two events of the lane: the cursor beside it.
type mark struct {
	After domain.Cursor `json:"after"` // the last event of the lane that is in it
	Bytes int64         `json:"bytes"`
	Rows  int64         `json:"rows"`
	Left  int64         `json:"left_out"`
	Sum   domain.Hash   `json:"sha256"` // of these bytes
}

// sheet is a file that is being written, as <name>.part until it is whole. Of the target null
// there is none.
type sheet struct {
	f     *File
	part  *os.File // nil of null
	w     *bufio.Writer
	sum   hash.Hash // of all that went through w
	at    mark      // of the last event; its Sum is only made when it is saved
	now   mark      // with the rows since
	saved int64     // bytes at the last save
	whole bool      // the file has its own name already
}

// buffered is how much is handed to the file at once, and atOnce how much is read back before
// the context is looked at again, in bytes.
const buffered, atOnce = 1 << 20, 16 << 20

// sheet goes on with what is there of the lane's file, as far as it is what the cursor says.
func (f *File) sheet(ctx context.Context) (*sheet, error) {
	s := &sheet{f: f, sum: sha256.New()}
	if f.null() {
		s.w = bufio.NewWriterSize(s.sum, buffered)
		return s, nil
	}
	err := s.open(ctx)
	if err != nil {
		s.close()
		return nil, fmt.Errorf("open %s: %w", f.path(), err)
	}
	s.w = bufio.NewWriterSize(io.MultiWriter(s.part, s.sum), buffered)
	s.saved, s.now = s.at.Bytes, s.at
	return s, nil
}

func (s *sheet) open(ctx context.Context) error {
	if err := s.folder(); err != nil {
		return err
	}
	m, known := s.marked()
	if known && m.After == s.f.cfg.Replay.Lane.Last {
		// Renamed, and the process died before the outcome.
		if err := s.take(ctx, s.f.path(), m); err != nil || s.part != nil {
			s.whole = s.part != nil
			return err
		}
	}
	if known {
		if err := s.take(ctx, s.f.path()+".part", m); err != nil || s.part != nil {
			return err
		}
	}
	// Not O_APPEND: a process that was replaced while it slept writes the same bytes to the
	// same places.
	part, err := os.OpenFile(s.f.path()+".part", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	s.part = part
	return err
}

// folder makes the folder of the plan, durably.
func (s *sheet) folder() error {
	dir := filepath.Dir(s.f.path())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, of := range []string{s.f.cfg.DataDir, filepath.Dir(dir)} {
		if err := durable.SyncDir(of); err != nil {
			return err
		}
	}
	return nil
}

// marked reads the cursor; one that cannot be read is none.
func (s *sheet) marked() (m mark, known bool) {
	b, err := os.ReadFile(s.f.path() + ".cursor")
	if err != nil {
		return mark{}, false
	}
	return m, json.Unmarshal(b, &m) == nil
}

// take goes on with a file that has what a mark says, and cuts off what comes behind; it takes
// nothing when there is none, or it begins otherwise.
func (s *sheet) take(ctx context.Context, path string, m mark) error {
	part, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	n := int64(0)
	for more := int64(1); err == nil && n < m.Bytes && more > 0; n += more {
		if err = ctx.Err(); err == nil {
			more, err = io.Copy(s.sum, io.LimitReader(part, min(m.Bytes-n, atOnce)))
		}
	}
	if err == nil && n == m.Bytes && domain.Hash(s.sum.Sum(nil)) == m.Sum {
		if err = part.Truncate(m.Bytes); err == nil {
			s.part, s.at = part, m
			return nil
		}
	}
	s.sum.Reset()
	return errors.Join(err, part.Close())
}

// line writes a row's line, which has its line feed.
func (s *sheet) line(b []byte) error {
	s.now.Bytes += int64(len(b))
	s.now.Rows++
	_, err := s.w.Write(b)
	return err
}

// reached says that all rows of an event are written.
func (s *sheet) reached(at domain.Cursor) {
	s.now.After = at
	s.at = s.now
}

// save makes what is written durable, and then the cursor that says so.
func (s *sheet) save() error {
	if s.now != s.at {
		return nil // in the midst of an event
	}
	if err := s.w.Flush(); err != nil {
		return err
	}
	s.at.Sum = domain.Hash(s.sum.Sum(nil))
	s.now = s.at
	if s.part == nil {
		return nil
	}
	if err := s.f.point("sync.before"); err != nil {
		return err
	}
	if err := s.part.Sync(); err != nil {
		return err
	}
	if err := s.f.point("cursor.before"); err != nil {
		return err
	}
	b, err := json.Marshal(s.at)
	if err == nil {
		err = durable.ReplaceFile(s.f.path()+".cursor", b)
	}
	if err != nil {
		return err
	}
	s.saved = s.at.Bytes
	return s.f.point("cursor.after")
}

// finish makes the file whole: durable, with a cursor that says so, and under its own name.
func (s *sheet) finish() error {
	if err := s.save(); err != nil || s.part == nil {
		return err
	}
	if !s.whole {
		if err := s.f.point("rename.before"); err != nil {
			return err
		}
		if err := os.Rename(s.f.path()+".part", s.f.path()); err != nil {
			return err
		}
	}
	if err := durable.SyncDir(filepath.Dir(s.f.path())); err != nil {
		return err
	}
	return s.f.point("rename.after")
}

// forget removes the cursor of a file whose outcome is on record.
func (f *File) forget() error {
	if f.null() {
		return nil
	}
	if err := os.Remove(f.path() + ".cursor"); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Discard removes what is half written of a lane's file, for whoever knows that nobody goes on with
// it. A file that is whole stays. What fails, or is not reached, is removed when it is said again.
func Discard(dataDir string, plan domain.PlanID, shard int) error {
	path := filepath.Join(dataDir, filepath.FromSlash(Name(plan, shard)))
	for _, name := range []string{path + ".part", path + ".cursor"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_ = os.Remove(filepath.Dir(path)) // the folder of the plan, unless a file of it stays
	return nil
}

func (s *sheet) close() {
	if s.part != nil {
		_ = s.part.Close() // what counts was synced
	}
}
