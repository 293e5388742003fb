package journal

import "github.com/hefu-io/hefu/domain"

func (e *enc) rebased(ev *domain.Rebased) {
	e.hash(ev.Digest)
	e.id(ev.Old)
	each(e, ev.Known, func(r *domain.Ref) { e.ref(*r) })
	each(e, ev.Evidence, func(f *domain.Fact) { e.str(f.Key); e.str(f.Value) })
	each(e, ev.Positions, func(p *domain.RebasedPosition) {
		e.str(string(p.Source))
		e.u(uint64(p.Generation))
		e.i(int64(p.Partition))
		e.i(p.Next)
		e.str(p.How)
	})
	each(e, ev.Hub, func(h *domain.RebasedHub) {
		e.i(int64(h.Partition))
		e.i(h.Span.First)
		e.i(h.Span.Next)
		e.i(h.Rows)
		e.i(h.InTable)
	})
	each(e, ev.Unproven, func(u *domain.Unproven) {
		e.str(u.What)
		e.str(u.Where)
		e.i(u.Count)
		each(e, u.Spans, func(s *domain.Span) { e.i(s.First); e.i(s.Next) })
	})
	e.str(ev.Who)
	e.str(ev.Why)
}

func (d *dec) rebased() *domain.Rebased {
	return &domain.Rebased{
		Digest: d.hash(), Old: d.id(), Known: list(d, 34, d.ref),
		Evidence: list(d, 2, func() domain.Fact { return domain.Fact{Key: d.str(), Value: d.str()} }),
		Positions: list(d, 5, func() domain.RebasedPosition {
			return domain.RebasedPosition{
				Source: domain.SourceID(d.str()), Generation: domain.Generation(d.u32()), Partition: d.i32(), Next: d.i(), How: d.str(),
			}
		}),
		Hub: list(d, 5, func() domain.RebasedHub {
			return domain.RebasedHub{Partition: d.i32(), Span: d.span(), Rows: d.i(), InTable: d.i()}
		}),
		Unproven: list(d, 4, func() domain.Unproven {
			return domain.Unproven{What: d.str(), Where: d.str(), Count: d.i(), Spans: list(d, 2, d.span)}
		}),
		Who: d.str(), Why: d.str(),
	}
}

func (d *dec) span() domain.Span { return domain.Span{First: d.i(), Next: d.i()} }
