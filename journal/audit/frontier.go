package audit

import (
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hefu-io/hefu/domain"
)

// frontier is the Merkle tree (RFC 6962) of a stream that is read once: the roots of the
// perfect trees that it is made of, from the largest on. The zero value is the empty tree.
type frontier struct {
	size  int64
	peaks []tlog.Hash
}

// add appends an event.
func (f *frontier) add(event domain.Hash) {
	top := tlog.RecordHash(event[:])
	for n := f.size; n&1 == 1; n >>= 1 {
		last := len(f.peaks) - 1
		top, f.peaks = tlog.NodeHash(f.peaks[last], top), f.peaks[:last]
	}
	f.peaks = append(f.peaks, top)
	f.size++
}

// root is the root of the tree so far, zero without an event.
func (f *frontier) root() domain.Hash {
	if len(f.peaks) == 0 {
		return domain.Hash{}
	}
	top := f.peaks[len(f.peaks)-1]
	for i := len(f.peaks) - 2; i >= 0; i-- {
		top = tlog.NodeHash(f.peaks[i], top)
	}
	return domain.Hash(top)
}
