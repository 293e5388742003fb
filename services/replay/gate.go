package replay

import (
	"context"
	"sync"
)

// gate lets so many lanes in at once, and may be made wider or narrower while some are in.
type gate struct {
	mu    sync.Mutex
	most  int // 0: any number
	in    int
	moved chan struct{} // closed when there may be room
}

func newGate(most int) *gate { return &gate{most: most, moved: make(chan struct{})} }

// set changes how many may be in; those that are in stay.
func (g *gate) set(most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most = most
	g.wake()
}

// enter waits for room. Its error is the context's.
func (g *gate) enter(ctx context.Context) error {
	for ctx.Err() == nil {
		g.mu.Lock()
		if g.most <= 0 || g.in < g.most {
			g.in++
			g.mu.Unlock()
			return nil
		}
		moved := g.moved
		g.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-moved:
		}
	}
	return ctx.Err()
}

// leave makes room.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in--
	g.wake()
}

func (g *gate) wake() {
	close(g.moved)
	g.moved = make(chan struct{})
}
