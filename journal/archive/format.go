package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// A file is zstd throughout: blocks, each one frame of events with their lengths before
// them, and a frame that decompressors skip, with the index and where it is. So
//
//	zstd -dc FILE               # the events, each with its length as a varint before it
//	tail -c 64 FILE | xxd       # where the index begins, its length, its SHA-256, a name
//
// and the index is JSON, so that an auditor can read a file without us.
const (
	family      = "hefu segment "
	magic       = family + "01\n"
	skippable   = 0x184D2A50 // RFC 8878, 3.1.2
	headerSize  = 8          // of the frame that is skipped
	trailerSize = 8 + 8 + sha256.Size + int64(len(magic))
	formatNow   = 1
	// blockBytes ends a block. One event is read by reading its block: larger ones are
	// compressed little better, and read for nothing.
	blockBytes = 4 << 20
	// What a file may say of itself before anybody vouched for it.
	maxBlock = 256 << 20
	maxIndex = 256 << 20
)

// Index says what a file holds.
type Index struct {
	Format  int              `json:"format"`
	Journal domain.JournalID `json:"journal"`
	Stream  domain.Stream    `json:"stream"`
	First   domain.Seq       `json:"first"`
	Last    domain.Seq       `json:"last"`          // the Rolled at the segment's end
	Prev    domain.Hash      `json:"prev"`          // of the event before First, zero before Genesis
	Hash    domain.Hash      `json:"hash"`          // of the event at Last
	Root    domain.Hash      `json:"root,omitzero"` // of the stream's Merkle tree of size Last, where it was at hand
	Bytes   int64            `json:"bytes"`         // of the events as stored
	Blocks  []Block          `json:"blocks"`
}

// Block is a run of events in a file; it ends before the next one begins.
type Block struct {
	First  domain.Seq  `json:"first"`
	Offset int64       `json:"offset"`
	Size   int64       `json:"size"`   // in the file
	Raw    int64       `json:"raw"`    // decompressed
	SHA256 domain.Hash `json:"sha256"` // of the bytes in the file
}

// trailer is where the index is.
type trailer struct {
	offset, size int64
	digest       domain.Hash // of the index: what control vouches for
}

func (t *trailer) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(t.offset))
	b = binary.BigEndian.AppendUint64(b, uint64(t.size))
	b = append(b, t.digest[:]...)
	return append(b, magic...)
}

var errNotAFile = errors.New("is not a segment file, or was cut")

// readTrailer reads the last bytes of a file of a size.
func readTrailer(b []byte, size int64) (*trailer, error) {
	if int64(len(b)) != trailerSize || !strings.HasPrefix(string(b[16+sha256.Size:]), family) {
		return nil, errNotAFile
	}
	if is := string(b[16+sha256.Size:]); is != magic {
		return nil, fmt.Errorf("is %q and this release reads %q: use the release that wrote it", is, magic)
	}
	t := &trailer{offset: int64(binary.BigEndian.Uint64(b)), size: int64(binary.BigEndian.Uint64(b[8:]))}
	copy(t.digest[:], b[16:])
	if t.offset < headerSize || t.offset > size || t.size <= 0 || t.size > maxIndex || t.size != size-trailerSize-t.offset {
		return nil, errNotAFile
	}
	return t, nil
}

// indexFrame is the frame that is skipped, but for the trailer.
func indexFrame(index []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, skippable)
	b = binary.LittleEndian.AppendUint32(b, uint32(int64(len(index))+trailerSize))
	return append(b, index...)
}

// readIndex reads the frame of an index and demands that its blocks are one run of events
// in one run of bytes.
func readIndex(frame []byte, t *trailer) (*Index, error) {
	if len(frame) < headerSize || !bytes.Equal(indexFrame(frame[headerSize:]), frame) {
		return nil, errNotAFile
	}
	b := frame[headerSize:]
	if sha256.Sum256(b) != t.digest {
		return nil, errors.New("the SHA-256 of the index is not the one in the trailer")
	}
	ix := &Index{}
	if err := json.Unmarshal(b, ix); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	seq, at := ix.First, int64(0)
	for i, k := range ix.Blocks {
		if k.First < seq || i == 0 && k.First != seq || k.Offset != at || k.Size <= 0 || k.Raw <= 0 || k.Raw > maxBlock || k.Size > maxBlock {
			return nil, fmt.Errorf("index: block %d does not follow the one before it", i)
		}
		seq, at = k.First+1, k.Offset+k.Size
	}
	if ix.Format != formatNow || len(ix.Blocks) == 0 || seq > ix.Last+1 || at != t.offset-headerSize {
		return nil, errors.New("index: the blocks are not the file")
	}
	return ix, nil
}

// events is the number of events in a block.
func (ix *Index) events(i int) int {
	end := ix.Last + 1
	if i+1 < len(ix.Blocks) {
		end = ix.Blocks[i+1].First
	}
	return int(end - ix.Blocks[i].First)
}

// block is the number of the block that holds a seq of the segment.
func (ix *Index) block(seq domain.Seq) int {
	at := 0
	for i := range ix.Blocks {
		if ix.Blocks[i].First <= seq {
			at = i
		}
	}
	return at
}

// split takes a decompressed block apart.
func split(raw []byte, n int) ([][]byte, error) {
	if n > len(raw) { // each takes a byte at least
		return nil, fmt.Errorf("%d bytes for %d events", len(raw), n)
	}
	out := make([][]byte, 0, n)
	for len(raw) > 0 {
		size, k := binary.Uvarint(raw)
		if k <= 0 || size > uint64(len(raw)-k) {
			return nil, errors.New("an event is longer than its block")
		}
		end := k + int(size)
		out = append(out, raw[k:end:end])
		raw = raw[end:]
	}
	if len(out) != n {
		return nil, fmt.Errorf("%d events where %d should be", len(out), n)
	}
	return out, nil
}
