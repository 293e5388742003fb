package doris

import (
	"context"
	"log/slog"
	"time"
)

const (
	publishPoll  = 10 * time.Millisecond // how often a delayed or held publish looks at the clock
	publishRetry = time.Second           // after an error
)

// publishLoop makes COMMITTED transactions VISIBLE, one after the other in the order of their commits. Whatever goes
// wrong it tries again: a committed transaction is never given up.
func (s *Server) publishLoop(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		txn, ok := s.engine.NextCommitted()
		s.mu.Unlock()
		switch {
		case !ok:
			s.pause(ctx, 0)
		case s.faults.HoldPublish.Load() || s.cfg.Now().Before(txn.CommitTime.Add(s.cfg.PublishDelay)):
			s.pause(ctx, publishPoll)
		default:
			if err := s.publish(ctx, txn); err != nil && ctx.Err() == nil {
				s.cfg.Log.ErrorContext(ctx, "publish", slog.Int64("txn", txn.ID), slog.Any("error", err))
				s.pause(ctx, publishRetry)
			}
		}
	}
}

// pause waits for the next commit, or for d when d > 0.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
		select {
		case <-ctx.Done():
		case <-timer:
		}
		return
	}
	select {
	case <-ctx.Done():
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

// committed tells the publisher that there is something to do.
func (s *Server) committed() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
