package ingest_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/services/ingest"
)

// expected is Classified in the form that the model makes, offset by offset.
type expected struct {
	First, Next, Rows int64
	Gaps              []domain.Gap
	RowOffsets        []int64
	Kept              []byte // all batches, joined
	HasLast           bool
	LastBase          int64
	LastEpoch         int32
}

// expect is the slow and obvious account of a response.
func (l *modelLog) expect(in ingest.Fetched, complete []modelBatch) expected {
	e := expected{First: in.Position, Next: in.Position}
	for _, b := range complete {
		if b.last >= l.lso && !in.Uncommitted {
			break
		}
		e.Next = max(e.Next, b.last+1)
		for o := max(b.base, in.Position); o <= b.last; o++ {
			if l.at(o, in) == modelRow {
				e.Kept = append(e.Kept, b.bytes...)
				e.HasLast, e.LastBase, e.LastEpoch = true, b.base, int32(slices.IndexFunc(l.batches, func(x modelBatch) bool { return x.base == b.base }))
				break
			}
		}
	}
	for o := e.First; o < e.Next; o++ {
		reason := l.at(o, in)
		switch {
		case reason == modelRow:
			e.Rows++
			e.RowOffsets = append(e.RowOffsets, o)
			continue
		case reason == modelHole && o < in.LogStart:
			reason = domain.ReasonDeleted
		case reason == modelHole && in.Compacted:
			reason = domain.ReasonCompacted
		case reason == modelHole:
			reason = domain.ReasonUnexplained
		}
		if n := len(e.Gaps); n > 0 && e.Gaps[n-1].Reason == reason && e.Gaps[n-1].Span.Next == o {
			e.Gaps[n-1].Span.Next++
		} else {
			e.Gaps = append(e.Gaps, domain.Gap{Span: domain.Span{First: o, Next: o + 1}, Reason: reason})
		}
	}
	return e
}

// at is what stands at an offset: read uncommitted, the rows of every transaction are rows.
func (l *modelLog) at(o int64, in ingest.Fetched) domain.Reason {
	if what := l.what[o]; !in.Uncommitted || what != domain.ReasonAborted && what != modelOpen {
		return what
	}
	return modelRow
}

// found is what Classify made, in the same form; the rows are read back from Batches
// as a reader of the journal does.
func found(t *rapid.T, got ingest.Classified) expected {
	e := expected{
		First: got.First, Next: got.Next, Rows: got.Rows, Gaps: got.Gaps,
		HasLast: got.HasLast, LastBase: got.LastBase, LastEpoch: got.LastEpoch,
	}
	sum := got.Rows
	for _, g := range got.Gaps {
		sum += g.Span.Len()
	}
	if sum != got.Next-got.First {
		t.Fatalf("[%d,%d) holds %d rows and gaps %v: %d offsets", got.First, got.Next, got.Rows, got.Gaps, sum)
	}
	for _, b := range got.Batches {
		e.Kept = append(e.Kept, b...)
	}
	var d batch.Decoder
	err := d.Records(e.Kept, got.First, got.Next, func(r *batch.Record) error {
		e.RowOffsets = append(e.RowOffsets, r.Offset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestClassifyModel: on random logs and responses Classify says what the model says.
func TestClassifyModel(t *testing.T) {
	var d batch.Decoder
	codecs := newCompressors(t)
	rapid.Check(t, func(t *rapid.T) {
		l := drawLog(t, codecs)
		in, complete := l.fetch(t, rapid.Int64Range(0, l.end()).Draw(t, "position"))
		got, err := ingest.Classify(in, &d)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l.expect(in, complete), found(t, got), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestClassifyDamage: a changed byte in any batch is an error, and what comes with it
// is the account of the batches before.
func TestClassifyDamage(t *testing.T) {
	var d batch.Decoder
	codecs := newCompressors(t)
	rapid.Check(t, func(t *rapid.T) {
		l := drawLog(t, codecs)
		in, complete := l.fetch(t, rapid.Int64Range(0, l.end()).Draw(t, "position"))
		decided := slices.IndexFunc(complete, func(b modelBatch) bool { return b.last >= l.lso && !in.Uncommitted })
		if decided >= 0 {
			complete = complete[:decided]
		}
		if len(complete) == 0 {
			t.Skip("no batch to damage")
		}
		n := rapid.IntRange(0, len(complete)-1).Draw(t, "batch")
		at := 0
		for _, b := range complete[:n] {
			at += len(b.bytes)
		}
		in.RecordBatches = slices.Clone(in.RecordBatches)
		in.RecordBatches[at+rapid.IntRange(17, len(complete[n].bytes)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		got, err := ingest.Classify(in, &d)
		var crc *batch.CRCError
		if !errors.Is(err, batch.ErrCorrupt) && (!errors.As(err, &crc) || crc.Offset != complete[n].base) {
			t.Fatalf("error %v, want one about the batch at %d", err, complete[n].base)
		}
		if diff := cmp.Diff(l.expect(in, complete[:n]), found(t, got), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
