package target

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// HubWitness is the hub's side of the proof hub ↔ Doris: its windows are of hub offsets, and
// each question is a scan of its range. A range that the log does not have any more is ErrGone,
// one that is not committed a *ShortError.
type HubWitness struct{ hub *Hub }

// Witness is the hub as a side of the proof hub ↔ Doris.
func (h *Hub) Witness() *HubWitness { return &HubWitness{h} }

// Name is "hub".
func (w *HubWitness) Name() string { return "hub" }

// Vectors scans a range.
func (w *HubWitness) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	p := newParts(step, mask, true)
	err := w.hub.each(ctx, in.Partition, in.Span, func(r *HubRow) error { p.add(&r.Row); return nil })
	return p.vectors(), err
}

// Rows scans a range. A row that is none of the hub's format has the hub's columns only.
func (w *HubWitness) Rows(ctx context.Context, in proof.Range, each func(proof.Row) error) error {
	return w.hub.each(ctx, in.Partition, in.Span, func(r *HubRow) error { return each(r.Row) })
}

// each scans a range of one partition, all of which must be there.
func (h *Hub) each(ctx context.Context, partition int32, in domain.Span, do func(*HubRow) error) error {
	gone, err := h.Scan(ctx, map[int32]int64{partition: in.First}, map[int32]int64{partition: in.Next}, do)
	if missing := gone[partition]; err == nil && len(missing) > 0 {
		return fmt.Errorf("hub %s/%d %s: %w", h.name(), partition, missing[0], ErrGone)
	}
	return err
}

// Places is where the hub has the rows of a range of city offsets, if it has them.
type Places struct {
	City  domain.City            // the code in them
	Spans map[int32]domain.Spans // hub offsets by hub partition
	// Of says which offset of the city's partition the row of the hub at a place is, where the
	// hub's rows do not say it themselves, and false for a row of another partition; nil: they
	// do, and whatever has the city's code and partition in these spans is counted.
	Of func(hub domain.Coord) (offset int64, ours bool)
}

// CityWitness is the hub's side of the proof city ↔ hub: its windows are of city offsets, and
// each question scans the places of the hub where the rows of its range may be.
type CityWitness struct {
	hub    *Hub
	places func(context.Context, proof.Range) (Places, error)
}

// CityWitness is the hub as a side of the proof city ↔ hub. places says where the rows of a
// range lie: whatever of the city lies there is counted, so that a copy is found in those
// spans only.
func (h *Hub) CityWitness(places func(context.Context, proof.Range) (Places, error)) *CityWitness {
	return &CityWitness{h, places}
}

// Name is "hub".
func (w *CityWitness) Name() string { return "hub" }

// Vectors scans the places of a range.
func (w *CityWitness) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	p := newParts(step, mask, false)
	err := w.each(ctx, in, func(r *proof.Row) error { p.add(r); return nil })
	return p.vectors(), err
}

// Rows scans the places of a range, in the order of the hub.
func (w *CityWitness) Rows(ctx context.Context, in proof.Range, each func(proof.Row) error) error {
	return w.each(ctx, in, func(r *proof.Row) error { return each(*r) })
}

func (w *CityWitness) each(ctx context.Context, in proof.Range, do func(*proof.Row) error) error {
	at, err := w.places(ctx, in)
	if err != nil {
		return fmt.Errorf("where the hub has %s: %w", in, err)
	}
	for _, p := range sorted(at.Spans) {
		for _, span := range at.Spans[p] {
			err := w.hub.each(ctx, p, span, func(r *HubRow) error {
				if offset, ours := at.offset(in, r); ours && offset >= in.First && offset < in.Next {
					r.Offset, r.Generation = offset, in.Generation
					return do(&r.Row)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// offset is which city offset a row of the hub is of, if it is of the range's partition.
func (p *Places) offset(in proof.Range, r *HubRow) (int64, bool) {
	if p.Of != nil {
		return p.Of(r.Hub)
	}
	return r.CityOffset, !r.Unplaced && r.City == p.City && r.CityPartition == int64(in.Partition)
}
