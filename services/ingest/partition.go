package ingest

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// partition is a source partition while a session reads it. It belongs to the session
// while it rests, and to its group while that reads it; only reading is always the
// session's.
type partition struct {
	id      int32
	pos     domain.Position // as it will be once everything fetched is journaled
	leader  int32
	epoch   int32
	reading bool
	ask     int64 // bytes that the next fetch would have

	verify bool // the log is compared with the journal before the next fetch
	fails  int
	rest   time.Time // not read before
	err    error     // why it was given back
}

func newPartition(pos domain.Position) *partition {
	return &partition{id: pos.Partition, pos: pos, leader: -1, epoch: -1, verify: true, ask: leastAsk}
}

// leastAsk is what a fetch asks for a partition at rest: a small batch comes whole.
const leastAsk = 16 << 10

// want decides what to ask for next: little while nothing comes, so that waiting costs
// no memory, and more as long as there is more than was asked for.
func (p *partition) want(a *kafkaconn.Fetched, most int64) {
	got := int64(len(a.RecordBatches))
	switch {
	case got*2 >= p.ask, got == 0 && a.LSO > p.pos.Next:
		p.ask = min(4*p.ask, most)
	case got == 0:
		p.ask = min(leastAsk, most)
	}
}

// follow takes over who leads the partition. Another leader may have another log.
func (p *partition) follow(t kafkaconn.Topic) {
	for _, tp := range t.Partitions {
		if tp.ID == p.id && (p.leader != tp.Leader || p.epoch != tp.LeaderEpoch) {
			p.leader, p.epoch, p.verify = tp.Leader, tp.LeaderEpoch, true
		}
	}
}

// fail gives a partition a rest before it is compared and read again.
func (p *partition) fail(err error) {
	p.err, p.verify = err, true
	p.rest = time.Now().Add(min(firstPause/2<<min(p.fails, 10), lastPause))
	p.fails++
}

func leaderless(topic string, tp kafkaconn.Partition) error {
	why := tp.Err
	if why == nil {
		why = kerr.LeaderNotAvailable
	}
	return fmt.Errorf("%s/%d has no leader: %w", topic, tp.ID, why)
}

// outOfRange is how a broker refuses an offset outside of the log.
func outOfRange(err error) bool { return errors.Is(err, kerr.OffsetOutOfRange) }
