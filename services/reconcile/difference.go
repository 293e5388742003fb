package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
	"github.com/hefu-io/hefu/services/report"
)

// Difference compares the journal's word of some rows with a table, "<db>.<table>": all that is
// missing, altered, or there too often, however much. The rows are those that a selection takes
// of the events of lanes, as a plan has them. Of the pipeline's own table nothing beside them is
// looked at, and a lane that goes beyond what is loaded is refused; another table is to have
// these rows and no others. Rows that loads left out need not be there, unless the selection
// takes nothing else (a plan of quarantined rows). What differs counts when the table stood still
// over looks; a table that does not is an error. progress, which may be nil, is told each step.
func (s *Service) Difference(ctx context.Context, pipeline string, lanes []domain.PlanLane, rows domain.Selection, table string, progress func(string)) (*domain.Difference, error) {
	o, err := s.opened(pipeline)
	if err != nil {
		return nil, err
	}
	file := o.File()
	return Difference(ctx, &file, o.Journal, lanes, rows, table, progress)
}

// opened is a pipeline of this process.
func (s *Service) opened(name string) (*pipeline.Open, error) {
	opened, ok := s.set.Opened()
	if !ok {
		return nil, errors.New("the journal is not open yet")
	}
	i := slices.IndexFunc(opened, func(o *pipeline.Open) bool { return o.Config.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("no pipeline %q here", name)
	}
	return opened[i], nil
}

// Difference is Service.Difference, of a pipeline and its journal.
func Difference(ctx context.Context, p *config.Pipeline, j *journal.Journal, lanes []domain.PlanLane, rows domain.Selection, table string, progress func(string)) (*domain.Difference, error) {
	g, err := standOn(ctx, p, j, table, progress)
	if err != nil {
		return nil, err
	}
	defer g.close()
	c, err := g.compare(ctx, lanes, rows, true)
	if err != nil {
		return nil, err
	}
	if c.onlySpared() { // it is these that are asked about
		if c, err = g.compare(ctx, lanes, rows, false); err != nil {
			return nil, err
		}
	}
	d := c.difference()
	altered, more, err := c.nameAltered(ctx)
	if err != nil {
		return nil, err
	}
	d.More = more
	for _, f := range altered {
		if f.Class != domain.Doubled { // see Equal
			d.Altered = append(d.Altered, f)
		}
	}
	d.Altered = append(d.Altered, c.broken.list...)
	return d, nil
}

// ground is what a comparison stands on: the journal, and a table.
type ground struct {
	p       *config.Pipeline
	in      *origin.Journal
	format  *target.Format
	doris   *target.Doris // nil: there is none
	live    bool          // the table is the pipeline's own
	beside  bool          // other plans have rows in it, which are nobody's business here
	queries []report.Query
	say     func(string)
}

// standOn opens the journal, and a table unless its name is empty.
func standOn(ctx context.Context, p *config.Pipeline, j *journal.Journal, table string, say func(string)) (*ground, error) {
	g := &ground{p: p, say: say}
	if say == nil {
		g.say = func(string) {}
	}
	plain, err := origin.Open(ctx, j, origin.Digits{})
	if err != nil {
		return nil, err
	}
	c, _ := plain.Config()
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, fmt.Errorf("pipeline %s: timezone %s: %w", p.Name, c.Timezone, err)
	}
	digits := target.DefaultDigits()
	if table != "" {
		if err := g.openTable(ctx, table); err != nil {
			return nil, err
		}
		digits = g.doris.Digits()
	}
	format := c.Format
	if c.Direct {
		format = domain.FlinkFormat()
	}
	g.format = target.NewFormat(&format, zone, digits, c.Direct)
	shown := g.format.Digits()
	g.in, err = origin.Open(ctx, j, origin.Digits{CityTime: shown[proof.CityTime], HubTime: shown[proof.HubTime], ExtractTime: shown[proof.ExtractTime]})
	if err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *ground) openTable(ctx context.Context, table string) (err error) {
	database, name, ok := strings.Cut(table, ".")
	if g.p.Doris == nil || !ok {
		return fmt.Errorf("pipeline %s: %q is no table: want <database>.<table> of its Doris", g.p.Name, table)
	}
	of := *g.p.Doris
	g.live = of.Database == database && of.Table == name
	of.Database, of.Table = database, name
	told := func(q report.Query) {
		if g.queries = append(g.queries, q); len(g.queries) > 2*keptQueries {
			g.queries = slices.Delete(g.queries, 0, keptQueries)
		}
	}
	g.doris, err = target.OpenDoris(ctx, &of, g.p.Reconcile.DorisPause, told)
	return err
}

func (g *ground) close() {
	if g.doris != nil {
		g.doris.Close()
	}
}

// mask is the columns that the journal can say of some source at least.
func (g *ground) mask() proof.Mask {
	c, _ := g.in.Config()
	if c.Direct {
		return g.format.Mask()
	}
	cannot := proof.All
	for i := range c.Sources {
		unread, _ := g.in.Unread(c.Sources[i].ID)
		cannot &= unread
	}
	return proof.All &^ cannot
}

// begin is a comparison with a target, not run yet.
func (g *ground) begin(s side, lanes []domain.PlanLane, rows domain.Selection) *comparison {
	n := newComparison(g.in, s, lanes, rows, g.mask(), g.say)
	if c, _ := g.in.Config(); c.Direct {
		n.reader = g.format.NewReader()
	}
	return n
}

// compare compares rows with the table.
func (g *ground) compare(ctx context.Context, lanes []domain.PlanLane, rows domain.Selection, spared bool) (*comparison, error) {
	n := g.begin(g.doris.Witness(g.format), lanes, rows)
	n.whole, n.digests, n.spared = !g.live && !g.beside, g.doris.Digests(), spared
	if g.live {
		if err := g.loaded(ctx, lanes); err != nil {
			return nil, err
		}
	}
	return n, n.run(ctx)
}

// loaded demands that everything that lanes have is loaded.
func (g *ground) loaded(ctx context.Context, lanes []domain.PlanLane) error {
	for _, l := range lanes {
		at, err := g.in.Loaded(ctx, l.Shard)
		if err != nil {
			return err
		}
		if l.Last.Seq >= l.First && at.Seq < l.Last.Seq {
			return fmt.Errorf("rows up to %s@%d are asked for, and the table has come to %d: what is on its way is not missing", l.Last.Stream, l.Last.Seq, at.Seq)
		}
	}
	return nil
}

// onlySpared reports whether nothing was taken but rows that loads left out.
func (c *comparison) onlySpared() bool { return c.spared && c.musts == 0 && c.mays > 0 }
