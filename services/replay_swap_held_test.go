package services_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/replay"
)

// While nobody knows whether tables are exchanged no load begins, however long Doris gives no answer:
// the statement may be carried out at any moment, and what was loaded since would not be in the table
// that is live then.
func TestSwapHeldUntilKnown(t *testing.T) {
	s := newSwapWorld(t, config.ModelDuplicate)
	s.wire.Before("REPLACE WITH TABLE", func() {
		s.feed("north", 1000, 20) // of each of its two partitions
		s.came.Add(40)
		s.wire.Arm(" ", 1<<30, journal.FaultBefore) // from here on whatever is asked
	})
	var x *replay.Exchange
	var err error
	var swaps sync.WaitGroup
	swaps.Go(func() { x, err = s.op.swaps(s.plan.ID, false) })
	for deadline := time.Now().Add(2 * time.Minute); s.wire.Met() < 7; { // the statement, and questions with pauses that double
		if time.Now().After(deadline) {
			t.Fatalf("asked %d times", s.wire.Met())
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	if got := len(s.rows()); got != 3995 {
		t.Errorf("%d rows were loaded before anybody knew", got-3995)
	}
	s.do("ALTER TABLE " + liveTable + " REPLACE WITH TABLE " + strings.TrimPrefix(shadowTable, "ods.") + " PROPERTIES('swap' = 'true')") // at last
	s.wire.Arm("", 0, journal.FaultNone)
	swaps.Wait()
	must(t, err)
	if aside := s.ended(domain.SwapDone, "sun"); x.Shadow != aside {
		t.Errorf("exchanged with %s, which stands at %s", x.Shadow, aside)
	}
	s.untilRows(int(s.came.Load()))
	if d := s.whole(); !d.None() {
		t.Errorf("%d missing, doubled %v, foreign %v", d.MissingRows(), d.Doubled, d.Foreign)
	}
}

// Another process takes a shard over while tables are exchanged, and settles it: what it has moved
// is no proof that nothing is exchanged.
func TestSwapSettledByAnother(t *testing.T) {
	s := newSwapWorld(t, config.ModelUnique)
	s.wire.Before("REPLACE WITH TABLE", func() {
		s.wire.Before("TABLE_COMMENT", func() {
			s.do(fmt.Sprintf("ALTER TABLE %s RENAME hefu_replay_%s_1", shadowTable, s.plan.ID))
		})
	})
	x, err := s.op.swaps(s.plan.ID, false)
	must(t, err)
	if aside := s.ended(domain.SwapDone, "sun"); x.Shadow != aside || !strings.HasSuffix(aside, "_1") {
		t.Errorf("exchanged with %s, which stands at %s", x.Shadow, aside)
	}
	_, err = s.op.swaps(s.plan.ID, true)
	must(t, err)
}

// Somebody drops the table by hand while an exchange has no outcome: it has one all the same, and no
// table gets the name that its statement has.
func TestSwapDroppedByHand(t *testing.T) {
	s := newSwapWorld(t, config.ModelUnique)
	s.wire.Before("REPLACE WITH TABLE", func() {
		s.wire.Arm("REPLACE WITH TABLE", 1, journal.FaultBefore)
		s.do("DROP TABLE " + shadowTable)
	})
	if x, err := s.op.swaps(s.plan.ID, false); err == nil || !strings.Contains(err.Error(), "nothing is exchanged") {
		t.Errorf("exchanged: %+v, %v", x, err)
	}
	steps := s.steps()
	if end := steps[len(steps)-1]; end.Step != domain.SwapNot || !strings.Contains(end.How, "somebody dropped it or gave it another name") {
		t.Errorf("on control: %+v", end)
	}
	if _, err := s.op.plans(domain.PlanScope{}, domain.PlanTarget{Kind: domain.TargetTable}); err == nil || !strings.Contains(err.Error(), "name another") {
		t.Errorf("a new table of the name may be made: %v", err)
	}
}

// A table that another job loaded before is never exchanged: its rows are in no journal, and so in no
// shadow.
func TestSwapOthersRows(t *testing.T) {
	s := newSwapWorld(t, config.ModelUnique)
	s.puts(liveTable, strayed(s.rows()[:2], -10_000_000))
	s.refuses(s.plan.ID, false, "table "+liveTable+" has 2 rows from before the first ones of this journal")
	s.do("DELETE FROM " + liveTable + " WHERE hw_offset_id < 0")
	_, err := s.op.swaps(s.plan.ID, false)
	must(t, err)
}
