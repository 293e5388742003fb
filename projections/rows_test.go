package projections_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// records is a batch of n records from base on; torn makes its bytes none.
func records(base int64, n int, attributes int16, torn bool) []byte {
	var body []byte
	for i := range n {
		rec := kmsg.Record{OffsetDelta: int32(i), Value: fmt.Appendf(nil, "%d", base+int64(i))}
		b := rec.AppendTo(nil)[1:] // its length is written as zero, one byte
		body = append(binary.AppendVarint(body, int64(len(b))), b...)
	}
	if torn {
		body = body[:len(body)-1]
	}
	return (&kmsg.RecordBatch{
		FirstOffset: base, Length: int32(49 + len(body)), Magic: 2, Attributes: attributes, LastOffsetDelta: int32(n - 1), NumRecords: int32(n), Records: body,
	}).AppendTo(nil)
}

// TestRows: ordinals count every row of the run and no other, also those of a batch that
// does not decode, in however many sections.
func TestRows(t *testing.T) {
	const control = 0x20
	run := &domain.Run{First: 2, Next: 14, Batches: [][]byte{
		slices.Concat(records(0, 4, 0, false), records(4, 3, 0, true)), // 2 3, then 4 5 6 torn
		records(7, 1, control, false),
		slices.Concat(records(8, 2, 0, false), records(10, 9, 0, true)), // 8 9, then 10 to 13 torn, and more beyond
	}}
	var got []string
	var d batch.Decoder
	row := func(ordinal int64, r *batch.Record) error {
		got = append(got, fmt.Sprintf("%d:%d=%s", ordinal, r.Offset, r.Value))
		return nil
	}
	err := projections.Rows(&d, run, row, func(ordinal int64, h batch.Header, b []byte) error {
		if len(b) != h.Size {
			t.Errorf("batch at %d of %d bytes, its header says %d", h.BaseOffset, len(b), h.Size)
		}
		got = append(got, fmt.Sprintf("%d:torn %d", ordinal, h.BaseOffset))
		return nil
	})
	want := []string{"0:2=2", "1:3=3", "2:torn 4", "5:8=8", "6:9=9", "7:torn 10"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}

	// A run that begins within a torn batch counts its own offsets of it.
	got, run.First, run.Next = nil, 5, 10
	if err := projections.Rows(&d, run, row, nil); err != nil || !slices.Equal(got, []string{"2:8=8", "3:9=9"}) {
		t.Errorf("got %q, %v", got, err)
	}
	stop := errors.New("stop")
	if err := projections.Rows(&d, run, row, func(int64, batch.Header, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error of bad: %v", err)
	}
	if err := projections.Rows(&d, run, func(int64, *batch.Record) error { return stop }, nil); !errors.Is(err, stop) {
		t.Errorf("error of row: %v", err)
	}
	run.Batches[0] = run.Batches[0][:70]
	if err := projections.Rows(&d, run, row, nil); !errors.Is(err, batch.ErrTruncated) {
		t.Errorf("cut section: %v", err)
	}
}
