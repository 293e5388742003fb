package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/pipeline"
)

// exchangeFor is how long Doris is asked for an exchange that is on control. The loads of the
// live table are held meanwhile: nothing could be loaded into a Doris that does not answer.
const exchangeFor = 2 * time.Minute

// howComment is how it is known which table is which.
const howComment = "comment of the table"

// exchange puts the intent on control, has Doris exchange the tables, and puts the outcome on
// control. Whoever asked for it may go away meanwhile: what is begun is brought to an end. If the
// process dies on any line after the intent, whoever has the Doris legs next asks Doris and says
// the outcome (settleSwap).
func (x *exchange) exchange(ctx context.Context) (how string, err error) {
	begun := &domain.TableSwap{
		Plan: x.plan.ID, Live: x.o.Configured.Table, Shadow: x.plan.Target.Name, Step: domain.SwapBegun, Who: x.ask.Who, Why: x.ask.Why,
	}
	_, err = x.o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		if c.OpenSwap() != nil {
			return nil, &refusedError{"another exchange of tables is begun and has no outcome yet: try again"}
		}
		return begun, x.mayNow(c)
	})
	if err != nil {
		return "", fmt.Errorf("say that the exchange is begun: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeFor)
	defer cancel()
	x.say("exchanging tables " + begun.Live + " and " + begun.Shadow)
	for wait, said := 100*time.Millisecond, ""; ; wait = min(2*wait, 5*time.Second) {
		is, err := x.tables(ctx)
		var refused *projections.Refusal
		switch {
		case err == nil && is == !x.ask.Back:
			return howComment, x.s.conclude(ctx, x.o, begun, domain.SwapDone, howComment)
		case errors.As(err, &refused):
			return "", x.refused(ctx, begun, refused)
		case err == nil:
			err = errors.New("the comments say that they are not")
		}
		if text := err.Error(); text != said {
			said = text
			x.say("asking again, since it is not known whether they are exchanged: " + said)
		}
		select {
		case <-ctx.Done():
		case <-x.s.stopping:
		case <-time.After(wait):
			continue
		}
		return "", fmt.Errorf("it is not known whether tables %s and %s are exchanged (%w): that is asked again as soon as Doris answers, and put on control", begun.Live, begun.Shadow, err)
	}
}

// tables has Doris exchange the tables, unless they are, and says whether the replay's is the live
// one.
func (x *exchange) tables(ctx context.Context) (is bool, err error) {
	err = x.s.withDoris(x.o, func(c *dorisconn.Cluster) error {
		if err := doris.SwapTables(ctx, c, x.o.Configured.Table, x.plan.Target.Name, x.plan.ID, x.ask.Back); err != nil {
			return err
		}
		is, err = doris.Swapped(ctx, c, x.o.Configured.Table, x.plan.Target.Name, x.plan.ID)
		return err
	})
	return is, err
}

// refused says that Doris did not exchange the tables, and why.
func (x *exchange) refused(ctx context.Context, begun *domain.TableSwap, why *projections.Refusal) error {
	if err := x.s.conclude(ctx, x.o, begun, domain.SwapNot, why.Reason); err != nil {
		return err
	}
	return &refusedError{"nothing is exchanged: " + why.Reason}
}

// conclude puts the outcome of an exchange on control, unless it is there.
func (s *Service) conclude(ctx context.Context, o *pipeline.Open, begun *domain.TableSwap, step domain.SwapStep, how string) error {
	_, err := o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		if open := c.OpenSwap(); open == nil || *open != *begun {
			return nil, nil
		}
		outcome := *begun
		outcome.Step, outcome.How = step, how
		return &outcome, nil
	})
	if err != nil {
		return fmt.Errorf("say that the exchange of tables %s and %s is %s: %w", begun.Live, begun.Shadow, step, err)
	}
	return nil
}

// settleSwap says the outcome of an exchange that whoever began it left open, as Doris has it. It
// is for the process that has the Doris legs of every shard: only such a one exchanges, and one
// that was fenced since ends. A statement that it had sent just before may be carried out after
// Doris was asked; both tables had the same rows then, and what was loaded into the other one since
// is found missing by the reconciler and filled in.
func (s *Service) settleSwap(ctx context.Context, o *pipeline.Open) error {
	var begun *domain.TableSwap
	var before bool
	o.Control.State(func(c *domain.ControlState) {
		if open := c.OpenSwap(); open != nil {
			now := *open
			begun, before = &now, c.Swapped(open.Plan)
		}
	})
	if begun == nil {
		return nil
	}
	step, how := domain.SwapNot, howComment
	err := s.withDoris(o, func(c *dorisconn.Cluster) error {
		is, err := doris.Swapped(ctx, c, begun.Live, begun.Shadow, begun.Plan)
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
	return s.conclude(ctx, o, begun, step, how)
}

// abandoned reports whether an exchange has no outcome and nobody in this process is at it, whose
// it is to say it.
func (s *Service) abandoned(o *pipeline.Open, c *domain.ControlState) bool {
	if c.OpenSwap() == nil || !s.set.Role().Has(domain.LegDoris) || len(o.Shards) != o.Configured.Shards {
		return false
	}
	leave, free := s.alone(o)
	if free {
		leave()
	}
	return free
}

// takeUp settles an exchange that was abandoned, as soon as Doris can be asked.
func (s *Service) takeUp(ctx context.Context, o *pipeline.Open) {
	leave, free := s.alone(o)
	if !free {
		return
	}
	defer leave()
	for wait, said := 100*time.Millisecond, ""; ; wait = min(2*wait, 30*time.Second) {
		err := s.settleSwap(ctx, o)
		if err == nil {
			return
		}
		if text := err.Error(); text != said && ctx.Err() == nil {
			said = text
			s.log.WarnContext(ctx, "the outcome of an exchange of tables is not known yet", "pipeline", o.Config.Name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
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
