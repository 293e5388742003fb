package domain

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
	Unexplained Class = "unexplained" // offsets without a row and without an innocent reason
)

// Finding is one row, or one run of offsets, that is not as it should be.
type Finding struct {
	Class  Class
	Where  string // "hub" or "doris"
	Source SourceID
	City   City
	Row    Lineage // what is known of it; partitions are -1 where nothing is
	Column string  // of an altered row
	Detail string
}
