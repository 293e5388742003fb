package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// delay is how long some rows took.
type delay struct {
	took time.Duration
	rows int64
}

type delays []delay

// quantile is that of the rows; zero for none.
func (d delays) quantile(q float64) time.Duration {
	slices.SortFunc(d, func(a, b delay) int { return cmp.Compare(a.took, b.took) })
	all := int64(0)
	for _, one := range d {
		all += one.rows
	}
	rank := int64(q * float64(all-1))
	for _, one := range d {
		if rank -= one.rows; rank < 0 {
			return one.took
		}
	}
	return 0
}

// brought is when some rows of a hub transaction were fetched.
type brought struct {
	at   domain.Micros
	rows int64
}

// delaysOf reads the journal of the pipeline, which does not run any more: extract_time is when
// rows were fetched, the outcome in the hub stream was made when they were in the hub, and that
// in the doris stream says since when they are visible.
func delaysOf(ctx context.Context, file string, windows []window) (err error) {
	store, j, err := openJournalOf(ctx, file, lagPipeline)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	of := func(leg domain.Leg) domain.Stream { return domain.Stream{Pipeline: lagPipeline, Leg: leg} }
	fetched := map[domain.Seq]domain.Micros{}
	if err := eachEvent(ctx, j, of(domain.LegIngest), func(e *journal.Entry) error {
		if ev, ok := e.Event.(*domain.Ingested); ok {
			fetched[e.Seq] = ev.ExtractTime
		}
		return nil
	}); err != nil {
		return err
	}
	var commits [][]brought // of the hub stream, by seq
	if err := eachEvent(ctx, j, of(domain.LegHub), func(e *journal.Entry) error {
		var rows []brought
		if ev, ok := e.Event.(*domain.HubCommitted); ok {
			for _, r := range ev.Runs {
				rows = append(rows, brought{fetched[r.Ingest], r.N})
			}
		}
		note(windows, rows, e.At, func(w *window) *delays { return &w.hub })
		commits = append(commits, rows)
		return nil
	}); err != nil {
		return err
	}
	next := 0
	if err := eachEvent(ctx, j, of(domain.LegDoris), func(e *journal.Entry) error {
		if ev, ok := e.Event.(*domain.DorisCommitted); ok {
			for ; next < int(ev.Cursor.Seq); next++ {
				note(windows, commits[next], ev.Visible, func(w *window) *delays { return &w.table })
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for i := range windows {
		if w := &windows[i]; len(w.hub) == 0 || w.hub.rows() != w.table.rows() {
			return fmt.Errorf("of the rows that were fetched from %s on %d came to the hub and %d to the table", w.from.Format(time.TimeOnly), w.hub.rows(), w.table.rows())
		}
	}
	return nil
}

func (d delays) rows() (n int64) {
	for _, one := range d {
		n += one.rows
	}
	return n
}

// note adds to the windows in which rows were fetched how long they took until some time.
func note(windows []window, rows []brought, until domain.Micros, to func(*window) *delays) {
	for _, r := range rows {
		at := time.UnixMicro(int64(r.at))
		for i := range windows {
			if w := &windows[i]; !at.Before(w.from) && at.Before(w.to) {
				*to(w) = append(*to(w), delay{time.Duration(until-r.at) * time.Microsecond, r.rows})
			}
		}
	}
}
