package explain

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
)

// errFound ends a walk over a batch.
var errFound = errors.New("found")

// record reads what a run's batches hold at an offset; text says whether to give its value. nil: no
// batch is there.
func (r *reading) record(run *domain.Run, offset int64, text bool) (*Record, error) {
	var dec batch.Decoder
	for _, section := range run.Batches {
		for len(section) > 0 {
			h, bytes, rest, err := batch.Next(section)
			if err != nil {
				return nil, err
			}
			section = rest
			if h.Control() || offset < h.BaseOffset || offset > h.LastOffset() {
				continue
			}
			out := &Record{Batch: Recorded{First: h.BaseOffset, Last: h.LastOffset(), Bytes: h.Size, CRC32C: fmt.Sprintf("%08x", h.CRC)}}
			err = dec.Batch(h, bytes, offset, offset+1, func(rec *batch.Record) error {
				out.Decodes, out.Millis, out.Timestamp = true, rec.Timestamp, r.millis(rec.Timestamp)
				out.value(rec.Value, text)
				return errFound
			})
			var undecodable *batch.DecodeError
			switch {
			case err == nil:
				continue // the batch is sparse, and another one has it
			case errors.Is(err, errFound), errors.As(err, &undecodable):
				return out, nil
			default:
				return nil, err
			}
		}
	}
	return nil, nil
}

func (out *Record) value(v []byte, text bool) {
	out.Null, out.Bytes = v == nil, len(v)
	if out.Null {
		return
	}
	sum := sha256.Sum256(v)
	out.SHA256, out.XXH3 = hex.EncodeToString(sum[:]), fmt.Sprintf("%016x", xxh3.Hash(v))
	if text {
		shown := string(v)
		if !utf8.ValidString(shown) {
			shown = "hex " + hex.EncodeToString(v) // a terminal, and JSON, would make other bytes of it
		}
		out.Text = &shown
	}
}

// gaps sums the gaps of the run up by reason, and finds those on either side of the row.
func (out *Row) gaps(run *domain.Run) {
	sums := map[domain.Reason]int64{}
	for _, g := range run.Gaps {
		sums[g.Reason] += g.Span.Len()
		switch {
		case g.Span.Next == out.Offset:
			out.Before = gapOf(g)
		case g.Span.First == out.Offset+1:
			out.After = gapOf(g)
		}
	}
	for reason, n := range sums {
		out.Gaps = append(out.Gaps, GapSum{reason.String(), n})
	}
	slices.SortFunc(out.Gaps, func(a, b GapSum) int { return strings.Compare(a.Reason, b.Reason) })
}
