package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// DamagedError says that a file of the store cannot be what the server wrote.
type DamagedError struct {
	File  string
	At    int64 // bytes into it
	Found string
}

// Error says what happened, where, and what to do.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("journal damaged: %s does not read as it was stored: %s at byte %d. "+
		"Nothing is appended to it. Keep the files, put a sound copy of the journal back, and start again", e.File, e.Found, e.At)
}

// A record of a block of messages begins with its length, its sequence, its time and the length
// of its subject (nats-server v2.15, server/filestore.go, msgFromBufEx). The highest bits of the
// first two are flags.
const (
	recordHeader = 4 + 8 + 8 + 2
	lengthBits   = 1<<31 - 1
	tombstone    = 1 << 62
	erased       = 1 << 63
)

// farthest is how far one sequence may be from the one before it. A stream of Hefu has no holes,
// and whatever else is wrong with it the journal itself finds and names. But the server notes
// down each sequence between two records before it looks at a checksum: one flipped bit high up
// in a sequence, and a start takes all memory that there is, and never ends.
const farthest = 1 << 20

// checkBlocks looks whether the server can open a store directory. It reads what each record
// begins with, and leaves alone what it does not understand. Errors: *DamagedError.
func checkBlocks(dir string) error {
	streams, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs"))
	if err != nil {
		return err
	}
	for _, s := range streams {
		blocks, err := filepath.Glob(filepath.Join(s, "*.blk"))
		if err != nil {
			return err
		}
		slices.SortFunc(blocks, func(a, b string) int { return blockNumber(a) - blockNumber(b) })
		last := uint64(0) // 0: none yet
		for _, b := range blocks {
			if last, err = checkBlock(b, last); err != nil {
				return err
			}
		}
	}
	return nil
}

func blockNumber(file string) int {
	n, _ := strconv.Atoi(strings.TrimSuffix(filepath.Base(file), ".blk")) // others come first
	return n
}

// checkBlock follows the records of a block from the last sequence of the one before it, and
// gives its own last one.
func checkBlock(file string, last uint64) (uint64, error) {
	f, err := os.Open(file)
	if err != nil {
		return last, fmt.Errorf("look at the journal's store: %w", err)
	}
	defer f.Close()
	var head [recordHeader]byte
	for at := int64(0); ; {
		if _, err := f.ReadAt(head[:], at); errors.Is(err, io.EOF) {
			return last, nil // also in the middle of a record: a write was torn
		} else if err != nil {
			return last, fmt.Errorf("look at the journal's store: %s: %w", file, err)
		}
		length, seq := int64(binary.LittleEndian.Uint32(head[0:])&lengthBits), binary.LittleEndian.Uint64(head[4:])
		if length < recordHeader {
			return last, nil // it is torn or compressed; the server cuts the one and reads the other
		}
		if seq&tombstone == 0 {
			seq &^= erased
			if last > 0 && max(seq, last)-min(seq, last) > farthest {
				return last, &DamagedError{file, at, fmt.Sprintf("sequence %d beside %d", seq, last)}
			}
			last = seq
		}
		at += length
	}
}
