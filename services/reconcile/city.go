package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/domain"
)

// cityRow is one record of a city's topic, as the hub should show it.
type cityRow struct {
	offset    int64
	timestamp int64  // ms
	record    uint64 // zero where the unit's text is not known
	null      bool
	aborted   bool // of a transaction that did not commit, of a source that is read uncommitted
	taken     bool // a row of the hub is known to be this one
}

// partition is one source partition with its rows in offset order.
type partition struct {
	unit    *unit
	number  int32
	account *domain.Account
	rows    []cityRow
	hub     []*hubRow    // in hub order
	skip    domain.Spans // what the hub left out, by city offsets
	without domain.Spans // what Doris left out of what is in the hub
	pending int64        // rows that the hub has not taken yet, as the accounts say: its last ones
	bounded bool         // it ends, at stop
	stop    int64
}

// start is where the books of the partition begin.
func (p *partition) start() int64 { return p.account.First + p.account.Gaps[domain.ReasonStartPolicy] }

// at is the row of the city with an offset, nil if there is none.
func (p *partition) at(offset int64) *cityRow {
	i, there := slices.BinarySearchFunc(p.rows, offset, func(r cityRow, offset int64) int { return int(max(-1, min(1, r.offset-offset))) })
	if !there {
		return nil
	}
	return &p.rows[i]
}

// journaled is how many of the rows the journal has passed.
func (p *partition) journaled() int {
	i, _ := slices.BinarySearchFunc(p.rows, p.account.Next, func(r cityRow, next int64) int { return int(max(-1, min(1, r.offset-next))) })
	return i
}

// hash is the digest of a record's text.
func hash(text string) uint64 { return xxh3.HashString(text) }

// readCity reads the rows of one source from where its accounts begin, to where it ends if
// it is bounded; what lies beyond is counted as not read.
func (c *comparison) readCity(ctx context.Context, u *unit) error {
	_, err := readTopic(ctx, u.conn, u.topic, u.uncommitted, func(r *kgo.Record) error {
		p := u.parts[r.Partition]
		if p == nil {
			p = &partition{unit: u, number: r.Partition}
			u.parts[r.Partition] = p
		}
		if p.account != nil && r.Offset < p.start() {
			return nil // before the journaled start
		}
		if p.bounded && r.Offset >= p.stop {
			c.report.Others.NotRead++
			return nil
		}
		row := cityRow{offset: r.Offset, timestamp: r.Timestamp.UnixMilli(), null: r.Value == nil, aborted: u.uncommitted}
		if r.Value != nil && u.text.of != nil {
			row.record = hash(u.text.of(r.Value))
		}
		p.rows = append(p.rows, row)
		return nil
	})
	if err == nil && u.uncommitted {
		err = u.markCommitted(ctx)
	}
	if err != nil {
		return fmt.Errorf("city %s source %s: %w", u.city, u.id, err)
	}
	return nil
}

// markCommitted finds the rows that are committed, where the journal counts aborted ones: then
// the source was once read committed, and those are not missing.
func (u *unit) markCommitted(ctx context.Context) error {
	if u.out.Gaps[domain.ReasonAborted] == 0 {
		return nil
	}
	_, err := readTopic(ctx, u.conn, u.topic, false, func(r *kgo.Record) error {
		if p := u.parts[r.Partition]; p != nil {
			if row := p.at(r.Offset); row != nil {
				row.aborted = false
			}
		}
		return nil
	})
	return err
}

func (r *cityRow) time() time.Time { return time.UnixMilli(r.timestamp) }

func (r *cityRow) timeText(zone *time.Location) string { return timeText(r.time(), zone) }
