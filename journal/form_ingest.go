package journal

import (
	"fmt"

	"github.com/hefu-io/hefu/domain"
)

func (d *dec) owned() domain.Owned { return domain.Owned{Incarnation: d.seq()} }

func (e *enc) positions(list []domain.Position) {
	each(e, list, func(p *domain.Position) {
		e.str(string(p.Source))
		e.u(uint64(p.Generation))
		e.i(int64(p.Partition))
		e.i(p.Next)
		e.i(int64(p.LeaderEpoch))
		e.i(p.LastBase)
		e.u(uint64(p.LastCRC))
		e.seq(p.LastSeq)
		e.id(p.TopicID)
		e.bool(p.Bounded)
		e.i(p.Stop)
		e.bool(p.Closed)
	})
}

func (d *dec) positions() []domain.Position {
	return list(d, 27, func() domain.Position {
		return domain.Position{
			Source: domain.SourceID(d.str()), Generation: domain.Generation(d.u32()), Partition: d.i32(),
			Next: d.i(), LeaderEpoch: d.i32(), LastBase: d.i(), LastCRC: d.u32(), LastSeq: d.seq(), TopicID: d.id(),
			Bounded: d.bool(), Stop: d.i(), Closed: d.bool(),
		}
	})
}

func (e *enc) gaps(list []domain.Gap) {
	each(e, list, func(g *domain.Gap) {
		e.i(g.Span.First)
		e.i(g.Span.Next)
		e.b = append(e.b, byte(g.Reason))
	})
}

func (d *dec) gap() domain.Gap {
	g := domain.Gap{Span: domain.Span{First: d.i(), Next: d.i()}}
	if b := d.take(1); len(b) == 1 {
		g.Reason = domain.Reason(b[0])
	}
	if d.err == nil && !g.Reason.Valid() {
		d.fail(fmt.Errorf("gap %s with unknown reason %d", g.Span, g.Reason))
	}
	return g
}

func (e *enc) ingest(ev domain.Event) (sections [][]byte) {
	switch ev := ev.(type) {
	case *domain.SourceOpened:
		e.seq(ev.Incarnation)
		e.str(string(ev.Source))
		e.u(uint64(ev.Generation))
		e.str(ev.ClusterID)
		e.str(ev.Topic)
		e.id(ev.TopicID)
		e.str(ev.StartPolicy)
		e.str(ev.StopPolicy)
		e.seq(ev.Config)
		each(e, ev.Starts, func(s *domain.Start) {
			e.i(int64(s.Partition))
			e.i(s.LogStart)
			e.i(s.First)
			e.str(s.How)
			e.bool(s.Bounded)
			e.i(s.Stop)
			e.str(s.StopHow)
		})
		e.id(ev.Incident)
		e.positions(ev.Positions)
	case *domain.SourceClosed:
		e.seq(ev.Incarnation)
		e.str(string(ev.Source))
		e.str(ev.Why)
		e.positions(ev.Positions)
	case *domain.Ingested:
		e.seq(ev.Incarnation)
		e.micros(ev.ExtractTime)
		each(e, ev.Runs, func(r *domain.Run) {
			e.str(string(r.Source))
			e.u(uint64(r.Generation))
			e.i(int64(r.Partition))
			e.i(int64(r.LeaderEpoch))
			e.i(r.First)
			e.i(r.Next)
			e.i(r.Rows)
			e.gaps(r.Gaps)
			e.n(r.Size())
			sections = append(sections, r.Batches...)
		})
		e.id(ev.Incident)
		e.positions(ev.Positions)
	}
	return sections
}

func (d *dec) ingest(kind domain.Kind) domain.Event {
	switch kind {
	case domain.KindSourceOpened:
		return &domain.SourceOpened{
			Owned: d.owned(), Source: domain.SourceID(d.str()), Generation: domain.Generation(d.u32()),
			ClusterID: d.str(), Topic: d.str(), TopicID: d.id(), StartPolicy: d.str(), StopPolicy: d.str(), Config: d.seq(),
			Starts: list(d, 7, func() domain.Start {
				return domain.Start{
					Partition: d.i32(), LogStart: d.i(), First: d.i(), How: d.str(), Bounded: d.bool(), Stop: d.i(), StopHow: d.str(),
				}
			}),
			Incident: d.id(), Positions: d.positions(),
		}
	case domain.KindSourceClosed:
		return &domain.SourceClosed{Owned: d.owned(), Source: domain.SourceID(d.str()), Why: d.str(), Positions: d.positions()}
	default:
		return d.ingested()
	}
}

func (d *dec) ingested() *domain.Ingested {
	ev := &domain.Ingested{Owned: d.owned(), ExtractTime: d.micros()}
	var sizes []int
	ev.Runs = list(d, 9, func() domain.Run {
		r := domain.Run{
			Source: domain.SourceID(d.str()), Generation: domain.Generation(d.u32()), Partition: d.i32(),
			LeaderEpoch: d.i32(), First: d.i(), Next: d.i(), Rows: d.i(),
		}
		r.Gaps = list(d, 3, d.gap)
		sizes = append(sizes, d.int())
		return r
	})
	ev.Incident = d.id()
	ev.Positions = d.positions()
	for i := range ev.Runs {
		if section := d.take(sizes[i]); len(section) > 0 {
			ev.Runs[i].Batches = [][]byte{section}
		}
	}
	return ev
}
