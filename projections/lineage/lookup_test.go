package lineage_test

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/lineage"
)

func contains(err error, text string) bool { return strings.Contains(err.Error(), text) }

// TestLookup: a row is found by each of its places, whatever came twice.
func TestLookup(t *testing.T) {
	w := newWorld(t, kind{old: true})
	w.lookups()
}

// lookups carries some rows, twice, and asks for them.
func (w *world) lookups() {
	w.t.Helper()
	p := w.start()
	w.Feed()
	p.until(w.Feed())
	p.stop()
	if w.model != nil {
		w.model.mu.Lock()
		w.model.rows = append(w.model.rows, w.model.rows...)
		w.model.mu.Unlock()
	}
	c, err := clickhouseconn.Open(w.ctx, w.cfg.Conn)
	must(w.t, err)
	defer c.Close()
	last := w.want[len(w.want)-1]
	for name, q := range map[string]struct {
		q   lineage.Query
		are func(r lineage.Row) bool
	}{
		"city": {lineage.AtCity("320200", 1, 3), func(r lineage.Row) bool { return r.City == "320200" && r.Place.City.Offset == 3 }},
		"source": {lineage.AtSource("nanjing", 1, 4), func(r lineage.Row) bool {
			return r.Source == "nanjing" && r.Place.City.Offset == 4
		}},
		"hub":     {lineage.AtHub(3, 5), func(r lineage.Row) bool { return r.Place.Hub.Partition == 3 && r.Place.Hub.Offset == 5 }},
		"load":    {lineage.OfLoad(1, last.Doris), func(r lineage.Row) bool { return r.Doris == last.Doris }},
		"label":   {lineage.OfLabel(last.Label), func(r lineage.Row) bool { return r.Label == last.Label }},
		"txn":     {lineage.OfTxn(last.Txn), func(r lineage.Row) bool { return r.Txn == last.Txn }},
		"nobody":  {lineage.AtCity("x' OR '1' = '1", 1, 3), func(lineage.Row) bool { return false }},
		"no load": {lineage.OfLoad(0, last.Doris), func(lineage.Row) bool { return false }},
	} {
		if w.model != nil && name == "nobody" {
			continue // the model reads no escapes
		}
		var want []lineage.Row
		for _, r := range w.want {
			if q.are(r) {
				want = append(want, r)
			}
		}
		slices.SortStableFunc(want, func(a, b lineage.Row) int { return strings.Compare(string(a.City), string(b.City)) })
		got, err := lineage.Lookup(w.ctx, c, w.at(), q.q, 1000)
		must(w.t, err)
		if diff := gocmp.Diff(shown(want), shown(got)); diff != "" {
			w.t.Errorf("%s: want -, got +:\n%s", name, diff)
		}
	}
	some, err := lineage.Lookup(w.ctx, c, w.at(), lineage.OfLoad(1, last.Doris), 2)
	if err != nil || len(some) != 2 {
		w.t.Errorf("of a load with a limit of 2: %d rows, %v", len(some), err)
	}
	other := w.at()
	other.Journal = domain.JournalID{1}
	none, err := lineage.Lookup(w.ctx, c, other, lineage.AtHub(3, 5), 1000)
	if err != nil || len(none) != 0 {
		w.t.Errorf("of another journal: %d rows, %v", len(none), err)
	}
}
