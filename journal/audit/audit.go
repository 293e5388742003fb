// Package audit reads a journal whole and says whether it is what it was: every event along
// the hash chain, and, deep, every record batch by its checksum and every Merkle root that was
// signed. It changes nothing.
package audit

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// Options of an audit.
type Options struct {
	// Deep also checks the record batches of ingest events, what events say of them, and the
	// Merkle roots of Heads. It begins with the first event of each stream, in the archive too.
	Deep bool
	// After is the event after which the audit of a stream begins, without Deep: its beginning
	// is in the archive alone (Dropped), or is not asked about. The chain has to go on from it.
	After map[domain.Stream]domain.Ref
	// Heads are signed checkpoints that the streams must lead to.
	Heads []checkpoint.Head
	// Parallel is how many streams are read at once, 0: as many as there are processors.
	Parallel int
	// Progress, which may be nil, is told the bytes read so far, often and from any goroutine.
	Progress func(bytes int64)
}

// Stream is what an audit found of one stream.
type Stream struct {
	Stream  domain.Stream
	From    domain.Seq // the first event that was read
	Last    domain.Ref // the last one that is sound
	Events  int64
	Bytes   int64
	Batches int64 // record batches whose checksum was compared; Deep
	Rows    int64 // in them; Deep
	Heads   int   // signed roots that were found to hold; Deep
	// Wrong is what is wrong with the stream, at the first event that is: a
	// *journal.BreachError, or *HeadError. Nothing was read behind it. Nil: it is sound.
	Wrong error
}

// Result is an audit of all streams.
type Result struct {
	Streams []Stream // control first, then shard by shard on the way of a row
}

// Sound reports whether nothing is wrong.
func (r *Result) Sound() bool { return r.Wrong() == nil }

// Wrong is the first thing that is wrong, nil for none.
func (r *Result) Wrong() error {
	for i := range r.Streams {
		if r.Streams[i].Wrong != nil {
			return r.Streams[i].Wrong
		}
	}
	return nil
}

// Bytes is how much was read.
func (r *Result) Bytes() (n int64) {
	for i := range r.Streams {
		n += r.Streams[i].Bytes
	}
	return n
}

// Run audits the streams of a journal up to their present ends. What is wrong with them is in
// the result; an error means that the store did not answer: not checked.
func Run(ctx context.Context, j *journal.Journal, streams []domain.Stream, o Options) (*Result, error) {
	if o.Parallel <= 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	out := &Result{Streams: make([]Stream, len(streams))}
	var read atomic.Int64
	var telling sync.Mutex
	told := func(n int) {
		total := read.Add(int64(n))
		if o.Progress != nil {
			telling.Lock()
			defer telling.Unlock()
			o.Progress(total)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Parallel)
	for i, s := range streams {
		g.Go(func() error {
			a := auditor{j: j, o: &o, told: told, out: &out.Streams[i]}
			a.out.Stream = s
			return a.stream(ctx)
		})
	}
	return out, g.Wait()
}

// Dropped is where the chain goes on of streams whose beginning is in the archive alone: the
// last event there, by stream.
func Dropped(c *domain.ControlState) map[domain.Stream]domain.Ref {
	out := map[domain.Stream]domain.Ref{}
	for s, through := range c.Dropped {
		for first := range c.Archived[s] {
			if a := c.Archived[s][first]; a.Last.Seq == through {
				out[s] = a.Last
			}
		}
	}
	return out
}

// Streams lists the streams that a journal has, of those that control names: all of its shards,
// and of its replays. Where control could not be read to its end, it names fewer replays.
func Streams(ctx context.Context, j *journal.Journal, control *journal.Control) ([]domain.Stream, error) {
	out := []domain.Stream{domain.ControlStream(j.Pipeline())}
	shards, found := 0, true
	for shard := 0; found || shard < shards; shard++ {
		var may []domain.Stream
		control.State(func(c *domain.ControlState) {
			may = c.ShardStreams(j.Pipeline(), shard)
			if c.Config != nil {
				shards = c.Config.Config.Shards
			}
		})
		found = false
		for _, s := range may {
			there, err := j.Exists(ctx, s)
			var broken *journal.IntegrityError
			if err != nil && !errors.As(err, &broken) {
				return nil, err
			}
			if there || broken != nil { // a damaged end is found again by whoever audits it
				out, found = append(out, s), true
			}
		}
	}
	return out, nil
}
