package report

import (
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// Difference is what changed from one report to a later one.
type Difference struct {
	Before Side `json:"before"`
	After  Side `json:"after"`
	// SameScope says that both looked at the same: if not, what is gone may just not have been
	// looked at.
	SameScope bool             `json:"same_scope"`
	New       []Finding        `json:"new_findings"`
	Gone      []Finding        `json:"gone_findings"`
	Accepted  []Finding        `json:"accepted_findings"` // that were open before
	Windows   []WindowsChanged `json:"windows"`
	Coverage  []CoverageChange `json:"coverage"`
	Sources   []SourceChange   `json:"sources"`
	Streams   []StreamChange   `json:"streams"`
}

// Side is one of the two reports.
type Side struct {
	Digest  domain.Hash      `json:"sha256"`
	Done    time.Time        `json:"done"`
	Verdict domain.Verdict   `json:"verdict"`
	Journal domain.JournalID `json:"journal"`
}

// WindowsChanged is a number of windows in a state that is another one.
type WindowsChanged struct {
	Proof  domain.Proof       `json:"proof"`
	State  domain.WindowState `json:"state"`
	Before int64              `json:"before"`
	After  int64              `json:"after"`
}

// CoverageChange is the coverage of a proof before and after; zero where it was none.
type CoverageChange struct {
	Before Coverage `json:"before"`
	After  Coverage `json:"after"`
}

// SourceChange is by how much the books of a source partition changed.
type SourceChange struct {
	Source     string            `json:"source"`
	City       string            `json:"city"`
	Generation domain.Generation `json:"generation"`
	Partition  int32             `json:"partition"`
	Next       int64             `json:"next"`
	Rows       int64             `json:"rows"`
	InHub      int64             `json:"in_hub"`
	InDoris    int64             `json:"in_doris"`
	Excluded   int64             `json:"excluded"`
	Pending    int64             `json:"pending"` // to hub and Doris
}

// StreamChange is how a stream of the journal grew. Proven says that the later report proves
// that the earlier one's checkpoint is a prefix of its own.
type StreamChange struct {
	Stream domain.Stream `json:"stream"`
	Before domain.Seq    `json:"before"`
	After  domain.Seq    `json:"after"`
	Proven bool          `json:"proven"`
}

// Diff compares two reports, the earlier one first.
func Diff(before, after *Verified) *Difference {
	a, b := before.Report, after.Report
	d := &Difference{
		Before: side(before), After: side(after), SameScope: sameScope(&a.Scope, &b.Scope),
		New: []Finding{}, Gone: []Finding{}, Accepted: []Finding{},
		Windows: []WindowsChanged{}, Coverage: []CoverageChange{}, Sources: []SourceChange{}, Streams: []StreamChange{},
	}
	d.findings(a.Findings, b.Findings)
	for _, p := range []domain.Proof{CityJournal, domain.ProofCityHub, domain.ProofHubDoris, PlanTable, PlanTopic, PlanFile} {
		is := func(w *Window) bool { return w.Proof == p }
		was, now := inStates(a.Windows, is), inStates(b.Windows, is)
		for _, s := range States() {
			if x, y := numberOf(was, s), numberOf(now, s); x != y {
				d.Windows = append(d.Windows, WindowsChanged{p, s, x, y})
			}
		}
		if x, y := coverageOf(a, p), coverageOf(b, p); x != y {
			d.Coverage = append(d.Coverage, CoverageChange{x, y})
		}
	}
	d.sources(a.Sources, b.Sources)
	for _, h := range after.Heads() {
		change := StreamChange{Stream: h.Ref.Stream, After: h.Ref.Seq}
		if was := before.heads[h.Ref.Stream]; len(was) > 0 {
			change.Before = was[0].Ref.Seq
			var p problems
			change.Proven = p.continues(b, after.heads[h.Ref.Stream], was[0]) && len(p) == 0
		}
		d.Streams = append(d.Streams, change)
	}
	return d
}

func side(v *Verified) Side {
	return Side{v.Digest, v.Report.Done, v.Report.Verdict, v.Report.Journal.ID}
}

func sameScope(a, b *Scope) bool {
	same := func(x, y *time.Time) bool { return x == nil && y == nil || x != nil && y != nil && x.Equal(*y) }
	return a.Pipeline == b.Pipeline && slices.Equal(a.Sources, b.Sources) && same(a.From, b.From) && same(a.To, b.To) && slices.Equal(a.Proofs, b.Proofs) && planID(a) == planID(b)
}

func planID(s *Scope) domain.PlanID {
	if s.Plan == nil {
		return domain.PlanID{}
	}
	return s.Plan.ID
}

func (d *Difference) findings(a, b []Finding) {
	was, now := map[domain.FindingID]*Finding{}, map[domain.FindingID]bool{}
	for i := range a {
		was[a[i].ID] = &a[i]
	}
	for i := range b {
		f := b[i]
		now[f.ID] = true
		switch old := was[f.ID]; {
		case old == nil:
			d.New = append(d.New, f)
		case old.Accepted == nil && f.Accepted != nil:
			d.Accepted = append(d.Accepted, f)
		}
	}
	for i := range a {
		if !now[a[i].ID] {
			d.Gone = append(d.Gone, a[i])
		}
	}
}

func (d *Difference) sources(a, b []Source) {
	was := map[domain.PartitionKey]*Source{}
	for i := range a {
		was[a[i].key()] = &a[i]
	}
	for i := range b {
		s := &b[i]
		old := was[s.key()]
		delete(was, s.key())
		if old == nil {
			old = &Source{}
		}
		d.source(s, old, s)
	}
	for i := range a {
		if s := &a[i]; was[s.key()] != nil {
			d.source(s, s, &Source{})
		}
	}
}

// source takes in how a source partition changed, if it did.
func (d *Difference) source(of, a, b *Source) {
	c := SourceChange{
		Next: b.Next - a.Next, Rows: b.Rows - a.Rows, InHub: b.InHub - a.InHub, InDoris: b.InDoris - a.InDoris,
		Excluded: b.ExcludedHub + b.ExcludedDoris - a.ExcludedHub - a.ExcludedDoris,
		Pending:  b.Pending + b.PendingDoris - a.Pending - a.PendingDoris,
	}
	if c == (SourceChange{}) {
		return
	}
	c.Source, c.City, c.Generation, c.Partition = of.Source, of.City, of.Generation, of.Partition
	d.Sources = append(d.Sources, c)
}

func numberOf(list []Counted, s domain.WindowState) int64 {
	for _, c := range list {
		if c.State == s {
			return c.N
		}
	}
	return 0
}

func coverageOf(r *Report, p domain.Proof) Coverage {
	for _, c := range r.Coverage {
		if c.Proof == p {
			return c
		}
	}
	return Coverage{Proof: p}
}
