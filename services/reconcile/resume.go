package reconcile

import (
	"context"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/report"
)

// Resume tells a Prover that did not look yet what others said of windows (Said). What was
// verified stays it, also when the hub has thrown its rows away since; it is not scanned again,
// and a row that was altered there is not seen. A row that comes to it is.
func (p *Prover) Resume(said map[domain.Window]domain.WindowResult) { p.said = said }

// Said is what control says of each window: its newest domain.Reconciled.
func Said(ctx context.Context, j *journal.Journal) (map[domain.Window]domain.WindowResult, error) {
	control := domain.ControlStream(j.Pipeline())
	tail, err := j.Tail(ctx, control)
	if err != nil {
		return nil, err
	}
	events, err := j.Read(ctx, control, domain.Cursor{})
	if err != nil {
		return nil, err
	}
	defer events.Close()
	said := map[domain.Window]domain.WindowResult{}
	for seq := domain.Seq(0); seq < tail.Seq; seq++ {
		e, err := events.Next(ctx)
		if err != nil {
			return nil, err
		}
		if r, is := e.Event.(*domain.Reconciled); is {
			for _, w := range r.Windows {
				said[w.Window] = w
			}
		}
	}
	return said, nil
}

// resume decides where the scan of a lane begins: with the first event that has rows of a
// window that is not verified.
func (p *Prover) resume(ctx context.Context, l *lane) error {
	if len(p.said) == 0 {
		return nil
	}
	cut := p.firstCut(l)
	for id, r := range p.said {
		if r.State == domain.WindowVerified && !p.isCut(l, id, cut) {
			p.resumeWindow(l, r, id)
		}
	}
	for h := range l.ends.HubSpans {
		of := p.hubs[h]
		for of.next < of.end && p.over(domain.Window{Proof: domain.ProofHubDoris, Partition: h, Index: of.next / domain.WindowSize}) {
			of.next = (of.next/domain.WindowSize + 1) * domain.WindowSize
		}
	}
	first, leg, end := domain.Seq(0), domain.LegHub, l.to.Hub.Seq
	if p.direct() {
		leg, end = domain.LegIngest, l.to.Ingest.Seq
	}
	for _, of := range []domain.Proof{domain.ProofCityHub, domain.ProofHubDoris} {
		for _, b := range l.books.Windows(of) {
			switch {
			case p.over(b.Window):
			case p.direct():
				first = sooner(first, b.Ingest.First)
			default:
				first = sooner(first, b.Commits.First)
			}
		}
	}
	if first == 0 { // all there is is verified
		first = end + 1
	}
	return p.scanFrom(ctx, l, leg, first)
}

// over reports whether no row of a window has to be scanned. The windows of a hub that is the
// end of the way are compared with nothing: those before the last one are.
func (p *Prover) over(id domain.Window) bool {
	if id.Proof == domain.ProofCityHub {
		return p.rows[id] != nil && p.rows[id].resumed
	}
	if p.table == nil {
		return id.Span().Next < min(p.hubs[id.Partition].end, p.readable(id.Partition))
	}
	return p.loads[id] != nil && p.loads[id].resumed
}

// resumeWindow takes a window that was verified as such, if it is of a lane.
func (p *Prover) resumeWindow(l *lane, r domain.WindowResult, id domain.Window) {
	n := p.parts[domain.PartitionKey{Source: id.Source, Generation: id.Generation, Partition: id.Partition}]
	_, ours := l.ends.HubSpans[id.Partition]
	var w *window
	switch {
	case id.Proof == domain.ProofCityHub && n != nil && n.lane == l:
		w = windowOf(p.rows, id, n.scope, n.mask)
	case id.Proof == domain.ProofHubDoris && ours && p.table != nil:
		w = p.loadWindow(id.Partition, id.Span().First)
	case id.Proof == report.CityJournal && n != nil && n.lane == l:
		id.Proof = domain.ProofCityHub
		in := domain.Span{First: max(id.Span().First, n.scope.First), Next: r.Through}
		p.again = append(p.again, &origin.Again{Range: proof.Range{Window: id, Span: in}, Compared: in, State: r.State, City: r.Left, Journal: r.Right})
		return
	default:
		return
	}
	w.life, w.resumed, w.forgotten = proof.Resume(r), true, true
}

// recall finds again where the hub has the rows of a window that was verified and is looked at
// once more: the journal says it.
func (p *Prover) recall(ctx context.Context, w *window) error {
	if !w.forgotten {
		return nil
	}
	n := p.partOf(w)
	b := n.lane.books.Window(w.life.Window)
	if b == nil || b.Commits.First == 0 {
		return nil
	}
	from, err := p.before(ctx, n.lane, domain.LegHub, b.Commits.First)
	if err != nil {
		return err
	}
	err = p.in.NewScan(n.lane.shard, from, nil).Next(ctx, origin.Cursors{Hub: domain.Cursor{Seq: b.Commits.Last}}, func(e *origin.Expected) error {
		if e.Excluded == "" && p.parts[domain.PartitionKey{Source: e.Source, Generation: e.Generation, Partition: e.City.Partition}] == n &&
			n.window(e.City.Offset) == w.life.Window {
			w.expect(e.Hub, e.City.Offset)
		}
		return nil
	})
	w.forgotten = err != nil
	if err != nil {
		w.runs = nil
	}
	return err
}

// mark is how far a lane's streams were scanned, and where the hub ended then.
type mark struct {
	ingest, hub domain.Ref
	ends        map[int32]domain.Span
}

// reached reports whether the table has, and was compared, what lies before the ends.
func (p *Prover) reached(m *mark) bool {
	for h, in := range m.ends {
		if p.table != nil && p.hubs[h].table < in.Next {
			return false
		}
	}
	return true
}

// through is how far the streams were compared as far as their rows go: all of them up to here,
// and nothing of it differs without being named. It is asked once after a look.
func (p *Prover) through() []domain.Ref {
	var out []domain.Ref
	for _, l := range p.lanes {
		if p.unreadOf(l) > 0 {
			continue // the journal alone has them
		}
		now, old := &mark{ingest: l.scan.At().Ingest, hub: l.to.Hub, ends: l.ends.HubSpans}, l.mark
		l.mark = nil
		switch {
		case p.reached(now):
		case old == nil: // said when the rows that are under way now have come
			l.mark = now
			continue
		case p.reached(old):
			now, l.mark = old, now
		default:
			l.mark = old
			continue
		}
		for _, r := range []domain.Ref{now.ingest, now.hub, l.to.Doris} {
			if !r.IsZero() && !r.Hash.IsZero() {
				out = append(out, r)
			}
		}
	}
	return out
}
