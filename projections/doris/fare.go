package doris

import (
	"context"
	"time"

	"github.com/hefu-io/hefu/projections"
)

// atOnce is how many rows of a replay go at once. A load that is sent as fast as it can be takes
// processor, disk and line from the live legs for as long as it lasts, however long the pause
// before it was.
const atOnce = 500

// limits close a batch. That of a replay has no more than the plan may carry in the time that a
// batch waits for rows: so long its load lasts, and no longer.
func (l *leg) limits() Limits {
	b := l.cfg.Batch
	if l.cfg.Replay == nil || l.cfg.Replay.Pace == nil {
		return b
	}
	by := l.cfg.Replay.Pace.Limits()
	b.Rows, b.Bytes = inTime(b.Rows, by.Rows, b.Age), inTime(b.Bytes, by.Bytes, b.Age)
	return b
}

// inTime is at most what so many a second are in a time; 0 a second is no bound.
func inTime(most int, perSecond int64, d time.Duration) int {
	if perSecond <= 0 {
		return most
	}
	return int(max(1, min(float64(most), float64(perSecond)*d.Seconds())))
}

// fare is what the rows of a load wait for.
type fare struct {
	pace        *projections.Pace
	rows, bytes int64
	paid        int64 // rows that may go
}

// fareOf is that of a batch, nil where it is no replay's. A commit goes into one load whole,
// however large it is, and Doris gives a load only so long: what is more than one should have is
// waited for here, before its intent. Its error is the context's.
func (l *leg) fareOf(ctx context.Context, b *draft) (*fare, error) {
	if l.cfg.Replay == nil || l.cfg.Replay.Pace == nil || b.rows == 0 {
		return nil, nil
	}
	f := &fare{pace: l.cfg.Replay.Pace, rows: b.rows, bytes: b.bytes}
	most := l.limits()
	within := min(1, float64(most.Rows)/float64(b.rows), float64(most.Bytes)/float64(max(1, b.bytes)))
	f.paid = b.rows - int64(within*float64(b.rows))
	return f, f.pace.Wait(ctx, f.paid, f.worth(f.paid))
}

// worth is the bytes of some rows.
func (f *fare) worth(rows int64) int64 {
	return int64(float64(f.bytes) * float64(rows) / float64(f.rows))
}

// pay waits until the row at a place of the load may go, with some that follow it. Rows that
// went are not paid for again by a probe for those that were refused. Its error is the context's.
func (f *fare) pay(ctx context.Context, place int64) error {
	if f == nil || place < f.paid {
		return nil
	}
	n := min(atOnce, max(1, f.rows-place))
	f.paid = place + n
	return f.pace.Wait(ctx, n, f.worth(n))
}
