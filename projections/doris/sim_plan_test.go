package doris_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

// simRecordMax is what the leg takes for a record's longest text; small, so that too
// long ones are cheap.
const simRecordMax = 300

// simPlan is one schedule. It is made from its seed alone, before anything runs.
type simPlan struct {
	seed     uint64
	direct   bool // the source is the hub topic itself
	model    string
	semantic domain.Semantic
	fes, bes int
	mapped   bool          // back ends announce themselves at addresses of their own network
	heavy    bool          // there is a record that Hefu takes and Doris does not
	latency  time.Duration // the longest way of a message
	publish  time.Duration // how long Doris takes to publish
	limits   doris.Limits
	cadence  time.Duration
	timeouts dorisconn.Timeouts
	feeds    []simFeed
	moments  []simMoment
	horizon  time.Duration // when everything is healed
}

// simFeed is one hub event; one without parts is a HubAborted.
type simFeed struct {
	at    time.Duration
	parts []simPart
}

// simPart is one run of a source partition, of which the hub leaves out an ordinal.
type simPart struct {
	source    domain.SourceID
	partition int32
	records   []record
	bad       []string // why the table cannot hold each, empty when it can
	hole      int64    // -1: none
}

// simMoment is when something happens, and what.
type simMoment struct {
	at    time.Duration // since the beginning, unless kind is set
	kind  domain.Kind   // of the event of the doris stream
	nth   int           // of that kind, counting from 1
	after bool          // it is stored, or else just before its put
	put   journal.Fault // of that put
	acts  []simAct
}

// simAct is one thing that happens.
type simAct struct {
	do    simDo
	d     time.Duration // how long, or how far
	node  int           // which front end or back end
	fault standin.Fault
	armed standin.Arming
}

type simDo string

// What happens to a leg and to Doris.
const (
	simFault   simDo = "fault"   // armed for d
	simForget  simDo = "forget"  // Doris forgets every finished label
	simJump    simDo = "jump"    // Doris's clock
	simRestart simDo = "restart" // the front end is killed, and back after d
	simCrash   simDo = "crash"   // the newest process dies; another one starts after d
	simNewer   simDo = "newer"   // another process starts, and the old one goes on, d late in all it says and hears
	simCut     simDo = "cut"     // the newest process's connections break
	simStall   simDo = "stall"   // they stand still for d
	simDeaf    simDo = "deaf"    // the journal refuses all puts for d
	simMaster  simDo = "master"  // another front end becomes the master
	simStopFE  simDo = "stop fe" // a front end is gone for d
	simStopBE  simDo = "stop be" // a back end is gone for d
)

func newSimPlan(seed uint64) *simPlan {
	dice := rand.New(rand.NewPCG(seed, 1))
	p := &simPlan{
		seed:     seed,
		model:    pick(dice, unique, duplicate),
		semantic: pick(dice, domain.ExactlyOnce, domain.ExactlyOnce, domain.ExactlyOnce, domain.ExactlyOnce, domain.AtLeastOnce),
		fes:      pick(dice, 1, 1, 2, 3),
		bes:      pick(dice, 1, 1, 2, 3),
		mapped:   dice.IntN(4) == 0,
		heavy:    dice.IntN(24) == 0,
		cadence:  pick(dice, 0, 0, 300*time.Millisecond),
		latency:  pick(dice, 200*time.Microsecond, 5*time.Millisecond, 80*time.Millisecond),
		publish:  pick(dice, 0, 0, 30*time.Millisecond, 2*time.Second),
		limits:   doris.Limits{Age: pick(dice, 5*time.Millisecond, 200*time.Millisecond, 2*time.Second), Rows: pick(dice, 7, 1000)},
		timeouts: dorisconn.Timeouts{Dial: 2 * time.Second, Ask: 3 * time.Second, Load: 6 * time.Second},
	}
	p.horizon = time.Duration(3+dice.IntN(20)) * time.Second
	for at, n := time.Duration(0), 2+dice.IntN(8); n > 0; n-- {
		at += upTo(dice, p.horizon/8)
		p.feeds = append(p.feeds, drawFeed(dice, at))
	}
	if p.heavy {
		p.weigh(dice)
	}
	for range 2 + dice.IntN(7) {
		p.moments = append(p.moments, p.drawMoment(dice)...)
	}
	return p
}

func pick[T any](dice *rand.Rand, of ...T) T { return of[dice.IntN(len(of))] }

func upTo(dice *rand.Rand, d time.Duration) time.Duration {
	return 1 + time.Duration(dice.Int64N(int64(d)))
}

// around is a time whose magnitude is drawn, from a millisecond on.
func around(dice *rand.Rand, most time.Duration) time.Duration {
	low := math.Log(float64(time.Millisecond))
	return time.Duration(math.Exp(low + dice.Float64()*(math.Log(float64(most))-low)))
}

func drawFeed(dice *rand.Rand, at time.Duration) simFeed {
	f := simFeed{at: at}
	if dice.IntN(8) == 0 {
		return f
	}
	for _, at := range dice.Perm(4)[:1+dice.IntN(3)] {
		p := simPart{source: pick(dice, domain.SourceID("nanjing"), "wuxi"), partition: int32(at), hole: -1}
		for range 1 + dice.IntN(6) {
			r, bad := drawRecord(dice)
			p.records, p.bad = append(p.records, r), append(p.bad, bad)
		}
		if n := len(p.records); n > 1 && dice.IntN(4) == 0 {
			p.hole = dice.Int64N(int64(n))
		}
		f.parts = append(f.parts, p)
	}
	return f
}

// drawRecord draws a record of a city, now and then one that the table cannot hold.
func drawRecord(dice *rand.Rand) (r record, bad string) {
	r = record{fmt.Appendf(nil, `{"id":%d}`, dice.Uint32()), cityTime + dice.Int64N(1e9)}
	switch dice.IntN(24) {
	case 0:
		r.value = nil
	case 1:
		r.value = []byte("\"quoted\" \\ and \x00\x1f\t\r\n")
	case 2:
		r.value = []byte("南京 \xff\xc0 \xf0\x9f\x9a\x97 \xed\xa0\x80")
	case 3:
		r.value = bytes.Repeat([]byte("x"), simRecordMax)
	case 4:
		return record{bytes.Repeat([]byte("长"), simRecordMax/3+1), r.ts}, domain.ExcludedTooLargeDoris
	case 5:
		return record{r.value, pick(dice, math.MaxInt64, math.MinInt64, int64(1)<<50)}, domain.ExcludedTimestamp
	}
	return r, ""
}

// weigh makes one record longer than a STRING of Doris may be, of which the leg does not
// know; what else was too long is not any more.
func (p *simPlan) weigh(dice *rand.Rand) {
	for i := range p.feeds {
		for k := range p.feeds[i].parts {
			for n, why := range p.feeds[i].parts[k].bad {
				if why == domain.ExcludedTooLargeDoris {
					p.feeds[i].parts[k].bad[n] = ""
				}
			}
		}
	}
	if parts := p.feeds[dice.IntN(len(p.feeds))].parts; len(parts) > 0 {
		part := parts[dice.IntN(len(parts))]
		n := dice.IntN(len(part.records))
		part.records[n].value, part.bad[n] = bytes.Repeat([]byte("x"), 1<<20+1), domain.ExcludedByDoris
		part.records[n].ts = cityTime
	}
}

// recordMax is what the leg takes for the longest text of a record.
func (p *simPlan) recordMax() int {
	if p.heavy {
		return 2 << 20
	}
	return simRecordMax
}

func (p *simPlan) drawMoment(dice *rand.Rand) []simMoment {
	nth := 1 + dice.IntN(1+len(p.feeds)/2)
	if dice.IntN(3) == 0 {
		return drawHarm(dice, nth)
	}
	m := simMoment{at: upTo(dice, p.horizon)}
	if dice.IntN(3) > 0 {
		kinds := []domain.Kind{begun, begun, prepared, prepared, prepared, committed, committed, aborted, domain.KindOpened}
		m = simMoment{kind: pick(dice, kinds...), nth: nth, after: dice.IntN(2) == 0}
		if !m.after {
			m.put = pick(dice, journal.FaultNone, journal.FaultBefore, journal.FaultAfter)
		}
	}
	for range 1 + dice.IntN(3) {
		m.acts = append(m.acts, drawAct(dice))
	}
	return []simMoment{m}
}

// drawHarm draws what hurts most: when the next process asks, Doris has moved on.
func drawHarm(dice *rand.Rand, nth int) []simMoment {
	var before []simMoment
	m := simMoment{kind: prepared, nth: nth, after: true}
	crash, forget := simAct{do: simCrash, d: around(dice, 20*time.Second)}, simAct{do: simForget}
	expires := simAct{do: simJump, d: 61 * time.Minute}
	switch dice.IntN(8) {
	case 0: // committed and forgotten, and nobody wrote it down
		m.kind, m.after, m.put, m.acts = committed, false, journal.FaultBefore, []simAct{crash, forget}
	case 1: // the same, of an intent that a former owner prepared
		late := simAct{do: simFault, fault: standin.DropCommitReply, d: time.Second, armed: standin.Arming{Times: 1}}
		m.acts = []simAct{late, crash, {do: simRestart, d: around(dice, time.Second)}, forget}
	case 2: // prepared, aborted after an hour, and forgotten
		m.acts = []simAct{crash, expires, forget}
	case 3: // the same, and the front end knows a new number of transactions
		m.kind, m.after, m.put, m.acts = prepared, false, journal.FaultAfter, []simAct{crash, expires, {do: simRestart, d: time.Second}, forget}
	case 4:
		m.acts = []simAct{crash, {do: simJump, d: 13 * time.Hour}, {do: simJump, d: 13 * time.Hour}}
	case 5: // the load arrives after its intent was settled
		m.kind, m.acts = begun, []simAct{{do: simNewer, d: around(dice, 5*time.Second)}}
	case 6: // the commit arrives after its intent was settled
		m.acts = []simAct{{do: simNewer, d: around(dice, 5*time.Second)}, forget}
	default: // the rows are asked for where they do not show yet
		stale := []simAct{{do: simMaster, node: 1}, {do: simFault, fault: standin.StaleFollower, d: time.Minute}}
		before = []simMoment{{kind: prepared, nth: nth, acts: stale}}
		m.kind, m.after, m.put, m.acts = committed, false, journal.FaultBefore, []simAct{crash, forget}
	}
	return append(before, m)
}

func drawAct(dice *rand.Rand) simAct {
	switch dice.IntN(20) {
	case 16:
		return simAct{do: simMaster, node: dice.IntN(3)}
	case 17:
		return simAct{do: simStopFE, node: dice.IntN(3), d: around(dice, 10*time.Second)}
	case 18, 19:
		return simAct{do: simStopBE, node: dice.IntN(3), d: around(dice, 10*time.Second)}
	case 0:
		return simAct{do: simForget}
	case 1:
		return simAct{do: simJump, d: pick(dice, time.Minute, 61*time.Minute, 13*time.Hour)}
	case 2:
		return simAct{do: simRestart, d: around(dice, 5*time.Second)}
	case 3, 4:
		return simAct{do: simCrash, d: around(dice, 10*time.Second)}
	case 5, 6:
		return simAct{do: simNewer, d: around(dice, 20*time.Second)}
	case 7:
		return simAct{do: simCut}
	case 8:
		return simAct{do: simStall, d: around(dice, 20*time.Second)}
	case 9:
		return simAct{do: simDeaf, d: around(dice, 5*time.Second)}
	default:
		return drawFault(dice)
	}
}

func drawFault(dice *rand.Rand) simAct {
	a := simAct{do: simFault, d: 100*time.Millisecond + upTo(dice, 5*time.Second), armed: standin.Arming{Times: dice.IntN(4)}}
	a.fault = pick(dice, standin.AllFaults()...)
	switch a.fault {
	case standin.HoldPublish, standin.PublishFails, standin.StaleFollower, standin.LateHeartbeat:
		a.armed.Times = 0
	case standin.DelayReply, standin.SlowFE:
		a.armed.Delay = around(dice, 15*time.Second)
	default:
		a.armed.Probability = pick(dice, 0, 0.5)
	}
	return a
}

// String is the plan for people.
func (p *simPlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s, %s table, %d front ends, %d back ends (mapped: %t), messages take up to %s, publishing %s,\n"+
		"  batches of %s or %d rows, at most one in %s, healed after %s\n", p.seed, p.semantic, p.model, p.fes, p.bes, p.mapped,
		p.latency, p.publish, p.limits.Age, p.limits.Rows, p.cadence, p.horizon)
	for _, f := range p.feeds {
		fmt.Fprintf(&b, "  at %s the hub", f.at)
		if len(f.parts) == 0 {
			b.WriteString(" aborts")
		}
		for _, part := range f.parts {
			fmt.Fprintf(&b, " %s/%d×%d", part.source, part.partition, len(part.records))
			for i, why := range part.bad {
				if why != "" {
					fmt.Fprintf(&b, " (%d: %s)", i, why)
				}
			}
		}
		b.WriteString("\n")
	}
	for _, m := range p.moments {
		fmt.Fprintf(&b, "  %s\n", m)
	}
	return b.String()
}

func (m simMoment) String() string {
	var b strings.Builder
	switch {
	case m.kind == "":
		fmt.Fprintf(&b, "at %s:", m.at)
	case m.after:
		fmt.Fprintf(&b, "after %s %d:", m.kind, m.nth)
	default:
		put := map[journal.Fault]string{journal.FaultNone: "", journal.FaultBefore: " (fails, not stored)", journal.FaultAfter: " (fails, stored)"}[m.put]
		fmt.Fprintf(&b, "before %s %d%s:", m.kind, m.nth, put)
	}
	for _, a := range m.acts {
		fmt.Fprintf(&b, " %s", a)
	}
	return b.String()
}

func (a simAct) String() string {
	if a.do == simFault {
		return fmt.Sprintf("%s(×%d p=%.1f late %s) for %s;", a.fault, a.armed.Times, a.armed.Probability, a.armed.Delay, a.d)
	}
	return fmt.Sprintf("%s %d %s;", a.do, a.node, a.d)
}
