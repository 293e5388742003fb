package proof_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// vectorOf is that of rows with some offsets, each with a digest of its own.
func vectorOf(offsets ...int64) domain.Vector {
	var t proof.Tally
	for _, o := range offsets {
		t.AddDigest(o, o*0x5851F42D4C957F2D)
	}
	return t.Vector()
}

// TestShape has the table of the shapes that a difference may have.
func TestShape(t *testing.T) {
	left := vectorOf(10, 11, 12, 13)
	altered := vectorOf(10, 11, 12)
	altered = proof.Join(altered, domain.Vector{Rows: 1, Distinct: 1, Min: 13, Max: 13, Offsets: domain.Sum{Lo: 13}})
	for _, c := range []struct {
		name  string
		right domain.Vector
		want  string
	}{
		{"equal", vectorOf(13, 12, 11, 10), ""},
		{"nothing", domain.Vector{}, "4 lost: all of them"},
		{"head", vectorOf(11, 12, 13), "1 lost at the head"},
		{"tail", vectorOf(10, 11), "2 lost at the tail"},
		{"ends", vectorOf(11, 12), "2 lost at both ends"},
		{"hole", vectorOf(10, 13), "2 lost, a hole"},
		{"copies", vectorOf(10, 11, 11, 11, 12, 13), "2 doubled"},
		{"masked", vectorOf(10, 10, 12, 13), "as many rows on both sides, but 1 lost behind 1 doubled"},
		{"lost and doubled", vectorOf(10, 10, 13), "2 lost, a hole, 1 doubled"},
		{"altered", altered, "the same offsets with other contents: altered, swapped, or in another order"},
		{"foreign", vectorOf(10, 11, 12, 13, 20), "1 from nowhere, outside of what should be there"},
		{"moved", vectorOf(10, 11, 12, 20), "as many rows, at other offsets"},
	} {
		if got := proof.Shape(left, c.right); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if equal := proof.Equal(left, c.right); equal != (c.want == "") {
			t.Errorf("%s: equal is %v", c.name, equal)
		}
	}
	if got := proof.Shape(vectorOf(10, 12), vectorOf(10, 11, 12)); got != "1 from nowhere" {
		t.Errorf("inside: %q", got)
	}
	if got := proof.Shape(domain.Vector{}, vectorOf(3)); got != "1 from nowhere, outside of what should be there" {
		t.Errorf("nothing should be there: %q", got)
	}
}

// TestEqual: each part of a vector but the extra one decides.
func TestEqual(t *testing.T) {
	v := vectorOf(1, 2, 3)
	for name, change := range map[string]func(*domain.Vector){
		"rows":     func(v *domain.Vector) { v.Rows++ },
		"distinct": func(v *domain.Vector) { v.Distinct++ },
		"min":      func(v *domain.Vector) { v.Min++ },
		"max":      func(v *domain.Vector) { v.Max++ },
		"offsets":  func(v *domain.Vector) { v.Offsets.Lo++ },
		"digest":   func(v *domain.Vector) { v.Digest.Hi++ },
	} {
		other := v
		change(&other)
		if proof.Equal(v, other) || proof.Shape(v, other) == "" {
			t.Errorf("%s has no say", name)
		}
	}
	other := v
	if other.Xor++; !proof.Equal(v, other) {
		t.Error("xor has a say")
	}
}
