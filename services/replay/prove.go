package replay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// verify has the reconciler compare what the target has now. If the process dies before the
// outcome is on control, the next one compares again; the report of the first stays.
func (x *run) verify(ctx context.Context) error {
	if x.plan.Target.Kind == domain.TargetNull {
		return x.counted(ctx)
	}
	x.tell("verifying")
	v, err := x.s.prover.ProvePlan(ctx, x.plan, x.tell)
	switch {
	case x.plan.Target.Kind == domain.TargetFile && errors.Is(err, fs.ErrNotExist):
		return &nextError{fmt.Errorf("verify: %w", err), "the files are where they were written: on the host and in the data directory of the process that had the first shard then; make a new plan to have them here"}
	case err != nil:
		return fmt.Errorf("verify: %w", err)
	case v.Good:
		x.move(ctx, &domain.ReplayMoved{To: domain.PlanDone, Why: v.Text, Next: x.afterwards(), Report: v.Digest})
	default:
		x.move(ctx, &domain.ReplayMoved{
			To: domain.PlanFailed, Why: v.Text, Report: v.Digest, Next: "read the report (hefu report show " + v.Report + "), then make a plan of what it found",
		})
	}
	return nil
}

// counted ends a replay that threw its rows away: of them only the number can be wrong.
func (x *run) counted(ctx context.Context) error {
	rows := int64(0)
	for _, l := range x.plan.Lanes {
		tail, err := x.o.Journal.Tail(ctx, x.plan.Stream(l.Shard))
		if err != nil {
			return err
		}
		commit := domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Commit
		e, err := x.o.Journal.Get(ctx, tail.Stream, commit)
		if err != nil {
			return err
		}
		c, is := e.Event.(*domain.DorisCommitted)
		if !is {
			return &journal.IntegrityError{Stream: tail.Stream, Seq: commit, What: fmt.Sprintf("is a %s, the trail calls it a commit", e.Event.Kind())}
		}
		rows += c.Rows
	}
	if want := x.plan.Expect.Rows; rows != want {
		return &nextError{fmt.Errorf("%s rows were read, and the plan counts %s", humanize.Comma(rows), humanize.Comma(want)), "run hefu journal verify"}
	}
	x.move(ctx, &domain.ReplayMoved{To: domain.PlanDone, Why: humanize.Comma(rows) + " rows were read and thrown away, as many as the plan counts"})
	return nil
}
