package kafkaconn

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Backlog is what a consumer group has not taken yet of one partition.
type Backlog struct {
	Partition int32
	// From is where the group goes on: its committed offset, or what done says beyond it;
	// the log start where there is neither.
	From      int64
	Committed bool  // there is such an offset
	LogStart  int64 // rows between From and it are gone: retention has deleted them
	// Rows are the committed records from From to the last stable offset, Stable. Beyond it,
	// up to End, lies what a transaction holds back that is open.
	Rows        int64
	Stable, End int64
}

// Clear reports whether there is nothing to take, and nothing that may still come.
func (b Backlog) Clear() bool { return b.Rows == 0 && b.Stable >= b.End && b.From >= b.LogStart }

// String is the backlog in one line for people.
func (b Backlog) String() string {
	s := fmt.Sprintf("partition %d: %d rows from %d on", b.Partition, b.Rows, b.From)
	if !b.Committed {
		s += ", where the log begins: the group has no offset"
	}
	if b.From < b.LogStart {
		s += fmt.Sprintf("; offsets %d to %d were deleted before they were taken", b.From, b.LogStart-1)
	}
	if b.Stable < b.End {
		s += fmt.Sprintf("; an open transaction holds back offsets %d to %d", b.Stable, b.End-1)
	}
	return s
}

// backlogIdle is how long a broker may bring nothing while records are counted.
const backlogIdle = 30 * time.Second

// Backlogs counts what a consumer group has not taken yet of a topic, by partition. done,
// which may be nil, is where others have taken records up to. Markers of transactions and
// aborted records do not count, so the records are read. Errors: [ErrNoTopic], and whatever
// keeps a partition from being counted.
func Backlogs(ctx context.Context, c Config, topic, group string, done map[int32]int64) ([]Backlog, error) {
	cl, err := dialStable(c)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	committed, err := Committed(ctx, cl, group, topic)
	if err != nil {
		return nil, err
	}
	bounds, err := Offsets(ctx, cl, topic)
	if err != nil {
		return nil, err
	}
	out := map[int32]*Backlog{}
	from := map[int32]kgo.Offset{}
	for p, at := range bounds {
		b := &Backlog{Partition: p, From: at.LogStart, LogStart: at.LogStart, Stable: at.LSO, End: at.HighWatermark}
		if o, ok := committed[p]; ok {
			b.From, b.Committed = o, true
		}
		if o, ok := done[p]; ok {
			b.From, b.Committed = max(o, b.From), true
		}
		out[p] = b
		if first := max(b.From, b.LogStart); first < b.Stable {
			from[p] = kgo.NewOffset().At(first)
		}
	}
	to := map[int32]int64{}
	for p, b := range out {
		to[p] = b.Stable
	}
	err = readStable(ctx, cl, topic, from, to, func(r *kgo.Record) error {
		out[r.Partition].Rows++
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count what group %s has not taken of topic %s: %w", group, topic, err)
	}
	list := make([]Backlog, 0, len(out))
	for _, p := range slices.Sorted(maps.Keys(out)) {
		list = append(list, *out[p])
	}
	return list, nil
}

// ReadStable calls each with every committed record of a topic, those of a partition in order,
// from the log starts to the last stable offsets of bounds, which Offsets gave. Markers and
// aborted records are left out. Errors: each's, and whatever keeps a partition from being read
// to its end.
func ReadStable(ctx context.Context, c Config, topic string, bounds map[int32]Bounds, each func(*kgo.Record) error) error {
	cl, err := dialStable(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	from, to := map[int32]kgo.Offset{}, map[int32]int64{}
	for p, at := range bounds {
		if at.LogStart < at.LSO {
			from[p], to[p] = kgo.NewOffset().At(at.LogStart), at.LSO
		}
	}
	if err := readStable(ctx, cl, topic, from, to, each); err != nil {
		return fmt.Errorf("read topic %s: %w", topic, err)
	}
	return nil
}

// dialStable makes a client that reads what is committed, and sees the markers, since the last
// record below a last stable offset may be one.
func dialStable(c Config) (*kgo.Client, error) {
	return Dial(c, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(200*time.Millisecond))
}

// readStable reads until all partitions of from have come to their ends in to.
func readStable(ctx context.Context, cl *kgo.Client, topic string, from map[int32]kgo.Offset, to map[int32]int64, each func(*kgo.Record) error) error {
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	for left := len(from); left > 0; {
		poll, cancel := context.WithTimeout(ctx, backlogIdle)
		fetches := cl.PollFetches(poll)
		late := poll.Err() != nil
		cancel()
		if err := ctx.Err(); err != nil {
			return err
		}
		var failed error
		fetches.EachError(func(_ string, p int32, err error) {
			if failed = fmt.Errorf("partition %d: %w", p, err); late {
				failed = fmt.Errorf("%d partitions are not read to their end, and nothing came for %s", left, backlogIdle)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			if failed != nil || r.Offset >= to[r.Partition] {
				return
			}
			if !r.Attrs.IsControl() {
				failed = each(r)
			}
			if r.Offset == to[r.Partition]-1 {
				left--
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}
