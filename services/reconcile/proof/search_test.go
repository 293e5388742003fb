package proof_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// TestSearch: whatever one fault is, and wherever, it is found and nothing else is; and two
// faults in different cities are found as each of them alone.
func TestSearch(t *testing.T) {
	w := newWorld(8000)
	for _, l := range legs() {
		var can []kind
		for _, k := range kinds() {
			if k.in(l) {
				can = append(can, k)
			}
		}
		t.Run(strings.ReplaceAll(l.name, " ", "_"), rapid.MakeCheck(func(t *rapid.T) {
			s, right := l.search(w)
			intn := func(n int64) int64 { return rapid.Int64Range(0, n-1).Draw(t, "n") }
			k := rapid.SampledFrom(can).Draw(t, "kind")
			want := k.do(&hurt{l, right, intn})
			if rapid.Bool().Draw(t, "two") {
				other := l.on(w)
				also := rapid.SampledFrom(can).Draw(t, "other kind")
				more := also.do(&hurt{l, other, intn})
				if !apart(right, other) {
					t.Skip("both touch one row")
				}
				merge(right, other)
				want = append(want, more...)
			}
			got, err := w.search(t.Context(), l.of, s)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
		}))
	}
}

// on is the right side of a leg, untouched.
func (l leg) on(w *world) *place { return w.place(l.right) }

// apart reports whether what was done to two places has nothing to do with each other: no two
// rows in one thousand of a lane's offsets, or in one place of the hub.
func apart(a, b *place) bool {
	near := map[spot]bool{}
	where := func(p *place) (out []spot) {
		for s := range p.removed {
			out = append(out, spot{s.lane, s.offset / 1000})
		}
		for i := range p.added {
			r := &p.added[i]
			lane := slices.IndexFunc(p.w.lanes, func(l lane) bool {
				return l.city == r.Text[proof.City] && int64(l.partition) == atoi(r.Text[proof.CityPartition])
			})
			per := int64(len(p.w.lanes) / hubs)
			out = append(out, spot{lane, atoi(r.Text[proof.CityOffset]) / 1000})
			out = append(out, spot{100 + int(r.Hub.Partition), r.Hub.Offset / per / 1000})
		}
		return out
	}
	for _, s := range where(a) {
		near[s] = true
	}
	return !slices.ContainsFunc(where(b), func(s spot) bool { return near[s] })
}

func merge(into, from *place) {
	for s := range from.removed {
		into.removed[s] = true
	}
	into.added = append(into.added, from.added...)
}
