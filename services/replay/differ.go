package replay

import (
	"context"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
)

// differ has the reconciler look what the live table has of the rows, or the cluster where the
// live topic ends, and leaves of the plan what is to be done about it.
func (p *planning) differ(ctx context.Context) error {
	t := &p.plan.Target
	if t.Mode != domain.ModeFillMissing && t.Mode != domain.ModeDeleteDuplicates {
		return nil
	}
	if t.Kind == domain.TargetTopic {
		return p.tails(ctx)
	}
	p.say("comparing with table " + t.Name)
	d, err := p.s.prover.Difference(ctx, p.plan.Pipeline, p.plan.Lanes, p.plan.Rows, t.Name, p.say)
	if err != nil {
		return fmt.Errorf("compare with table %s: %w", t.Name, err)
	}
	p.plan.Expect.Present = d.Present
	p.notes(d)
	if t.Mode == domain.ModeFillMissing {
		return p.fill(ctx, d)
	}
	return p.remove(d)
}

// fill leaves of the plan the rows that are missing, and the events that have some.
func (p *planning) fill(ctx context.Context, d *domain.Difference) error {
	missing, t := d.MissingRows(), p.plan.Target.Name
	if missing == 0 {
		return &refusedError{"nothing is missing: table " + t + " has all " + humanize.Comma(d.Expected) + " rows of the scope"}
	}
	p.plan.Rows = domain.Selection{Hub: d.Missing}
	if err := p.count(ctx); err != nil {
		return err
	}
	if p.plan.Expect.Rows != missing {
		return &refusedError{fmt.Sprintf("table %s lacks %s rows, and the journal has %s for their places: the hub was cut and written again, so replay into a shadow table and swap",
			t, humanize.Comma(missing), humanize.Comma(p.plan.Expect.Rows))}
	}
	return nil
}

// remove leaves of the plan the keys under which rows are there a second time; of a report's
// findings only those that it names.
func (p *planning) remove(d *domain.Difference) error {
	t, keys := p.plan.Target.Name, d.Doubled
	if p.found != nil {
		named := map[domain.RowKey]bool{}
		for _, k := range p.found.Keys {
			named[k] = true
		}
		keys = slices.DeleteFunc(slices.Clone(keys), func(k domain.RowKey) bool { return !named[k] })
	}
	switch {
	case len(keys) == 0 && len(d.Equal) > 0:
		return &refusedError{fmt.Sprintf("%d keys have several equal rows in table %s: a DELETE takes all of them at once, so none is planned; replay into a shadow table and swap", len(d.Equal), t)}
	case len(keys) == 0:
		return &refusedError{"no row is there twice: table " + t + " has no double of the scope"}
	}
	p.plan.Delete, p.plan.Expect.Rows, p.plan.Expect.Bytes = keys, int64(len(keys)), 0
	return nil
}

// notes says what the comparison found that this plan does not put right.
func (p *planning) notes(d *domain.Difference) {
	if p.plan.Target.Mode == domain.ModeFillMissing {
		p.note(int64(len(d.Doubled)), "rows are doubled", "plan delete-duplicates for them")
	} else {
		p.note(d.MissingRows(), "rows are missing", "plan fill-missing for them")
	}
	p.note(int64(len(d.Altered))+d.More, "columns or rows are altered", "replay into a shadow table and swap")
	p.note(int64(len(d.Equal)), "keys have several equal rows", "replay into a shadow table and swap")
	p.note(int64(len(d.Foreign)), "rows are of nobody here", "the report of the reconciler names them; whoever put them there takes them away")
}
