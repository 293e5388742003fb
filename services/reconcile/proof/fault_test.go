package proof_test

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// leg is one of the three comparisons: what is held against what, by which columns.
type leg struct {
	name        string
	of          domain.Proof
	left, right string
	mask        proof.Mask
}

func legs() []leg {
	return []leg{
		{"city to hub", domain.ProofCityHub, "journal", "hub", proof.All},
		{"hub to doris", domain.ProofHubDoris, "hub", "doris", proof.All},
		{"journal", domain.ProofCityHub, "city", "journal", byCity},
	}
}

// search is that of a leg of a world without faults.
func (l leg) search(w *world) (*proof.Search, *place) {
	left, right := w.place(l.left), w.place(l.right)
	if l.left == "city" { // its topic was made anew
		left.none = func(g domain.Generation) bool { return g != current }
	}
	return &proof.Search{Left: left, Right: right, Mask: l.mask}, right
}

// hurt is a place that something is done to.
type hurt struct {
	leg
	*place
	intn func(n int64) int64 // below n
}

// pick is a row, and one after it in its lane that is none of the next few.
func (h *hurt) pick() (lane int, o, later int64) {
	lane = int(h.intn(int64(len(h.w.lanes))))
	o = h.intn(h.w.size / 2)
	later = o + 3 + h.intn(h.w.size-o-10)
	for isMarker(o) || isMarker(o+1) {
		o--
	}
	for isMarker(later) {
		later++
	}
	return lane, o, later
}

// put takes the row at a spot out and puts another one in.
func (h *hurt) put(lane int, o int64, change func(*proof.Row)) {
	h.removed[spot{lane, o}] = true
	r := h.w.row(lane, o, current)
	change(&r)
	h.added = append(h.added, r)
}

// want is the finding about the row at a spot, which the hub has at a place.
func (h *hurt) want(class domain.Class, column string, lane int, o int64, hub domain.Coord) string {
	l := h.w.lanes[lane]
	source := l.source
	if h.of == domain.ProofHubDoris {
		source = ""
	}
	return fmt.Sprintf("%s %q: %s %s %d/%d, hub %s", class, column, source, l.city, l.partition, o, hub)
}

func (h *hurt) hub(lane int, o int64) domain.Coord { return h.w.row(lane, o, current).Hub }

// free is a place of the hub, in the hub partition of a lane, that no row has: a marker's.
func (h *hurt) free(lane int) domain.Coord {
	return h.hub(lane, h.intn(h.w.size/1000)*1000+999)
}

func moveTo(r *proof.Row, hub domain.Coord) {
	r.Hub = hub
	r.Text[proof.HubPartition], r.Text[proof.HubOffset] = strconv.Itoa(int(hub.Partition)), strconv.FormatInt(hub.Offset, 10)
}

// kind is something that goes wrong, and the findings that are to come of it.
type kind struct {
	name string
	in   func(leg) bool
	do   func(*hurt) []string
}

func everywhere(leg) bool   { return true }
func inHub(l leg) bool      { return l.right == "hub" }
func inDoris(l leg) bool    { return l.right == "doris" }
func notDoris(l leg) bool   { return l.right != "doris" }
func notJournal(l leg) bool { return l.right != "journal" }

func kinds() []kind {
	altered := func(column int, in func(leg) bool, change func(text string) string) kind {
		return kind{"altered " + proof.ColumnName(column), in, func(h *hurt) []string {
			lane, o, _ := h.pick()
			for o%17 == 0 || isMarker(o) {
				o++
			}
			h.put(lane, o, func(r *proof.Row) { r.Text[column] = change(r.Text[column]) })
			return []string{h.want(domain.Altered, proof.ColumnName(column), lane, o, h.hub(lane, o))}
		}}
	}
	bit := func(text string) string { return text[:5] + string(text[5]^1) + text[6:] }
	last := func(text string) string { return text[:len(text)-1] + string(text[len(text)-1]^1) }
	all := []kind{
		{"lost", everywhere, lost},
		{"doubled", everywhere, doubled},
		altered(proof.Record, everywhere, bit),
		altered(proof.HubTime, notJournal, last),
		altered(proof.ExtractTime, notJournal, last),
		altered(proof.CityTime, everywhere, last),
		altered(proof.City, notJournal, func(string) string { return "320599" }),
		{"altered to another city", notJournal, otherCity},
		{"record is NULL", everywhere, nulled},
		{"moved in its city", notJournal, movedInCity},
		{"moved in the hub", inDoris, movedInHub},
		{"swapped", everywhere, swapped},
		{"swapped across windows", everywhere, swappedFar},
		{"swapped city coordinates", inDoris, swappedCity},
		{"reordered", inHub, reordered},
		{"reordered far", inHub, reorderedFar},
		{"strayed", everywhere, strayed},
		{"former generation", notDoris, former},
		{"former in its place", notDoris, formerInPlace},
		{"masked", everywhere, masked},
	}
	return all
}

func lost(h *hurt) []string {
	lane, o, _ := h.pick()
	h.removed[spot{lane, o}] = true
	return []string{h.want(domain.Lost, "", lane, o, h.hub(lane, o))}
}

// copyOf puts a second row of a spot into the place; the hub has it somewhere else.
func (h *hurt) copyOf(lane int, o int64) string {
	r := h.w.row(lane, o, current)
	if h.of == domain.ProofCityHub {
		moveTo(&r, h.free(lane))
	}
	h.added = append(h.added, r)
	return h.want(domain.Doubled, "", lane, o, r.Hub)
}

func doubled(h *hurt) []string {
	lane, o, _ := h.pick()
	return []string{h.copyOf(lane, o)}
}

func masked(h *hurt) []string {
	lane, o, later := h.pick()
	h.removed[spot{lane, later}] = true
	return []string{h.want(domain.Lost, "", lane, later, h.hub(lane, later)), h.copyOf(lane, o)}
}

func nulled(h *hurt) []string {
	lane, o, _ := h.pick()
	for o%17 != 0 || isMarker(o) { // one that is NULL becomes empty
		o++
	}
	h.put(lane, o, func(r *proof.Row) { r.Null = 0 })
	return []string{h.want(domain.Altered, "record", lane, o, h.hub(lane, o))}
}

func otherCity(h *hurt) []string {
	lane, o, _ := h.pick()
	h.put(lane, o, func(r *proof.Row) { r.Text[proof.City] = h.w.lanes[(lane+2)%4].city })
	return []string{h.want(domain.Altered, "sscsdm", lane, o, h.hub(lane, o))}
}

func movedInCity(h *hurt) []string {
	lane, o, later := h.pick()
	if h.intn(2) == 0 {
		later += 1000 - later%1000 - 1 // a marker, where nobody is
	}
	h.put(lane, o, func(r *proof.Row) { r.Text[proof.CityOffset] = strconv.FormatInt(later, 10) })
	return []string{h.want(domain.Altered, "city_offset_id", lane, o, h.hub(lane, o))}
}

func movedInHub(h *hurt) []string {
	lane, o, later := h.pick()
	at := h.hub(lane, later)
	if h.intn(2) == 0 {
		at = h.free(lane)
	}
	h.put(lane, o, func(r *proof.Row) { moveTo(r, at) })
	return []string{h.want(domain.Altered, "hw_offset_id", lane, o, h.hub(lane, o))}
}

// exchange gives two rows each other's texts in some columns.
func (h *hurt) exchange(aLane int, a int64, bLane int, b int64, columns ...int) {
	one, two := h.w.row(aLane, a, current), h.w.row(bLane, b, current)
	h.put(aLane, a, func(r *proof.Row) {
		for _, c := range columns {
			r.Text[c] = two.Text[c]
		}
	})
	h.put(bLane, b, func(r *proof.Row) {
		for _, c := range columns {
			r.Text[c] = one.Text[c]
		}
	})
}

// swap exchanges what makes windows.
func (h *hurt) swap(aLane int, a int64, bLane int, b int64) string {
	columns := []int{proof.City, proof.CityPartition, proof.CityOffset}
	hub := h.hub(bLane, b)
	if h.of == domain.ProofHubDoris {
		columns = []int{proof.HubPartition, proof.HubOffset}
		hub = h.hub(aLane, a)
	}
	if h.right == "journal" {
		columns = []int{proof.CityPartition, proof.CityOffset}
	}
	h.exchange(aLane, a, bLane, b, columns...)
	for i := range h.added {
		if h.of == domain.ProofHubDoris {
			moveTo(&h.added[i], domain.Coord{Partition: int32(atoi(h.added[i].Text[proof.HubPartition])), Offset: atoi(h.added[i].Text[proof.HubOffset])})
		}
	}
	return h.want(domain.Swapped, "", aLane, a, hub)
}

func atoi(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }

func swapped(h *hurt) []string {
	lane, o, later := h.pick()
	for o%17 == 0 && later%17 == 0 { // both NULL: there is nothing to tell them by
		later++
		for isMarker(later) {
			later++
		}
	}
	return []string{h.swap(lane, o, lane, later)}
}

// swappedFar is of rows of different windows and city partitions.
func swappedFar(h *hurt) []string {
	_, o, later := h.pick()
	for o%17 == 0 && later%17 == 0 || isMarker(later) || later%17 == 0 {
		later++
	}
	return []string{h.swap(0, o, 1, later)}
}

func swappedCity(h *hurt) []string {
	lane, o, later := h.pick()
	h.exchange(lane, o, lane, later, proof.City, proof.CityPartition, proof.CityOffset, proof.CityTime)
	return []string{h.want(domain.Swapped, "", lane, o, h.hub(lane, o))}
}

func reordered(h *hurt) []string {
	lane, o, _ := h.pick()
	a, b := h.hub(lane, o), h.hub(lane, o+1)
	h.put(lane, o, func(r *proof.Row) { moveTo(r, b) })
	h.put(lane, o+1, func(r *proof.Row) { moveTo(r, a) })
	return []string{h.want(domain.Reordered, "", lane, o, b)}
}

// reorderedFar is of one row that comes much later than it should, where nobody was.
func reorderedFar(h *hurt) []string {
	lane, o, later := h.pick()
	at := h.hub(lane, later+1000-later%1000-1)
	h.put(lane, o, func(r *proof.Row) { moveTo(r, at) })
	if at.Offset < h.hub(lane, o+1).Offset || isMarker(o+1) && later/1000 == o/1000 {
		return []string{h.want(domain.Altered, "hw_offset_id", lane, o, at)}
	}
	return []string{h.want(domain.Reordered, "", lane, o, at)}
}

// strayed is a row where nobody is.
func strayed(h *hurt) []string {
	lane, o, later := h.pick()
	marker := later - later%1000 + 999
	r := h.w.row(lane, o, current)
	at := h.w.row(lane, marker, current)
	r.Text[proof.CityOffset] = at.Text[proof.CityOffset]
	moveTo(&r, at.Hub)
	r.Text[proof.Record], r.Null = "somebody else's", 0
	h.added = append(h.added, r)
	return []string{h.want(domain.Strayed, "", lane, marker, at.Hub)}
}

// former is a row of the topic before it was made anew, besides the one of now.
func former(h *hurt) []string {
	lane, o, _ := h.pick()
	r := h.w.row(lane, o, current-1)
	if h.right == "hub" {
		moveTo(&r, h.free(lane))
		r.Generation = 0 // nobody says so
	}
	h.added = append(h.added, r)
	return []string{h.want(domain.Former, "", lane, o, r.Hub)}
}

// formerInPlace is the same instead of the one of now.
func formerInPlace(h *hurt) []string {
	found := former(h)
	r := h.added[len(h.added)-1]
	lane := slices.IndexFunc(h.w.lanes, func(l lane) bool {
		return l.city == r.Text[proof.City] && strconv.Itoa(int(l.partition)) == r.Text[proof.CityPartition]
	})
	h.removed[spot{lane, r.Offset}] = true
	return append(found, h.want(domain.Lost, "", lane, r.Offset, h.hub(lane, r.Offset)))
}
