package replay

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
)

// reported takes the scope from a report's findings.
func (p *planning) reported(context.Context) error { return nil }

// differ has the reconciler look what the live table has of the rows, and leaves of the plan
// what is to be done about it.
func (p *planning) differ(ctx context.Context) error {
	t := &p.plan.Target
	if t.Mode != domain.ModeFillMissing && t.Mode != domain.ModeDeleteDuplicates {
		p.batches()
		return nil
	}
	p.say("comparing with table " + t.Name)
	d, err := p.s.prover.Difference(ctx, p.plan.Pipeline, p.plan.Lanes, p.plan.Rows, t.Name, p.say)
	if err != nil {
		return fmt.Errorf("compare with table %s: %w", t.Name, err)
	}
	e := &p.plan.Expect
	whole := e.Rows
	e.Present = d.Present
	if t.Mode == domain.ModeFillMissing {
		if e.Rows = d.MissingRows(); e.Rows == 0 {
			return &refusedError{"nothing is missing: table " + t.Name + " has all " + humanize.Comma(d.Expected) + " rows of the scope"}
		}
		p.plan.Rows = domain.Selection{Hub: d.Missing}
	} else {
		switch {
		case len(d.Doubled) == 0 && len(d.Equal) > 0:
			return &refusedError{fmt.Sprintf("%d keys have several equal rows in table %s: a DELETE takes all of them at once, so none is planned; replay into a shadow table and swap", len(d.Equal), t.Name)}
		case len(d.Doubled) == 0:
			return &refusedError{"no row is there twice: table " + t.Name + " has no double of the scope"}
		}
		p.plan.Delete, e.Rows = d.Doubled, int64(len(d.Doubled))
	}
	if whole > 0 {
		e.Bytes = int64(float64(e.Bytes) * float64(e.Rows) / float64(whole))
	}
	p.notes(d)
	p.batches()
	return nil
}

// notes says what the comparison found that this plan does not put right.
func (p *planning) notes(d *domain.Difference) {
	note := func(n int64, one, what string) {
		if n > 0 {
			p.plan.Notes = append(p.plan.Notes, fmt.Sprintf("%s %s: %s", humanize.Comma(n), one, what))
		}
	}
	fills := p.plan.Target.Mode == domain.ModeFillMissing
	if !fills {
		note(d.MissingRows(), "rows are missing", "plan fill-missing for them")
	}
	note(int64(len(d.Altered)), "rows are altered", "replay into a shadow table and swap")
	if fills {
		note(int64(len(d.Doubled)), "rows are doubled", "plan delete-duplicates for them")
	}
	note(int64(len(d.Equal)), "keys have several equal rows", "replay into a shadow table and swap")
	note(int64(len(d.Foreign)), "rows are of nobody here", "the report of the reconciler names them")
}

// batches estimates how many loads or transactions there will be, by the limits of the live leg.
func (p *planning) batches() {
	rows := int64(500_000)
	if c := p.o.Config.Doris; p.plan.Target.Kind == domain.TargetTable && c != nil && c.Batch.Rows > 0 {
		rows = int64(c.Batch.Rows)
	}
	if c := p.o.Config.Hub; p.plan.Target.Kind == domain.TargetTopic && c.Batch.Rows > 0 {
		rows = int64(c.Batch.Rows)
	}
	if p.plan.Target.Mode != domain.ModeDeleteDuplicates {
		p.plan.Expect.Batches = max(int64(len(p.plan.Lanes)), (p.plan.Expect.Rows+rows-1)/rows)
	}
}
