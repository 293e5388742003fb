package services_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/report"
)

// fillWorld is a table that somebody harmed, while rows come all the time.
type fillWorld struct {
	*engine
	op     operator
	came   atomic.Int64 // rows of the cities that are committed
	before [][9]string  // the rows of the table before it was harmed
}

const fillRows = 50_000

func newFillWorld(t *testing.T, model string) *fillWorld {
	t.Helper()
	whole(t)
	w := newWorld(t)
	f := &fillWorld{engine: newEngine(t, w), op: operator{w}}
	if model == config.ModelDuplicate {
		f.do("DROP TABLE ods.ODS_QL_JC_SSJC")
		f.do(duplicateDDL)
		w.cfg.Pipelines[0].Doris.Model = model
	}
	f.begins()
	for _, topic := range []string{"north", "south"} {
		f.feed(topic, 0, fillRows/4)
	}
	f.came.Store(fillRows)
	f.untilRows(fillRows)
	f.before = f.rows()
	return f
}

// flows lets rows come until quiet is called.
func (f *fillWorld) flows() (quiet func()) {
	enough := make(chan struct{})
	var feeding sync.WaitGroup
	for _, topic := range []string{"north", "south"} {
		feeding.Go(func() {
			for n := fillRows; ; n += 20 {
				select {
				case <-enough:
					return
				case <-time.After(20 * time.Millisecond):
					f.feed(topic, n, 20)
					f.came.Add(40)
				}
			}
		})
	}
	return sync.OnceFunc(func() { close(enough); feeding.Wait() })
}

// some picks rows of those that were there, by their places in a random order.
func (f *fillWorld) some(picked []int) (out [][9]string) {
	for _, i := range slices.Sorted(slices.Values(picked)) {
		out = append(out, f.before[i])
	}
	return out
}

// strayed are copies of rows under keys that no row has.
func strayed(rows [][9]string, from int) [][9]string {
	out := slices.Clone(rows)
	for i := range out {
		out[i][0], out[i][1] = fmt.Sprint(i%4), fmt.Sprint(from+i)
	}
	return out
}

// inPlace plans a repair of the live table.
func (f *fillWorld) inPlace(mode domain.TargetMode) (*replay.Shown, error) {
	f.t.Helper()
	return f.op.plans(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetTable, Mode: mode})
}

// A thousand random rows are removed and a thousand others doubled, of fifty thousand, while more
// come all the time. The dry runs of the two plans say just that; once both are carried out every
// row is there once, as it was, and no other was written.
func TestFillUnderLoad(t *testing.T) {
	f := newFillWorld(t, config.ModelUnique)
	quiet := f.flows()
	defer quiet()
	picked := rand.New(rand.NewPCG(7, 7)).Perm(fillRows) //nolint:gosec // a test's choice
	f.removes(f.some(picked[:1000]))
	f.puts("ods.ODS_QL_JC_SSJC", strayed(f.some(picked[1000:2000]), 10_000_000))

	fill, err := f.inPlace(domain.ModeFillMissing)
	must(t, err)
	if e := fill.Plan.Expect; e.Rows != 1000 || e.Present < fillRows-1000 || !slices.Contains(fill.Plan.Notes, "1,000 rows are doubled: plan delete-duplicates for them") {
		t.Errorf("the dry run of fill-missing says %+v, and notes %q", e, fill.Plan.Notes)
	}
	rid, err := f.inPlace(domain.ModeDeleteDuplicates)
	must(t, err)
	if e := rid.Plan.Expect; e.Rows != 1000 || len(rid.Plan.Delete) != 1000 || !slices.Contains(rid.Plan.Notes, "1,000 rows are missing: plan fill-missing for them") {
		t.Errorf("the dry run of delete-duplicates says %+v, and notes %q", e, rid.Plan.Notes)
	}
	f.op.approves(fill)
	f.op.approves(rid) // it waits for its turn
	done := f.op.isDone(fill.ID)
	if n := f.loadedBy(&done.Plan); n != 1000 {
		t.Errorf("fill-missing loaded %d rows", n)
	}
	done = f.op.isDone(rid.ID)
	if why := whyOf(&done, domain.PlanVerifying); !strings.HasPrefix(why, "1,000 rows are deleted, 0 keys ") {
		t.Errorf("delete-duplicates says: %s", why)
	}
	f.isWhole(quiet)
	for _, mode := range []domain.TargetMode{domain.ModeFillMissing, domain.ModeDeleteDuplicates} {
		if _, err := f.inPlace(mode); err == nil || !strings.Contains(err.Error(), "nothing is missing") && !strings.Contains(err.Error(), "no row is there twice") {
			t.Errorf("%s of a table that is whole: %v", mode, err)
		}
	}
	f.bothAtOnce(f.some(picked[2000:2050]))
}

// bothAtOnce has rows that stand under a key of no row, and not under their own: each of them is
// missing and too many at once. What is filled in is not called done as long as the other is there.
func (f *fillWorld) bothAtOnce(rows [][9]string) {
	t := f.t
	t.Helper()
	f.removes(rows)
	f.puts("ods.ODS_QL_JC_SSJC", strayed(rows, 20_000_000))
	fill, err := f.inPlace(domain.ModeFillMissing)
	must(t, err)
	f.op.approves(fill)
	if now := f.op.ends(fill.ID); now.State != domain.PlanFailed || !strings.Contains(whyOf(&now, domain.PlanFailed), "50 doubled") {
		t.Errorf("filled in, and the others are there: %s: %s", now.State, whyOf(&now, domain.PlanFailed))
	}
	rid, err := f.inPlace(domain.ModeDeleteDuplicates)
	must(t, err)
	f.op.carriesOut(rid)
	f.op.carriesOut(fill) // there is nothing to load any more
	f.isWhole(func() {})
}

// loadedBy is how many rows the loads of a plan have.
func (f *fillWorld) loadedBy(plan *domain.Plan) (rows int64) {
	t := f.t
	t.Helper()
	opened, _ := f.set.Opened()
	j := opened[0].Journal
	tail, err := j.Tail(t.Context(), plan.Stream(0))
	must(t, err)
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := j.Get(t.Context(), tail.Stream, seq)
		must(t, err)
		if c, is := e.Event.(*domain.DorisCommitted); is {
			rows += c.Rows
		}
	}
	return rows
}

// isWhole demands, once nothing comes any more, that the table has every row once: those of before
// cell by cell, those that came meanwhile as the reconciler reads them in journal and hub.
func (f *fillWorld) isWhole(quiet func()) {
	t := f.t
	t.Helper()
	quiet()
	rows := int(f.came.Load())
	f.untilRows(rows)
	f.cellsAre("ods.ODS_QL_JC_SSJC", rows)
	v, err := report.Verify(f.asks())
	must(t, err)
	isVerified(t, v.Report)
	if s := sum(v.Report, ""); s.Rows != int64(rows) || s.InDoris != int64(rows) || s.InHub != int64(rows) {
		t.Errorf("of %d rows that came the books have %d, the hub %d, the table %d", rows, s.Rows, s.InHub, s.InDoris)
	}
}

// cellsAre demands that the live table has so many rows, each under a key of its own, and among
// them those of before with all their cells.
func (f *fillWorld) cellsAre(table string, rows int) {
	t := f.t
	t.Helper()
	now := map[domain.RowKey][9]string{}
	list := f.rowsOf(table)
	for _, c := range list {
		now[keyOf(c)] = c
	}
	if len(list) != rows || len(now) != rows {
		t.Errorf("%s has %d rows under %d keys, want %d", table, len(list), len(now), rows)
	}
	others := 0
	for _, c := range f.before {
		if now[keyOf(c)] != c {
			if others++; others < 4 {
				t.Errorf("%s: was %q, is %q", table, c, now[keyOf(c)])
			}
		}
	}
	if others > 0 {
		t.Errorf("%s: %d rows are not what they were", table, others)
	}
}

// In a DUPLICATE table rows that are equal in all columns have one key: a DELETE would take both.
// That is refused, with the way; what is missing is filled in all the same, and the rebuilt table
// beside it has each row once.
func TestFillDuplicateModel(t *testing.T) {
	f := newFillWorld(t, config.ModelDuplicate)
	quiet := f.flows()
	defer quiet()
	picked := rand.New(rand.NewPCG(8, 8)).Perm(fillRows) //nolint:gosec // a test's choice
	f.removes(f.some(picked[:1000]))
	doubled := f.some(picked[1000:2000])
	f.puts("ods.ODS_QL_JC_SSJC", doubled)

	_, err := f.inPlace(domain.ModeDeleteDuplicates)
	if want := "1000 keys have several equal rows"; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "replay into a shadow table and swap") {
		t.Errorf("delete-duplicates of equal rows: %v", err)
	}
	fill, err := f.inPlace(domain.ModeFillMissing)
	must(t, err)
	if e := fill.Plan.Expect; e.Rows != 1000 || !slices.Contains(fill.Plan.Notes, "1,000 keys have several equal rows: replay into a shadow table and swap") {
		t.Errorf("the dry run of fill-missing says %+v, and notes %q", e, fill.Plan.Notes)
	}
	done := f.op.carriesOut(fill)
	if n := f.loadedBy(&done.Plan); n != 1000 {
		t.Errorf("fill-missing loaded %d rows", n)
	}
	quiet()
	rows := int(f.came.Load())
	f.untilRows(rows + 1000)
	rebuilt, err := f.op.plans(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetTable, Name: "rebuilt"})
	must(t, err)
	if rebuilt.Plan.Expect.Rows != int64(rows) {
		t.Errorf("the rebuild is to have %d rows, %d came", rebuilt.Plan.Expect.Rows, rows)
	}
	f.op.carriesOut(rebuilt)
	f.cellsAre("ods.rebuilt", rows)
}
