package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// Repair is what a plan needs of the findings of a report: which rows it is about, and where the
// journal has them.
type Repair struct {
	// Lanes are the events of each shard that the report took into account, from the first one
	// on: of the hub, or of ingest where the hub is the source itself. Who plans cuts them to what
	// the table has by now.
	Lanes []domain.PlanLane
	// Rows are the places of the hub that findings about the table name: of rows that are lost or
	// altered there, and the keys of those that are too many.
	Rows domain.Selection
	// Keys are keys of the table with rows too many. Whether such a key may be deleted is to be
	// found out by comparing: of equal rows under one key none can be deleted alone.
	Keys []domain.RowKey
	// Cities are the rows that the hub lost, by their place in the city: they have none in the
	// hub, and no table can be given them before the hub has them.
	Cities []domain.CitySpan
	// Findings are those that it speaks of, and Left those that no replay puts right: of the
	// journal, and of rows that the hub has too often, or not as it should.
	Findings []domain.FindingID
	Left     []domain.FindingID
}

// Repair gives what a plan needs of a report that was verified (Verify): of some findings, or
// without any of all that nobody accepted. Errors: a finding that is not in the report, or one
// that was accepted; more findings than the report lists.
func (v *Verified) Repair(ids ...domain.FindingID) (*Repair, error) {
	r := v.Report
	of := map[domain.FindingID]*Finding{}
	for i := range r.Findings {
		of[r.Findings[i].ID] = &r.Findings[i]
	}
	if len(ids) == 0 {
		if r.More > 0 {
			return nil, fmt.Errorf("the report counts %d findings more than it lists: ask for a scope instead, whose rows are compared anew", r.More)
		}
		for i := range r.Findings {
			if r.Findings[i].Accepted == nil {
				ids = append(ids, r.Findings[i].ID)
			}
		}
	}
	out := &Repair{Lanes: lanesOf(r)}
	for _, id := range ids {
		f := of[id]
		switch {
		case f == nil:
			return nil, fmt.Errorf("the report has no finding %s", id)
		case f.Accepted != nil:
			return nil, fmt.Errorf("finding %s was accepted by %s: %s", id, f.Accepted.Who, f.Accepted.Why)
		}
		if out.add(f) {
			out.Findings = append(out.Findings, id)
		} else {
			out.Left = append(out.Left, id)
		}
	}
	out.join()
	return out, nil
}

// lanesOf are the events that a report took into account.
func lanesOf(r *Report) (out []domain.PlanLane) {
	leg := domain.LegHub
	if r.Scope.Plan == nil && !slices.Contains(r.Scope.Proofs, domain.ProofCityHub) {
		leg = domain.LegIngest
	}
	if r.Scope.Plan != nil {
		for _, l := range r.Scope.Plan.Lanes {
			out = append(out, domain.PlanLane{Shard: l.Shard, First: l.First, Last: domain.Ref(l.Last)})
		}
		return out
	}
	for i := range r.Journal.Streams {
		if s := &r.Journal.Streams[i]; s.Stream.Leg == leg && s.Last.Seq > 0 {
			out = append(out, domain.PlanLane{Shard: s.Stream.Shard, First: 1, Last: domain.Ref(s.Last)})
		}
	}
	slices.SortFunc(out, func(a, b domain.PlanLane) int { return cmp.Compare(a.Shard, b.Shard) })
	return out
}

// add takes a finding in, false where no replay puts it right.
func (p *Repair) add(f *Finding) bool {
	switch {
	case f.Where == "doris" && f.HubPartition >= 0 && f.HubOffset >= 0:
		p.Rows.Hub = append(p.Rows.Hub, domain.HubSpan{Partition: f.HubPartition, Span: domain.Span{First: f.HubOffset, Next: f.HubOffset + 1}})
		switch f.Class {
		case domain.Doubled, domain.Strayed, domain.Former:
			p.Keys = append(p.Keys, domain.RowKey{Partition: f.HubPartition, Offset: f.HubOffset})
		default:
		}
	case f.Where == "hub" && f.Class == domain.Lost && f.CityPartition >= 0 && f.CityOffset >= 0:
		p.Cities = append(p.Cities, domain.CitySpan{
			Source: f.Source, Generation: f.Generation, Partition: f.CityPartition, Span: domain.Span{First: f.CityOffset, Next: f.CityOffset + 1},
		})
	default:
		return false
	}
	return true
}

// join sorts what was taken in, and makes spans of neighbours.
func (p *Repair) join() {
	slices.SortFunc(p.Rows.Hub, func(a, b domain.HubSpan) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Span.First, b.Span.First))
	})
	hub := p.Rows.Hub[:0]
	for _, h := range p.Rows.Hub {
		if n := len(hub); n > 0 && hub[n-1].Partition == h.Partition && h.Span.First <= hub[n-1].Span.Next {
			hub[n-1].Span.Next = max(hub[n-1].Span.Next, h.Span.Next)
		} else {
			hub = append(hub, h)
		}
	}
	p.Rows.Hub = hub
	slices.SortFunc(p.Keys, func(a, b domain.RowKey) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	p.Keys = slices.Compact(p.Keys)
	slices.SortFunc(p.Cities, func(a, b domain.CitySpan) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Span.First, b.Span.First))
	})
	cities := p.Cities[:0]
	for _, c := range p.Cities {
		n := len(cities)
		if n > 0 && cities[n-1].Source == c.Source && cities[n-1].Generation == c.Generation && cities[n-1].Partition == c.Partition && c.Span.First <= cities[n-1].Span.Next {
			cities[n-1].Span.Next = max(cities[n-1].Span.Next, c.Span.Next)
		} else {
			cities = append(cities, c)
		}
	}
	p.Cities = cities
}
