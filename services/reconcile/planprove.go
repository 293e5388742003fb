package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/report"
)

// PlanVerdict is what the verification of a replay came to.
type PlanVerdict struct {
	Verdict domain.Verdict
	Why     string      // the report's sentence for people
	Digest  domain.Hash // of the report's file
	Name    string      // under which it is kept
}

// ProvePlan compares the journal's word of the rows of a plan with what its target has, and
// keeps a signed report of it. Of a plan that deletes, the rows are to be there and the keys are
// not. Of the target null there is nothing to compare, which is an error. progress, which may be
// nil, is told each step.
func (s *Service) ProvePlan(ctx context.Context, plan *domain.Plan, progress func(string)) (*PlanVerdict, error) {
	o, err := s.opened(plan.Pipeline)
	if err != nil {
		return nil, err
	}
	file, by := o.File(), s.maker()
	r, signed, err := ProvePlan(ctx, &file, o.Journal, s.set.Config().DataDir, plan, s.signing, by, progress)
	if err != nil {
		return nil, fmt.Errorf("verify plan %s: %w", plan.ID, err)
	}
	v, err := report.Verify(signed, r.Journal.Key)
	if err != nil {
		return nil, err
	}
	e, err := by.Kept.Save(signed)
	if err != nil {
		return nil, err
	}
	return &PlanVerdict{Verdict: r.Verdict, Why: r.Why, Digest: v.Digest, Name: e.Name}, nil
}

// ProvePlan is Service.ProvePlan, of a pipeline and its journal; nothing is kept. dataDir is
// where files of replays are.
func ProvePlan(ctx context.Context, p *config.Pipeline, j *journal.Journal, dataDir string, plan *domain.Plan, signing Signing, by Maker, progress func(string)) (*report.Report, []byte, error) {
	key, err := signing.Key(ctx)
	if err != nil {
		return nil, nil, err
	}
	before, err := signing.Now(ctx, p.Name)
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint before the look: %w", err)
	}
	began := time.Now()
	g, err := planGround(ctx, p, j, plan, progress)
	if err != nil {
		return nil, nil, err
	}
	defer g.close()
	got, err := g.prove(ctx, dataDir, plan)
	if err != nil {
		return nil, nil, err
	}
	n := &Prover{p: p, j: j, in: g.in}
	for _, l := range plan.Lanes {
		to, err := g.in.Tails(ctx, l.Shard)
		if err != nil {
			return nil, nil, err
		}
		n.lanes = append(n.lanes, &lane{shard: l.Shard, to: to})
	}
	r, err := g.report(ctx, plan, got, began)
	if err != nil {
		return nil, nil, err
	}
	after, err := signing.Now(ctx, p.Name)
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint after the look: %w", err)
	}
	file, err := n.seal(ctx, r, signing, key, by, before, after)
	return r, file, err
}

// planGround opens what the verification of a plan needs.
func planGround(ctx context.Context, p *config.Pipeline, j *journal.Journal, plan *domain.Plan, say func(string)) (*ground, error) {
	if report.PlanProof(plan.Target.Kind) == "" {
		return nil, fmt.Errorf("target %s has no rows that could be compared", plan.Target.Kind)
	}
	table := ""
	if plan.Target.Kind == domain.TargetTable {
		table = plan.Target.Name
	}
	g, err := standOn(ctx, p, j, table, say)
	if err == nil {
		g.beside = !plan.Target.Shadow.IsZero()
	}
	if err == nil && g.live != (plan.Target.Mode != domain.ModeShadow) && table != "" {
		g.close()
		return nil, fmt.Errorf("mode %s of table %s, and the pipeline's own is %s.%s", plan.Target.Mode, table, p.Doris.Database, p.Doris.Table)
	}
	return g, err
}

// proven is what a comparison came to, whatever the target is.
type proven struct {
	hub       []report.HubPartition
	windows   []report.Window
	found     []domain.Finding
	more      int64
	unchecked []report.Unchecked
	rows      int64
	mask      proof.Mask
	depth     string
	evidence  []report.Position
}

// prove compares.
func (g *ground) prove(ctx context.Context, dataDir string, plan *domain.Plan) (*proven, error) {
	if plan.Target.Kind == domain.TargetTopic {
		return g.proveTopic(ctx, plan)
	}
	run := func(spared bool) (*comparison, error) {
		if plan.Target.Kind == domain.TargetTable {
			return g.compare(ctx, plan.Lanes, plan.Rows, spared)
		}
		file, err := openFiles(dataDir, plan, g.format.Digits())
		if err != nil {
			return nil, err
		}
		n := g.begin(file, plan.Lanes, plan.Rows)
		n.whole, n.spared = true, spared
		return n, n.run(ctx)
	}
	c, err := run(!plan.Scope.Quarantine)
	if err == nil && c.onlySpared() {
		c, err = run(false)
	}
	if err != nil {
		return nil, err
	}
	got, err := c.proven(ctx, report.PlanProof(plan.Target.Kind))
	if err != nil {
		return nil, err
	}
	got.depth = "content"
	if g.doris != nil && g.doris.Digests() {
		got.depth = "lineage"
	}
	return got, g.deleted(ctx, c, plan, got)
}

// deleted demands that the keys that a plan deletes are not there any more.
func (g *ground) deleted(ctx context.Context, c *comparison, plan *domain.Plan, got *proven) error {
	at := map[int32]domain.Spans{}
	for _, k := range plan.Delete {
		at[k.Partition], _ = at[k.Partition].Add(domain.Span{First: k.Offset, Next: k.Offset + 1})
	}
	if len(at) == 0 {
		return nil
	}
	if c.placed == nil {
		c.placed = c.in.NewPlaced()
	}
	if err := c.placed.Read(ctx); err != nil {
		return err
	}
	for h, spans := range at {
		err := c.side.RowsAt(ctx, h, spans, func(r *proof.Row) error {
			if c.placed.Has(h, r.Offset) {
				return nil // the hub has come to the offset meanwhile: it is another row, and a good one
			}
			s := strayOf(r, h)
			if _, known := c.strays[s.key]; !known {
				f := c.strayFinding(s)
				f.Detail = "the plan deletes it"
				got.add(f)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// add takes a finding, or counts it.
func (p *proven) add(f domain.Finding) {
	if len(p.found) >= 2*keptFindings {
		p.more++
		return
	}
	p.found = append(p.found, f)
}

// report is what was found, as a report has it.
func (g *ground) report(ctx context.Context, plan *domain.Plan, got *proven, began time.Time) (*report.Report, error) {
	c, digest := g.in.Config()
	of := report.PlanProof(plan.Target.Kind)
	r := &report.Report{
		Version: report.Version, Began: began.UTC(), Done: time.Now().UTC(),
		Scope: report.Scope{
			Pipeline: g.p.Name, Depth: got.depth, Timezone: c.Timezone, Proofs: []domain.Proof{of}, Columns: map[domain.Proof][]string{}, Plan: report.PlanOf(plan),
		},
		Software: report.Software{Config: digest},
		Hub:      got.hub, Windows: got.windows, Evidence: got.evidence, Queries: g.queries, More: got.more, Unchecked: got.unchecked,
	}
	r.Scope.Plan.Rows = got.rows
	for i := range proof.Columns {
		if got.mask.Has(i) {
			r.Scope.Columns[of] = append(r.Scope.Columns[of], proof.ColumnName(i))
		}
	}
	inOrder(got.found)
	seen := map[domain.FindingID]bool{}
	for i := range got.found {
		if id := got.found[i].ID(); !seen[id] {
			seen[id] = true
			r.Findings = append(r.Findings, report.FindingOf(&got.found[i], nil))
		}
	}
	for _, l := range plan.Lanes {
		list, err := g.in.Outcomes(ctx, plan.Stream(l.Shard))
		if err != nil {
			return nil, err
		}
		r.Outcomes = append(r.Outcomes, list...)
	}
	return r, nil
}

// proven is what the comparison came to as the windows and findings of a proof.
func (c *comparison) proven(ctx context.Context, of domain.Proof) (*proven, error) {
	got := &proven{mask: c.mask, more: c.broken.more}
	got.found = append(got.found, c.broken.list...)
	left, right := report.Places(of)
	bounds := map[int32]domain.Span{}
	for _, w := range c.windows() {
		in, begun := bounds[w.id.Partition]
		if !begun {
			in = w.in
		}
		bounds[w.id.Partition] = domain.Span{First: min(in.First, w.in.First), Next: max(in.Next, w.in.Next)}
	}
	rows := map[int32]int64{}
	for _, w := range c.windows() {
		whole, in := w.id.Span(), bounds[w.id.Partition]
		out := report.Window{
			WindowID: report.WindowID{Proof: of, Partition: w.id.Partition, Index: w.id.Index}, State: domain.WindowVerified,
			First: max(whole.First, in.First), Through: min(whole.Next, in.Next), Rows: w.left.Rows,
			Witnesses: []report.Witnessed{{Witness: left, Vector: report.Vector(w.left)}, {Witness: right, Vector: report.Vector(w.right)}},
		}
		if w.differs() || !proof.Equal(w.left, w.right) {
			out.State, out.Why = domain.WindowDiverged, proof.Shape(w.left, w.right)
		}
		got.windows = append(got.windows, out)
		got.rows += w.left.Rows
		rows[w.id.Partition] += w.left.Rows
		got.found = append(got.found, w.lost...)
		got.more += w.missing.Len() - int64(len(w.lost))
	}
	for h, in := range bounds {
		got.hub = append(got.hub, report.HubPartition{Partition: h, First: in.First, Next: in.Next, Rows: rows[h]})
	}
	list, more, err := c.nameAltered(ctx)
	if err != nil {
		return nil, err
	}
	got.found = append(got.found, list...)
	got.more += more
	for _, key := range c.strayKeys() {
		got.add(c.strayFinding(c.strays[key]))
	}
	got.unchecked = c.notCompared(right, got.rows)
	return got, nil
}

// notCompared are columns that were left out.
func (c *comparison) notCompared(where string, rows int64) (out []report.Unchecked) {
	for why, n := range c.unread {
		out = append(out, report.Unchecked{Where: where, Column: proof.ColumnName(proof.Record), Rows: n, Why: why})
	}
	for col := range proof.Columns {
		if c.reader != nil && !c.mask.Has(col) && rows > 0 {
			out = append(out, report.Unchecked{Where: where, Column: proof.ColumnName(col), Rows: rows, Why: "the hub does not carry it"})
		}
	}
	return out
}

// strayFinding names a row of the target under a key at which the plan has none.
func (c *comparison) strayFinding(s stray) domain.Finding {
	f := domain.Finding{Class: domain.Strayed, Where: c.side.Name(), Detail: "the plan has no row at this place"}
	if city, err := domain.ParseCity(string(s.city)); err == nil {
		f.City = city
	}
	if s.dup {
		f.Class, f.Detail = domain.Doubled, "it is a row of the plan, under another key than the journal has for it"
		if p := c.cities[cityKey{s.city, int64(s.says.Partition)}]; p != nil {
			f.Source, f.Generation = p.source, p.generation
		}
	}
	f.Row.City, f.Row.Hub = s.says, domain.Coord{Partition: s.key.Partition, Offset: s.key.Offset, Timestamp: -1}
	return f
}
