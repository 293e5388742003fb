package doris

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ledger adds to the front end's memory that an aborted load's rows are thrown away. A crash between the two leaves a
// file that the next start removes.
type ledger struct {
	*metaStore
	stage  stage
	killed *atomic.Bool
}

var errKilled = errors.New("the stand-in was killed")

func (l ledger) Keep(t Txn) error {
	if l.killed.Load() {
		return errKilled
	}
	if err := l.metaStore.Keep(t); err != nil {
		return err
	}
	if t.Status == Aborted {
		return l.stage.remove(t.ID)
	}
	return nil
}

// metaStore is the front end's memory on disk: transactions, id reservation, and the catalog.
type metaStore struct {
	db *sql.DB
}

func openMeta(ctx context.Context, db *sql.DB) (*metaStore, error) {
	err := execAll(ctx, db,
		`CREATE TABLE IF NOT EXISTS txns (id INTEGER PRIMARY KEY, db INTEGER, tbl INTEGER, label TEXT, request TEXT,
			coordinator TEXT, status INTEGER, reason TEXT, prepared INTEGER, precommitted INTEGER, committed INTEGER,
			published INTEGER, finished INTEGER, timeout INTEGER, ord INTEGER)`,
		`CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER)`,
		`CREATE TABLE IF NOT EXISTS databases (id INTEGER PRIMARY KEY, name TEXT UNIQUE)`,
		`CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY, db INTEGER, name TEXT, definition TEXT)`,
	)
	if err != nil {
		return nil, err
	}
	return &metaStore{db}, nil
}

// Keep stores the transaction's new state. The statements here are tiny and local, and are not to be abandoned
// half-way by a caller that hung up: so they run without the caller's context.
func (m *metaStore) Keep(t Txn) error {
	_, err := m.db.ExecContext(context.Background(),
		`INSERT OR REPLACE INTO txns VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		t.ID, t.DB, t.Table, t.Label, t.RequestID, t.Coordinator, int64(t.Status), t.Reason,
		millis(t.PrepareTime), millis(t.PrecommitTime), millis(t.CommitTime), millis(t.PublishTime), millis(t.FinishTime),
		int64(t.Timeout/time.Second), t.Order)
	if err != nil {
		return fmt.Errorf("keep transaction %d as %s: %w", t.ID, t.Status, err)
	}
	return nil
}

// Forget drops transactions, all or none.
func (m *metaStore) Forget(ids []int64) error {
	ctx := context.Background()
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("forget %d transactions: %w", len(ids), err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, `DELETE FROM txns WHERE id = ?`, id); err != nil {
			return fmt.Errorf("forget transaction %d: %w", id, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("forget %d transactions: %w", len(ids), err)
	}
	return nil
}

// ReserveIDs notes that transaction ids below this may be in use.
func (m *metaStore) ReserveIDs(below int64) error {
	return m.setCounter("txn", below)
}

func (m *metaStore) setCounter(name string, v int64) error {
	_, err := m.db.ExecContext(context.Background(), `INSERT OR REPLACE INTO counters VALUES (?,?)`, name, v)
	if err != nil {
		return fmt.Errorf("set counter %s to %d: %w", name, v, err)
	}
	return nil
}

func (m *metaStore) counter(ctx context.Context, name string) (int64, error) {
	var v int64
	err := m.db.QueryRowContext(ctx, `SELECT coalesce(max(value), 0) FROM counters WHERE name = ?`, name).Scan(&v)
	if err != nil {
		return 0, fmt.Errorf("read counter %s: %w", name, err)
	}
	return v, nil
}

// transactions reads back what was kept, by id.
func (m *metaStore) transactions(ctx context.Context) ([]Txn, error) {
	rows, err := m.db.QueryContext(ctx, `SELECT * FROM txns ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read transactions: %w", err)
	}
	defer rows.Close()
	var all []Txn
	for rows.Next() {
		var t Txn
		var status, prepared, precommitted, committed, published, finished, timeout int64
		err := rows.Scan(&t.ID, &t.DB, &t.Table, &t.Label, &t.RequestID, &t.Coordinator, &status, &t.Reason,
			&prepared, &precommitted, &committed, &published, &finished, &timeout, &t.Order)
		if err != nil {
			return nil, fmt.Errorf("read transactions: %w", err)
		}
		t.Status = Status(status)
		t.PrepareTime, t.PrecommitTime, t.CommitTime = fromMillis(prepared), fromMillis(precommitted), fromMillis(committed)
		t.PublishTime, t.FinishTime = fromMillis(published), fromMillis(finished)
		t.Timeout = time.Duration(timeout) * time.Second
		all = append(all, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read transactions: %w", err)
	}
	return all, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
