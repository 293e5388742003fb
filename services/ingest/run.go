package ingest

import (
	"encoding/binary"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// run is what one fetch of one partition brought, on its way to the journal.
type run struct {
	domain.Run
	topicID [16]byte
	last    lastBatch
}

// lastBatch is the last batch of a run; base is -1 when it has none.
type lastBatch struct {
	base int64
	crc  uint32
}

// What a run and a gap take in an event, at most, beside the batches.
const (
	runOverhead = 128
	gapOverhead = 21
)

// weight is what the run takes in an event, in bytes, rounded up.
func (r *run) weight() int64 {
	return int64(r.Size()) + runOverhead + gapOverhead*int64(len(r.Gaps))
}

// joins reports whether the run may become part of the one before it. A batch that
// begins below First has records that are none of this run, and would be if the two
// were one.
func (r *run) joins(before *domain.Run) bool {
	if before.LeaderEpoch != r.LeaderEpoch || before.Next != r.First {
		return false
	}
	return len(r.Batches) == 0 || int64(binary.BigEndian.Uint64(r.Batches[0])) >= r.First
}

// item is one thing that a source wants journaled, in order: rows, or an event of
// its own.
type item struct {
	run    run
	weight int64
	charge int64 // bytes in memory until it is journaled

	event func(draft) domain.ShardEvent // instead of a run
	done  chan struct{}                 // closed when event is journaled

	due time.Time // when it is journaled though the event is small
}
