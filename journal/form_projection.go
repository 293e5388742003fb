package journal

import "github.com/hefu-io/hefu/domain"

func (e *enc) trail(t domain.Trail) {
	e.seq(t.Begun)
	e.seq(t.Prepared)
	e.seq(t.Outcome)
	e.seq(t.Commit)
}

func (d *dec) trail() domain.Trail {
	return domain.Trail{Begun: d.seq(), Prepared: d.seq(), Outcome: d.seq(), Commit: d.seq()}
}

func (e *enc) exclusions(list []domain.Exclusion) {
	each(e, list, func(x *domain.Exclusion) {
		e.seq(x.Ingest)
		e.n(x.Run)
		e.i(x.Ordinal)
		e.i(x.Count)
		e.i(x.Offset)
		e.str(x.Reason)
		e.hash(x.Digest)
		e.str(x.Detail)
	})
}

func (d *dec) exclusions() []domain.Exclusion {
	return list(d, 39, func() domain.Exclusion {
		return domain.Exclusion{
			Ingest: d.seq(), Run: d.int(), Ordinal: d.i(), Count: d.i(), Offset: d.i(), Reason: d.str(), Digest: d.hash(), Detail: d.str(),
		}
	})
}

func (e *enc) hubRuns(list []domain.HubRun) {
	each(e, list, func(r *domain.HubRun) {
		e.seq(r.Ingest)
		e.n(r.Run)
		e.i(r.First)
		e.i(r.N)
		e.i(int64(r.Partition))
		e.i(r.Offset)
	})
}

func (d *dec) hubRuns() []domain.HubRun {
	return list(d, 6, func() domain.HubRun {
		return domain.HubRun{Ingest: d.seq(), Run: d.int(), First: d.i(), N: d.i(), Partition: d.i32(), Offset: d.i()}
	})
}

func (d *dec) finder() domain.Finder {
	if b := d.take(1); len(b) == 1 {
		return domain.Finder(b[0])
	}
	return 0
}

func (e *enc) hub(ev domain.Event) {
	switch ev := ev.(type) {
	case *domain.HubBegun:
		e.seq(ev.Incarnation)
		e.trail(ev.Trail)
		e.seq(ev.Config)
		e.ref(ev.First)
		e.ref(ev.Last)
		e.micros(ev.Time)
		e.str(string(ev.Semantic))
		e.exclusions(ev.Excluded)
	case *domain.HubCommitted:
		e.seq(ev.Incarnation)
		e.trail(ev.Trail)
		e.ref(ev.Begun)
		e.ref(ev.Cursor)
		e.hubRuns(ev.Runs)
		e.micros(ev.Time)
		e.i(ev.ProgressOffset)
		e.i(ev.Rows)
		e.i(ev.Bytes)
		e.exclusions(ev.Excluded)
		e.b = append(e.b, byte(ev.FoundBy))
		e.id(ev.Incident)
	case *domain.HubAborted:
		e.seq(ev.Incarnation)
		e.trail(ev.Trail)
		e.ref(ev.Begun)
		e.str(ev.Why)
		e.b = append(e.b, byte(ev.FoundBy))
		e.id(ev.Incident)
	}
}

func (d *dec) hub(kind domain.Kind) domain.Event {
	switch kind {
	case domain.KindHubBegun:
		return &domain.HubBegun{
			Owned: d.owned(), Trail: d.trail(), Config: d.seq(), First: d.ref(), Last: d.ref(), Time: d.micros(),
			Semantic: domain.Semantic(d.str()), Excluded: d.exclusions(),
		}
	case domain.KindHubCommitted:
		return &domain.HubCommitted{
			Owned: d.owned(), Trail: d.trail(), Begun: d.ref(), Cursor: d.ref(), Runs: d.hubRuns(), Time: d.micros(),
			ProgressOffset: d.i(), Rows: d.i(), Bytes: d.i(), Excluded: d.exclusions(), FoundBy: d.finder(), Incident: d.id(),
		}
	default:
		return &domain.HubAborted{
			Owned: d.owned(), Trail: d.trail(), Begun: d.ref(), Why: d.str(), FoundBy: d.finder(), Incident: d.id(),
		}
	}
}

func (e *enc) doris(ev domain.Event) {
	switch ev := ev.(type) {
	case *domain.DorisBegun:
		e.seq(ev.Incarnation)
		e.trail(ev.Trail)
		e.seq(ev.Config)
		e.ref(ev.First)
		e.ref(ev.Last)
		e.micros(ev.Time)
		e.str(ev.Table)
		e.str(string(ev.Semantic))
		e.probe(ev.Probe)
		each(e, ev.Ends, func(h *domain.HubEnd) { e.i(int64(h.Partition)); e.i(h.Next) })
		e.exclusions(ev.Excluded)
	case *domain.DorisPrepared:
		e.seq(ev.Incarnation)
		e.trail(ev.Trail)
		e.ref(ev.Begun)
		e.str(ev.Label)
		e.i(ev.Txn)
		e.str(ev.Backend)
		e.i(ev.Rows)
		e.i(ev.Bytes)
	case *domain.DorisCommitted:
		e.seq(ev.Incarnation)
		e.trail(ev.Trail)
		e.ref(ev.Begun)
		e.ref(ev.Cursor)
		e.i(ev.Txn)
		e.str(ev.How)
		e.i(ev.Rows)
		e.micros(ev.Visible)
		e.b = append(e.b, byte(ev.FoundBy))
		e.id(ev.Incident)
	case *domain.DorisAborted:
		e.seq(ev.Incarnation)
		e.trail(ev.Trail)
		e.ref(ev.Begun)
		e.str(ev.Why)
		e.b = append(e.b, byte(ev.FoundBy))
		e.id(ev.Incident)
	}
}

func (d *dec) doris(kind domain.Kind) domain.Event {
	switch kind {
	case domain.KindDorisBegun:
		return &domain.DorisBegun{
			Owned: d.owned(), Trail: d.trail(), Config: d.seq(), First: d.ref(), Last: d.ref(), Time: d.micros(),
			Table: d.str(), Semantic: domain.Semantic(d.str()), Probe: d.probe(), Ends: list(d, 2, func() domain.HubEnd { return domain.HubEnd{Partition: d.i32(), Next: d.i()} }),
			Excluded: d.exclusions(),
		}
	case domain.KindDorisPrepared:
		return &domain.DorisPrepared{
			Owned: d.owned(), Trail: d.trail(), Begun: d.ref(), Label: d.str(), Txn: d.i(), Backend: d.str(), Rows: d.i(), Bytes: d.i(),
		}
	case domain.KindDorisCommitted:
		return &domain.DorisCommitted{
			Owned: d.owned(), Trail: d.trail(), Begun: d.ref(), Cursor: d.ref(), Txn: d.i(), How: d.str(), Rows: d.i(),
			Visible: d.micros(), FoundBy: d.finder(), Incident: d.id(),
		}
	default:
		return &domain.DorisAborted{
			Owned: d.owned(), Trail: d.trail(), Begun: d.ref(), Why: d.str(), FoundBy: d.finder(), Incident: d.id(),
		}
	}
}

// probe is none, or one with its two ends.
func (e *enc) probe(p *domain.DorisProbe) {
	if p == nil {
		e.bool(false)
		return
	}
	e.bool(true)
	e.i(p.First)
	e.i(p.Next)
}

func (d *dec) probe() *domain.DorisProbe {
	if !d.bool() {
		return nil
	}
	return &domain.DorisProbe{First: d.i(), Next: d.i()}
}
