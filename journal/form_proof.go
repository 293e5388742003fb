package journal

import "github.com/hefu-io/hefu/domain"

func (e *enc) proof(ev domain.Event) {
	switch ev := ev.(type) {
	case *domain.Checkpoint:
		e.seq(ev.Incarnation)
		e.str(ev.Key)
		each(e, ev.Heads, func(h *domain.TreeHead) { e.ref(h.Ref); e.hash(h.Root); e.str(h.Note) })
	case *domain.Archived:
		e.ref(ev.Last)
		e.seq(ev.First)
		e.str(ev.File)
		e.i(ev.Bytes)
		e.hash(ev.Digest)
	case *domain.Dropped:
		e.str(streamName(ev.Stream))
		e.seq(ev.First)
		e.seq(ev.Last)
	case *domain.Reconciled:
		e.seq(ev.Incarnation)
		e.micros(ev.Began)
		e.micros(ev.Done)
		e.str(ev.Depth)
		each(e, ev.Through, func(r *domain.Ref) { e.ref(*r) })
		each(e, ev.Windows, e.windowResult)
		each(e, ev.Findings, e.finding)
		e.hash(ev.Report)
	case *domain.Accepted:
		e.id(ev.Finding)
		e.str(ev.Who)
		e.str(ev.Why)
	}
}

func (d *dec) proof(kind domain.Kind) domain.Event {
	switch kind {
	case domain.KindCheckpoint:
		return &domain.Checkpoint{
			Incarnation: d.seq(), Key: d.str(),
			Heads: list(d, 66, func() domain.TreeHead { return domain.TreeHead{Ref: d.ref(), Root: d.hash(), Note: d.str()} }),
		}
	case domain.KindArchived:
		return &domain.Archived{Last: d.ref(), First: d.seq(), File: d.str(), Bytes: d.i(), Digest: d.hash()}
	case domain.KindDropped:
		return &domain.Dropped{Stream: d.ofStream(), First: d.seq(), Last: d.seq()}
	case domain.KindReconciled:
		return &domain.Reconciled{
			Incarnation: d.seq(), Began: d.micros(), Done: d.micros(), Depth: d.str(), Through: list(d, 34, d.ref),
			Windows: list(d, 20, d.windowResult), Findings: list(d, 13, d.finding), Report: d.hash(),
		}
	default:
		return &domain.Accepted{Finding: d.id(), Who: d.str(), Why: d.str()}
	}
}

func (e *enc) windowResult(w *domain.WindowResult) {
	e.str(string(w.Window.Proof))
	e.str(string(w.Window.Source))
	e.u(uint64(w.Window.Generation))
	e.i(int64(w.Window.Partition))
	e.i(w.Window.Index)
	e.str(string(w.State))
	e.i(w.Through)
	e.vector(&w.Left)
	e.vector(&w.Right)
	e.str(w.Why)
}

func (d *dec) windowResult() domain.WindowResult {
	return domain.WindowResult{
		Window: domain.Window{
			Proof: domain.Proof(d.str()), Source: domain.SourceID(d.str()), Generation: domain.Generation(d.u32()), Partition: d.i32(), Index: d.i(),
		},
		State: domain.WindowState(d.str()), Through: d.i(), Left: d.vector(), Right: d.vector(), Why: d.str(),
	}
}

func (e *enc) vector(v *domain.Vector) {
	e.i(v.Rows)
	e.i(v.Distinct)
	e.i(v.Min)
	e.i(v.Max)
	e.sum(v.Offsets)
	e.sum(v.Digest)
	e.u(v.Xor)
}

func (d *dec) vector() domain.Vector {
	return domain.Vector{Rows: d.i(), Distinct: d.i(), Min: d.i(), Max: d.i(), Offsets: d.sum(), Digest: d.sum(), Xor: d.u()}
}

func (e *enc) sum(s domain.Sum) { e.i(s.Hi); e.u(s.Lo) }

func (d *dec) sum() domain.Sum { return domain.Sum{Hi: d.i(), Lo: d.u()} }

func (e *enc) finding(f *domain.Finding) {
	e.str(string(f.Class))
	e.str(f.Where)
	e.str(string(f.Source))
	e.u(uint64(f.Generation))
	e.str(string(f.City))
	for _, c := range []domain.Coord{f.Row.City, f.Row.Hub} {
		e.i(int64(c.Partition))
		e.i(c.Offset)
		e.i(c.Timestamp)
	}
	e.str(f.Column)
	e.str(f.Detail)
}

func (d *dec) finding() domain.Finding {
	coord := func() domain.Coord { return domain.Coord{Partition: d.i32(), Offset: d.i(), Timestamp: d.i()} }
	return domain.Finding{
		Class: domain.Class(d.str()), Where: d.str(), Source: domain.SourceID(d.str()), Generation: domain.Generation(d.u32()), City: domain.City(d.str()),
		Row: domain.Lineage{City: coord(), Hub: coord()}, Column: d.str(), Detail: d.str(),
	}
}

// ofStream reads the name of a stream.
func (d *dec) ofStream() domain.Stream {
	name := d.str()
	if name == "" {
		return domain.Stream{}
	}
	s, err := domain.ParseStream(name)
	if err != nil {
		d.fail(err)
	}
	return s
}

func (e *enc) lineage(ev domain.Event) {
	switch ev := ev.(type) {
	case *domain.LineageBegun:
		e.seq(ev.Incarnation)
		e.trail(ev.Trail)
		e.ref(ev.First)
		e.ref(ev.Last)
		e.i(ev.Rows)
		e.sum(ev.Digest)
		e.i(ev.Block)
	case *domain.LineageCommitted:
		e.seq(ev.Incarnation)
		e.trail(ev.Trail)
		e.ref(ev.Begun)
		e.ref(ev.Cursor)
		e.i(ev.Rows)
		e.str(ev.How)
	}
}

func (d *dec) lineage(kind domain.Kind) domain.Event {
	if kind == domain.KindLineageBegun {
		return &domain.LineageBegun{Owned: d.owned(), Trail: d.trail(), First: d.ref(), Last: d.ref(), Rows: d.i(), Digest: d.sum(), Block: d.i()}
	}
	return &domain.LineageCommitted{Owned: d.owned(), Trail: d.trail(), Begun: d.ref(), Cursor: d.ref(), Rows: d.i(), How: d.str()}
}
