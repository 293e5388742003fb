package report

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// Part is the part of a report that a Problem is about.
type Part string

// The parts, in the order in which Verify looks at them.
const (
	PartForm      Part = "form"      // the bytes of the file
	PartSignature Part = "signature" // and whose key it is
	PartScope     Part = "scope"
	PartSums      Part = "sums"     // of the sources' books
	PartWindows   Part = "windows"  // none left out, each says what its vectors say
	PartFindings  Part = "findings" // each is what its id says
	PartCoverage  Part = "coverage" // follows from the windows
	PartVerdict   Part = "verdict"  // follows from everything
	PartJournal   Part = "journal"  // signed checkpoints and proofs between them
	PartKept      Part = "kept"     // the checkpoints that somebody kept
)

// Problem is one thing in a report that cannot be.
type Problem struct {
	Part Part
	Text string
}

// String is the problem for people.
func (p Problem) String() string { return string(p.Part) + ": " + p.Text }

// problems collects them.
type problems []Problem

func (p *problems) add(part Part, format string, args ...any) {
	*p = append(*p, Problem{part, fmt.Sprintf(format, args...)})
}

// Check re-counts a report: everything in it that follows from something else in it, except
// for signatures. A report that a forger made up to the last figure passes: whose it is only
// its signature says.
func Check(r *Report) []Problem {
	var p problems
	p.scope(r)
	p.plan(r)
	p.sources(r)
	p.gaps(r)
	p.partitions(r)
	p.totals(r)
	p.findings(r)
	if c := Covered(r); !slices.Equal(c, r.Coverage) {
		p.add(PartCoverage, "the windows come to %v, and the report says %v", c, r.Coverage)
	}
	if verdict, why := Judge(r); verdict != r.Verdict || why != r.Why {
		p.add(PartVerdict, "the report says %q (%s); from what is in it follows %q (%s)", r.Verdict, r.Why, verdict, why)
	}
	return p
}

func (p *problems) scope(r *Report) {
	s := &r.Scope
	known := []domain.Proof{domain.ProofCityHub, domain.ProofHubDoris, PlanTable, PlanTopic, PlanFile}
	for i, proof := range s.Proofs {
		if !slices.Contains(known, proof) || slices.Contains(s.Proofs[:i], proof) {
			p.add(PartScope, "%q is no proof, or stands there twice", proof)
		}
	}
	if _, err := domain.ParsePipeline(s.Pipeline); err != nil {
		p.add(PartScope, "%v", err)
	}
	if s.From != nil && s.To != nil && s.To.Before(*s.From) || r.Done.Before(r.Began) {
		p.add(PartScope, "something ends before it begins")
	}
	if !slices.Contains([]string{"lineage", "content", "deep"}, s.Depth) || s.Sample < 0 || s.Sample > 100 {
		p.add(PartScope, "depth %q with %d %% of the cities' windows read again", s.Depth, s.Sample)
	}
	for i := range r.Sources {
		if len(s.Sources) > 0 && !slices.Contains(s.Sources, r.Sources[i].Source) {
			p.add(PartScope, "source %s was not asked for", r.Sources[i].Source)
		}
	}
	for _, c := range []int64{r.More, int64(s.Sample)} {
		if c < 0 {
			p.add(PartScope, "a count is %d", c)
		}
	}
}

// key names a source partition.
func (s *Source) key() domain.PartitionKey {
	return domain.PartitionKey{Source: domain.SourceID(s.Source), Generation: s.Generation, Partition: s.Partition}
}

func (s *Source) String() string {
	return fmt.Sprintf("%s/%d partition %d", s.Source, s.Generation, s.Partition)
}

// sources checks the three sums of each account (architecture.md, "The books").
func (p *problems) sources(r *Report) {
	seen := map[domain.PartitionKey]bool{}
	doris := slices.Contains(r.Scope.Proofs, domain.ProofHubDoris)
	for i := range r.Sources {
		s := &r.Sources[i]
		if seen[s.key()] {
			p.add(PartSums, "%s stands there twice", s)
		}
		seen[s.key()] = true
		var gaps int64
		for _, n := range s.Gaps {
			gaps += n
		}
		if low := min(s.First, s.Next-s.First, s.Rows, gaps, s.InHub, s.ExcludedHub, s.Pending, s.InDoris, s.ExcludedDoris, s.PendingDoris); low < 0 {
			p.add(PartSums, "%s: a count is %d", s, low)
		}
		if s.Next-s.First != s.Rows+gaps {
			p.add(PartSums, "%s: %d offsets in [%d,%d) are not %d rows and %d without one", s, s.Next-s.First, s.First, s.Next, s.Rows, gaps)
		}
		if s.Rows != s.InHub+s.ExcludedHub+s.Pending {
			p.add(PartSums, "%s: %d rows are not %d in the hub, %d excluded and %d on their way", s, s.Rows, s.InHub, s.ExcludedHub, s.Pending)
		}
		if doris && s.InHub != s.InDoris+s.ExcludedDoris+s.PendingDoris {
			p.add(PartSums, "%s: %d rows in the hub are not %d in Doris, %d excluded and %d on their way", s, s.InHub, s.InDoris, s.ExcludedDoris, s.PendingDoris)
		}
	}
}

// gaps checks that the runs without rows are those that the books count.
func (p *problems) gaps(r *Report) {
	listed := map[domain.PartitionKey]map[string]int64{}
	for i := range r.Sources {
		listed[r.Sources[i].key()] = map[string]int64{}
	}
	for i := range r.Gaps {
		g := &r.Gaps[i]
		by := listed[g.key()]
		var reason domain.Reason
		if by == nil || reason.UnmarshalText([]byte(g.Reason)) != nil {
			p.add(PartSums, "a gap of %s, %q, is of no source here or for no reason", g.Source, g.Reason)
			continue
		}
		by[g.Reason] += g.Offsets
		if g.First < 0 || g.Next <= g.First || g.Runs < 1 || g.Offsets < g.Runs || g.Offsets > g.Next-g.First || g.Runs == 1 && g.Offsets != g.Next-g.First {
			p.add(PartSums, "%d runs of %d offsets in [%d,%d) of %s partition %d", g.Runs, g.Offsets, g.First, g.Next, g.Source, g.Partition)
		}
	}
	for i := range r.Sources {
		s := &r.Sources[i]
		if by := listed[s.key()]; len(by)+len(s.Gaps) > 0 && !reflect.DeepEqual(by, s.Gaps) {
			p.add(PartSums, "%s: the gaps that are listed come to %v, and the books say %v", s, by, s.Gaps)
		}
	}
}

func (g *Gap) key() domain.PartitionKey {
	return domain.PartitionKey{Source: domain.SourceID(g.Source), Generation: g.Generation, Partition: g.Partition}
}

// totals holds hub and Doris against each other as a whole. With findings, or of a part of the
// pipeline, the rows of hub windows are not those of the sources.
func (p *problems) totals(r *Report) {
	if !r.Scope.Whole() || len(r.Scope.Proofs) < 2 || len(r.Findings) > 0 || r.More > 0 || len(r.Unchecked) > 0 {
		return
	}
	var carried, hub int64
	for i := range r.Sources {
		carried += r.Sources[i].InHub - r.Sources[i].ExcludedDoris
	}
	for i := range r.Hub {
		hub += r.Hub[i].Rows
	}
	if carried != hub {
		p.add(PartSums, "the sources have %d rows in the hub for Doris, and the hub partitions %d", carried, hub)
	}
}

func (p *problems) findings(r *Report) {
	seen := map[domain.FindingID]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		d := f.Domain()
		if f.ID != d.ID() || seen[f.ID] {
			p.add(PartFindings, "%s in %s of %s at %d/%d has the id %s, which is not its own or stands there twice", f.Class, f.Where, f.Source, f.CityPartition, f.CityOffset, f.ID)
		}
		seen[f.ID] = true
		if !slices.Contains(Classes(), f.Class) {
			p.add(PartFindings, "%s is of no class: %q", f.ID, f.Class)
		}
		if a := f.Accepted; a != nil && (a.Who == "" || a.Why == "" || a.Ref.Seq == 0) {
			p.add(PartFindings, "%s was accepted by nobody, or for no reason", f.ID)
		}
	}
}
