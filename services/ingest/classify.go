package ingest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
)

// ErrAbortedList says that a response's list of aborted transactions and the markers
// in its log cannot both be true. The broker makes the one from the other
// (ProducerStateManager.java), and which rows count hangs on the list alone.
var ErrAbortedList = errors.New("list of aborted transactions contradicts the markers")

// AbortedTxn is an entry of a fetch response's list of aborted transactions: the
// producer's transaction that began at FirstOffset ends with an abort marker.
type AbortedTxn struct {
	ProducerID  int64
	FirstOffset int64
}

// Fetched is what one Fetch (version 4 or later) answered for one partition, without
// error.
type Fetched struct {
	Position      int64        // the offset that was asked for
	RecordBatches []byte       // as sent; the tail may be cut
	Aborted       []AbortedTxn // of this response only, in any order
	LogStart      int64
	LSO           int64 // last stable offset: below it every transaction has ended
	// Uncommitted says that it was a read_uncommitted fetch: rows are rows, whatever becomes
	// of their transaction. LSO is the high watermark then, and Aborted is empty.
	Uncommitted bool
	Compacted   bool // cleanup.policy of the topic contains compact
}

// Classified accounts for the offsets [First, Next) of a partition, and is what a
// domain.Run journals: Next - First = Rows + the lengths of Gaps, always.
type Classified struct {
	First, Next int64
	Rows        int64
	Gaps        []domain.Gap // ascending; neighbours have different reasons
	// Batches are the whole record batches that hold the rows, in order and as sent:
	// slices of Fetched.RecordBatches, one for each run of adjacent batches. The
	// first may begin below First, and those records are not rows of this account.
	Batches [][]byte

	HasLast   bool // there is a batch in Batches; the last one is
	LastBase  int64
	LastCRC   uint32
	LastEpoch int32 // leader epoch in the batch
}

// Classify tells for each offset of a response, from the position on, whether it is a
// committed row or why not (kafka-real.md §5). It ends where the bytes end, a cut
// tail not counted, and before the first batch that reaches the last stable offset,
// when Next is First there was nothing to
// account for. A hole is only concluded from a batch behind it.
//
// It decompresses only sparse batches. The checksum of every batch is compared, of
// those that are left out too, because their headers are believed.
//
// An error is about the batch at Next or behind a hole that ends there; what is
// returned with it is complete up to there and may be journaled. Errors are
// *batch.CRCError, *batch.MagicError (a message format before 2), *batch.DecodeError
// (a sparse batch or marker that does not decode) and batch.ErrCorrupt, all with the
// base offset. After ErrAbortedList nothing of the response can be believed, and
// nothing is returned with it.
func Classify(in Fetched, d *batch.Decoder) (Classified, error) {
	w := walk{
		in:      in,
		d:       d,
		aborted: make(map[int64][]int64),
		taken:   make(map[int64]int64),
		out:     Classified{First: in.Position, Next: in.Position},
	}
	for _, a := range in.Aborted {
		w.aborted[a.ProducerID] = append(w.aborted[a.ProducerID], a.FirstOffset)
	}
	for _, firsts := range w.aborted {
		slices.Sort(firsts) // Redpanda sends a producer's newest first
	}
	for rest := in.RecordBatches; len(rest) > 0; {
		h, b, tail, err := batch.Next(rest)
		if errors.Is(err, batch.ErrTruncated) {
			break
		}
		if err == nil {
			err = batch.CheckCRC(b)
		}
		if err != nil {
			return w.out, err
		}
		at := len(in.RecordBatches) - len(rest)
		rest = tail
		if h.LastOffset() >= in.LSO {
			break // undecided: its transaction may still abort
		}
		if h.LastOffset() < in.Position && w.out.Next == in.Position {
			continue // accounted for by an earlier response
		}
		err = w.batch(&h, b, at)
		if errors.Is(err, ErrAbortedList) {
			return Classified{First: in.Position, Next: in.Position}, err
		}
		if err != nil {
			return w.out, err
		}
	}
	return w.out, nil
}

// walk is the state of one Classify.
type walk struct {
	in      Fetched
	d       *batch.Decoder
	aborted map[int64][]int64 // producer id: first offsets of its aborted transactions that have not ended, ascending
	taken   map[int64]int64   // producer id: where its open transaction's first batch stands that was taken as committed
	out     Classified

	keptFirst, keptNext int // where the last slice of out.Batches stands in in.RecordBatches
}

// batch accounts for [Next, LastOffset] with a batch that reaches Next.
func (w *walk) batch(h *batch.Header, b []byte, at int) error {
	if h.BaseOffset < w.out.Next && w.out.Next > w.in.Position {
		// A reader of the kept slices would meet its first offsets twice.
		return fmt.Errorf("record batch at %d after offset %d: %w", h.BaseOffset, w.out.Next-1, batch.ErrCorrupt)
	}
	w.hole(h.BaseOffset)
	rows, next := w.out.Rows, h.LastOffset()+1
	switch aborted := w.isAborted(h); {
	case h.Control():
		if err := w.markers(h, b); err != nil {
			return err
		}
	case !h.Dense():
		if err := w.sparse(h, b, aborted); err != nil {
			return err
		}
	case aborted:
		w.gap(domain.ReasonAborted, next)
	default:
		w.rows(next)
	}
	w.hole(next) // the end of a sparse batch, or all of an empty one
	if w.out.Rows > rows {
		w.keep(h, at)
		if _, ok := w.taken[h.ProducerID]; h.Transactional() && !ok {
			w.taken[h.ProducerID] = h.BaseOffset
		}
	}
	return nil
}

// markers accounts for a control batch.
func (w *walk) markers(h *batch.Header, b []byte) error {
	return w.d.Batch(*h, b, w.out.Next, h.LastOffset()+1, func(r *batch.Record) error {
		kind, err := batch.ParseControlType(r.Key)
		if err != nil {
			return fmt.Errorf("control record at %d: %w", r.Offset, err)
		}
		w.hole(r.Offset)
		switch kind {
		case batch.CommitMarker:
			w.gap(domain.ReasonCommitMarker, r.Offset+1)
			return w.endCommitted(h.ProducerID, r.Offset)
		case batch.AbortMarker:
			w.gap(domain.ReasonAbortMarker, r.Offset+1)
			if w.in.Uncommitted {
				return nil // its rows were taken all the same
			}
			return w.endAborted(h.ProducerID, r.Offset)
		default: // none that belongs into a topic with rows
			w.gap(domain.ReasonUnexplained, r.Offset+1)
			return nil
		}
	})
}

// sparse accounts for a data batch that lost records.
func (w *walk) sparse(h *batch.Header, b []byte, aborted bool) error {
	return w.d.Batch(*h, b, w.out.Next, h.LastOffset()+1, func(r *batch.Record) error {
		w.hole(r.Offset)
		if aborted {
			w.gap(domain.ReasonAborted, r.Offset+1)
		} else {
			w.rows(r.Offset + 1)
		}
		return nil
	})
}

// isAborted reports whether the batch is data of an aborted transaction: the
// producer's oldest one that has not ended yet began at or before it.
func (w *walk) isAborted(h *batch.Header) bool {
	firsts := w.aborted[h.ProducerID]
	return h.Transactional() && len(firsts) > 0 && firsts[0] <= h.BaseOffset
}

// endAborted takes what an abort marker ends out of the list. An entry that is listed
// twice ends once: else it would outlive its marker and swallow the committed rows
// that its producer sends next.
func (w *walk) endAborted(producer, marker int64) error {
	if base, ok := w.taken[producer]; ok {
		return fmt.Errorf("producer %d: batch at %d not listed, abort marker at %d: %w", producer, base, marker, ErrAbortedList)
	}
	firsts := w.aborted[producer]
	for len(firsts) > 0 && firsts[0] <= marker {
		firsts = firsts[1:]
	}
	w.aborted[producer] = firsts
	return nil
}

func (w *walk) endCommitted(producer, marker int64) error {
	if firsts := w.aborted[producer]; len(firsts) > 0 && firsts[0] <= marker {
		return fmt.Errorf("producer %d: transaction at %d listed, commit marker at %d: %w", producer, firsts[0], marker, ErrAbortedList)
	}
	delete(w.taken, producer)
	return nil
}

// rows says that a row stands at every offset from Next to before next.
func (w *walk) rows(next int64) {
	w.out.Rows += next - w.out.Next
	w.out.Next = next
}

// hole says that nothing is stored from Next to before next. What is below the log
// start counts as deleted, also where compaction may have come first: that reason is
// a finding, and the log cannot say which it was.
func (w *walk) hole(next int64) {
	w.gap(domain.ReasonDeleted, min(next, w.in.LogStart))
	if w.in.Compacted {
		w.gap(domain.ReasonCompacted, next)
	} else {
		w.gap(domain.ReasonUnexplained, next)
	}
}

// gap gives a reason to the offsets from Next to before next, if there are any.
func (w *walk) gap(reason domain.Reason, next int64) {
	span := domain.Span{First: w.out.Next, Next: next}
	if span.Len() == 0 {
		return
	}
	w.out.Next = next
	if n := len(w.out.Gaps); n > 0 {
		if last := &w.out.Gaps[n-1]; last.Reason == reason && last.Span.Next == span.First {
			last.Span.Next = next
			return
		}
	}
	w.out.Gaps = append(w.out.Gaps, domain.Gap{Span: span, Reason: reason})
}

// keep adds the batch at an index of the response to what is journaled.
func (w *walk) keep(h *batch.Header, at int) {
	end := at + h.Size
	if n := len(w.out.Batches); n > 0 && w.keptNext == at {
		w.out.Batches[n-1] = w.in.RecordBatches[w.keptFirst:end:end]
	} else {
		w.out.Batches = append(w.out.Batches, w.in.RecordBatches[at:end:end])
		w.keptFirst = at
	}
	w.keptNext = end
	w.out.HasLast, w.out.LastBase, w.out.LastCRC, w.out.LastEpoch = true, h.BaseOffset, h.CRC, h.LeaderEpoch
}
