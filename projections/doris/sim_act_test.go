package doris_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

// run is the whole schedule: rows come in, things go wrong, all is healed, and after a
// bounded time the table must have caught up.
func (s *sim) run() {
	ctx, stop := context.WithCancel(s.ctx)
	background := []func(context.Context){func(ctx context.Context) { _ = s.control.Run(ctx) }, s.follow, s.operate}
	ended := make(chan struct{}, len(background))
	for _, do := range background {
		go func() { do(ctx); ended <- struct{}{} }()
	}
	s.start()
	for _, m := range s.plan.moments {
		if m.kind == "" {
			s.later(m.at, func() { s.say("time has come"); s.perform(m) })
		}
	}
	for _, f := range s.plan.feeds {
		s.sleep(f.at)
		s.feed(f)
	}
	s.sleep(s.plan.horizon)
	s.heal()
	s.catchUp()
	elapse(simSweep)
	s.check()
	for _, p := range s.process {
		p.cancel()
	}
	for _, p := range s.process {
		<-p.done
	}
	stop()
	for range background {
		<-ended
	}
	<-s.using
	s.kill()
}

// elapse lets virtual time pass.
func elapse(d time.Duration) { <-time.After(d) }

// sleep waits until some time after the beginning.
func (s *sim) sleep(until time.Duration) { elapse(time.Until(s.began.Add(until))) }

// perform does what is to happen at one moment.
func (s *sim) perform(m simMoment) {
	for _, a := range m.acts {
		s.say("  %s", a)
		s.act(a)
	}
}

func (s *sim) act(a simAct) {
	s.happen(string(a.do))
	switch a.do {
	case simFault:
		s.withServer(func() { s.server.Faults().Arm(a.fault, a.armed) })
		s.later(a.d, func() { s.withServer(func() { s.server.Faults().Disarm(a.fault) }) })
	case simForget:
		s.withServer(func() { _ = s.server.ForgetLabel(database, "") })
	case simJump:
		s.mu.Lock()
		s.ahead += a.d
		s.mu.Unlock()
	case simRestart:
		s.withServer(func() {
			s.kill()
			elapse(a.d)
			s.openServer()
		})
	case simCrash:
		s.crash(a.d)
	case simNewer:
		s.newest().host.stall(a.d)
		s.start()
	case simCut:
		s.newest().host.cut()
	case simStall:
		s.newest().host.stall(a.d)
	case simMaster:
		s.withServer(func() { _ = s.server.FailOver(a.node) }) // it may be none, or the master already
	case simStopFE:
		s.withServer(func() { _ = s.server.StopFE(a.node) })
		s.later(a.d, func() { s.withServer(func() { _ = s.server.StartFE(a.node) }) })
	case simStopBE:
		s.withServer(func() { _ = s.server.StopBE(a.node) })
		s.later(a.d, func() { s.withServer(func() { _ = s.server.StartBE(a.node) }) })
	case simDeaf:
		s.mu.Lock()
		s.deaf = time.Now().Add(a.d)
		s.mu.Unlock()
	}
}

// withServer keeps others from killing or opening the stand-in meanwhile. A mutex would
// stop the clock of the bubble.
func (s *sim) withServer(do func()) {
	<-s.using
	do()
	s.using <- struct{}{}
}

func (s *sim) kill() {
	for _, f := range standin.AllFaults() {
		s.hit(f, s.server.Faults().Hits(f))
	}
	if err := s.server.Kill(); err != nil {
		s.fail("kill the stand-in: %v", err)
	}
}

// crash ends the newest process where it is; another one starts later.
func (s *sim) crash(after time.Duration) {
	p := s.newest()
	p.cancel()
	s.later(0, func() {
		<-p.done
		elapse(after)
		if s.newest() == p {
			s.start()
		}
	})
}

// heal ends all that goes wrong.
func (s *sim) heal() {
	s.mu.Lock()
	s.healing = true
	s.mu.Unlock()
	s.acting.Wait()
	s.say("healed")
	s.withServer(func() {
		s.server.Faults().Disarm()
		for i := range s.plan.fes {
			_ = s.server.StartFE(i) // most are up
		}
		for i := range s.plan.bes {
			_ = s.server.StartBE(i)
		}
	})
	if p := s.newest(); p.killed() {
		<-p.done
		s.start()
	}
}

// simPatience is how long a healed leg may take, in virtual time: well above all
// time-outs and pauses that may follow each other.
const simPatience = 10 * time.Minute

// simSweep is how long the newest process may take to find and abort what a zombie
// left behind.
const simSweep = 6 * time.Minute

// catchUp waits until the whole hub stream is carried.
func (s *sim) catchUp() {
	ctx, cancel := context.WithTimeout(s.ctx, simPatience)
	defer cancel()
	carried := make(chan error, 1)
	go func() { carried <- s.carried(ctx, s.lastCommit()) }()
	select {
	case err := <-carried:
		if err != nil {
			status := s.newest().status.Status()
			s.fail("stuck: the newest process is %s: %s", status.State, status.Error)
			s.count("stuck", 1)
		}
	case <-s.failed:
		cancel()
		<-carried
	}
}

// lastCommit is the last event of the input that has rows.
func (s *sim) lastCommit() domain.Seq {
	for seq := s.last.Seq; seq > 0; seq-- {
		e, err := s.j.Get(s.ctx, s.last.Stream, seq)
		must(s.t, err)
		switch ev := e.Event.(type) {
		case *domain.HubCommitted:
			return seq
		case *domain.Ingested: // of a direct pipeline
			if domain.DirectCommit(seq, ev).Rows > 0 {
				return seq
			}
		}
	}
	return 0
}

func (s *sim) carried(ctx context.Context, seq domain.Seq) error {
	if seq == 0 {
		return nil
	}
	r, err := s.j.ReadFrom(ctx, s.streamOf(domain.LegDoris), 1)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if c, ok := e.Event.(*domain.DorisCommitted); ok && c.Cursor.Seq >= seq {
			return nil
		}
	}
}

// operate looks out for an operator's work, of which there must be none.
func (s *sim) operate(ctx context.Context) {
	_ = s.control.Wait(ctx, func(state *domain.ControlState) bool {
		for _, in := range state.Open() {
			s.fail("%s", in)
		}
		return len(state.Open()) > 0
	})
}

// described is an event of the doris stream in short.
func described(e *journal.Entry) string {
	text := fmt.Sprintf("doris@%d %s", e.Seq, e.Event.Kind())
	switch ev := e.Event.(type) {
	case *domain.Opened:
		text += fmt.Sprintf(" by %d", ev.Incarnation)
	case *domain.DorisBegun:
		text += fmt.Sprintf(" hub@%d–%d, %d left out, label %s", ev.First.Seq, ev.Last.Seq, len(ev.Excluded), domain.Label(e.Ref()))
	case *domain.DorisPrepared:
		text += fmt.Sprintf(" txn %d, %d rows", ev.Txn, ev.Rows)
	case *domain.DorisCommitted:
		text += fmt.Sprintf(" of @%d by %s, found by %s", ev.Begun.Seq, ev.How, ev.FoundBy)
	case *domain.DorisAborted:
		text += fmt.Sprintf(" of @%d: %s, found by %s", ev.Begun.Seq, ev.Why, ev.FoundBy)
	}
	return text
}
