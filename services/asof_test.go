package services_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// moments is how many the test takes.
func moments(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("HEFU_ASOF"); text != "" {
		n, err := strconv.Atoi(text)
		must(t, err)
		return n
	}
	return 50
}

// At random moments of a chaotic run a read_committed reader of the hub topic and a reader of the
// table, by turns, keep what they see. Each of these is built again as of its moment, and is what
// was seen: up to whole batches that the plan names as undecided.
//
// What a plan says of a time T rests on when events were made: an outcome after what it tells of,
// an intent before it. So what has its outcome by T showed at T, and what began after T did not.
func TestAsOf(t *testing.T) {
	whole(t)
	a := newAsofWorld(t)
	live := newReader(t, a.kafka, "ODS")
	list := make([]moment, moments(t))
	began := time.Now()
	a.lives(len(list), func(i int) {
		if i%2 == 0 {
			list[i] = a.looksAtTopic(live)
		} else {
			list[i] = a.looksAtTable()
		}
	})
	t.Logf("%d rows in %s; ends of hub transactions: %d done, %d refused, %d done and cut off, %d done and answered late", a.came.Load(),
		time.Since(began).Round(time.Millisecond), a.met[isEnded].Load(), a.met[isRefused].Load(), a.met[isCutOff].Load(), a.met[isLate].Load())
	live.reads(live.stable())
	last := a.table("ods.ODS_QL_JC_SSJC")

	a.begins()
	a.op.isServed()
	began = time.Now()
	r := rebuilds{asofWorld: a, live: live, last: last}
	for i := range list {
		r.rebuild(i, &list[i])
	}
	t.Logf("%d of %d moments are as they were seen, in %s; of %d something was undecided: %d batches, of which %d were seen",
		r.same, len(list), time.Since(began).Round(time.Millisecond), r.open, r.batches, r.seen)
	if r.same != len(list) {
		t.Errorf("%d of %d moments are as they were seen", r.same, len(list))
	}
}

// rebuilds builds again what was seen.
type rebuilds struct {
	*asofWorld
	live *reader                     // which has read all of the topic
	last map[domain.RowKey][9]string // the table at the end

	same, open, batches, seen int
}

// rebuild builds a moment again beside what is live, and compares.
func (r *rebuilds) rebuild(i int, m *moment) {
	t := r.t
	t.Helper()
	target := domain.PlanTarget{Kind: domain.TargetTopic, Name: fmt.Sprintf("asof-%d", i)}
	if m.table != nil {
		target = domain.PlanTarget{Kind: domain.TargetTable, Name: fmt.Sprintf("asof_%d", i)}
	}
	take := i/2%2 == 1
	shown, err := r.op.plans(domain.PlanScope{AsOf: &domain.AsOf{Time: &m.at, Take: take}}, target)
	if err != nil {
		t.Errorf("moment %d, a %s as of %d: %v", i, target.Kind, m.at, err)
		return
	}
	done := r.op.carriesOut(shown)
	var seen, rebuilt map[domain.RowKey]bool
	if m.table != nil {
		seen, rebuilt, err = r.tables(m.table, r.table(done.Plan.Target.Name))
	} else {
		seen, rebuilt, err = r.topics(m.topic, newReader(t, r.kafka, target.Name).everything())
	}
	if err == nil {
		err = r.upTo(&done.Plan, seen, rebuilt)
	}
	if err != nil {
		t.Errorf("moment %d, a %s as of %d, undecided %+v: %v", i, target.Kind, m.at, done.Plan.Undecided, err)
		return
	}
	r.same++
}

// tables are the keys of two tables whose rows have the cells that they have in the end.
func (r *rebuilds) tables(seen, rebuilt map[domain.RowKey][9]string) (a, b map[domain.RowKey]bool, err error) {
	a, b = map[domain.RowKey]bool{}, map[domain.RowKey]bool{}
	for _, side := range []struct {
		rows map[domain.RowKey][9]string
		keys map[domain.RowKey]bool
	}{{seen, a}, {rebuilt, b}} {
		for k, cells := range side.rows {
			if side.keys[k] = true; cells != r.last[k] {
				return nil, nil, fmt.Errorf("row %v has %q, in the end %q", k, cells, r.last[k])
			}
		}
	}
	return a, b, nil
}

// topics are the places in the hub of the rows of two topics, each of which has to be, partition by
// partition, what the hub has at first.
func (r *rebuilds) topics(seen, rebuilt map[int32]prefix) (a, b map[domain.RowKey]bool, err error) {
	a, b = map[domain.RowKey]bool{}, map[domain.RowKey]bool{}
	for _, side := range []struct {
		rows map[int32]prefix
		keys map[domain.RowKey]bool
	}{{seen, a}, {rebuilt, b}} {
		for p, has := range side.rows {
			hub := r.live.parts[p]
			if has.rows > len(hub.at) || hub.sums[has.rows-1] != has.sum {
				return nil, nil, fmt.Errorf("partition %d: its %d rows are not the first ones of the hub", p, has.rows)
			}
			for _, offset := range hub.at[:has.rows] {
				side.keys[domain.RowKey{Partition: p, Offset: offset}] = true
			}
		}
	}
	return a, b, nil
}

// upTo demands that what was seen and what was rebuilt are the same, up to whole batches that the
// plan names: one that it leaves out may have been seen, one that it takes may not.
func (r *rebuilds) upTo(plan *domain.Plan, seen, rebuilt map[domain.RowKey]bool) error {
	more, fewer := without(seen, rebuilt), without(rebuilt, seen)
	if len(plan.Undecided) > 0 {
		r.open++
	}
	for i := range plan.Undecided {
		u := &plan.Undecided[i]
		places := r.places(u)
		if int64(len(places)) != u.Rows || u.Taken != plan.Scope.AsOf.Take {
			return fmt.Errorf("%s has %d rows, the plan says %d, taken %t", u.Begun, len(places), u.Rows, u.Taken)
		}
		differ, saw := more, true
		if u.Taken {
			differ, saw = fewer, false
		}
		left := without(places, differ)
		if len(left) == 0 {
			for k := range places {
				delete(differ, k)
			}
		} else if len(left) < len(places) {
			return fmt.Errorf("%s was seen in part: %d of %d rows", u.Begun, len(left), len(places))
		} else {
			saw = !saw
		}
		if r.batches++; saw {
			r.seen++
		}
	}
	if len(more)+len(fewer) > 0 {
		return fmt.Errorf("of %d rows that were seen %d were not rebuilt (%v …), and %d others were (%v …)", len(seen), len(more), some3(more), len(fewer), some3(fewer))
	}
	return nil
}

func without(a, b map[domain.RowKey]bool) map[domain.RowKey]bool {
	out := map[domain.RowKey]bool{}
	for k := range a {
		if !b[k] {
			out[k] = true
		}
	}
	return out
}

// some3 are some of the places.
func some3(of map[domain.RowKey]bool) (out []domain.RowKey) {
	for k := range of {
		if out = append(out, k); len(out) == 3 {
			break
		}
	}
	return out
}

// places are those in the hub of the rows of a batch.
func (r *rebuilds) places(u *domain.Undecided) map[domain.RowKey]bool {
	t := r.t
	t.Helper()
	opened, _ := r.set.Opened()
	j := opened[0].Journal
	at := func(s domain.Stream, seq domain.Seq) domain.Event {
		t.Helper()
		e, err := j.Get(t.Context(), s, seq)
		must(t, err)
		return e.Event
	}
	out := map[domain.RowKey]bool{}
	add := func(e domain.Event) {
		c, is := e.(*domain.HubCommitted)
		if !is {
			return
		}
		for _, run := range c.Runs {
			for k := range run.N {
				out[domain.RowKey{Partition: run.Partition, Offset: run.Offset + k}] = true
			}
		}
	}
	if b, is := at(u.Begun.Stream, u.Begun.Seq).(*domain.DorisBegun); is {
		for seq := b.First.Seq; seq <= b.Last.Seq; seq++ {
			add(at(b.First.Stream, seq))
		}
	} else {
		add(at(u.Outcome.Stream, u.Outcome.Seq))
	}
	return out
}
