package domain_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
)

// model is a set of offsets, one by one.
type model map[int64]bool

// spans is the model as Spans must be: sorted, not empty, neither overlapping nor
// touching.
func (m model) spans(in domain.Span, want bool) (out domain.Spans) {
	for o := in.First; o < in.Next; o++ {
		if m[o] != want {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Next == o {
			out[n-1].Next++
		} else {
			out = append(out, domain.Span{First: o, Next: o + 1})
		}
	}
	return out
}

func drawSpan(t *rapid.T) domain.Span {
	first := rapid.Int64Range(-20, 20).Draw(t, "first")
	return domain.Span{First: first, Next: first + rapid.Int64Range(-2, 9).Draw(t, "length")}
}

func TestSpansAreASetOfOffsets(t *testing.T) {
	everywhere := domain.Span{First: -40, Next: 40}
	rapid.Check(t, func(t *rapid.T) {
		have, m := domain.Spans(nil), model{}
		for range rapid.IntRange(1, 12).Draw(t, "adds") {
			in, before := drawSpan(t), slices.Clone(have)
			overlap := m.spans(in, true)
			set, already := have.Add(in)
			if !slices.Equal(have, before) {
				t.Fatalf("adding %s changed the set that it was added to: %v to %v", in, before, have)
			}
			got := model{}
			for _, a := range already {
				for o := a.First; o < a.Next; o++ {
					got[o] = true
				}
			}
			if !slices.Equal(got.spans(everywhere, true), overlap) {
				t.Fatalf("%v + %s: already there %v, want %v", have, in, already, overlap)
			}
			for o := in.First; o < in.Next; o++ {
				m[o] = true
			}
			if have = set; !slices.Equal(have, m.spans(everywhere, true)) {
				t.Fatalf("%v + %s = %v, want %v", before, in, have, m.spans(everywhere, true))
			}
			if int(have.Len()) != len(m) {
				t.Fatalf("%v has %d offsets, want %d", have, have.Len(), len(m))
			}
			within := drawSpan(t)
			if !slices.Equal(have.Gaps(within), m.spans(within, false)) {
				t.Fatalf("gaps of %v in %s are %v, want %v", have, within, have.Gaps(within), m.spans(within, false))
			}
			if !slices.Equal(have.Within(within), m.spans(within, true)) {
				t.Fatalf("%v within %s is %v, want %v", have, within, have.Within(within), m.spans(within, true))
			}
		}
		for o := everywhere.First; o < everywhere.Next; o++ {
			if have.Contains(o) != m[o] {
				t.Fatalf("%v contains %d: %v", have, o, have.Contains(o))
			}
			for _, one := range have {
				if one.Contains(o) && !m[o] || !one.Contains(o) && one.First <= o && o < one.Next {
					t.Fatalf("%s contains %d: %v", one, o, one.Contains(o))
				}
			}
		}
	})
}

func TestSpan(t *testing.T) {
	middle := domain.Spans{{First: 3, Next: 5}}
	for in, want := range map[domain.Span]domain.Span{{First: 1, Next: 3}: {First: 1, Next: 5}, {First: 5, Next: 6}: {First: 3, Next: 6}} {
		if set, already := middle.Add(in); len(set) != 1 || set[0] != want || already != nil {
			t.Errorf("%v + %s, which touches, is %v, already there %v", middle, in, set, already)
		}
	}
	if n := (domain.Span{First: 5, Next: 3}).Len(); n != 0 {
		t.Errorf("a span that ends before it begins has %d offsets", n)
	}
	if s := (domain.Span{First: 3, Next: 5}).String(); s != "[3,5)" {
		t.Error(s)
	}
}

func TestReasons(t *testing.T) {
	want := []struct {
		reason   domain.Reason
		word     string
		innocent bool
	}{
		{1, "commit_marker", true},
		{2, "abort_marker", true},
		{3, "aborted", true},
		{4, "compacted", true},
		{5, "deleted", false},
		{6, "epoch_truncated", false},
		{7, "topic_recreated", false},
		{8, "start_policy", true},
		{9, "unexplained", false},
	}
	for _, w := range want {
		if w.reason.String() != w.word || w.reason.Innocent() != w.innocent || !w.reason.Valid() {
			t.Errorf("%d is %s, innocent %v, valid %v", w.reason, w.reason, w.reason.Innocent(), w.reason.Valid())
		}
	}
	for _, unknown := range []domain.Reason{0, 10, 255} {
		if unknown.Valid() || unknown.Innocent() {
			t.Errorf("%s is valid %v, innocent %v", unknown, unknown.Valid(), unknown.Innocent())
		}
	}
	if s := domain.Reason(10).String(); s != "reason(10)" {
		t.Error(s)
	}
}
