package proof_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// world is cities whose rows are a pure function of their place, so that a million of them
// need no memory: city partitions of one size, merged into two hub partitions.
type world struct {
	size    int64 // offsets of each city partition; every thousandth is a transaction's marker
	lanes   []lane
	vectors map[cached]domain.Vector
}

type lane struct {
	source    domain.SourceID
	city      string
	partition int32
}

const (
	hubs    = 2
	current = domain.Generation(2)
	// byCity is what a city that is read again knows of its rows.
	byCity = 1<<proof.City | 1<<proof.CityPartition | 1<<proof.CityOffset | 1<<proof.CityTime | 1<<proof.Record
)

type cached struct {
	part proof.Range
	mask proof.Mask
}

func newWorld(size int64) *world {
	return &world{size: size, vectors: map[cached]domain.Vector{}, lanes: []lane{
		{"nanjing", "320100", 0},
		{"nanjing", "320100", 1},
		{"suzhou", "320500", 0},
		{"suzhou", "320500", 1},
	}}
}

func isMarker(o int64) bool { return o%1000 == 999 }

// row is the row of a lane at an offset, as the generation had it. In the hub, lanes of one
// hub partition take turns.
func (w *world) row(l int, o int64, g domain.Generation) proof.Row {
	per := int64(len(w.lanes) / hubs)
	hub := domain.Coord{Partition: int32(l % hubs), Offset: o*per + int64(l/hubs)}
	buf := make([]byte, 0, 400)
	var ends [proof.Columns]int
	end := func(c int) { ends[c] = len(buf) }
	number := func(c int, n int64) { buf = strconv.AppendInt(buf, n, 10); end(c) }
	buf = append(buf, w.lanes[l].city...)
	end(proof.City)
	number(proof.CityPartition, int64(w.lanes[l].partition))
	number(proof.CityOffset, o)
	buf = appendTime(buf, o*7+int64(g), 3)
	end(proof.CityTime)
	number(proof.HubPartition, int64(hub.Partition))
	number(proof.HubOffset, hub.Offset)
	buf = appendTime(buf, hub.Offset/500*1000, 3)
	end(proof.HubTime)
	buf = appendTime(buf, o/300*1000+int64(g), 6)
	end(proof.ExtractTime)
	buf = append(buf, `{"id":"`...)
	buf = strconv.AppendInt(buf, int64(g)<<56|int64(l)<<48|o, 36)
	buf = append(buf, `","type":"01","name":"patient","amount":12.50,"items":["a","b","c"],"note":"seen at the clinic","ward":"surgery, third floor","by":"doctor"}`...)
	end(proof.Record)
	r := proof.Row{Offset: o, Hub: hub, Generation: g}
	text, at := string(buf), 0
	for c := range proof.Columns {
		r.Text[c] = text[at:ends[c]]
		at = ends[c]
	}
	if o%17 == 0 {
		r.Null, r.Text[proof.Record] = proof.MaskOf(proof.Record), ""
	}
	return r
}

func appendTime(b []byte, ms int64, digits int) []byte {
	b = append(b, "2024-05-01 "...)
	for i, unit := range []int64{3_600_000, 60_000, 1000} {
		if i > 0 {
			b = append(b, ':')
		}
		n := ms / unit % 60
		b = append(b, byte('0'+n/10), byte('0'+n%10))
	}
	n := ms % 1000
	b = append(b, '.', byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
	return append(b, "000000"[:digits-3]...)
}

// place is one side: the rows of the world, without some and with others.
type place struct {
	w       *world
	name    string
	removed map[spot]bool
	added   []proof.Row
	asked   int64 // rows read
	none    func(domain.Generation) bool
}

type spot struct {
	lane   int
	offset int64
}

func (w *world) place(name string) *place {
	return &place{w: w, name: name, removed: map[spot]bool{}, none: func(domain.Generation) bool { return false }}
}

// at is the spot that has an offset of a range; false for a marker or beyond the end.
func (p *place) at(in domain.Window, o int64) (spot, bool) {
	s := spot{-1, o}
	if in.Proof == domain.ProofHubDoris {
		per := int64(len(p.w.lanes) / hubs)
		s = spot{int(o%per)*hubs + int(in.Partition), o / per}
	} else {
		s.lane = slices.IndexFunc(p.w.lanes, func(l lane) bool { return l.source == in.Source && l.partition == in.Partition })
	}
	return s, s.lane >= 0 && s.offset < p.w.size && !isMarker(s.offset)
}

// windowOf is the window that a row says it is in, and false for one that nobody has.
func (w *world) windowOf(proofOf domain.Proof, r *proof.Row) (domain.Window, int64, bool) {
	number := func(c int) int64 { n, _ := strconv.ParseInt(r.Text[c], 10, 64); return n }
	if proofOf == domain.ProofHubDoris {
		o := number(proof.HubOffset)
		return domain.Window{Proof: proofOf, Partition: int32(number(proof.HubPartition)), Index: o / domain.WindowSize}, o, true
	}
	o := number(proof.CityOffset)
	for _, l := range w.lanes {
		if l.city == r.Text[proof.City] && int64(l.partition) == number(proof.CityPartition) {
			return domain.Window{Proof: proofOf, Source: l.source, Generation: current, Partition: l.partition, Index: o / domain.WindowSize}, o, true
		}
	}
	return domain.Window{}, o, false
}

func (p *place) Name() string { return p.name }

func (p *place) Rows(_ context.Context, in proof.Range, each func(proof.Row) error) error {
	var more []proof.Row
	for _, r := range p.added {
		w, o, known := p.w.windowOf(in.Proof, &r)
		w.Index = in.Index
		if known && w == in.Window && o >= in.First && o < in.Next {
			r.Offset = o
			more = append(more, r)
		}
	}
	slices.SortStableFunc(more, func(a, b proof.Row) int { return int(a.Offset - b.Offset) })
	give := func(r proof.Row) error {
		p.asked++
		if in.Proof == domain.ProofHubDoris {
			r.Generation = 0
		}
		return each(r)
	}
	g := current
	if in.Proof == domain.ProofCityHub {
		if g = in.Generation; p.none(g) {
			return nil
		}
	}
	for o := in.First; o < in.Next; o++ {
		if s, there := p.at(in.Window, o); there && !p.removed[s] {
			r := p.w.row(s.lane, s.offset, g)
			r.Offset = o
			if err := give(r); err != nil {
				return err
			}
		}
		for ; len(more) > 0 && more[0].Offset == o; more = more[1:] {
			if err := give(more[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// touched reports whether a part is not the world's own.
func (p *place) touched(in proof.Range) bool {
	for s := range p.removed {
		r := p.w.row(s.lane, s.offset, current)
		if w, o, _ := p.w.windowOf(in.Proof, &r); sameLane(w, in.Window) && o >= in.First && o < in.Next {
			return true
		}
	}
	for i := range p.added {
		if w, o, known := p.w.windowOf(in.Proof, &p.added[i]); known && sameLane(w, in.Window) && o >= in.First && o < in.Next {
			return true
		}
	}
	return false
}

func sameLane(a, b domain.Window) bool { a.Index = b.Index; return a == b }

func (p *place) Vectors(ctx context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	out := map[int64]domain.Vector{}
	for first := in.First &^ (step - 1); first < in.Next; first += step {
		part := in
		part.Span = domain.Span{First: max(first, in.First), Next: min(first+step, in.Next)}
		v, err := p.vector(ctx, part, mask)
		if err != nil {
			return nil, err
		}
		if v.Rows > 0 {
			out[first] = v
		}
	}
	return out, nil
}

// vector is exact; those of parts that nobody touched are made once, for both sides.
func (p *place) vector(ctx context.Context, part proof.Range, mask proof.Mask) (domain.Vector, error) {
	const grain = 2048
	key := cached{part, mask}
	key.part.Index = 0
	untouched := !p.touched(part)
	if v, known := p.w.vectors[key]; untouched && known {
		return v, nil
	}
	if part.Len() > grain && part.First%grain == 0 && part.Len()%grain == 0 {
		var sum domain.Vector
		for o := part.First; o < part.Next; o += grain {
			sub := part
			sub.Span = domain.Span{First: o, Next: o + grain}
			v, err := p.vector(ctx, sub, mask)
			if err != nil {
				return sum, err
			}
			sum = proof.Join(sum, v)
		}
		return sum, nil
	}
	tally := proof.Tally{Mask: mask}
	err := p.Rows(ctx, part, func(r proof.Row) error { tally.Add(&r); return nil })
	if untouched {
		p.w.vectors[key] = tally.Vector()
	}
	return tally.Vector(), err
}

// windows are all windows of a proof.
func (w *world) windows(of domain.Proof) (out []proof.Range) {
	add := func(win domain.Window, size int64) {
		for ; win.Index*domain.WindowSize < size; win.Index++ {
			span := win.Span()
			out = append(out, proof.Range{Window: win, Span: domain.Span{First: span.First, Next: min(span.Next, size)}})
		}
	}
	if of == domain.ProofHubDoris {
		for h := range hubs {
			add(domain.Window{Proof: of, Partition: int32(h)}, w.size*int64(len(w.lanes)/hubs))
		}
		return out
	}
	for _, l := range w.lanes {
		add(domain.Window{Proof: of, Source: l.source, Generation: current, Partition: l.partition}, w.size)
	}
	return out
}

// search is what a service does: every window, and a sweep over the rows that are in none.
func (w *world) search(ctx context.Context, of domain.Proof, s *proof.Search) ([]string, error) {
	for _, in := range w.windows(of) {
		if _, err := s.Look(ctx, in); err != nil {
			return nil, err
		}
	}
	for i := range s.Right.(*place).added {
		r := &s.Right.(*place).added[i]
		if _, _, known := w.windowOf(of, r); !known {
			s.Outside(of, *r)
		}
	}
	found, more, err := s.Findings(ctx)
	if more > 0 {
		return nil, fmt.Errorf("%d more", more)
	}
	return told(found), err
}

func told(found []domain.Finding) (out []string) {
	for _, f := range found {
		out = append(out, fmt.Sprintf("%s %q: %s %s %s, hub %s", f.Class, f.Column, f.Source, f.City, f.Row.City, f.Row.Hub))
	}
	slices.Sort(out)
	return out
}
