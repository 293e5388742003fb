package doris_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
)

// TestLimits: a batch is closed by each of its bounds, and by nothing else.
func TestLimits(t *testing.T) {
	const hour = time.Hour
	for name, c := range map[string]struct {
		limits doris.Limits
		want   []int64 // rows of the loads of 6 commits with 5 rows and 1000 bytes each
	}{
		"rows":  {doris.Limits{Rows: 7, Age: hour}, []int64{10, 10, 10}},
		"bytes": {doris.Limits{Bytes: 2001, Age: hour}, []int64{15, 15}},
		"age":   {doris.Limits{Age: time.Second}, []int64{30}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, unique)
			w.opened()
			w.cfg.Batch = c.limits
			var at domain.Cursor
			for range 6 {
				at = w.Feed()
			}
			p := w.start()
			p.until(at)
			p.stop()
			var got []int64
			var rows int64
			for _, ev := range events[*domain.DorisPrepared](w) {
				got = append(got, ev.Rows)
				rows += ev.Rows
			}
			if c.limits.Age < hour && len(got) < 6 {
				got = []int64{rows} // a machine that stands still makes two of it; TestGather is exact
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("loads of %v rows, want %v", got, c.want)
			}
			w.Tally()
		})
	}
}

// TestRolls: the streams roll their segments again and again, under a leg and between
// two.
func TestRolls(t *testing.T) {
	w := newWorldOf(t, unique, 1000)
	w.opened()
	p := w.start()
	for range 3 {
		var at domain.Cursor
		for range 5 {
			at = w.Feed()
		}
		p.until(at)
		p.stop()
		p = w.start()
	}
	p.until(w.Feed())
	p.stop()
	w.Tally()
	for _, leg := range []domain.Leg{domain.LegHub, domain.LegDoris} {
		if list, err := w.store.Segments(w.ctx, w.streamOf(leg)); err != nil || len(list) < 3 {
			t.Errorf("%s has %d segments: %v", leg, len(list), err)
		}
	}
}

// TestStops: a leg that is told to stop comes back at once, wherever it is; goleak says
// whether anything stays.
func TestStops(t *testing.T) {
	for _, site := range []string{"", "load", "commit"} {
		t.Run(site, func(t *testing.T) {
			w := newWorld(t, unique)
			w.opened()
			ctx, stop := context.WithCancel(w.ctx)
			defer stop()
			release := func() {}
			if site != "" {
				p := w.wire.pause(site)
				release = func() { close(p.release) }
				go func() { <-p.arrived; stop() }()
				w.Feed()
			}
			d, _ := w.leg()
			leg, err := d.Open(ctx)
			must(t, err)
			if site == "" {
				time.AfterFunc(20*time.Millisecond, stop)
			}
			if err := leg.Run(ctx); err != nil {
				t.Errorf("ended with %v", err)
			}
			leg.Close()
			release()
			p := w.start()
			p.until(w.Feed())
			p.stop()
			w.Tally()
		})
	}
}

// TestContradictions: what the hub stream says must be in the ingest stream.
func TestContradictions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*domain.HubRun)
		says   string
	}{
		"no such run":  {func(r *domain.HubRun) { r.Run = 7 }, "has no run 7"},
		"no such rows": {func(r *domain.HubRun) { r.First = 5 }, "run 0 has no row 6"},
		"torn":         {func(r *domain.HubRun) { r.First, r.N = 3, 2 }, "run 0 has no row 4"},
		"other event":  {func(r *domain.HubRun) { r.Ingest = 1 }, "has no run 0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, unique)
			// Rows 3 and 5 are there, row 4 does not decode.
			torn := w.plain("nanjing", 0, 6)
			torn.batches = [][]byte{recordBatch(0, torn.records[:4]...), undecodable(4, 1), recordBatch(5, torn.records[5:]...)}
			_, ref := w.journaled(torn)
			run := domain.HubRun{Ingest: ref.Seq, N: 3, Partition: 1}
			c.change(&run)
			_, err := w.hub.Append(w.ctx, &domain.HubCommitted{
				Owned: w.hub.Owned(), Trail: w.hub.Trail(), Begun: ref, Cursor: ref, Rows: 3, Runs: []domain.HubRun{run},
			})
			must(t, err)
			p := w.start()
			defer p.stop()
			s := p.reaches(projections.StateIncident)
			if want := string(domain.IncidentIntegrity); !contains(s.Error, want, c.says) {
				t.Errorf("incident: %s", s.Error)
			}
		})
	}
	t.Run("unknown source", func(t *testing.T) {
		w := newWorld(t, unique)
		w.cfg.Pipeline.Sources = w.cfg.Pipeline.Sources[:1]
		w.Feed()
		d, _ := w.leg()
		leg, err := d.Open(w.ctx)
		must(t, err)
		defer leg.Close()
		if err := leg.Run(w.ctx); err == nil || !contains(err.Error(), "source wuxi", "is not in the configuration") {
			t.Errorf("ended with %v", err)
		}
	})
}
