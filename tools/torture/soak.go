package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/reconcile"
)

// soak lets the reconciler look every second while rows move, hefu is killed every few seconds
// and Doris misbehaves: whatever it calls a finding is a false alarm. At the end everything is
// compared down to the rows of the cities.
func soak(ctx context.Context, w *world, o options, r *rand.Rand) (*results, error) {
	x := result{name: "false alarms"}
	p := &w.cfg.Pipelines[0]
	p.Reconcile.Interval, p.Reconcile.CitySample = time.Second, 100
	if err := w.write(w.file, w.cfg); err != nil {
		return nil, err
	}
	s := &soaked{w: w, rng: r, said: map[string]bool{}, faults: map[doris.Fault]int{}}
	for until := time.Now().Add(o.soak); time.Now().Before(until); {
		if err := s.life(ctx, between(r, 3*time.Second, 20*time.Second)); err != nil {
			return nil, err
		}
		if x.hits++; x.hits%10 == 0 {
			fmt.Println(s.text(x.hits))
		}
	}
	w.doris.Faults().Disarm()
	before := s.rows
	for tries := 0; s.rows == before && tries < 5; tries++ { // a life without faults: the looks go on
		if err := s.life(ctx, min(o.soak, 30*time.Second)); err != nil {
			return nil, err
		}
	}
	err := w.catchUp(ctx, &x)
	fmt.Println(s.text(x.hits))
	x.other += int64(len(s.said))
	switch {
	case len(s.said) > 0:
		x.note += fmt.Sprintf(" false alarms: %s", s.first)
	case s.ended != "":
		x.stuck, x.note = x.stuck+1, s.ended
	case s.looks == 0 || s.rows == before:
		x.stuck, x.note = x.stuck+1, "the reconciler did not come to look: "+s.failed
	}
	return &results{rows: []result{x}}, err
}

// soaked is what the lives of hefu came to.
type soaked struct {
	w      *world
	rng    *rand.Rand
	said   map[string]bool // findings, by id
	first  string          // of them
	faults map[doris.Fault]int

	lives    int
	looks    int64 // that came to their end
	broken   int64 // that did not: Doris or Kafka did not answer
	failed   string
	verified int64  // windows, the most that a life knew
	rows     int64  // that were compared, the most that a life knew
	ended    string // a life that ended by itself, which none is to
}

// mostLife bounds how long a life may take to a look's end: the first one begins with every
// window that was open, and they are more from kill to kill.
const mostLife = 3 * time.Minute

// life starts hefu, lets Doris misbehave, asks for findings, and kills it. Two of three lives
// are given the time for a look to its end, or else none would ever come to one.
func (s *soaked) life(ctx context.Context, lasts time.Duration) error {
	c, err := s.w.start(ctx, s.w.file, s.w.cfg.DataDir, "")
	if err != nil {
		return err
	}
	defer c.kill()
	s.lives++
	s.misbehave()
	var last reconcile.State
	looks := s.lives%3 != 0
	for began := time.Now(); time.Since(began) < lasts || looks && last.Looks == last.Failed && time.Since(began) < mostLife; {
		if c.wait(ctx, 500*time.Millisecond) {
			s.ended = fmt.Sprintf("hefu ended by itself with code %d: %s", c.exitCode(), tail(c.log))
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var found []reconcile.FindingReport
		if c.get(ctx, "/v1/findings", &found) {
			s.take(found)
		}
		var states []reconcile.State
		if c.get(ctx, "/v1/proof", &states) && len(states) == 1 {
			last = states[0]
		}
	}
	s.looks, s.broken = s.looks+last.Looks-last.Failed, s.broken+last.Failed
	if last.Error != "" {
		s.failed = last.Error
	}
	windows, rows := int64(0), int64(0)
	for proof, of := range last.Windows {
		windows += int64(of[domain.WindowVerified])
		rows += last.Rows[proof]
	}
	s.verified, s.rows = max(s.verified, windows), max(s.rows, rows)
	return nil
}

// take takes in findings, each once.
func (s *soaked) take(found []reconcile.FindingReport) {
	for i := range found {
		f := &found[i].Finding
		if id := f.ID.String(); !s.said[id] {
			s.said[id] = true
			if s.first == "" {
				s.first = fmt.Sprintf("%+v", *f)
			}
			fmt.Printf("FALSE ALARM in life %d: %+v\n", s.lives, *f)
		}
	}
}

// misbehave arms one or two faults of Doris.
func (s *soaked) misbehave() {
	once, late := doris.Arming{Times: 2}, doris.Arming{Times: 2, Delay: 1500 * time.Millisecond}
	all := []struct {
		fault doris.Fault
		how   doris.Arming
	}{
		{doris.DropPrecommitReply, once},
		{doris.DropCommitReply, once},
		{doris.DropAbortReply, once},
		{doris.FailThoughDone, once},
		{doris.FailPhaseThoughDone, once},
		{doris.FailLoad, once},
		{doris.TooManyVersions, once},
		{doris.ResetBody, once},
		{doris.DelayReply, late},
		{doris.HoldPublish, late},
		{doris.SlowFE, late},
		{doris.BEError, once},
		{doris.FEError, once},
		{doris.PublishFails, once},
	}
	for range 2 {
		one := all[s.rng.IntN(len(all))]
		s.w.doris.Faults().Arm(one.fault, one.how)
	}
	for _, one := range all {
		s.faults[one.fault] = s.w.doris.Faults().Hits(one.fault)
	}
}

func (s *soaked) text(kills int) string {
	hits := 0
	for _, n := range s.faults {
		hits += n
	}
	return fmt.Sprintf("%d kills, %d faults of Doris met, %d looks (%d more did not come to their end), %d windows verified, %d rows compared, %d false alarms",
		kills, hits, s.looks, s.broken, s.verified, s.rows, len(s.said))
}
