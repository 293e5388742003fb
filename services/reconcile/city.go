package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/zeebo/xxh3"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
)

// cityRow is one record of a city's topic, as the hub should show it.
type cityRow struct {
	offset    int64
	timestamp int64 // ms
	record    uint64
	null      bool
}

// partition is one source partition with its rows in offset order.
type partition struct {
	source  config.Source
	account *domain.Account
	rows    []cityRow
	hub     []*hubRow    // in hub order
	skip    domain.Spans // what the hub left out, by city offsets
	without domain.Spans // what Doris left out of what is in the hub
	pending int64        // rows that the hub has not taken yet, as the accounts say: its last ones
}

// hash is the digest of a record's text.
func hash(text string) uint64 { return xxh3.HashString(text) }

// readCity reads the rows of one source from where its accounts begin.
func readCity(ctx context.Context, s config.Source, parts map[int32]*partition) error {
	err := readTopic(ctx, s.Config, s.Topic, func(r *kgo.Record) error {
		p := parts[r.Partition]
		if p == nil {
			p = &partition{source: s}
			parts[r.Partition] = p
		}
		if p.account != nil && r.Offset < p.account.First+p.account.Gaps[domain.ReasonStartPolicy] {
			return nil // before the journaled start
		}
		row := cityRow{offset: r.Offset, timestamp: r.Timestamp.UnixMilli(), null: r.Value == nil}
		if r.Value != nil {
			row.record = hash(javaText(r.Value))
		}
		p.rows = append(p.rows, row)
		return nil
	})
	if err != nil {
		return fmt.Errorf("city %s source %s: %w", s.City, s.ID, err)
	}
	return nil
}

func (r *cityRow) timeText(zone *time.Location) string {
	return timeText(time.UnixMilli(r.timestamp), zone)
}
