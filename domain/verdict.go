package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Verdict is the reconciler's result. Unchecked is never clean.
type Verdict string

// The verdicts.
const (
	Verified   Verdict = "verified"
	Diverged   Verdict = "diverged"
	NotChecked Verdict = "not checked"
)

// Class is a kind of finding (proof.md, "Classes of finding").
type Class string

// The classes.
const (
	Lost        Class = "lost"        // it should be there and is not
	Doubled     Class = "doubled"     // it is there more than once
	Altered     Class = "altered"     // a column is another one
	Strayed     Class = "strayed"     // it is there and comes from nowhere
	Reordered   Class = "reordered"   // city offsets do not rise with hub offsets
	Swapped     Class = "swapped"     // two rows have each other's coordinates
	Former      Class = "former"      // it is of a former generation of the source partition
	Unexplained Class = "unexplained" // offsets without a row and without an innocent reason
)

// FindingID names a finding by what was found: the first 16 bytes of the SHA-256 of class,
// place, source, generation, coordinates and column. Found again, it is the same finding.
type FindingID [16]byte

// String is the id in lower-case hex.
func (id FindingID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText is the id in lower-case hex.
func (id FindingID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads 32 hex digits.
func (id *FindingID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseFindingID(string(b))
	return err
}

// ParseFindingID reads 32 hex digits.
func ParseFindingID(s string) (FindingID, error) {
	id, err := ParseJournalID(s)
	if err != nil {
		return FindingID{}, fmt.Errorf("finding id %q: want 32 hex digits", s)
	}
	return FindingID(id), nil
}

// Finding is one row, or one run of offsets, that is not as it should be.
type Finding struct {
	Class      Class
	Where      string // "journal", "hub" or "doris": the place that is not as the one before it says
	Source     SourceID
	Generation Generation
	City       City
	Row        Lineage // what is known of it; partitions are -1 where nothing is
	Column     string  // of an altered row
	Detail     string
}

// ID names the finding. Detail is for people and has no part in it.
func (f *Finding) ID() (id FindingID) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %d %q %d %d %d %d %q", f.Class, f.Where, f.Source, f.Generation, f.City,
		f.Row.City.Partition, f.Row.City.Offset, f.Row.Hub.Partition, f.Row.Hub.Offset, f.Column)
	copy(id[:], h.Sum(nil))
	return id
}
