package reconcile

import (
	"cmp"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// part is one generation of a source partition, as the proof knows it.
type part struct {
	domain.PartitionKey
	city    domain.City
	lane    *lane
	scope   domain.Span // city offsets that are compared
	first   int64       // where the journal begins it
	next    int64       // how far it is journaled
	inHub   int64       // rows below it are in the hub, but for those left out
	inDoris int64       // and in the table
	waits   int64       // rows from here on are in the hub and cannot be read there yet
	mask    proof.Mask  // columns that are compared between the journal and the hub
	why     string      // the others of them are not

	former   bool         // a later generation is open: nothing comes to it any more
	last     int64        // the last city offset that was expected in the hub
	at       *window      // of the last row
	excluded domain.Spans // rows that were left out before the hub
	scoped   *scoped      // nil: the books of all of it count
}

// window names the window of a city offset.
func (n *part) window(offset int64) domain.Window {
	return domain.Window{
		Proof: domain.ProofCityHub, Source: n.Source, Generation: n.Generation, Partition: n.Partition, Index: offset / domain.WindowSize,
	}
}

// journaled reports whether the journal has passed a city offset.
func (n *part) journaled(offset int64) bool { return offset >= n.first && offset < n.next }

// run is rows of a part at consecutive offsets of the city and of the hub.
type run struct {
	hub  domain.Span
	city int64 // offset of the first
	of   *part
}

// continues reports whether a row is the next one of a run.
func (r *run) continues(hub, city int64) bool { return r.hub.Next == hub && r.city+r.hub.Len() == city }

// find is the run, of some in order, that a hub offset lies in; nil for none.
func find(list []run, offset int64) *run {
	i, there := slices.BinarySearchFunc(list, offset, func(r run, offset int64) int { return cmp.Compare(r.hub.First, offset) })
	if !there {
		i--
	}
	if i < 0 || offset >= list[i].hub.Next {
		return nil
	}
	return &list[i]
}

// places tells of a hub row which part it is of: by where the journal has it, and where it has
// nothing by what the row says itself. The runs are those of the rows that are scanned together.
type places struct {
	byCity map[domain.City]map[int32][]*part // newest generation first
	runs   map[int32][]run                   // by hub partition, in its order
}

func newPlaces() places {
	return places{byCity: map[domain.City]map[int32][]*part{}, runs: map[int32][]run{}}
}

// know adds a part.
func (p *places) know(n *part) {
	of := p.byCity[n.city]
	if of == nil {
		of = map[int32][]*part{}
		p.byCity[n.city] = of
	}
	list := append(of[n.Partition], n)
	slices.SortStableFunc(list, func(a, b *part) int { return cmp.Compare(b.Generation, a.Generation) })
	of[n.Partition] = list
	for _, one := range list {
		one.former = one.former || one.Source == n.Source && one.Generation < n.Generation
		n.former = n.former || one.Source == n.Source && one.Generation > n.Generation
	}
}

// formerly is the former generation of a part that the journal has an offset of; nil: none has it.
func (p *places) formerly(n *part, offset int64) *part {
	for _, one := range p.byCity[n.city][n.Partition] {
		if one.Source == n.Source && one.Generation < n.Generation && one.journaled(offset) {
			return one
		}
	}
	return nil
}

// put adds a row to runs in order: most come in order. Where there was another row it is this one
// now: the hub was cut and written again.
func put(list []run, hub, city int64, of *part) []run {
	if n := len(list); n == 0 || hub >= list[n-1].hub.Next {
		if n > 0 && list[n-1].of == of && list[n-1].continues(hub, city) {
			list[n-1].hub.Next++
			return list
		}
		return append(list, run{hub: domain.Span{First: hub, Next: hub + 1}, city: city, of: of})
	}
	list = without(list, hub)
	i, _ := slices.BinarySearchFunc(list, hub, func(r run, offset int64) int { return cmp.Compare(r.hub.First, offset) })
	if i > 0 && list[i-1].of == of && list[i-1].continues(hub, city) {
		list[i-1].hub.Next++
		return list
	}
	return slices.Insert(list, i, run{hub: domain.Span{First: hub, Next: hub + 1}, city: city, of: of})
}

// without takes one hub offset out of some runs.
func without(list []run, offset int64) []run {
	r := find(list, offset)
	if r == nil {
		return list
	}
	i := slices.IndexFunc(list, func(one run) bool { return one.hub == r.hub })
	before, after := *r, *r
	before.hub.Next, after.hub.First = offset, offset+1
	after.city += after.hub.First - r.hub.First
	rest := slices.DeleteFunc([]run{before, after}, func(one run) bool { return one.hub.Len() == 0 })
	return slices.Replace(slices.Clone(list), i, i+1, rest...)
}

// expect takes note of where the journal has a row.
func (p *places) expect(n *part, e *origin.Expected) {
	p.runs[e.Hub.Partition] = put(p.runs[e.Hub.Partition], e.Hub.Offset, e.City.Offset, n)
}

// at finds the run that a place of the hub lies in; nil where the journal has none.
func (p *places) at(h domain.Coord) *run { return find(p.runs[h.Partition], h.Offset) }

// ends are where the runs of some hub partitions end.
func (p *places) ends(of map[int32]domain.Span) map[int32]int64 {
	out := map[int32]int64{}
	for h := range of {
		if list := p.runs[h]; len(list) > 0 {
			out[h] = list[len(list)-1].hub.Next
		}
	}
	return out
}

// forget drops the runs whose rows were scanned.
func (p *places) forget(hubs map[int32]*hubLane) {
	for h, list := range p.runs {
		i := slices.IndexFunc(list, func(r run) bool { return r.hub.Next > hubs[h].next })
		if i < 0 {
			delete(p.runs, h)
		} else if i > 0 {
			p.runs[h] = slices.Clone(list[i:])
		}
	}
}

// of finds the part and the city offset of a hub row: those that the journal has at its place,
// whatever the row says of itself (what it says is a column like any other), and where the
// journal has none, those that it says. Nil: it is of none, for the reason given.
func (p *places) of(r *target.HubRow) (n *part, offset int64, why string) {
	if at := p.at(r.Hub); at != nil {
		return at.of, at.city + r.Hub.Offset - at.hub.First, ""
	}
	switch {
	case r.Broken != "":
		return nil, -1, r.Broken
	case r.Unplaced:
		return nil, -1, "the journal has no row at this place of the hub, and it does not say which one it is"
	}
	var several []*part
	if r.CityPartition == int64(int32(r.CityPartition)) {
		several = p.byCity[r.City][int32(r.CityPartition)]
	}
	if len(several) == 0 {
		return nil, -1, "no source has this city and partition"
	}
	for _, n := range several {
		if n.journaled(r.CityOffset) {
			return n, r.CityOffset, ""
		}
	}
	return several[0], r.CityOffset, ""
}
