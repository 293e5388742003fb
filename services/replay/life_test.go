package replay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/file"
)

var toFile = domain.PlanTarget{Kind: domain.TargetFile}

// lived is a world with twenty commits of five rows.
func lived(t *testing.T, shards int) *world {
	t.Helper()
	w := newWorld(t, shards)
	for i := range 20 {
		w.feed(i%shards, domain.SourceID("ab"[i%shards:i%shards+1]), 5)
	}
	return w
}

// planned makes a plan and approves it.
func (w *world) planned(target domain.PlanTarget, limits domain.PlanLimits) *domain.Replay {
	w.t.Helper()
	r, _, err := w.plans(Ask{Target: target, Limits: limits})
	must(w.t, err)
	w.approves(r)
	return r
}

// went demands the states that a replay has been in since it was planned.
func (w *world) went(r *domain.Replay, states ...domain.PlanState) *domain.Replay {
	w.t.Helper()
	now := w.until(r.Planned.ID, states[len(states)-1])
	var got []domain.PlanState
	for _, m := range now.Moves {
		got = append(got, m.To)
	}
	if fmt.Sprint(got) != fmt.Sprint(states) {
		w.t.Errorf("went %v, want %v", got, states)
	}
	return now
}

// lines are those of a plan's file.
func (w *world) lines(id domain.PlanID, shard int) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.data, filepath.FromSlash(file.Name(id, shard))))
	must(w.t, err)
	return string(b)
}

// slow is some rows a second, at which a test's rows would take a while.
var slow = domain.PlanLimits{Rows: 5}

// carrying waits until a Service has carried some rows of a replay, in a test's own time.
func carrying(t *testing.T, s *Service, r *domain.Replay) {
	t.Helper()
	for at := time.Now(); time.Since(at) < time.Minute; <-time.After(100 * time.Millisecond) {
		s.mu.Lock()
		x := s.running[r.Planned.ID]
		s.mu.Unlock()
		if x != nil && x.progress(time.Second).Rows > 0 {
			return
		}
	}
	t.Error("no row was carried")
}

// gone reports whether a Service works at nothing, in a moment.
func gone(t *testing.T, s *Service) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.running) > 0 {
		t.Error("it is worked at still")
	}
}

// A replay goes from its approval to its end, with a report of what the reconciler found; of rows
// that are thrown away the number is proof.
func TestLife(t *testing.T) {
	for _, target := range []domain.PlanTarget{toNull, toFile} {
		t.Run(string(target.Kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := lived(t, 2)
				w.serves(w.s, w.o)
				r := w.planned(target, domain.PlanLimits{})
				now := w.went(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
				end := now.Last()
				if target == toFile && (end.Report != domain.Hash{9} || end.Why != "verified" || strings.Count(w.lines(r.Planned.ID, 0)+w.lines(r.Planned.ID, 1), "\n") != 100) {
					t.Errorf("ended %+v", end)
				}
				if target == toNull && (!end.Report.IsZero() || !strings.Contains(end.Why, "100 rows were read")) {
					t.Errorf("ended %+v", end)
				}
				gone(t, w.s)
			})
		})
	}
}

// Rows that are fewer than the plan counts are a failure, of a target that nobody can look at too.
func TestNullCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		r := w.planned(toNull, domain.PlanLimits{})
		x, err := w.s.begin(w.o, r)
		must(t, err)
		must(t, x.carryLanes(w.ctx))
		x.plan.Expect.Rows++
		if err := x.verify(w.ctx); err == nil || !isFinal(err) || failed(err).Next != "run hefu journal verify" {
			t.Errorf("verified with %v", err)
		}
	})
}

// Pausing stops the work, with what is carried kept; other limits hold at once; cancelling is for
// ever, and takes a moment.
func TestPauseLimitsCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		w.serves(w.s, w.o)
		r := w.planned(toFile, slow)
		carrying(t, w.s, r)
		must(t, w.decides(r.Planned.ID, Pause, Decision{}))
		gone(t, w.s)
		time.Sleep(time.Hour)
		w.went(r, domain.PlanRunning, domain.PlanPaused)
		must(t, w.decides(r.Planned.ID, Resume, Decision{}))
		carrying(t, w.s, r)
		must(t, w.decides(r.Planned.ID, Limit, Decision{Limits: &domain.PlanLimits{}}))
		began := time.Now()
		w.went(r, domain.PlanRunning, domain.PlanPaused, domain.PlanRunning, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("without limits it took %s more", took)
		}
		if n := strings.Count(w.lines(r.Planned.ID, 0), "\n"); n != 100 {
			t.Errorf("%d lines", n)
		}
		other := w.planned(toFile, slow)
		carrying(t, w.s, other)
		must(t, w.decides(other.Planned.ID, Cancel, Decision{}))
		gone(t, w.s)
		w.went(other, domain.PlanRunning, domain.PlanCancelled)
	})
}

// One replay at a time: the other waits, with nothing done, until the first is at its end.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		w.serves(w.s, w.o)
		first := w.planned(toFile, slow)
		carrying(t, w.s, first)
		next := w.planned(toNull, domain.PlanLimits{})
		time.Sleep(5 * time.Second)
		plan, err := domain.ParsePlan([]byte(next.Planned.Text))
		must(t, err)
		if _, err := w.o.Journal.Tail(w.ctx, plan.Stream(0)); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("the second one began: %v", err)
		}
		w.went(first, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
		w.went(next, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
	})
}

// What diverges fails, with what to do, and approved again goes on where it stopped; so does what
// cannot be compared for long enough. What goes wrong for a moment is tried again.
func TestVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		w.serves(w.s, w.o)
		w.prover.proves = func(context.Context, *domain.Plan) (Verdict, error) {
			return Verdict{Text: "diverged: 1 finding", Report: "r7", Digest: domain.Hash{7}}, nil
		}
		r := w.planned(toFile, domain.PlanLimits{})
		now := w.went(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanFailed)
		if end := now.Last(); end.Report != (domain.Hash{7}) || end.Why != "diverged: 1 finding" || !strings.Contains(end.Next, "hefu report show r7") {
			t.Errorf("failed with %+v", end)
		}
		times := 0
		w.prover.proves = func(context.Context, *domain.Plan) (Verdict, error) {
			if times++; times < 3 {
				return Verdict{}, errors.New("Doris does not answer")
			}
			return Verdict{Good: true, Text: "verified"}, nil
		}
		w.approves(r)
		w.went(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanFailed, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
		w.prover.proves = func(context.Context, *domain.Plan) (Verdict, error) {
			return Verdict{}, errors.New("Doris does not answer")
		}
		r = w.planned(toFile, domain.PlanLimits{})
		now = w.went(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanFailed)
		if end := now.Last(); !strings.Contains(end.Why, "tried 10 times, at last: verify: Doris does not answer") || !strings.Contains(end.Next, "approve the plan again") {
			t.Errorf("failed with %+v", end)
		}
		w.prover.proves = func(context.Context, *domain.Plan) (Verdict, error) {
			return Verdict{}, fmt.Errorf("file of plan: %w", os.ErrNotExist)
		}
		w.approves(r)
		w.until(r.Planned.ID, domain.PlanRunning)
		if now = w.until(r.Planned.ID, domain.PlanFailed); !strings.Contains(now.Last().Next, "make a new plan") {
			t.Errorf("failed with %+v", now.Last())
		}
	})
}

// A process that is stopped in the middle is no end: another one goes on, and the file is the same
// as that of a replay that nobody stopped.
func TestAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		stop := w.serves(w.s, w.o)
		whole := w.planned(toFile, domain.PlanLimits{})
		w.until(whole.Planned.ID, domain.PlanDone)
		r := w.planned(toFile, slow)
		carrying(t, w.s, r)
		must(t, stop())
		w.went(r, domain.PlanRunning)
		s, o := w.process(w.open())
		o.Shards = []int{0}
		w.serves(s, o)
		w.went(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
		if got, want := w.lines(r.Planned.ID, 0), w.lines(whole.Planned.ID, 0); got != want {
			t.Errorf("the file has\n%swant\n%s", got, want)
		}
	})
}

// While a process verifies, the next one begins with that.
func TestAnotherVerifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		w.prover.proves = func(ctx context.Context, _ *domain.Plan) (Verdict, error) {
			<-ctx.Done()
			return Verdict{}, ctx.Err()
		}
		stop := w.serves(w.s, w.o)
		r := w.planned(toFile, domain.PlanLimits{})
		w.until(r.Planned.ID, domain.PlanVerifying)
		must(t, stop())
		s, o := w.process(w.open())
		o.Shards = []int{0}
		w.serves(s, o)
		w.went(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
	})
}

// A process that has been replaced is fenced, and ends; the replay does not.
func TestFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		stop := w.serves(w.s, w.o)
		r := w.planned(toNull, slow)
		carrying(t, w.s, r)
		_, o := w.process(w.open())
		plan, err := domain.ParsePlan([]byte(r.Planned.Text))
		must(t, err)
		_, err = o.Journal.Takeover(w.ctx, plan.Stream(0), o.Incarnation, o.ConfigSeq)
		must(t, err)
		time.Sleep(time.Minute)
		var fenced *journal.FencedError
		if err := stop(); !errors.As(err, &fenced) {
			t.Errorf("ended with %v", err)
		}
		w.went(r, domain.PlanRunning)
	})
}

// Files are carried by one process, which has the first shard, and the other waits for it; a
// process that has not does nothing by itself.
func TestTwoProcessesOneHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 2)
		second, o := w.process(w.open())
		w.prover.proves = func(context.Context, *domain.Plan) (Verdict, error) {
			t.Error("the second process verifies")
			return Verdict{}, nil
		}
		w.s.prover.(*prover).proves = func(context.Context, *domain.Plan) (Verdict, error) {
			time.Sleep(time.Minute)
			return Verdict{Good: true}, nil
		}
		w.o.Shards, o.Shards = []int{0}, []int{1}
		w.serves(second, o)
		r := w.planned(toFile, domain.PlanLimits{})
		time.Sleep(time.Hour)
		w.went(r, domain.PlanRunning)
		w.serves(w.s, w.o)
		w.went(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
		if n := strings.Count(w.lines(r.Planned.ID, 0)+w.lines(r.Planned.ID, 1), "\n"); n != 100 {
			t.Errorf("%d lines", n)
		}
		gone(t, second)
	})
}

// Each append of the service to control fails, having happened or not, once or for a while: the
// replay comes to its end, and each state is there once.
func TestLifeFaults(t *testing.T) {
	for _, fault := range []journal.Fault{journal.FaultBefore, journal.FaultAfter} {
		for _, n := range []int{1, 2, 20} {
			t.Run(fmt.Sprint(fault, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := lived(t, 1)
					w.serves(w.s, w.o)
					r := w.planned(toFile, slow)
					carrying(t, w.s, r)
					w.fails(fault, n)
					w.went(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
				})
			})
		}
	}
}

// While control cannot be read the service says again and again where a replay has come to; the
// process goes on.
func TestControlIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		w.serves(w.s, w.o)
		r := w.planned(toFile, slow)
		carrying(t, w.s, r)
		w.mu.Lock()
		w.deaf = 9
		w.mu.Unlock()
		w.went(r, domain.PlanRunning, domain.PlanVerifying, domain.PlanDone)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.deaf > 0 {
			t.Errorf("control was read without %d of the faults", w.deaf)
		}
	})
}

// What an operator decided is not overruled by where the service came to.
func TestOperatorIsFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		r := w.planned(toNull, domain.PlanLimits{})
		must(t, w.decides(r.Planned.ID, Cancel, Decision{}))
		before := w.tail()
		w.s.move(w.ctx, w.o, r.Planned, &domain.ReplayMoved{To: domain.PlanFailed, Why: "a test"})
		if after := w.tail(); after != before {
			t.Errorf("control has gone on from %d to %d", before, after)
		}
		w.went(r, domain.PlanRunning, domain.PlanCancelled)
	})
}

// tail is the end of control.
func (w *world) tail() (seq domain.Seq) {
	w.o.Control.State(func(c *domain.ControlState) { seq = c.Tail })
	return seq
}

// A text that is not what was approved is not run.
func TestAnotherText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lived(t, 1)
		w.serves(w.s, w.o)
		_, plan, err := w.plans(Ask{Target: toNull})
		must(t, err)
		plan.ID = domain.PlanID{1}
		digest := plan.Digest()
		plan.Lanes[0].First++
		ev := &domain.ReplayPlanned{ID: plan.ID, Digest: digest, Text: string(plan.Text()), Who: "li", Why: "a test"}
		_, err = w.o.Control.Append(w.ctx, func(*domain.ControlState) (domain.Event, error) { return ev, nil })
		must(t, err)
		r := &domain.Replay{Planned: ev}
		w.approves(r)
		if now := w.went(r, domain.PlanRunning, domain.PlanFailed); !strings.Contains(now.Last().Why, "is not the one with digest") || now.Last().Next != "make a new plan" {
			t.Errorf("failed with %+v", now.Last())
		}
	})
}
