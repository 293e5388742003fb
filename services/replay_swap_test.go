package services_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/doris/sqlwire"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/replay"
)

const (
	liveTable   = "ods.ODS_QL_JC_SSJC"
	shadowTable = liveTable + "_shadow"
)

// swapWorld is a table, a shadow of it that a replay of everything made, and an operator.
type swapWorld struct {
	*engine
	op   operator
	wire *sqlwire.Wire
	came atomic.Int64 // rows of the cities that are committed
	plan *replay.Shown
}

// newSwapWorld begins with a table of 4,000 rows that somebody harmed: ten are gone, and five are
// there that nobody sent.
func newSwapWorld(t *testing.T, model string) *swapWorld {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	w := newWorld(t)
	s := &swapWorld{engine: newEngine(t, w), op: operator{w}}
	if model == config.ModelDuplicate {
		s.do("DROP TABLE " + liveTable)
		s.do(duplicateDDL)
	}
	d := w.cfg.Pipelines[0].Doris
	d.Model = model
	var err error
	s.wire, err = sqlwire.Open(t.Context(), d.MySQL[0])
	must(t, err)
	t.Cleanup(func() { must(t, s.wire.Close()) })
	d.MySQL = []string{s.wire.Addr()}
	s.begins()
	for _, topic := range []string{"north", "south"} {
		s.feed(topic, 0, 1000)
	}
	s.came.Store(4000)
	s.untilRows(4000)
	s.plan, err = s.op.plans(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetTable})
	must(t, err)
	s.op.carriesOut(s.plan)
	all := s.rows()
	s.removes(all[100:110])
	s.puts(liveTable, strayed(all[200:205], 10_000_000))
	return s
}

// flows lets rows come until quiet is called.
func (s *swapWorld) flows() (quiet func()) {
	enough := make(chan struct{})
	var feeding sync.WaitGroup
	for _, topic := range []string{"north", "south"} {
		feeding.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond) // a slow machine has to follow, too
			defer tick.Stop()
			for n := int(s.came.Load()); ; n += 20 {
				select {
				case <-enough:
					return
				case <-tick.C:
					s.feed(topic, n, 20)
					s.came.Add(40)
				}
			}
		})
	}
	return sync.OnceFunc(func() { close(enough); feeding.Wait() })
}

// swaps exchanges the tables, as hefu swap does.
func (o operator) swaps(id domain.PlanID, back bool) (*replay.Exchange, error) {
	o.t.Helper()
	resp, err := o.says(http.MethodPost, "/v1/replays/"+id.String()+"/swap", replay.SwapAsk{Who: "sun", Why: "the test", Back: back})
	must(o.t, err)
	defer resp.Body.Close()
	for lines := json.NewDecoder(resp.Body); ; {
		var l replay.SwapLine
		switch err := lines.Decode(&l); {
		case errors.Is(err, io.EOF):
			return nil, errors.New("no answer: " + resp.Status)
		case err != nil:
			return nil, err
		case l.Error != "":
			return nil, errors.New(l.Error)
		case l.Swap != nil:
			return l.Swap, nil
		case l.Step == "":
			return nil, errors.New("no answer: " + resp.Status)
		}
	}
}

// refuses demands that an exchange is not done, and why.
func (s *swapWorld) refuses(id domain.PlanID, back bool, why string) {
	s.t.Helper()
	before := s.steps()
	if x, err := s.op.swaps(id, back); err == nil || !strings.Contains(err.Error(), why) {
		s.t.Errorf("exchanged: %+v, %v; want to hear %q", x, err, why)
	}
	if after := s.steps(); len(after) != len(before) {
		s.t.Errorf("steps of an exchange that was refused: %v", after[len(before):])
	}
}

// steps are the exchanges on control.
func (s *swapWorld) steps() (out []domain.TableSwap) {
	opened, _ := s.set.Opened()
	opened[0].Control.State(func(c *domain.ControlState) {
		for _, e := range c.Swaps {
			out = append(out, *e)
		}
	})
	return out
}

// whole compares the live table with everything that is loaded.
func (s *swapWorld) whole() *domain.Difference {
	s.t.Helper()
	d, err := s.prover.Difference(s.t.Context(), "bridge", s.loaded(), domain.Selection{}, liveTable, nil)
	must(s.t, err)
	return d
}

// comes waits until more rows are in the live table than there were.
func (s *swapWorld) comes() {
	s.t.Helper()
	begin := len(s.rows())
	for deadline := time.Now().Add(time.Minute); len(s.rows()) < begin+100; {
		if time.Now().After(deadline) {
			r, _ := s.report()
			s.t.Fatalf("no row is loaded any more: %+v", r)
		}
	}
}

// A table that was harmed is exchanged with its shadow while rows come, and back again, and then
// once more: each time every row that came is in the one that is live, and nothing in it but that
// and what it had of its own.
func TestSwapUnderLoad(t *testing.T) {
	whole(t)
	for _, model := range []string{config.ModelUnique, config.ModelDuplicate} {
		t.Run(model, func(t *testing.T) {
			s := newSwapWorld(t, model)
			for i, back := range []bool{false, true, false} {
				quiet := s.flows()
				s.comes()
				x, err := s.op.swaps(s.plan.ID, back)
				must(t, err)
				s.comes()
				quiet()
				t.Logf("caught up %d rows, held for %.3f s", x.Caught, x.Held)
				if x.Caught < 100 || x.Live != liveTable || x.Shadow != shadowTable || x.Back != back || x.Plan != s.plan.ID {
					t.Errorf("exchange %d: %+v", i, x)
				}
				came := int(s.came.Load())
				if back {
					came += 5 - 10
				}
				s.untilRows(came)
				d := s.whole()
				if !back && !d.None() || d.Expected != s.came.Load() {
					t.Errorf("after exchange %d: %d expected, %d missing, doubled %v, foreign %v, %d altered", i, d.Expected, d.MissingRows(), d.Doubled, d.Foreign, len(d.Altered))
				}
				if back && (d.MissingRows() != 10 || len(d.Doubled) != 5 || len(d.Foreign)+len(d.Altered)+len(d.Equal) > 0) {
					t.Errorf("the table that was live before: %d missing, doubled %v, foreign %v", d.MissingRows(), d.Doubled, d.Foreign)
				}
				steps := s.steps()
				last := domain.TableSwap{Plan: s.plan.ID, Live: liveTable, Shadow: shadowTable, Step: domain.SwapDone, Who: "sun", Why: "the test", How: "comment of the table"}
				if len(steps) != 2*(i+1) || steps[2*i].Step != domain.SwapBegun || steps[2*i+1] != last {
					t.Errorf("on control: %+v", steps)
				}
			}
			s.refuses(s.plan.ID, false, "is the live one already; the way back: hefu swap "+s.plan.ID.String()+" --back --why …")
		})
	}
}

// The statement that exchanges fails and did not happen, or did: what control and the answer say is
// so, and the same command goes on.
func TestSwapStatement(t *testing.T) {
	s := newSwapWorld(t, config.ModelUnique)
	s.wire.Arm("REPLACE WITH TABLE", 1, journal.FaultBefore)
	if x, err := s.op.swaps(s.plan.ID, false); err == nil || !strings.Contains(err.Error(), "nothing is exchanged (") || s.wire.Met() != 1 {
		t.Errorf("sent %d times: %+v, %v", s.wire.Met(), x, err)
	}
	aside := s.ended(domain.SwapNot, "sun")
	if got := len(s.rows()); got != 3995 {
		t.Errorf("nothing is exchanged, and there are %d rows", got)
	}
	x, err := s.op.swaps(s.plan.ID, false)
	must(t, err)
	if steps := s.steps(); x.Shadow != aside || len(steps) != 4 || steps[3].Step != domain.SwapDone || steps[3].Shadow != aside {
		t.Errorf("exchanged with %s, want %s: %+v", x.Shadow, aside, steps)
	}
	s.wire.Arm("REPLACE WITH TABLE", 1, journal.FaultAfter)
	x, err = s.op.swaps(s.plan.ID, true)
	must(t, err)
	if again := s.ended(domain.SwapDone, "sun"); x.Shadow != again || again == aside || s.wire.Met() != 1 {
		t.Errorf("sent %d times, exchanged with %s, which stands at %s", s.wire.Met(), x.Shadow, again)
	}
	if got := len(s.rows()); got != 3995 {
		t.Errorf("back again there are %d rows", got)
	}
}

// ended demands an outcome of the last exchange on control, and a new name of the table that is not
// the live one, which it returns: the one that the statement named is nobody's.
func (s *swapWorld) ended(want domain.SwapStep, who string) (aside string) {
	s.t.Helper()
	steps := s.steps()
	begun, end := steps[len(steps)-2], steps[len(steps)-1]
	if begun.Step != domain.SwapBegun || end.Step != want || end.Who != who || end.How != "comment of the table" || end.Shadow == begun.Shadow {
		s.t.Errorf("on control: %+v, want %s", steps, want)
	}
	_, live, _ := strings.Cut(begun.Live, ".")
	_, was, _ := strings.Cut(begun.Shadow, ".")
	late := "ALTER TABLE ods." + live + " REPLACE WITH TABLE " + was + " PROPERTIES('swap' = 'true')"
	if _, err := s.db.ExecContext(s.t.Context(), late); err == nil {
		s.t.Errorf("a statement that comes late exchanged %s and %s", live, was)
	}
	return end.Shadow
}

// An exchange that somebody began and nobody ended has the outcome that Doris says, and keeps it,
// whatever comes late of whoever began it; rows come in meanwhile, and each is in the table that is
// live in the end.
func TestSwapAbandoned(t *testing.T) {
	s := newSwapWorld(t, config.ModelUnique)
	opened, _ := s.set.Opened()
	shadow := shadowTable
	for _, want := range []domain.SwapStep{domain.SwapNot, domain.SwapDone, domain.SwapNot, domain.SwapDone} {
		if want == domain.SwapDone {
			s.do("ALTER TABLE " + liveTable + " REPLACE WITH TABLE " + strings.TrimPrefix(shadow, "ods.") + " PROPERTIES('swap' = 'true')")
		}
		_, err := opened[0].Control.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) {
			return &domain.TableSwap{Plan: s.plan.ID, Live: liveTable, Shadow: shadow, Step: domain.SwapBegun, Who: "gone", Why: "killed"}, nil
		})
		must(t, err)
		must(t, opened[0].Control.Wait(t.Context(), func(c *domain.ControlState) bool { return c.OpenSwap() == nil }))
		shadow = s.ended(want, "gone")
	}
	quiet := s.flows()
	s.comes()
	x, err := s.op.swaps(s.plan.ID, false) // it was there and back again
	must(t, err)
	quiet()
	s.untilRows(int(s.came.Load()))
	if d := s.whole(); !d.None() || x.Shadow != shadow {
		t.Errorf("exchanged with %s, want %s; %d missing, doubled %v, foreign %v", x.Shadow, shadow, d.MissingRows(), d.Doubled, d.Foreign)
	}
}

// What must not become the live table is refused, and so is what nobody could take back.
func TestSwapRefuses(t *testing.T) {
	s := newSwapWorld(t, config.ModelUnique)
	planned := func(scope domain.PlanScope, target domain.PlanTarget) *replay.Shown {
		t.Helper()
		r, err := s.op.plans(scope, target)
		must(t, err)
		return r
	}
	now := domain.Micros(time.Now().UnixMicro())
	asOf := planned(domain.PlanScope{AsOf: &domain.AsOf{Time: &now}}, domain.PlanTarget{Kind: domain.TargetTable, Name: "moment"})
	s.refuses(asOf.ID, false, "made the table as it stood at a moment: under the live name everything that was loaded since would be missing")
	part := planned(domain.PlanScope{Sources: []domain.SourceID{"north"}}, domain.PlanTarget{Kind: domain.TargetTable, Name: "part"})
	s.refuses(part.ID, false, "carried a part of the rows: under the live name the others would be missing")
	file := planned(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetFile})
	s.refuses(file.ID, false, "made no shadow table")
	waiting := planned(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetTable, Name: "other"})
	s.refuses(waiting.ID, false, "is not done: only a table that was verified is exchanged")
	s.refuses(s.plan.ID, true, "is not the live one: there is no way back from that")
	s.refuses(domain.PlanID{1, 2, 3, 4}, false, "404")

	all := s.rowsOf(shadowTable)
	s.do("DELETE FROM "+shadowTable+" WHERE hw_partition_id = ? AND hw_offset_id = ?", all[7][0], all[7][1])
	s.refuses(s.plan.ID, false, "is not what the replay made of it any more: ")
	s.puts(shadowTable, all[7:8])

	s.do("CREATE TABLE ods.third LIKE " + shadowTable)
	s.do("DROP TABLE " + shadowTable)
	s.refuses(s.plan.ID, false, "just one must have")
}

// Rows that were caught up by an exchange that was refused in the end are not caught up twice.
func TestSwapAgain(t *testing.T) {
	s := newSwapWorld(t, config.ModelDuplicate)
	quiet := s.flows()
	s.comes()
	s.wire.Arm("REPLACE WITH TABLE", 0, journal.FaultNone)
	all := s.rowsOf(shadowTable)
	s.do("DELETE FROM "+shadowTable+" WHERE hw_partition_id = ? AND hw_offset_id = ?", all[7][0], all[7][1])
	s.refuses(s.plan.ID, false, "is not what the replay made of it any more: ")
	s.puts(shadowTable, all[7:8])
	s.comes()
	_, err := s.op.swaps(s.plan.ID, false)
	must(t, err)
	quiet()
	s.untilRows(int(s.came.Load()))
	if d := s.whole(); !d.None() {
		t.Errorf("%d missing, doubled %v, equal %v", d.MissingRows(), d.Doubled, d.Equal)
	}
	var states []domain.PlanState
	opened, _ := s.set.Opened()
	opened[0].Control.State(func(c *domain.ControlState) {
		for _, id := range c.Planned[1:] {
			r := c.Replays[id]
			if states = append(states, r.State); r.Plan.Target.Shadow != s.plan.ID || r.Planned.Who != "sun" || r.Planned.Why != "the test" {
				t.Errorf("replay %s: %+v", id, r.Planned)
			}
		}
	})
	if len(states) < 2 || slices.ContainsFunc(states, func(st domain.PlanState) bool { return st != domain.PlanDone }) {
		t.Errorf("replays that caught up: %v", states)
	}
}

// A process that does not load every shard cannot hold all of them, and exchanges nothing.
func TestSwapShards(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	w := newWorld(t)
	w.cfg.Pipelines[0].Shards = 2
	s := &swapWorld{engine: newEngine(t, w), op: operator{w}}
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}, Shards: []int{0}}
	app := fx.New(services.Options(w.cfg, role, slog.New(slog.DiscardHandler)), fx.Populate(&s.set))
	must(t, app.Err())
	must(t, app.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	s.feed("north", 0, 10)
	s.feed("south", 0, 10)
	for deadline := time.Now().Add(time.Minute); len(s.rows()) == 0 || !s.settled(); {
		if time.Now().After(deadline) {
			t.Fatal("no row is loaded")
		}
	}
	r, err := s.op.plans(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetTable})
	must(t, err)
	s.refuses(r.ID, false, "this process does not have the Doris leg of shard 1 (no process has it). If one process has all of them, ask that one: hefu swap with its hefu.yaml")
}
