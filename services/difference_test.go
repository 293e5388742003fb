package services_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// engine is a process whose parts a test can call.
type engine struct {
	*world
	db      *sql.DB
	set     *pipeline.Set
	prover  *reconcile.Service
	feeding sync.WaitGroup
	enough  chan struct{}
}

func newEngine(t *testing.T, w *world) *engine {
	t.Helper()
	e := &engine{world: w, enough: make(chan struct{})}
	var err error
	e.db, err = sql.Open("mysql", "root@tcp("+w.cfg.Pipelines[0].Doris.MySQL[0]+")/ods?interpolateParams=true")
	must(t, err)
	t.Cleanup(func() { _ = e.db.Close() })
	return e
}

// begins starts the process.
func (e *engine) begins() {
	e.t.Helper()
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	app := fx.New(services.Options(e.cfg, role, slog.New(slog.DiscardHandler)), fx.Populate(&e.set, &e.prover))
	must(e.t, app.Err())
	must(e.t, app.Start(e.t.Context()))
	e.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			e.t.Errorf("stop: %v", err)
		}
	})
}

// lives lets rows flow until quiet is called.
func (e *engine) lives(from int) (quiet func()) {
	for _, topic := range []string{"north", "south"} {
		e.feeding.Go(func() {
			for n := from; ; n += 20 {
				select {
				case <-e.enough:
					return
				default:
					e.feed(topic, n, 20)
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		close(e.enough)
		e.feeding.Wait()
	})
}

func (e *engine) do(q string, args ...any) {
	e.t.Helper()
	_, err := e.db.ExecContext(e.t.Context(), q, args...)
	must(e.t, err)
}

// loaded is the lane of everything that is loaded now.
func (e *engine) loaded() []domain.PlanLane {
	e.t.Helper()
	opened, _ := e.set.Opened()
	j := opened[0].Journal
	s := domain.Stream{Pipeline: "bridge", Leg: domain.LegDoris}
	tail, err := j.Tail(e.t.Context(), s)
	must(e.t, err)
	c, err := j.Get(e.t.Context(), s, domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Commit)
	must(e.t, err)
	return []domain.PlanLane{{First: 1, Last: c.Event.(*domain.DorisCommitted).Cursor}}
}

// rows are all rows of the live table, the key first.
func (e *engine) rows() [][9]string { e.t.Helper(); return e.rowsOf("ods.ODS_QL_JC_SSJC") }

func (e *engine) rowsOf(table string) (out [][9]string) {
	e.t.Helper()
	list, err := e.db.QueryContext(e.t.Context(), "SELECT hw_partition_id, hw_offset_id, sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_ts FROM "+table+" ORDER BY hw_partition_id, hw_offset_id")
	must(e.t, err)
	defer list.Close()
	for list.Next() {
		var c [9]string
		must(e.t, list.Scan(&c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &c[7], &c[8]))
		out = append(out, c)
	}
	must(e.t, list.Err())
	return out
}

func keyOf(c [9]string) (k domain.RowKey) {
	_, _ = fmt.Sscan(c[0], &k.Partition)
	_, _ = fmt.Sscan(c[1], &k.Offset)
	return k
}

// puts inserts rows into a table.
func (e *engine) puts(table string, rows [][9]string) {
	e.t.Helper()
	for part := range slices.Chunk(rows, 500) {
		var args []any
		for _, c := range part {
			for _, cell := range c {
				args = append(args, cell)
			}
		}
		e.do("INSERT INTO "+table+" (hw_partition_id, hw_offset_id, sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_ts) VALUES "+
			strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?, ?), ", len(part)), ", "), args...)
	}
}

// removes deletes rows and gives the spans that are missing then.
func (e *engine) removes(rows [][9]string) (missing []domain.HubSpan) {
	e.t.Helper()
	by := map[int32][]string{}
	for _, c := range rows {
		k := keyOf(c)
		by[k.Partition] = append(by[k.Partition], c[1])
		if n := len(missing); n > 0 && missing[n-1].Partition == k.Partition && missing[n-1].Span.Next == k.Offset {
			missing[n-1].Span.Next++
		} else {
			missing = append(missing, domain.HubSpan{Partition: k.Partition, Span: domain.Span{First: k.Offset, Next: k.Offset + 1}})
		}
	}
	for h, list := range by {
		e.do(fmt.Sprintf("DELETE FROM ods.ODS_QL_JC_SSJC WHERE hw_partition_id = %d AND hw_offset_id IN (%s)", h, strings.Join(list, ", ")))
	}
	return missing
}

// A thousand rows removed and a thousand doubled, of fifty thousand, while more come all the time:
// each of them comes out, and nothing else.
func TestDifferenceUnderLoad(t *testing.T) {
	whole(t)
	for _, model := range []string{config.ModelUnique, config.ModelDuplicate} {
		t.Run(model, func(t *testing.T) {
			w := newWorld(t)
			e := newEngine(t, w)
			if model == config.ModelDuplicate {
				e.do("DROP TABLE ods.ODS_QL_JC_SSJC")
				e.do(duplicateDDL)
				w.cfg.Pipelines[0].Doris.Model = model
			}
			e.begins()
			e.feed("north", 0, 12_500)
			e.feed("south", 0, 12_500)
			e.untilRows(50_000)
			lanes, all := e.loaded(), e.rows()
			quiet := e.lives(12_500)
			defer quiet()
			differs := func(rows domain.Selection) *domain.Difference {
				t.Helper()
				d, err := e.prover.Difference(t.Context(), "bridge", lanes, rows, "ods.ODS_QL_JC_SSJC", nil)
				must(t, err)
				return d
			}
			if d := differs(domain.Selection{}); !d.None() || d.Expected != 50_000 || d.Present != 50_000 {
				t.Errorf("clean: %+v", d)
			}
			r := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a test's choice
			picked := r.Perm(len(all))
			some := func(from, to int) (out [][9]string) {
				at := slices.Sorted(slices.Values(picked[from:to]))
				for _, i := range at {
					out = append(out, all[i])
				}
				return out
			}
			want := &domain.Difference{Expected: 50_000, Present: 49_000, Missing: e.removes(some(0, 1000))}
			copies := some(500, 1500) // of some that are gone, too: those are under the wrong key alone
			if model == config.ModelDuplicate {
				copies = some(1000, 2000)
				want.Present = 48_000
			}
			for i := range copies {
				if model == config.ModelUnique {
					copies[i][0], copies[i][1] = fmt.Sprint(i%4), fmt.Sprint(10_000_000+i)
					want.Doubled = append(want.Doubled, keyOf(copies[i]))
				} else {
					want.Equal = append(want.Equal, domain.EqualRows{Key: keyOf(copies[i]), Times: 2})
				}
			}
			slices.SortFunc(want.Doubled, func(a, b domain.RowKey) int {
				if a.Partition != b.Partition {
					return int(a.Partition - b.Partition)
				}
				return int(a.Offset - b.Offset)
			})
			e.puts("ods.ODS_QL_JC_SSJC", copies)
			began := time.Now()
			got := differs(domain.Selection{})
			t.Logf("compared 50,000 rows, of which 2,000 were wrong, in %s", time.Since(began))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("expected %d, present %d; %d missing in %d spans, %d doubled, %d equal; others %d altered, %d foreign", got.Expected, got.Present,
					got.MissingRows(), len(got.Missing), len(got.Doubled), len(got.Equal), len(got.Altered), len(got.Foreign))
			}
			if d := differs(domain.Selection{Cities: []domain.CitySpan{{Source: "north", Partition: 1, Span: domain.Span{First: 0, Next: 1 << 40}}}}); d.Expected != 12_500 || d.MissingRows() == 0 || len(d.Foreign) > 0 {
				t.Errorf("of one partition: %d expected, %d missing", d.Expected, d.MissingRows())
			}
			e.provesShadow(lanes, all)
		})
	}
}

// provesShadow has a shadow table of the rows verified, and kept reports of it.
func (e *engine) provesShadow(lanes []domain.PlanLane, all [][9]string) {
	t := e.t
	t.Helper()
	e.do(strings.Replace(ddl, "ODS_QL_JC_SSJC", "shadow", 1))
	e.puts("ods.shadow", all)
	plan := &domain.Plan{ID: domain.PlanID{7}, Pipeline: "bridge", Lanes: lanes, Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeShadow, Name: "ods.shadow"}}
	v, err := e.prover.ProvePlan(t.Context(), plan, nil)
	must(t, err)
	if v.Verdict != domain.Verified {
		t.Errorf("complete: %s: %s", v.Verdict, v.Why)
	}
	e.do("DELETE FROM ods.shadow WHERE hw_partition_id = 2 AND hw_offset_id = " + firstOf(all, "2"))
	bad, err := e.prover.ProvePlan(t.Context(), plan, nil)
	must(t, err)
	if bad.Verdict != domain.Diverged || !strings.Contains(bad.Why, "1 finding: 1 lost") {
		t.Errorf("one row less: %s: %s", bad.Verdict, bad.Why)
	}
	kept := report.InFolder(filepath.Join(e.cfg.DataDir, report.Folder))
	list, err := kept.List()
	must(t, err)
	names := map[string]string{}
	for _, one := range list {
		names[one.Name] = one.File
	}
	file, err := os.ReadFile(names[bad.Name])
	must(t, err)
	signed, err := report.Verify(file)
	must(t, err)
	if signed.Digest != bad.Digest || signed.Report.Scope.Plan.ID != plan.ID || signed.Report.Previous == nil || signed.Report.Previous.Name != v.Name {
		t.Errorf("kept %+v, after %+v", signed.Report.Scope.Plan, signed.Report.Previous)
	}
	page, err := os.ReadFile(strings.TrimSuffix(names[bad.Name], ".json") + ".html")
	must(t, err)
	var printed strings.Builder
	report.Print(&printed, signed.Report)
	for _, text := range []string{string(page), printed.String()} {
		if !strings.Contains(text, plan.ID.String()) || !strings.Contains(text, plan.Digest().String()) {
			t.Errorf("a report that does not name its plan: %.500s", text)
		}
	}
	d, err := signed.Repair()
	must(t, err)
	if len(d.Rows.Hub) != 1 || d.Rows.Hub[0].Partition != 2 || len(d.Lanes) != 1 || d.Lanes[0] != lanes[0] {
		t.Errorf("to be repaired: %+v", d)
	}
}

func firstOf(all [][9]string, partition string) string {
	return all[slices.IndexFunc(all, func(c [9]string) bool { return c[0] == partition })][1]
}
