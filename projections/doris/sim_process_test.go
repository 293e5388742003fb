package doris_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
)

// simProcess is a process with the leg under its runner: a journal, a view of control
// and connections of its own.
type simProcess struct {
	n      int
	host   *simHost
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	status *projections.Reporter
}

// start begins one more process; its incarnation is higher than all before.
func (s *sim) start() {
	s.starting.Lock() // held for no virtual time
	defer s.starting.Unlock()
	ctx, cancel := context.WithCancel(s.ctx)
	p := &simProcess{
		host: s.net.host(), ctx: ctx, cancel: cancel, done: make(chan struct{}),
		status: projections.NewReporter(s.streamOf(domain.LegDoris)),
	}
	s.mu.Lock()
	s.process = append(s.process, p)
	p.n = len(s.process)
	s.did["processes"]++
	s.mu.Unlock()
	j, err := journal.Open(ctx, pipeline, journal.Options{Store: s.store})
	must(s.t, err)
	control, err := j.OpenControl(ctx)
	must(s.t, err)
	ref, err := control.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{PID: p.n}, nil })
	must(s.t, err)
	s.say("process %d starts as %d", p.n, ref.Seq)
	go func() {
		defer close(p.done)
		s.ended(p, s.live(ctx, p, j, control, ref.Seq))
	}()
}

// live is the process until its end.
func (s *sim) live(ctx context.Context, p *simProcess, j *journal.Journal, control *journal.Control, incarnation domain.Seq) error {
	following, stop := context.WithCancel(ctx)
	followed := make(chan error, 1)
	go func() { followed <- control.Run(following) }()
	defer func() { stop(); <-followed }()
	incidents := projections.Incidents{Control: control}
	log := slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Int("process", p.n)
		}
		return a
	}}))
	d, err := doris.New(s.config(p.host), j, incarnation, 1, incidents, p.status, log)
	if err != nil {
		return err
	}
	r := &projections.Runner{
		Stream: s.streamOf(domain.LegDoris), Opener: d, Incidents: incidents, Reporter: p.status, Log: log,
		Backoff: 50 * time.Millisecond, MaxBackoff: 2 * time.Second,
	}
	return r.Run(ctx)
}

// ended judges the end of a process: only one that has a successor may be fenced, and
// it ends in no other way by itself.
func (s *sim) ended(p *simProcess, err error) {
	s.mu.Lock()
	newest := p.n == len(s.process)
	s.mu.Unlock()
	s.say("process %d ended: %v", p.n, err)
	var fenced *journal.FencedError
	switch {
	case errors.As(err, &fenced) && !newest:
		s.count("fenced", 1)
	case err != nil:
		s.fail("process %d ended with %v", p.n, err)
	}
}

func (s *sim) newest() *simProcess {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process[len(s.process)-1]
}

func (p *simProcess) killed() bool { return p.ctx.Err() != nil }

// enter begins something of the plan, unless all is being healed; it ends with
// acting.Done.
func (s *sim) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.healing {
		return false
	}
	s.acting.Add(1)
	return true
}

// later does something of the plan beside what else goes on.
func (s *sim) later(d time.Duration, do func()) {
	if s.enter() {
		go func() {
			defer s.acting.Done()
			elapse(d)
			do()
		}()
	}
}

// onPut decides the fate of what is appended to the doris stream, and does what the
// plan has for that moment.
func (s *sim) onPut(stream domain.Stream, _ domain.Seq, parts [][]byte) journal.Fault {
	if stream.Leg != domain.LegDoris || !s.enter() {
		return journal.FaultNone
	}
	defer s.acting.Done()
	e, err := journal.Decode(slices.Concat(parts...))
	must(s.t, err)
	kind := e.Event.Kind()
	s.mu.Lock()
	s.puts[kind]++
	nth := s.puts[kind]
	deaf := time.Now().Before(s.deaf)
	s.mu.Unlock()
	if deaf {
		return journal.FaultBefore
	}
	fault := journal.FaultNone
	for _, m := range s.plan.moments {
		if m.kind == kind && m.nth == nth && !m.after {
			s.say("before %s %d", kind, nth)
			s.perform(m)
			if fault = m.put; fault != journal.FaultNone {
				s.happen("journal fault")
			}
		}
	}
	return fault
}

// follow does what the plan has for the moments after an event is stored.
func (s *sim) follow(ctx context.Context) {
	r, err := s.j.ReadFrom(ctx, s.streamOf(domain.LegDoris), 1)
	for err == nil {
		var e *journal.Entry
		if e, err = r.Next(ctx); err != nil {
			r.Close()
			break
		}
		kind := e.Event.Kind()
		s.mu.Lock()
		s.stored[kind]++
		nth := s.stored[kind]
		s.mu.Unlock()
		s.say("%s", described(e))
		for _, m := range s.plan.moments {
			if m.kind == kind && m.nth == nth && m.after && s.enter() {
				s.say("after %s %d", kind, nth)
				s.perform(m)
				s.acting.Done()
			}
		}
	}
	if ctx.Err() == nil {
		s.fail("follow the doris stream: %v", err)
	}
}
