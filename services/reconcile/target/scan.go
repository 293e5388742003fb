package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// ErrGone is that rows of a range are not in the hub's log any more: what they were cannot be
// said.
var ErrGone = errors.New("the hub's log begins later")

// ShortError is that the hub's committed rows end before the range that was asked for: it was
// cut, or a transaction is open.
type ShortError struct {
	Partition int32
	Wanted    int64 // offsets below it
	Stable    int64 // the last stable offset
}

// Error names the partition and both offsets.
func (e *ShortError) Error() string {
	return fmt.Sprintf("hub partition %d: rows up to %d were asked for, and the last stable offset is %d", e.Partition, e.Wanted, e.Stable)
}

// Scan calls each for every committed row of the topic with from <= offset < to, a partition
// after the other, each in the order of its log: aborted rows and markers are passed over.
// Partitions without to are not read; without from they are read from 0 on. It ends exactly
// at to and does not wait for rows beyond it; a to that is beyond the last stable offset is a
// *ShortError. Offsets that the log does not have any more are no error: they are returned. A
// row is valid during the call, its texts stay. An error of each ends the scan.
func (h *Hub) Scan(ctx context.Context, from, to map[int32]int64, each func(*HubRow) error) (gone map[int32]domain.Spans, err error) {
	gone = map[int32]domain.Spans{}
	d := newDecoder(h.f)
	for _, p := range sorted(to) {
		missing, err := h.scan(ctx, d, p, domain.Span{First: from[p], Next: to[p]}, each)
		if len(missing) > 0 {
			gone[p] = missing
		}
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// sorted are the partitions of a map, in order.
func sorted[V any](of map[int32]V) []int32 { return slices.Sorted(maps.Keys(of)) }

// scan reads a range of one partition.
func (h *Hub) scan(ctx context.Context, d *decoder, p int32, in domain.Span, each func(*HubRow) error) (gone domain.Spans, err error) {
	log, giveUp := newBatches(), time.Now().Add(patience)
	var row HubRow
	for at := in.First; at < in.Next; {
		answer, err := h.fetch(ctx, p, at, fetchSize(in.Next-at))
		if err != nil {
			return gone, err
		}
		if answer.ErrorCode == kerr.OffsetOutOfRange.Code {
			next, err := h.logStart(ctx, p, at, in.Next)
			if err != nil {
				return gone, err
			}
			gone, _ = gone.Add(domain.Span{First: at, Next: min(next, in.Next)})
			at = next
			continue
		}
		next, err := log.read(answer, at, func(r *record) error {
			if r.offset < at || r.offset >= in.Next {
				return nil
			}
			d.row(p, r, &row)
			return each(&row)
		})
		if err != nil {
			return gone, fmt.Errorf("hub %s/%d: %w", h.name(), p, err)
		}
		if next == at {
			if stable := answer.LastStableOffset; stable >= 0 && stable < in.Next {
				return gone, &ShortError{p, in.Next, stable}
			}
			if time.Now().After(giveUp) {
				return gone, fmt.Errorf("hub %s/%d gives nothing at %d, and says that its last stable offset is %d", h.name(), p, at, answer.LastStableOffset)
			}
			continue
		}
		at, giveUp = next, time.Now().Add(patience)
		if err := h.throttle.spent(ctx, int64(len(answer.RecordBatches))); err != nil {
			return gone, fmt.Errorf("hub %s/%d: %w", h.name(), p, err)
		}
	}
	return gone, nil
}

// fetchSize bounds the answer for so many offsets: a look at a few rows takes no megabytes.
func fetchSize(offsets int64) int32 {
	const (
		least = 64 << 10
		row   = 1 << 10
	)
	return int32(min(fetchBytes, least+min(offsets, fetchBytes)*row))
}

// logStart finds out why an offset is out of range: where the log begins now, if it is below
// that; else the log ends before it.
func (h *Hub) logStart(ctx context.Context, p int32, at, to int64) (int64, error) {
	bounds, err := kafkaconn.Offsets(ctx, h.cl, h.name())
	b, known := bounds[p]
	switch {
	case !known:
		return 0, fmt.Errorf("hub %s/%d at %d is out of range: %w", h.name(), p, at, err)
	case at < b.LogStart:
		return b.LogStart, nil
	default:
		return 0, &ShortError{p, to, b.LSO}
	}
}
