package doris

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"unsafe"
)

// Tags of a staged cell, and of a row that is there to take away the row of its key.
const (
	cellNull byte = iota
	cellInt
	cellText
	rowDeleted
	cellFloat
)

func appendUvarint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }
func appendUint64(b []byte, v uint64) []byte  { return binary.LittleEndian.AppendUint64(b, v) }

// stage keeps the checked rows of a load between its body and its publish, one file per transaction: an abort is the
// removal of a file, and rows that nobody may see are in no table.
type stage struct {
	dir string
}

func openStage(dir string) (stage, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return stage{}, fmt.Errorf("open staging folder: %w", err)
	}
	return stage{dir}, nil
}

func (s stage) path(txn int64) string { return filepath.Join(s.dir, fmt.Sprintf("%d.rows", txn)) }

// remove forgets staged rows; that there are none is fine.
func (s stage) remove(txn int64) error {
	if err := os.Remove(s.path(txn)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove staged rows of transaction %d: %w", txn, err)
	}
	return nil
}

// sweep removes the files of transactions that are not wanted any more, after a restart.
func (s stage) sweep(wanted func(txn int64) bool) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("list staged rows: %w", err)
	}
	for _, e := range entries {
		var id int64
		if _, err := fmt.Sscanf(e.Name(), "%d.rows", &id); err == nil && wanted(id) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil {
			return fmt.Errorf("remove staged rows: %w", err)
		}
	}
	return nil
}

// stageWriter writes one transaction's rows. In front of the first stands what table they were made for: how many
// columns it had, and its epoch.
type stageWriter struct {
	file  *os.File
	w     *bufio.Writer
	buf   []byte
	began bool
}

const stageBuffer = 256 << 10

func (s stage) create(txn int64) (*stageWriter, error) {
	f, err := os.Create(s.path(txn))
	if err != nil {
		return nil, fmt.Errorf("stage transaction %d: %w", txn, err)
	}
	return &stageWriter{file: f, w: bufio.NewWriterSize(f, stageBuffer)}, nil
}

func (w *stageWriter) add(t *Table, row []cell, deleted bool) error {
	w.buf = w.buf[:0]
	if !w.began {
		w.began = true
		w.buf = appendUvarint(appendUvarint(w.buf, uint64(len(t.Columns))), uint64(t.Epoch))
	}
	w.buf = encodeRow(w.buf, t, row, deleted)
	_, err := w.w.Write(w.buf)
	return err
}

// close hands all rows to the kernel: from here on a killed process still has them.
func (w *stageWriter) close() error {
	return errors.Join(w.w.Flush(), w.file.Close())
}

// stageReader reads rows back as arguments of an INSERT.
type stageReader struct {
	file  *os.File
	r     *bufio.Reader
	width int   // columns in the file
	epoch int   // of the table that they were loaded into
	rest  []any // values of the columns that the table has got since
}

func (s stage) open(txn int64) (*stageReader, error) {
	f, err := os.Open(s.path(txn))
	if err != nil {
		return nil, fmt.Errorf("open staged rows: %w", err)
	}
	r := &stageReader{file: f, r: bufio.NewReaderSize(f, stageBuffer)}
	width, err := binary.ReadUvarint(r.r)
	if errors.Is(err, io.EOF) {
		return r, nil // no row at all
	}
	var epoch uint64
	if err == nil {
		epoch, err = binary.ReadUvarint(r.r)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open staged rows of transaction %d: %w", txn, err), f.Close())
	}
	r.width, r.epoch = int(width), int(epoch)
	return r, nil
}

// complete gives the rows the defaults of the columns that their table has got since they were loaded.
func (r *stageReader) complete(t *Table) error {
	r.rest = nil
	for i := r.width; i < len(t.Columns) && r.width > 0; i++ {
		c, out := &t.Columns[i], cell{null: true}
		if c.Default != nil {
			out = cell{}
			if err := c.convert(token{tokString, []byte(*c.Default)}, nil, &out); err != nil {
				return fmt.Errorf("default of column %s: %w", c.Name, err)
			}
		}
		r.rest = append(r.rest, out.value(c.Type.Kind))
	}
	return nil
}

func (r *stageReader) close() error { return r.file.Close() }

// next fills one row, and says whether it is there to take one away; io.EOF after the last. Texts point into arena,
// which the caller may reuse once they are bound.
func (r *stageReader) next(row []any, arena *[]byte) (deleted bool, err error) {
	tag, err := r.r.ReadByte()
	if err != nil {
		return false, err
	}
	if deleted = tag == rowDeleted; !deleted {
		_ = r.r.UnreadByte() // cannot fail: just read
	}
	copy(row[len(row)-len(r.rest):], r.rest)
	return deleted, r.cells(row[:len(row)-len(r.rest)], arena)
}

func (r *stageReader) cells(row []any, arena *[]byte) error {
	for i := range row {
		tag, err := r.r.ReadByte()
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		switch tag {
		case cellNull:
			row[i] = nil
		case cellInt, cellFloat:
			b, err := r.r.Peek(8)
			if err != nil {
				return io.ErrUnexpectedEOF
			}
			bits := binary.LittleEndian.Uint64(b)
			if row[i] = int64(bits); tag == cellFloat {
				row[i] = math.Float64frombits(bits)
			}
			_, _ = r.r.Discard(8) // cannot fail: just peeked
		case cellText:
			n, err := binary.ReadUvarint(r.r)
			if err != nil {
				return io.ErrUnexpectedEOF
			}
			b := arenaTake(arena, int(n))
			if _, err := io.ReadFull(r.r, b); err != nil {
				return io.ErrUnexpectedEOF
			}
			row[i] = unsafe.String(unsafe.SliceData(b), len(b))
		default:
			return fmt.Errorf("staged cell with tag %d", tag)
		}
	}
	return nil
}

const arenaSize = 1 << 20

// arenaTake cuts n bytes from the arena; a full arena is replaced, so earlier texts stay what they are.
func arenaTake(arena *[]byte, n int) []byte {
	a := *arena
	if cap(a)-len(a) < n {
		a = make([]byte, 0, max(arenaSize, n))
	}
	*arena = a[: len(a)+n : cap(a)]
	return a[len(a) : len(a)+n : len(a)+n]
}
