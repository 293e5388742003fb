package ingest_test

import (
	"bytes"
	"errors"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/services/ingest"
)

// dense is an uncompressed batch of n rows at base; producer 0 for none.
func dense(base int64, n int32, producer int64) []byte {
	rb := kmsg.RecordBatch{FirstOffset: base, LastOffsetDelta: n - 1, NumRecords: n, ProducerID: producer}
	if producer > 0 {
		rb.Attributes = 0x10
	}
	var raw []byte
	for i := range n {
		raw = appendRecord(raw, kmsg.Record{OffsetDelta: i, Value: []byte("row")})
	}
	return sealBatch(rb, raw)
}

func marker(base, producer int64, key ...byte) []byte {
	rb := kmsg.RecordBatch{FirstOffset: base, ProducerID: producer, Attributes: 0x30, NumRecords: 1}
	return sealBatch(rb, appendRecord(nil, kmsg.Record{Key: key}))
}

func section(batches ...[]byte) (out []byte) {
	for _, b := range batches {
		out = append(out, b...)
	}
	return out
}

// TestClassifyRefuses: what is not a log of magic 2 stops the account with an error
// about the right batch, and what is before it stands.
func TestClassifyRefuses(t *testing.T) {
	old := dense(15, 1, 0)
	old[16] = 1
	sparse := sealBatch(kmsg.RecordBatch{FirstOffset: 15, LastOffsetDelta: 4, NumRecords: 2}, []byte("no records"))
	tests := map[string]struct {
		third []byte
		check func(error) bool
		next  int64
	}{
		"magic 1": {old, func(err error) bool {
			var e *batch.MagicError
			return errors.As(err, &e) && e.Offset == 15 && e.Magic == 1
		}, 15},
		"magic 1, cut": {old[:20], func(err error) bool {
			var e *batch.MagicError
			return errors.As(err, &e)
		}, 15},
		"sparse batch that does not decode": {sparse, func(err error) bool {
			var e *batch.DecodeError
			return errors.As(err, &e) && e.Header.BaseOffset == 15 && e.Header.Count == 2
		}, 15},
		"marker that does not decode": {
			sealBatch(kmsg.RecordBatch{FirstOffset: 17, Attributes: 0x30, NumRecords: 1}, []byte{1}),
			func(err error) bool {
				var e *batch.DecodeError
				return errors.As(err, &e) && e.Header.BaseOffset == 17
			},
			17,
		},
		"marker without a type": {marker(15, 1, 0, 0), func(err error) bool { return errors.Is(err, batch.ErrCorrupt) }, 15},
		"batch that overlaps":   {dense(14, 3, 0), func(err error) bool { return errors.Is(err, batch.ErrCorrupt) }, 15},
		"batch that goes back":  {dense(3, 2, 0), func(err error) bool { return errors.Is(err, batch.ErrCorrupt) }, 15},
		"batch that comes twice": {
			dense(10, 5, 0), func(err error) bool { return errors.Is(err, batch.ErrCorrupt) },
			15,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			in := ingest.Fetched{Position: 7, RecordBatches: section(dense(5, 5, 0), dense(10, 5, 0), tc.third), LSO: 100}
			got, err := ingest.Classify(in, new(batch.Decoder))
			if !tc.check(err) {
				t.Errorf("error %v", err)
			}
			want := ingest.Classified{First: 7, Next: tc.next, Rows: 8, HasLast: true, LastBase: 10}
			if tc.next > 15 {
				want.Gaps = []domain.Gap{{Span: domain.Span{First: 15, Next: tc.next}, Reason: domain.ReasonUnexplained}}
			}
			want.LastCRC, want.Batches = got.LastCRC, got.Batches
			if diff := cmp.Diff(want, got); diff != "" || len(got.Batches) != 1 {
				t.Errorf("%d slices; %s", len(got.Batches), diff)
			}
		})
	}
}

// TestClassifyKeeps: what is kept are slices of the response, one for each run of
// adjacent batches, and the last batch is named with its checksum.
func TestClassifyKeeps(t *testing.T) {
	a, b, c := dense(0, 5, 0), dense(5, 5, 7), dense(11, 5, 8)
	in := ingest.Fetched{
		Position:      2,
		RecordBatches: section(a, b, marker(10, 7, 0, 0, 0, 1), c, marker(16, 8, 0, 0, 0, 1), dense(17, 1, 9)),
		Aborted:       []ingest.AbortedTxn{{ProducerID: 9, FirstOffset: 17}},
		LSO:           18,
	}
	got, err := ingest.Classify(in, new(batch.Decoder))
	if err != nil {
		t.Fatal(err)
	}
	h, err := batch.ParseHeader(c)
	if err != nil {
		t.Fatal(err)
	}
	want := ingest.Classified{
		First: 2, Next: 18, Rows: 13,
		Gaps: []domain.Gap{
			{Span: domain.Span{First: 10, Next: 11}, Reason: domain.ReasonCommitMarker},
			{Span: domain.Span{First: 16, Next: 17}, Reason: domain.ReasonCommitMarker},
			{Span: domain.Span{First: 17, Next: 18}, Reason: domain.ReasonAborted},
		},
		Batches: [][]byte{section(a, b), c},
		HasLast: true, LastBase: 11, LastCRC: h.CRC,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if unsafe.SliceData(got.Batches[0]) != unsafe.SliceData(in.RecordBatches) {
		t.Error("the batches were copied")
	}
	if cap(got.Batches[0]) != len(got.Batches[0]) || cap(got.Batches[1]) != len(got.Batches[1]) {
		t.Error("whoever appends to a kept slice writes into the response")
	}
}

// TestClassifyStopsAtLSO: what reaches the last stable offset is not decided.
func TestClassifyStopsAtLSO(t *testing.T) {
	in := ingest.Fetched{RecordBatches: section(dense(0, 5, 0), dense(5, 5, 0)), LSO: 9}
	for lso, next := range map[int64]int64{-1: 0, 0: 0, 4: 0, 5: 5, 9: 5, 10: 10, 11: 10} {
		in.LSO = lso
		got, err := ingest.Classify(in, new(batch.Decoder))
		if err != nil || got.Next != next || got.Rows != next {
			t.Errorf("last stable offset %d: %d rows up to %d, %v; want %d", lso, got.Rows, got.Next, err, next)
		}
	}
}

// TestClassifyDoesNotDecompress: a dense batch is counted by its header, so that one
// that does not decode is still journaled and left to the readers to exclude.
func TestClassifyDoesNotDecompress(t *testing.T) {
	bad := sealBatch(kmsg.RecordBatch{FirstOffset: 10, LastOffsetDelta: 9, NumRecords: 10, Attributes: 2}, []byte("not snappy"))
	got, err := ingest.Classify(ingest.Fetched{Position: 13, RecordBatches: bad, LSO: 20}, new(batch.Decoder))
	if err != nil || got.Rows != 7 || got.Next != 20 || len(got.Batches) != 1 {
		t.Errorf("%d rows up to %d in %d slices: %v", got.Rows, got.Next, len(got.Batches), err)
	}
}

// TestClassifyAllocations: what a response costs does not grow with its rows.
func TestClassifyAllocations(t *testing.T) {
	var batches [][]byte
	for i := range int64(100) {
		batches = append(batches, dense(i*100, 100, 0))
	}
	in := ingest.Fetched{RecordBatches: section(batches...), LSO: 10_000}
	d := new(batch.Decoder)
	allocs := testing.AllocsPerRun(10, func() {
		if got, err := ingest.Classify(in, d); err != nil || got.Rows != 10_000 {
			t.Fatalf("%d rows, %v", got.Rows, err)
		}
	})
	if allocs > 5 {
		t.Errorf("%.0f allocations for 100 batches of 100 rows", allocs)
	}
}

// TestClassifyAbortedList: the order of the list and an entry listed twice mean
// nothing; each transaction ends at its own marker.
func TestClassifyAbortedList(t *testing.T) {
	abort, commit := []byte{0, 0, 0, 0}, []byte{0, 0, 0, 1}
	records := section(
		dense(0, 2, 7), marker(2, 7, abort...), // aborted
		dense(3, 2, 7), marker(5, 7, commit...), // committed
		dense(6, 2, 7), marker(8, 7, abort...), // aborted
		dense(9, 2, 7), marker(11, 7, commit...)) // committed
	for _, firsts := range [][]int64{{0, 6}, {6, 0}, {0, 0, 6}, {6, 6, 0, 0}} {
		in := ingest.Fetched{RecordBatches: records, LSO: 12}
		for _, first := range firsts {
			in.Aborted = append(in.Aborted, ingest.AbortedTxn{ProducerID: 7, FirstOffset: first})
		}
		got, err := ingest.Classify(in, new(batch.Decoder))
		if err != nil {
			t.Fatal(err)
		}
		kept := section(got.Batches...)
		if want := section(dense(3, 2, 7), dense(9, 2, 7)); got.Rows != 4 || !bytes.Equal(kept, want) {
			t.Errorf("listed as %v: %d rows, gaps %v", firsts, got.Rows, got.Gaps)
		}
	}
}

// TestClassifyContradiction: a list that the markers belie is an error, and none of the
// rows that hang on it come with it.
func TestClassifyContradiction(t *testing.T) {
	abort, commit := []byte{0, 0, 0, 0}, []byte{0, 0, 0, 1}
	tests := map[string]struct {
		end    []byte
		listed []ingest.AbortedTxn
		want   error
	}{
		"aborted and listed":       {marker(5, 7, abort...), []ingest.AbortedTxn{{ProducerID: 7, FirstOffset: 3}}, nil},
		"aborted, not listed":      {marker(5, 7, abort...), nil, ingest.ErrAbortedList},
		"committed, not listed":    {marker(5, 7, commit...), nil, nil},
		"committed and listed":     {marker(5, 7, commit...), []ingest.AbortedTxn{{ProducerID: 7, FirstOffset: 3}}, ingest.ErrAbortedList},
		"a later one is listed":    {marker(5, 7, commit...), []ingest.AbortedTxn{{ProducerID: 7, FirstOffset: 6}}, nil},
		"another producer aborted": {marker(5, 8, abort...), nil, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			// Producer 7 commits, then the transaction at 3 ends one way or the other.
			in := ingest.Fetched{RecordBatches: section(dense(0, 2, 7), marker(2, 7, commit...), dense(3, 2, 7), tc.end), LSO: 6, Aborted: tc.listed}
			got, err := ingest.Classify(in, new(batch.Decoder))
			if !errors.Is(err, tc.want) {
				t.Fatalf("error %v, want %v", err, tc.want)
			}
			if err != nil && (got.Next != 0 || got.Rows != 0 || got.Batches != nil || got.HasLast) {
				t.Errorf("%d rows up to %d came with %v", got.Rows, got.Next, err)
			}
			if err == nil && got.Next != 6 {
				t.Errorf("account up to %d, want 6", got.Next)
			}
		})
	}
}
