package doris

import (
	"context"
	"log/slog"
	"time"
)

const (
	publishPoll  = 10 * time.Millisecond // the shortest and the longest time between two looks at the clock, which may
	publishLook  = time.Second           // be one that the stand-in is not told of
	publishRetry = time.Second           // after an error
)

// publishLoop makes COMMITTED transactions VISIBLE, one after the other in the order of their commits. Whatever goes
// wrong it tries again: a committed transaction is never given up.
func (s *Server) publishLoop(ctx context.Context) {
	var h hold
	for ctx.Err() == nil {
		txn, ok := s.publishable()
		if !ok {
			s.pause(ctx, 0)
			continue
		}
		if wait := h.left(s, txn); wait > 0 {
			s.pause(ctx, min(max(wait, publishPoll), publishLook))
			continue
		}
		if s.failing(txn) {
			s.pause(ctx, publishRetry)
			continue
		}
		if err := s.publish(ctx, txn); err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "publish", slog.Int64("txn", txn.ID), slog.Any("error", err))
			s.pause(ctx, publishRetry)
		}
	}
}

// publishable is the transaction whose turn it is. It needs a master that tells back ends to publish, and one that
// hears it.
func (s *Server) publishable() (Txn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.master == nobody {
		return Txn{}, false
	}
	txn, ok := s.engine.NextCommitted()
	if ok && s.noBackEnd() {
		s.engine.PublishFailed(txn.ID)
		return Txn{}, false
	}
	return txn, ok
}

// failing is publish-fails.
func (s *Server) failing(txn Txn) bool {
	_, hit := s.faults.take(PublishFails)
	if hit {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.engine.PublishFailed(txn.ID)
	}
	return hit
}

// hold is what keeps one transaction from being published.
type hold struct {
	txn     int64
	due     time.Time // by Config.PublishDelay
	hit     bool      // by hold-publish
	until   time.Time // zero = until it is disarmed
	disarms int       // how often it had been disarmed when it hit
}

// left is how long the transaction still has to wait.
func (h *hold) left(s *Server, txn Txn) time.Duration {
	now := s.cfg.Now()
	if h.txn != txn.ID {
		*h = hold{txn: txn.ID, due: txn.CommitTime.Add(s.cfg.PublishDelay), disarms: s.faults.disarmed(HoldPublish)}
		a, hit := s.faults.take(HoldPublish)
		if h.hit = hit; hit && a.Delay > 0 {
			h.until = now.Add(a.Delay)
		}
	}
	wait := h.due.Sub(now)
	switch {
	case !h.hit || s.faults.disarmed(HoldPublish) != h.disarms:
		return wait
	case h.until.IsZero():
		return max(wait, publishLook)
	default:
		return max(wait, h.until.Sub(now))
	}
}

// pause waits until there may be something new to publish, and for d at most when d > 0.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
	case <-timer:
	case <-s.wake:
	}
}

func (s *Server) publish(ctx context.Context, txn Txn) error {
	// Dying between the rows and the state leaves "published" naming this transaction: then only the state is left to do.
	last, err := s.rows.lastPublished(ctx)
	if err != nil {
		return err
	}
	if last != txn.ID {
		if err := s.publishRows(ctx, txn); err != nil {
			return err
		}
	}
	s.mu.Lock()
	err = s.engine.Publish(txn.ID)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.visible.ring()
	return s.stage.remove(txn.ID)
}

func (s *Server) publishRows(ctx context.Context, txn Txn) error {
	s.mu.Lock()
	table := s.catalog.tables[txn.Table]
	s.mu.Unlock()
	if table == nil { // dropped since the commit: nothing is left to show
		return s.rows.publish(ctx, txn.ID, nil, nil)
	}
	r, err := s.stage.open(txn.ID)
	if err != nil {
		return err
	}
	defer r.close() // only read from
	return s.rows.publish(ctx, txn.ID, table, r)
}

// committed tells the publisher that there may be something to do.
func (s *Server) committed() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
