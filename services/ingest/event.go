package ingest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// draft is what the next event of the stream is made of: its place, its time, and
// the position map before it.
type draft struct {
	owned     domain.Owned
	seq       domain.Seq
	time      domain.Micros
	positions []domain.Position
}

// ingested makes the event of some runs, in their order; runs of a partition that
// follow each other become one. Each run must begin where the position map says, or
// rows would be lost or doubled.
func (d draft) ingested(items []item) (*domain.Ingested, error) {
	ev := &domain.Ingested{Owned: d.owned, ExtractTime: d.time, Positions: slices.Clone(d.positions)}
	type place struct {
		source    domain.SourceID
		partition int32
	}
	open := make(map[place]int) // index of the partition's last run in ev.Runs
	for i := range items {
		r := &items[i].run
		p := positionOf(ev.Positions, r.Source, r.Partition)
		if p == nil || p.Generation != r.Generation || p.Next != r.First {
			return nil, fmt.Errorf("run %s/%d generation %d at %d does not follow position %+v", r.Source, r.Partition, r.Generation, r.First, p)
		}
		d.advance(p, r)
		at := place{r.Source, r.Partition}
		if j, ok := open[at]; ok && r.joins(&ev.Runs[j]) {
			extend(&ev.Runs[j], &r.Run)
			continue
		}
		open[at] = len(ev.Runs)
		ev.Runs = append(ev.Runs, r.Run)
	}
	return ev, nil
}

// advance moves a position over a run.
func (d draft) advance(p *domain.Position, r *run) {
	p.Next = r.Next
	if r.topicID != [16]byte{} {
		p.TopicID = r.topicID
	}
	if r.last.base >= 0 {
		p.LeaderEpoch, p.LastBase, p.LastCRC, p.LastSeq = r.LeaderEpoch, r.last.base, r.last.crc, d.seq
	}
}

func extend(to, by *domain.Run) {
	to.Next = by.Next
	to.Rows += by.Rows
	to.Batches = append(to.Batches, by.Batches...)
	gaps := by.Gaps
	if n := len(to.Gaps); n > 0 && len(gaps) > 0 {
		if last := &to.Gaps[n-1]; last.Reason == gaps[0].Reason && last.Span.Next == gaps[0].Span.First {
			last.Span.Next = gaps[0].Span.Next
			gaps = gaps[1:]
		}
	}
	to.Gaps = append(to.Gaps, gaps...)
}

// acceptedGap makes the event that passes over offsets as an operator decided.
func (d draft) acceptedGap(at domain.Position, gap domain.Gap, incident domain.IncidentID) *domain.Ingested {
	ev := &domain.Ingested{Owned: d.owned, ExtractTime: d.time, Incident: incident, Positions: slices.Clone(d.positions)}
	ev.Runs = []domain.Run{{
		Source: at.Source, Generation: at.Generation, Partition: at.Partition, LeaderEpoch: at.LeaderEpoch,
		First: gap.Span.First, Next: gap.Span.Next, Gaps: []domain.Gap{gap},
	}}
	if p := positionOf(ev.Positions, at.Source, at.Partition); p != nil {
		p.Next = gap.Span.Next
	}
	return ev
}

// opened completes a SourceOpened: its place, and the positions where its partitions
// begin.
func (d draft) opened(ev domain.SourceOpened) *domain.SourceOpened {
	ev.Owned = d.owned
	ev.Positions = slices.Clone(d.positions)
	for _, s := range ev.Starts {
		p := domain.Position{
			Source: ev.Source, Generation: ev.Generation, Partition: s.Partition,
			Next: s.First, LeaderEpoch: -1, LastBase: -1, TopicID: ev.TopicID, Bounded: s.Bounded, Stop: s.Stop,
		}
		i, found := searchPosition(ev.Positions, ev.Source, s.Partition)
		if found {
			ev.Positions[i] = p
			continue
		}
		ev.Positions = slices.Insert(ev.Positions, i, p)
	}
	return &ev
}

// searchPosition finds a partition in a position map, or where it belongs.
func searchPosition(list []domain.Position, source domain.SourceID, partition int32) (int, bool) {
	return slices.BinarySearchFunc(list, partition, func(p domain.Position, partition int32) int {
		return cmp.Or(cmp.Compare(p.Source, source), cmp.Compare(p.Partition, partition))
	})
}

// positionOf is a partition's place in a position map, nil for none.
func positionOf(list []domain.Position, source domain.SourceID, partition int32) *domain.Position {
	if i, found := searchPosition(list, source, partition); found {
		return &list[i]
	}
	return nil
}
