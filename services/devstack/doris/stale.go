package doris

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
)

// staleRows are the rows as they were at one moment: what a follower shows that has not heard of anything since.
type staleRows struct {
	mu   sync.RWMutex // read-locked by those who read
	conn *sql.Conn    // in a read transaction of that moment; nil = there is no such follower
}

// pin takes the rows of this moment, in place of earlier ones.
func (r *staleRows) pin(ctx context.Context, rows *rowStore) error {
	if err := r.release(ctx); err != nil {
		return err
	}
	conn, err := rows.read.Conn(ctx)
	if err != nil {
		return fmt.Errorf("keep the rows of a stale follower: %w", err)
	}
	// The transaction sees the moment of its first read, not of its BEGIN.
	for _, q := range []string{`BEGIN`, `SELECT txn FROM published`} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			_ = conn.Close()
			return fmt.Errorf("keep the rows of a stale follower: %w", err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn = conn
	return nil
}

func (r *staleRows) release(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil {
		return nil
	}
	_, err := r.conn.ExecContext(ctx, `ROLLBACK`)
	if e := r.conn.Close(); err == nil {
		err = e
	}
	r.conn = nil
	if err != nil {
		return fmt.Errorf("let go of the rows of a stale follower: %w", err)
	}
	return nil
}

// faultChanged is told of every arming and disarming.
func (s *Server) faultChanged(name Fault, armed bool) {
	ctx := context.Background()
	var err error
	switch {
	case name == HoldPublish:
		s.committed()
	case name == StaleFollower && armed:
		err = s.stale.pin(ctx, s.rows)
	case name == StaleFollower:
		err = s.stale.release(ctx)
	}
	if err != nil {
		s.cfg.Log.ErrorContext(ctx, "change fault", slog.String("fault", string(name)), slog.Any("error", err))
	}
}

// reading is a connection for one SELECT on this front end; done gives it back. One that reads rows of a table needs a
// back end that is up; while followers are stale it reads at an earlier moment on all but the master, unless the
// session wants to read strongly consistent.
func (f *frontEnd) reading(ctx context.Context, rows, strong bool) (conn *sql.Conn, done func(), err error) {
	f.mu.Lock()
	follower, dead := !f.isMaster(), f.noBackEnd()
	f.mu.Unlock()
	if rows && dead {
		return nil, nil, refuse("There is no scanNode Backend available.[%d: not alive]", f.bes[0].id)
	}
	if rows && follower && !strong {
		if conn, done := f.behind(); conn != nil {
			return conn, done, nil
		}
	}
	conn, err = f.rows.read.Conn(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read rows: %w", err)
	}
	return conn, func() { _ = conn.Close() }, nil
}

// behind is the connection of the earlier moment, when the fault hits.
func (f *frontEnd) behind() (*sql.Conn, func()) {
	f.stale.mu.RLock()
	if f.stale.conn != nil {
		if _, hit := f.faults.take(StaleFollower); hit {
			return f.stale.conn, f.stale.mu.RUnlock
		}
	}
	f.stale.mu.RUnlock()
	return nil, nil
}

// noBackEnd needs the server's lock.
func (s *Server) noBackEnd() bool {
	for _, b := range s.bes {
		if b.up {
			return false
		}
	}
	return true
}
