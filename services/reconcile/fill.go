package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/report"
)

// report is what was found, as a report has it. Who signs, what the journal's checkpoints were
// and who accepted which finding is added by whoever knows.
func (p *Prover) report(began time.Time) (*report.Report, error) {
	c, digest := p.in.Config()
	r := &report.Report{
		Version: report.Version, Began: began.UTC(), Done: time.Now().UTC(),
		Scope: report.Scope{
			Pipeline: p.p.Name, From: p.scope.From, To: p.scope.To, Depth: p.depth(), Sample: p.sample(), Timezone: c.Timezone,
			Columns: map[domain.Proof][]string{},
		},
		Software: report.Software{Config: digest},
		Evidence: slices.Clone(p.positions), Queries: slices.Clone(p.queries), More: p.found.more,
	}
	for _, s := range p.scope.Sources {
		r.Scope.Sources = append(r.Scope.Sources, string(s))
	}
	if !p.direct() {
		p.fillProof(r, domain.ProofCityHub)
	}
	if p.table != nil {
		p.fillProof(r, domain.ProofHubDoris)
	}
	p.fillSources(r)
	p.fillWindows(r)
	p.fillUnchecked(r)
	list := slices.Clone(p.found.list)
	inOrder(list)
	for i := range list {
		r.Findings = append(r.Findings, report.FindingOf(&list[i], nil))
	}
	sums := map[string]int64{}
	for o, n := range p.others {
		if n > 0 {
			sums[o.what] += n
		}
	}
	for _, what := range slices.Sorted(maps.Keys(sums)) {
		r.Others = append(r.Others, report.Count{What: what, Rows: sums[what]})
	}
	return r, nil
}

// sample is how many per cent of the cities' windows are read again.
func (p *Prover) sample() int {
	if p.scope.Deep {
		return 100
	}
	return p.scope.Sample
}

// depth is the word for how deep was looked.
func (p *Prover) depth() string {
	switch {
	case p.scope.Deep:
		return "deep"
	case p.table != nil && !p.table.Digests():
		return "content"
	default:
		return "lineage"
	}
}

func (p *Prover) fillProof(r *report.Report, of domain.Proof) {
	r.Scope.Proofs = append(r.Scope.Proofs, of)
	for i := range proof.Columns {
		if p.format.Mask().Has(i) {
			r.Scope.Columns[of] = append(r.Scope.Columns[of], proof.ColumnName(i))
		}
	}
}

// fillSources is the books.
func (p *Prover) fillSources(r *report.Report) {
	for _, l := range p.lanes {
		whiles := l.whiles()
		for _, a := range l.books.Accounts() {
			n := p.parts[a.PartitionKey]
			if n == nil || n.scope.Len() == 0 && (l.slice != nil || len(p.scope.Sources) > 0) {
				continue
			}
			switch {
			case n.scoped != nil:
				r.Sources = append(r.Sources, n.scoped.source(n))
				r.Gaps = append(r.Gaps, n.scoped.listed(n)...)
			case l.slice == nil:
				r.Sources = append(r.Sources, p.source(n, a, whiles[a.PartitionKey]))
			}
		}
		r.Outcomes = append(r.Outcomes, l.books.Outcomes()...)
	}
	if p.table == nil {
		return
	}
	rows := map[int32]int64{}
	for h, list := range byPartition(p.loads) {
		for _, w := range list {
			rows[h] += p.hubs[h].rowsOf(w)
		}
	}
	for _, h := range slices.Sorted(maps.Keys(p.hubs)) {
		r.Hub = append(r.Hub, report.HubPartition{Partition: h, First: p.hubs[h].first, Next: p.hubs[h].end, Rows: rows[h]})
	}
}

// rowsOf is how many rows of a window the table is to have in the end, or has though it does
// not have to: what was left out and was sent again by hand. It counts those too that the hub's
// log does not have any more.
func (of *hubLane) rowsOf(w *window) int64 {
	n := max(w.left.Vector().Rows, w.life.Left.Rows) + of.waiting.in(w, of.without) + of.unread[w.life.Window.Index]
	for _, s := range w.gone {
		n += s.Len() - of.without.Within(s).Len()
	}
	return n
}

// while is when the first and the last row of a part were taken.
type while struct{ from, to *time.Time }

// whiles are those of the parts of a lane.
func (l *lane) whiles() map[domain.PartitionKey]while {
	out := map[domain.PartitionKey]while{}
	for _, b := range l.books.Windows(domain.ProofCityHub) {
		if b.Rows > 0 {
			key := domain.PartitionKey{Source: b.Source, Generation: b.Generation, Partition: b.Partition}
			out[key] = while{earlier(out[key].from, b.From), later(out[key].to, b.To)}
		}
	}
	return out
}

// source is the books of one part.
func (p *Prover) source(n *part, a *domain.Account, in while) report.Source {
	s := report.Source{
		Source: string(n.Source), City: string(n.city), Generation: n.Generation, Partition: n.Partition, First: n.scope.First, Next: n.scope.Next,
		Rows: a.Rows, Gaps: map[string]int64{}, InHub: a.Hub, ExcludedHub: a.HubExcluded, InDoris: a.Doris, ExcludedDoris: a.DorisExcluded,
	}
	for reason, offsets := range a.Gaps {
		if reason != domain.ReasonStartPolicy {
			s.Gaps[reason.String()] = offsets
		}
	}
	s.Pending = s.Rows - s.InHub - s.ExcludedHub
	s.PendingDoris = s.InHub - s.InDoris - s.ExcludedDoris
	again := p.sentAgain(n) // into the table, by hand
	s.InDoris, s.ExcludedDoris = s.InDoris+again, s.ExcludedDoris-again
	s.FromTime, s.ToTime = in.from, in.to
	return s
}

func earlier(t *time.Time, m domain.Micros) *time.Time {
	if at := time.UnixMicro(int64(m)).UTC(); t == nil || at.Before(*t) {
		return &at
	}
	return t
}

func later(t *time.Time, m domain.Micros) *time.Time {
	if at := time.UnixMicro(int64(m)).UTC(); t == nil || at.After(*t) {
		return &at
	}
	return t
}

// fillWindows is every window of the scope with what both places said.
func (p *Prover) fillWindows(r *report.Report) {
	for _, l := range p.lanes {
		for _, b := range l.books.Windows(domain.ProofCityHub) {
			n := p.parts[domain.PartitionKey{Source: b.Source, Generation: b.Generation, Partition: b.Partition}]
			if n == nil || n.scope.Len() == 0 {
				continue
			}
			if n.scoped == nil && l.slice != nil {
				continue
			}
			rows := b.Rows - b.Excluded
			if n.scoped == nil {
				r.Gaps = append(r.Gaps, b.ReportGaps()...)
			} else {
				rows = n.scoped.windows[b.Index] - n.excluded.Within(domain.Span{First: max(n.scope.First, b.Span().First), Next: min(n.scope.Next, b.Span().Next)}).Len()
			}
			w := windowOf(p.rows, b.Window, n.scope, n.mask)
			if w.scope.Len() == 0 {
				continue
			}
			out := result(w, domain.ProofCityHub, rows)
			out.FromTime, out.ToTime = timesOf(b)
			r.Windows = append(r.Windows, out)
		}
	}
	if p.direct() && p.scope.From == nil && p.scope.To == nil { // a while lists its own
		p.fillDirectGaps(r)
	}
	if p.table != nil {
		for _, w := range sorted(p.loads) {
			r.Windows = append(r.Windows, result(w, domain.ProofHubDoris, p.hubs[w.life.Window.Partition].rowsOf(w)))
		}
	}
	for _, a := range p.again {
		r.Windows = append(r.Windows, readAgainOf(a))
		if a.Evidence.Cluster != "" || a.Evidence.Topic != "" {
			r.Evidence = append(r.Evidence, a.Evidence)
		}
	}
}

// fillDirectGaps is the offsets without a row of a hub topic that is the source itself.
func (p *Prover) fillDirectGaps(r *report.Report) {
	for _, l := range p.lanes {
		r.Gaps = append(r.Gaps, l.books.FormerGaps()...)
		for _, b := range l.books.Windows(domain.ProofHubDoris) {
			for _, g := range b.ReportGaps() {
				for _, a := range l.books.Accounts() {
					if n := p.parts[a.PartitionKey]; n != nil && !n.former && a.Partition == g.Partition && g.First >= a.First && g.First < a.Next {
						g.Source, g.Generation = string(a.Source), a.Generation
						r.Gaps = append(r.Gaps, g)
						break
					}
				}
			}
		}
	}
}

func timesOf(b *origin.WindowBook) (from, to *time.Time) {
	if b.Rows == 0 {
		return nil, nil
	}
	return earlier(nil, b.From), later(nil, b.To)
}

// result is a window with what both places said of it. One that is compared to the end of the
// scope is verified, though more rows may come to it.
func result(w *window, of domain.Proof, rows int64) report.Window {
	left, right := report.Places(of)
	l := &w.life
	out := report.Window{
		WindowID: report.WindowID(l.Window), State: l.State, First: w.scope.First, Through: max(w.scope.First, l.Through), Rows: rows, Why: l.Why,
		Witnesses: []report.Witnessed{{Witness: left, Vector: report.Vector(l.Left)}, {Witness: right, Vector: report.Vector(l.Right)}},
	}
	if !w.unverifiable() {
		out.Pending = max(0, rows-l.Left.Rows)
	}
	if l.State == domain.WindowOpen && out.Through == w.scope.Next && out.Pending == 0 && proof.Equal(l.Left, l.Right) {
		out.State = domain.WindowVerified
	}
	return out
}

// readAgainOf is a window of a city that was read again.
func readAgainOf(a *origin.Again) report.Window {
	id := a.Range.Window
	id.Proof = report.CityJournal
	return report.Window{
		WindowID: report.WindowID(id), State: a.State, First: a.Compared.First, Through: a.Compared.Next, Rows: a.City.Rows, Why: a.Why,
		Witnesses: []report.Witnessed{{Witness: "city", Vector: report.Vector(a.City)}, {Witness: "journal", Vector: report.Vector(a.Journal)}},
	}
}

// fillUnread lists cities that were to be read again and were not.
func (p *Prover) fillUnread(r *report.Report) {
	if !p.scope.Deep {
		return // it is a sample, of what can be read
	}
	for _, c := range p.in.Cities(p.p) {
		u := report.Unchecked{Source: string(c.Source), City: string(c.City), Where: "city", Why: cmp.Or(c.Unread, p.silent[c.Source])}
		for i := range r.Sources {
			if r.Sources[i].Source == u.Source {
				u.Rows += r.Sources[i].Rows
			}
		}
		if u.Why != "" && u.Rows > 0 {
			r.Unchecked = append(r.Unchecked, u)
		}
	}
}

// fillUnchecked lists what could not be compared, where there are rows of it.
func (p *Prover) fillUnchecked(r *report.Report) {
	keys := slices.SortedFunc(maps.Values(p.parts), func(a, b *part) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Partition, b.Partition))
	})
	p.fillUnread(r)
	p.fillFormer(r)
	var all int64
	why := map[domain.SourceID]report.Unchecked{}
	for _, n := range keys {
		for i := range r.Sources {
			if s := &r.Sources[i]; s.Source == string(n.Source) && s.Generation == n.Generation && s.Partition == n.Partition {
				all += s.InHub
				if n.why != "" && s.InHub > 0 {
					u := why[n.Source]
					why[n.Source] = report.Unchecked{Source: s.Source, City: s.City, Where: "hub", Column: "record", Rows: u.Rows + s.InHub, Why: n.why}
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(why)) {
		r.Unchecked = append(r.Unchecked, why[id])
	}
	if all == 0 {
		return
	}
	for _, name := range p.format.Others() {
		r.Unchecked = append(r.Unchecked, report.Unchecked{Where: "hub", Column: name, Rows: all, Why: "it is written in a form that the reconciler does not know"})
	}
	if p.table == nil {
		return
	}
	for i := range proof.Columns {
		if !p.format.Mask().Has(i) && !p.direct() {
			r.Unchecked = append(r.Unchecked, report.Unchecked{Where: "doris", Column: proof.ColumnName(i), Rows: all, Why: "the hub does not carry it"})
		}
	}
}
