package domain_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
)

func TestLabels(t *testing.T) {
	begun := domain.Ref{Stream: domain.Stream{Pipeline: "low-alt", Shard: 3, Leg: domain.LegDoris}, Seq: 17, Hash: domain.Hash{0xab, 1, 2, 3, 4, 0xff, 9}}
	if got := domain.Label(begun); got != "hefu-low-alt-3-17-ab01020304ff" {
		t.Error(got)
	}
	longest := domain.Ref{Stream: domain.Stream{Pipeline: strings.Repeat("p", 32), Shard: 1<<63 - 1, Leg: domain.LegDoris}, Seq: 1<<64 - 1}
	if n := len(domain.Label(longest)); n > 128 {
		t.Errorf("%d bytes", n)
	}
	// doris-wire.md §3.1
	allowed := regexp.MustCompile(`^[-_A-Za-z0-9:]{1,128}$`)
	refs := rapid.Custom(func(t *rapid.T) domain.Ref {
		r := domain.Ref{Stream: domain.Stream{
			Pipeline: rapid.StringMatching(`[-a0-2]{1,5}`).Draw(t, "pipeline"),
			Shard:    rapid.IntRange(0, 30).Draw(t, "shard"),
			Leg:      rapid.SampledFrom([]domain.Leg{domain.LegDoris, domain.ReplayLeg(domain.PlanID{1}), domain.ReplayLeg(domain.PlanID{0xef})}).Draw(t, "leg"),
		}, Seq: domain.Seq(rapid.IntRange(1, 30).Draw(t, "seq"))}
		r.Hash[0] = byte(rapid.IntRange(0, 1).Draw(t, "hash"))
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := refs.Draw(t, "a"), refs.Draw(t, "b")
		label := domain.Label(a)
		if !allowed.MatchString(label) {
			t.Fatalf("label %q", label)
		}
		if (a == b) != (label == domain.Label(b)) {
			t.Fatalf("%+v and %+v: labels %s and %s", a, b, label, domain.Label(b))
		}
		parts, ok := domain.ParseLabel(label)
		if !ok || !parts.Names(a) || parts.Names(b) != (a == b) || !strings.HasPrefix(label, domain.LabelPrefix(parts.Stream)) {
			t.Fatalf("label %s is of %+v, %v", label, parts, ok)
		}
	})
}

// Whatever Label did not write is nobody's.
func TestForeignLabels(t *testing.T) {
	for _, label := range []string{
		"", "hefu", "hefu-", "hefu-p-1-2", "hefu-p-1-2-ab01020304f", "hefu-p-1-2-ab01020304ff0", "hefu-p-1-2-AB01020304FF", "hefu-p-1-02-ab01020304ff",
		"hefu-p-+1-2-ab01020304ff", "hefu-p-01-2-ab01020304ff", "hefu-p-x-2-ab01020304ff", "hefu-P-1-2-ab01020304ff", "hefu--1-2-ab01020304ff",
		"Hefu-p-1-2-ab01020304ff", "hefu-p-1--2-ab01020304ff", "hefu-p-1-2-ab01020304ff-", "hefu-p-1-18446744073709551616-ab01020304ff", "x-p-1-2-ab01020304ff",
		"hefu-p-1-r-2-ab01020304ff", "hefu-p-1-rdeadbee-2-ab01020304ff", "hefu-p-1-rDEADBEEF-2-ab01020304ff", "hefu-p-01-rdeadbeef-2-ab01020304ff",
		"hefu-p-rdeadbeef-2-ab01020304ff", "hefu-1-rdeadbeef-2-ab01020304ff", "hefu-p-1-rdeadbeef-rdeadbeef-2-ab01020304ff", "hefu-p-1-deadbeef-2-ab01020304ff",
	} {
		if parts, ok := domain.ParseLabel(label); ok {
			t.Errorf("%q is of %+v", label, parts)
		}
	}
	// A pipeline may be called as the labels of a replay go on.
	if parts, ok := domain.ParseLabel("hefu-p-1-rdeadbeef-2-3-ab01020304ff"); !ok || parts.Stream != (domain.Stream{Pipeline: "p-1-rdeadbeef", Shard: 2, Leg: domain.LegDoris}) || parts.Seq != 3 {
		t.Errorf("%+v, %v", parts, ok)
	}
	// The pattern of shard 1 of p finds it as well.
	if parts, ok := domain.ParseLabel("hefu-p-1-5-2-ab01020304ff"); !ok || parts.Stream != (domain.Stream{Pipeline: "p-1", Shard: 5, Leg: domain.LegDoris}) || parts.Seq != 2 {
		t.Errorf("%+v, %v", parts, ok)
	}
}
