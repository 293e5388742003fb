package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// writer writes the file of one segment. The same events give the same file, with the
// same release.
type writer struct {
	w   io.Writer
	at  int64
	ix  Index
	z   *zstd.Encoder
	raw []byte     // the block that grows
	seq domain.Seq // of its first event
	out []byte
}

// newWriter begins the file of a segment; prev is the hash of the event before it.
func newWriter(w io.Writer, prev domain.Hash) (*writer, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &writer{w: w, z: z, ix: Index{Format: formatNow, Prev: prev}}, nil
}

// add takes the next event.
func (f *writer) add(e *journal.Entry, stored []byte) error {
	if f.ix.First == 0 {
		f.ix.Journal, f.ix.Stream, f.ix.First = e.Journal, e.Stream, e.Seq
	}
	if len(f.raw) > 0 && len(f.raw)+len(stored) > blockBytes {
		if err := f.flush(); err != nil {
			return err
		}
	}
	if len(f.raw) == 0 {
		f.seq = e.Seq
	}
	f.raw = append(binary.AppendUvarint(f.raw, uint64(len(stored))), stored...)
	f.ix.Last, f.ix.Hash = e.Seq, e.Hash
	f.ix.Bytes += int64(len(stored))
	return nil
}

func (f *writer) flush() error {
	f.out = f.z.EncodeAll(f.raw, f.out[:0])
	f.ix.Blocks = append(f.ix.Blocks, Block{
		First: f.seq, Offset: f.at, Size: int64(len(f.out)), Raw: int64(len(f.raw)), SHA256: sha256.Sum256(f.out),
	})
	f.raw = f.raw[:0]
	return f.write(f.out)
}

// close ends the file with its index.
func (f *writer) close(root domain.Hash) error {
	if err := f.flush(); err != nil {
		return err
	}
	f.ix.Root = root
	b, err := json.Marshal(&f.ix)
	if err != nil {
		return err
	}
	t := trailer{offset: f.at + headerSize, size: int64(len(b)), digest: sha256.Sum256(b)}
	return f.write(append(indexFrame(b), t.encode()...))
}

func (f *writer) write(b []byte) error {
	n, err := f.w.Write(b)
	f.at += int64(n)
	return err
}
