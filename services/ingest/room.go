package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// How often the journal's size is asked: while there is room, and while there is not.
const (
	sampleEvery = domain.Micros(10 * time.Second / time.Microsecond)
	fullPoll    = time.Second
)

// room knows whether the journal may grow. Other streams grow too, so that its size is
// asked now and then; between two answers what this stream appended is added.
type room struct {
	limit   int64 // bytes; 0 or less: no bound
	size    func(ctx context.Context) (int64, error)
	held    int64
	sampled domain.Micros
}

func (r *room) grow(n int64) { r.held += n }

// full gives the reason for people when nothing may be appended, or "".
func (r *room) full(ctx context.Context, now domain.Micros) (string, error) {
	if r.limit <= 0 {
		return "", nil
	}
	if r.held >= r.limit || r.sampled == 0 || now-r.sampled >= sampleEvery {
		n, err := r.size(ctx)
		if err != nil {
			return "", fmt.Errorf("size of the journal: %w", err)
		}
		r.held, r.sampled = n, now
	}
	if r.held < r.limit {
		return "", nil
	}
	return fmt.Sprintf("journal holds %d bytes of the %d that ingest may fill (journal.max_bytes less the reserve for outcomes): ingest waits, nothing is dropped; drop archived segments or raise journal.max_bytes", r.held, r.limit), nil
}
