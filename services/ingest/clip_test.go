package ingest_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/services/ingest"
)

// offset by offset, what an account says: rows and reasons.
func said(e expected) map[int64]domain.Reason {
	out := map[int64]domain.Reason{}
	for _, o := range e.RowOffsets {
		out[o] = modelRow
	}
	for _, g := range e.Gaps {
		for o := g.Span.First; o < g.Span.Next; o++ {
			out[o] = g.Reason
		}
	}
	return out
}

// TestClipModel: an account that is clipped at any offset says of the offsets below it
// what it said before, and nothing of the others; its batches are the first ones, whole.
func TestClipModel(t *testing.T) {
	var d batch.Decoder
	codecs := newCompressors(t)
	rapid.Check(t, func(t *rapid.T) {
		l := drawLog(t, codecs)
		in, _ := l.fetch(t, rapid.Int64Range(0, l.end()).Draw(t, "position"))
		got, err := ingest.Classify(in, &d)
		if err != nil {
			t.Fatal(err)
		}
		if got.Next == got.First {
			t.Skip("nothing to clip")
		}
		whole := found(t, got)
		stop := rapid.Int64Range(got.First+1, got.Next+3).Draw(t, "stop")
		if err := got.Clip(stop); err != nil {
			t.Fatal(err)
		}
		clipped := found(t, got)
		if clipped.First != whole.First || clipped.Next != min(stop, whole.Next) {
			t.Fatalf("[%d,%d) clipped at %d is [%d,%d)", whole.First, whole.Next, stop, clipped.First, clipped.Next)
		}
		want := said(whole)
		for o := range want {
			if o >= stop {
				delete(want, o)
			}
		}
		if diff := cmp.Diff(want, said(clipped), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if !bytes.HasPrefix(whole.Kept, clipped.Kept) {
			t.Fatal("the batches are not those from before")
		}
		checkKept(t, clipped, stop)
	})
}

// checkKept: every batch that is kept begins below stop, and the last one is named.
func checkKept(t *rapid.T, e expected, stop int64) {
	last := int64(-1)
	for rest := slices.Clone(e.Kept); len(rest) > 0; {
		h, _, tail, err := batch.Next(rest)
		if err != nil || h.BaseOffset >= stop {
			t.Fatalf("batch at %d, clipped at %d: %v", h.BaseOffset, stop, err)
		}
		last, rest = h.BaseOffset, tail
	}
	if e.HasLast != (last >= 0) || e.HasLast && e.LastBase != last {
		t.Fatalf("last batch %t at %d, want the one at %d", e.HasLast, e.LastBase, last)
	}
}
