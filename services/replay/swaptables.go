package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/pipeline"
)

// exchangeFor is how long Doris may take to answer the statement that exchanges.
const exchangeFor = 2 * time.Minute

// howComment is how it is known which table is which.
const howComment = "comment of the table"

// exchange puts the intent on control, has Doris exchange the tables, and puts the outcome on
// control, which it returns. Whoever asked for it may go away meanwhile: what is begun is brought
// to an end, however long that takes. The loads of the live table are held until then: a statement
// that is still on its way would else take from under its name what was loaded meanwhile. If the
// process ends on any line after the intent, whoever has a Doris leg next says the outcome
// (settleSwap).
func (x *exchange) exchange(ctx context.Context) (*domain.TableSwap, error) {
	begun := &domain.TableSwap{
		Plan: x.plan.ID, Live: x.o.Configured.Table, Shadow: x.shadow, Step: domain.SwapBegun, Who: x.ask.Who, Why: x.ask.Why,
	}
	at := 0
	crash.Point("swap.begun.before")
	_, err := x.o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		if c.OpenSwap() != nil {
			return nil, &refusedError{"another exchange of tables is begun and has no outcome yet: try again"}
		}
		at = len(c.Swaps)
		return begun, x.mayNow(c)
	})
	if err != nil {
		return nil, fmt.Errorf("say that the exchange is begun: %w", err)
	}
	crash.Point("swap.begun.after")
	ctx, leave := x.s.whileServing(context.WithoutCancel(ctx))
	defer leave()
	x.say("exchanging tables " + begun.Live + " and " + begun.Shadow)
	is, sent := x.tables(ctx)
	crash.Point("swap.exchanged")
	settle := func() error { return x.s.settleSwap(ctx, x.o) }
	concluded := func(step domain.SwapStep, how string) func() error {
		return func() error { return x.s.conclude(ctx, x.o, begun, begun.Shadow, step, how) }
	}
	var refused *projections.Refusal
	switch {
	case sent == nil && is == !x.ask.Back:
		settle = concluded(domain.SwapDone, howComment)
	case errors.As(sent, &refused):
		settle = concluded(domain.SwapNot, refused.Reason)
	default:
		if sent == nil {
			sent = errors.New("the comments say that they are not")
		}
		x.say("asking whether they are exchanged: " + sent.Error())
	}
	if err := insisted(ctx, settle, func(err error) { x.say("trying again: " + err.Error()) }); err != nil {
		x.unknown = true
		return nil, fmt.Errorf("it is not known whether tables %s and %s are exchanged (%w): whoever loads the table next asks, and puts it on control", begun.Live, begun.Shadow, err)
	}
	return x.outcome(at, sent)
}

// outcome is what control says of the exchange that is one of its swaps; sent is what came of its
// statement.
func (x *exchange) outcome(at int, sent error) (*domain.TableSwap, error) {
	var end domain.TableSwap
	x.o.Control.State(func(c *domain.ControlState) {
		if at+1 < len(c.Swaps) {
			end = *c.Swaps[at+1]
		}
	})
	var refused *projections.Refusal
	switch {
	case end.Step == domain.SwapDone:
		return &end, nil
	case errors.As(sent, &refused):
		return nil, &refusedError{"nothing is exchanged: " + refused.Reason}
	default:
		return nil, fmt.Errorf("nothing is exchanged (%w): the same command tries again", sent)
	}
}

// tables has Doris exchange the tables, unless they are, and says whether the replay's is the live
// one. Errors: *projections.Refusal, nothing is exchanged; any other means that nobody knows.
func (x *exchange) tables(ctx context.Context) (is bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeFor)
	defer cancel()
	err = x.s.withDoris(x.o, func(c *dorisconn.Cluster) error {
		return doris.SwapTables(ctx, c, x.o.Configured.Table, x.shadow, x.plan.ID, x.ask.Back)
	})
	if err != nil {
		return false, err
	}
	is, err = x.swapped(ctx)
	var moved *projections.Refusal
	if errors.As(err, &moved) {
		err = errors.New(moved.Reason) // whoever settles it for us has moved one since
	}
	return is, err
}

// whileServing is a context that ends with the process, too. leave waits for what watches it.
func (s *Service) whileServing(ctx context.Context) (serving context.Context, leave func()) {
	serving, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-s.stopping:
			cancel()
		case <-serving.Done():
		}
	})
	return serving, func() { cancel(); watch.Wait() }
}

// conclude puts the outcome of an exchange on control, unless it is there. shadow is where the
// table stands that is not the live one.
func (s *Service) conclude(ctx context.Context, o *pipeline.Open, begun *domain.TableSwap, shadow string, step domain.SwapStep, how string) error {
	crash.Point("swap.outcome.before")
	_, err := o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		if open := c.OpenSwap(); open == nil || *open != *begun {
			return nil, nil
		}
		outcome := *begun
		outcome.Shadow, outcome.Step, outcome.How = shadow, step, how
		return &outcome, nil
	})
	if err != nil {
		return fmt.Errorf("say that the exchange of tables %s and %s is %s: %w", begun.Live, begun.Shadow, step, err)
	}
	crash.Point("swap.outcome.after")
	return nil
}

// settleSwap says the outcome of an exchange that was left open, as Doris has it. A statement that
// somebody sent before may be on its way yet, or its process be frozen just before it: the table
// that it names is given another name first, and what Doris says then stays so. Until the outcome
// is on control no leg that was opened after the intent loads into the live table, so that both
// tables have the same rows (projections/doris, untilExchanged).
func (s *Service) settleSwap(ctx context.Context, o *pipeline.Open) error {
	var begun *domain.TableSwap
	var before bool
	var aside string
	o.Control.State(func(c *domain.ControlState) {
		if open := c.OpenSwap(); open != nil {
			now := *open
			begun, before, aside = &now, c.Swapped(open.Plan), asideName(open, len(c.Swaps))
		}
	})
	if begun == nil {
		return nil
	}
	step, how := domain.SwapNot, howComment
	err := s.withDoris(o, func(c *dorisconn.Cluster) error {
		if err := doris.MoveShadow(ctx, c, begun.Shadow, aside); err != nil {
			return err
		}
		crash.Point("swap.moved")
		is, err := doris.Swapped(ctx, c, begun.Live, aside, begun.Plan)
		if is != before {
			step = domain.SwapDone
		}
		return err
	})
	var refused *projections.Refusal
	if errors.As(err, &refused) {
		step, how, err = domain.SwapNot, refused.Reason, nil // somebody dropped or named a table by hand
	}
	if err != nil {
		return fmt.Errorf("ask how the exchange of tables %s and %s ended: %w", begun.Live, begun.Shadow, err)
	}
	return s.conclude(ctx, o, begun, aside, step, how) // of a table that is gone, too: nobody gets its name
}

// asideName is the name that an exchange's table is given to settle it, when control has n steps
// of exchanges: no table of any journal ever had it, and whoever settles comes to the same one.
func asideName(begun *domain.TableSwap, n int) string {
	database, _, _ := strings.Cut(begun.Live, ".")
	return fmt.Sprintf("%s.hefu_replay_%s_%d", database, begun.Plan, n)
}

// insisted does what ends an exchange until it succeeds. again is told each new reason why it is
// tried again. The error is the last one when the context ends.
func insisted(ctx context.Context, do func() error, again func(error)) error {
	for wait, said := 100*time.Millisecond, ""; ; wait = min(2*wait, 30*time.Second) {
		err := do()
		if err == nil {
			return nil
		}
		if text := err.Error(); text != said && ctx.Err() == nil {
			said = text
			again(err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// abandoned reports whether an exchange has no outcome and nobody in this process is at it. Whoever
// has a Doris leg now says it, since legs wait for it: who began it had all of them and has lost
// one, or died.
func (s *Service) abandoned(o *pipeline.Open, c *domain.ControlState) bool {
	if c.OpenSwap() == nil || !s.set.Role().Has(domain.LegDoris) || len(o.Shards) == 0 {
		return false
	}
	leave, free := s.alone(o)
	if free {
		leave()
	}
	return free
}

// takeUp settles an exchange that was abandoned.
func (s *Service) takeUp(ctx context.Context, o *pipeline.Open) {
	leave, free := s.alone(o)
	if !free {
		return
	}
	defer leave()
	settle := func() error { return s.settleSwap(ctx, o) }
	_ = insisted(ctx, settle, func(err error) { // what it returns is logged
		s.log.WarnContext(ctx, "the outcome of an exchange of tables is not known yet", "pipeline", o.Config.Name, "error", err)
	})
}

// alone lets one exchange of a pipeline in at a time.
func (s *Service) alone(o *pipeline.Open) (leave func(), free bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := o.Config.Name
	if s.exchanging[name] {
		return nil, false
	}
	s.exchanging[name] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.exchanging, name)
	}, true
}

func (s *Service) withDoris(o *pipeline.Open, do func(*dorisconn.Cluster) error) error {
	c, err := dorisconn.Open(s.legs.DorisLeg(o, 0).Conn)
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}
