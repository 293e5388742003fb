package main

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// rowCost is the CPU that proving takes of each row, in microseconds.
type rowCost struct {
	perEvent int     // rows
	chain    float64 // the event's bytes and their SHA-256, as they are appended
	tree     float64 // its leaf
	digest   float64 // of the nine columns, and the vector of the window
}

// costTime is how long each is measured.
const costTime = time.Second

// rowCosts measures the hash chain and the row digest, each with events of few and of many
// rows. Where many streams are read at once they run on as many processors.
func rowCosts(ctx context.Context, dir string) (out []rowCost, err error) {
	tree, err := checkpoint.OpenTree(filepath.Join(dir, "cost.tree"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	digest, err := perUnit(ctx, func() (int64, error) { return digestRows(), nil })
	if err != nil {
		return nil, err
	}
	for _, n := range []int{300, 5_000} {
		cost := rowCost{perEvent: n, digest: digest}
		id, stream, ev := domain.JournalID{1}, domain.Stream{Pipeline: "bench", Leg: domain.LegIngest}, eventOf(int64(n))
		var last domain.Hash
		seq := domain.Seq(1)
		if cost.chain, err = perUnit(ctx, func() (int64, error) {
			_, last = journal.Encode(id, stream, seq, last, 1_785_000_000_000_000, ev)
			seq++
			return int64(n), nil
		}); err != nil {
			return nil, err
		}
		if cost.tree, err = perUnit(ctx, func() (int64, error) { return int64(n), tree.Append(last) }); err != nil {
			return nil, err
		}
		out = append(out, cost)
	}
	return out, nil
}

// perUnit is the CPU of this process for each unit that something says it did.
func perUnit(ctx context.Context, do func() (int64, error)) (micros float64, err error) {
	before, err := cpuOfSelf()
	if err != nil {
		return 0, err
	}
	units := int64(0)
	for began := time.Now(); time.Since(began) < costTime; {
		n, err := do()
		if err = errors.Join(err, ctx.Err()); err != nil {
			return 0, err
		}
		units += n
	}
	after, err := cpuOfSelf()
	return float64((after - before).Nanoseconds()) / 1e3 / float64(units), err
}

// eventOf is an ingest event with runs of two cities.
func eventOf(rows int64) *domain.Ingested {
	p := preparing{size: proofRowSize}
	now := time.Now()
	ev := &domain.Ingested{ExtractTime: domain.Micros(now.UnixMicro())}
	sources := dorisPipelineConfig().Sources
	for left, next := rows, int64(0); left > 0; left, next = left-min(left, runRows), next+runRows {
		n := min(left, runRows)
		r := domain.Run{Source: sources[0].ID, Generation: 1, First: next, Next: next + n, Rows: n}
		for at := next; at < next+n; at += batchRows {
			r.Batches = append(r.Batches, p.batch(at, min(batchRows, next+n-at), now))
		}
		ev.Runs = append(ev.Runs, r)
	}
	return ev
}

// digestRows tallies the rows of a window, in order.
func digestRows() int64 {
	r := proof.Row{}
	for c, text := range map[int]string{
		proof.City: "320100", proof.CityPartition: "0", proof.CityTime: "2026-11-26 02:00:00.123", proof.HubPartition: "17",
		proof.HubTime: "2026-11-26 02:00:00.500", proof.ExtractTime: "2026-11-26 02:00:00.400123", proof.Record: string(appendRow(nil, time.Now(), 1, proofRowSize)),
	} {
		r.Text[c] = text
	}
	tally := proof.Tally{Mask: proof.All}
	for r.Offset = range int64(domain.WindowSize) {
		if r.Offset%64 == 0 { // the text of an offset is made by whoever reads the row, not here
			r.Text[proof.CityOffset] = strconv.FormatInt(1<<20+r.Offset, 10)
			r.Text[proof.HubOffset] = r.Text[proof.CityOffset]
		}
		tally.Add(&r)
	}
	return tally.Vector().Rows
}
