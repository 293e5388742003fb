package checkpoint

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/hefu-io/hefu/domain"
)

// CheckConsistency checks a proof that the tree of size next has all of the tree of size old,
// unchanged and in place, before what came after it. Between equal sizes the proof is empty
// and the roots are equal.
func CheckConsistency(proof []domain.Hash, old int64, oldRoot domain.Hash, next int64, nextRoot domain.Hash) error {
	if old < 1 || next < old {
		return fmt.Errorf("no proof leads from a tree of size %d to one of %d", old, next)
	}
	if err := tlog.CheckTree(hashes[tlog.Hash](proof), next, tlog.Hash(nextRoot), old, tlog.Hash(oldRoot)); err != nil {
		return fmt.Errorf("the tree of size %d is no continuation of the one of size %d: %w", next, old, err)
	}
	return nil
}

// CheckInclusion checks a proof that the event at seq, with this hash, is in the tree of a
// size and root.
func CheckInclusion(proof []domain.Hash, seq domain.Seq, event domain.Hash, size int64, root domain.Hash) error {
	if seq < 1 || int64(seq) > size {
		return fmt.Errorf("the event at %d is not in a tree of size %d", seq, size)
	}
	leaf := tlog.RecordHash(event[:])
	err := tlog.CheckRecord(hashes[tlog.Hash](proof), size, tlog.Hash(root), int64(seq)-1, leaf)
	if err != nil {
		return fmt.Errorf("the event at %d is not the one in the tree of size %d: %w", seq, size, err)
	}
	return nil
}

// hashes are the same hashes by another name.
func hashes[T, F ~[32]byte](list []F) []T {
	out := make([]T, len(list))
	for i, h := range list {
		out[i] = T(h)
	}
	return out
}
