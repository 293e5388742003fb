package services_test

import (
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// A while is what was ingested in it, to the row: its books add up by themselves, and rows
// before and after it have no part in them. A source is its rows alone.
func TestProveScope(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.feed("north", 0, 300)
	w.untilRows(600)
	from := time.Now()
	w.feed("north", 300, 200)
	w.feed("south", 0, 100)
	w.untilRows(1200)
	to := time.Now()
	w.feed("south", 100, 400)
	w.untilRows(2000)
	w.end()
	p := &w.cfg.Pipelines[0]
	for _, c := range []struct {
		name         string
		scope        reconcile.Scope
		north, south int64
	}{
		{"all", reconcile.Scope{}, 1000, 1000},
		{"the while", reconcile.Scope{From: &from, To: &to}, 400, 200},
		{"until then", reconcile.Scope{To: &from}, 600, 0},
		{"from then on", reconcile.Scope{From: &to, Deep: true}, 0, 800},
		{"nothing", reconcile.Scope{From: &to, To: &to}, 0, 0},
		{"one source", reconcile.Scope{Sources: []domain.SourceID{"south"}}, 0, 1000},
		{"one source in the while", reconcile.Scope{Sources: []domain.SourceID{"north"}, From: &from, To: &to}, 400, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := proveScope(t, w.cfg, p, c.scope)
			north, south := sum(r, "north"), sum(r, "south")
			if north.Rows != c.north || north.InDoris != c.north || south.Rows != c.south || south.InDoris != c.south || len(r.Findings) > 0 {
				t.Errorf("north %+v\nsouth %+v\n%+v", north, south, r.Findings)
			}
			if got := covered(r, domain.ProofCityHub); got.Verified != c.north+c.south || got.Rows != got.Verified {
				t.Errorf("%+v", got)
			}
			if got := covered(r, report.CityJournal); c.scope.Deep && got.Verified != c.north+c.south {
				t.Errorf("%+v", got)
			}
			if c.north+c.south > 0 {
				isVerified(t, r)
			}
		})
	}
}
