package ingest

import (
	"context"
	"sync"
)

// minAsk is the least that a fetch asks for.
const minAsk = 64 << 10

// budget bounds the bytes that are fetched and not yet journaled. Half of it is
// shared out evenly, and a source's share is never lent: however fast one source is,
// and however long another holds what it has, each can go on reading. The other half
// is for whoever needs it.
//
// A source that joins makes the shares smaller. It can take its own at once, so that the
// bound may be exceeded by one share until the others have journaled what they hold beyond
// theirs.
type budget struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced when a source may take more
	limit   int64
	share   int64         // of each source
	pool    int64         // lent beyond the shares
	used    map[int]int64 // by source
	total   int64
	peak    int64
}

func newBudget(limit int64) *budget {
	b := &budget{changed: make(chan struct{}), limit: limit, used: map[int]int64{}}
	b.divide()
	return b
}

// join gives a source a share.
func (b *budget) join(source int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used[source] = 0
	b.divide()
}

// leave takes a source's share away. It holds nothing any more.
func (b *budget) leave(source int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.used, source)
	b.divide()
	b.tell()
}

func (b *budget) divide() {
	n := int64(len(b.used))
	b.share = b.limit / 2 / max(1, n)
	b.pool = b.limit - b.share*n
}

func (b *budget) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// reserve takes up to ask bytes, and waits until it can have the smaller of ask and
// minAsk. A source that holds nothing never waits.
func (b *budget) reserve(ctx context.Context, source int, ask int64) (int64, error) {
	for {
		b.mu.Lock()
		n := min(ask, b.free(source))
		if n >= min(ask, minAsk) || b.used[source] == 0 {
			n = max(n, 1)
			b.add(source, n)
			b.mu.Unlock()
			return n, nil
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-changed:
		}
	}
}

// free is what a source may still take.
func (b *budget) free(source int) int64 {
	lent := int64(0)
	for _, u := range b.used {
		lent += max(0, u-b.share)
	}
	own := b.share - b.used[source]
	return max(0, own) + max(0, b.pool-lent)
}

// replace puts what came in place of what was reserved. A batch that is larger than
// the whole reservation comes all the same (KIP-74): the source then waits until it
// is below its bound again.
func (b *budget) replace(source int, reserved, held int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(source, held-reserved)
}

// release gives back what is journaled.
func (b *budget) release(source int, held int64) { b.replace(source, held, 0) }

func (b *budget) add(source int, n int64) {
	b.used[source] += n
	b.total += n
	b.peak = max(b.peak, b.total)
	if n < 0 {
		b.tell()
	}
}

// reset forgets what an earlier leg held.
func (b *budget) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for source := range b.used {
		b.used[source] = 0
	}
	b.total = 0
}

// state is what is held now, and the most that was ever held.
func (b *budget) state() (total, peak int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total, b.peak
}
