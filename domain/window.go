package domain

import "fmt"

// Proof names the two places that are held against each other.
type Proof string

// The proofs (proof.md, "What is compared").
const (
	ProofCityHub  Proof = "city-hub"  // windows of city offsets
	ProofHubDoris Proof = "hub-doris" // windows of hub offsets
)

// WindowSize is the number of offsets of a window.
const WindowSize = 1 << 16

// Window names a window for ever: the offsets [Index·WindowSize, (Index+1)·WindowSize) of a
// source partition's generation, or of a hub partition (Source is then empty and Generation 0).
type Window struct {
	Proof      Proof
	Source     SourceID
	Generation Generation
	Partition  int32
	Index      int64
}

// Span is the window's offsets.
func (w Window) Span() Span {
	return Span{First: w.Index * WindowSize, Next: (w.Index + 1) * WindowSize}
}

// String names the window for people: "nanjing/1 partition 3 [0,65536)".
func (w Window) String() string {
	if w.Source == "" {
		return fmt.Sprintf("hub partition %d %s", w.Partition, w.Span())
	}
	return fmt.Sprintf("%s/%d partition %d %s", w.Source, w.Generation, w.Partition, w.Span())
}

// Vector is what one place says of the rows of a window. Offsets and Digest are exact sums
// (proof.md, "The vector of a window"): of the offsets that the window is made of, and of the
// signed 64-bit row digests. Xor is an extra and no proof: a row delivered three times leaves
// it unchanged. Min and Max are 0 without rows.
type Vector struct {
	Rows     int64
	Distinct int64 // different offsets
	Min, Max int64
	Offsets  Sum
	Digest   Sum
	Xor      uint64
}

// WindowState is where a window is in its life (proof.md, "Window life").
type WindowState string

// The states. Only verified and diverged are results; the last three are never folded into
// a clean verdict.
const (
	WindowOpen         WindowState = "open"             // rows are on their way: its prefix is verified as it grows
	WindowSettling     WindowState = "settling"         // closed by positions, not looked at yet
	WindowSuspect      WindowState = "suspect"          // differs; looked at again until both sides stand still
	WindowVerified     WindowState = "verified"         // both sides say the same
	WindowDiverged     WindowState = "diverged"         // differs, and both sides stood still
	WindowNotChecked   WindowState = "not checked"      // nobody looked
	WindowUnverifiable WindowState = "unverifiable"     // one side is gone: retention, a city that is not in the file
	WindowBlocked      WindowState = "blocked upstream" // an open transaction holds back the city's last stable offset
)
