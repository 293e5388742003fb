package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	trees "github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/checkpoint"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

func newReconcile() *cobra.Command {
	c := &cobra.Command{
		Use:   "reconcile [PIPELINE]",
		Short: "Prove that cities, hub and Doris have the same rows, or name those that differ",
		Long: `Reconcile compares cities, hub topic and table, with other code than what moved the rows, by
all lineage columns and the record: windows of 65,536 offsets by counts, exact sums and digests,
and where a window differs, row by row. It works beside a running hefu, which then does it, and
without one. The signed report is kept in <data_dir>/reports; hefu verify checks it anywhere.

What the hub must have is taken from the record batches that the journal holds as the cities
sent them. Of the cities themselves a sample of the windows is read again (city_sample, or
--sample), and each with gaps; with --deep all of them.

--from and --to are times of ingest (extract_time), as RFC 3339 or as 2026-11-26 02:00 in the
pipeline's time zone. What cannot be compared is listed with the reason.

Exit code 0 when all rows are verified, 1 when something is lost, doubled, altered, swapped,
strayed or out of order, 2 when something could not be read or not be compared.`,
		Example: "  hefu reconcile -c hefu.yaml\n  hefu reconcile bridge -c hefu.yaml --from '2026-11-26 02:00' --to '2026-11-26 03:00' --report night.json",
		Args:    cobra.MaximumNArgs(1),
	}
	file, output := configFlag(c), outputFlag(c)
	var a asking
	c.Flags().StringArrayVar(&a.sources, "source", nil, "only this source; may be given several times")
	c.Flags().StringVar(&a.from, "from", "", "only rows that were ingested at this time or later")
	c.Flags().StringVar(&a.to, "to", "", "only rows that were ingested before this time")
	c.Flags().BoolVar(&a.deep, "deep", false, "read every row of the cities again")
	c.Flags().IntVar(&a.sample, "sample", -1, "per cent of the cities' windows to read again; city_sample of the file without it")
	c.Flags().StringVar(&a.report, "report", "", "write the signed report to this file, too")
	c.Flags().BoolVar(&a.keep, "keep", true, "keep the report in the data directory")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		step, done := steps(cmd.ErrOrStderr())
		proved, err := proveAll(cmd.Context(), *file, args, &a, step)
		done()
		if err != nil {
			return err
		}
		if err := a.write(proved); err != nil {
			return err
		}
		if *output == "json" {
			reports := make([]*report.Report, len(proved))
			for i := range proved {
				reports[i] = proved[i].Report
			}
			err = writeJSON(cmd.OutOrStdout(), reports)
		} else {
			for i := range proved {
				proved[i].print(cmd.OutOrStdout())
			}
		}
		return errors.Join(err, compareOutcome(proved))
	}
	return c
}

// asking is what the command line asks of a compare.
type asking struct {
	sources  []string
	from, to string
	deep     bool
	sample   int
	report   string
	keep     bool
}

// of makes the request for one pipeline.
func (a *asking) of(p *config.Pipeline) (*reconcile.Ask, error) {
	out := &reconcile.Ask{Pipeline: p.Name, Sources: a.sources, Deep: a.deep, Keep: a.keep}
	if a.sample > 100 {
		return nil, fmt.Errorf("--sample %d: per cent, 0 to 100", a.sample)
	}
	if a.sample >= 0 {
		out.Sample = &a.sample
	}
	for _, t := range []struct {
		flag, text string
		into       **time.Time
	}{{"--from", a.from, &out.From}, {"--to", a.to, &out.To}} {
		if t.text == "" {
			continue
		}
		at, err := parseTime(t.text, p.Timezone)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.flag, err)
		}
		*t.into = &at
	}
	if out.From != nil && out.To != nil && !out.From.Before(*out.To) {
		return nil, fmt.Errorf("--from %s is not before --to %s", a.from, a.to)
	}
	return out, nil
}

// parseTime reads a time as people write it; one without a zone is of the pipeline's.
func parseTime(text, zone string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	in, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("timezone %s: %w", zone, err)
	}
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, in); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: want a time as in 2026-11-26T02:00:00+08:00, or 2026-11-26 02:00 in the pipeline's zone", text)
}

// write writes the report to the file that was asked for.
func (a *asking) write(proved []proved) error {
	if a.report == "" {
		return nil
	}
	if len(proved) != 1 {
		return fmt.Errorf("--report %s: it is of one pipeline, and there are %d: name one", a.report, len(proved))
	}
	return os.WriteFile(a.report, proved[0].file, 0o600)
}

// compareOutcome is the exit code as an error: what differs comes before what is not checked.
func compareOutcome(list []proved) error {
	var outcome error
	for i := range list {
		switch list[i].Report.Verdict {
		case domain.Verified:
		case domain.NotChecked:
			outcome = unanswered{}
		default:
			return errNotGood
		}
	}
	return outcome
}

// proveAll compares the pipelines of a configuration, all without a name.
func proveAll(ctx context.Context, file string, names []string, a *asking, step func(string)) ([]proved, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	var asks []*reconcile.Ask
	for i := range cfg.Pipelines {
		if len(names) > 0 && cfg.Pipelines[i].Name != names[0] {
			continue
		}
		ask, err := a.of(&cfg.Pipelines[i])
		if err != nil {
			return nil, err
		}
		asks = append(asks, ask)
	}
	if len(asks) == 0 {
		return nil, fmt.Errorf("%s has no pipeline %s", file, names[0])
	}
	store, err := pipeline.OpenStore(ctx, cfg, slog.New(slog.DiscardHandler))
	if errors.Is(err, embedded.ErrLocked) {
		return askRunning(ctx, file, asks, step)
	}
	if err != nil {
		return nil, err
	}
	defer store.Close()
	var out []proved
	for _, ask := range asks {
		one, err := proveHere(ctx, cfg, store, ask, step)
		if errors.Is(err, trees.ErrHeld) && len(out) == 0 { // the journal is external, its process runs
			return askRunning(ctx, file, asks, step)
		}
		if err != nil {
			return nil, fmt.Errorf("pipeline %s: not checked: %w", ask.Pipeline, err)
		}
		out = append(out, one)
	}
	return out, nil
}

// proveHere compares a pipeline whose store nobody else holds.
func proveHere(ctx context.Context, cfg *config.Config, store *pipeline.Store, ask *reconcile.Ask, step func(string)) (proved, error) {
	if _, known := store.Manifest.Journal(ask.Pipeline); !known && cfg.Journal.Mode == config.ModeEmbedded {
		return proved{}, errors.New("it has no journal; it never ran") // opening would make it
	}
	j, err := store.OpenJournal(ctx, cfg, ask.Pipeline, slog.New(slog.DiscardHandler))
	if err != nil {
		return proved{}, err
	}
	step("signing what the journal is")
	signing, err := checkpoint.OpenStill(ctx, j, cfg.DataDir, cfg.KeyFile())
	if err != nil {
		return proved{}, err
	}
	defer signing.Close()
	var p *config.Pipeline
	for i := range cfg.Pipelines {
		if cfg.Pipelines[i].Name == ask.Pipeline {
			p = &cfg.Pipelines[i]
		}
	}
	prover := reconcile.New(p, j, ask.Scope(p.Reconcile.CitySample), step)
	defer prover.Close()
	by := reconcile.MakerOf(cfg, version())
	r, file, err := reconcile.Prove(ctx, prover, signing, by)
	if err != nil || !ask.Keep {
		return proved{Report: r, file: file}, err
	}
	e, err := by.Kept.Save(file)
	return proved{Report: r, file: file, name: e.Name}, err
}

// askRunning has the running hefu compare, which holds the journal's store.
func askRunning(ctx context.Context, file string, asks []*reconcile.Ask, step func(string)) ([]proved, error) {
	cl, _, err := dial(file)
	if err != nil {
		return nil, err
	}
	var out []proved
	for _, ask := range asks {
		one := proved{}
		err := stream(ctx, cl, http.MethodPost, "/v1/reconcile", ask, func(l *reconcile.Line) error {
			switch {
			case l.Error != "":
				return errors.New(l.Error)
			case l.File == nil:
				step(l.Step)
				return nil
			}
			v, err := report.Verify(l.File)
			if err != nil {
				return err
			}
			one = proved{Report: v.Report, file: l.File, name: l.Name}
			return nil
		})
		if err == nil && one.Report == nil {
			err = errors.New("the running hefu ended before it was done")
		}
		if err != nil {
			return nil, fmt.Errorf("pipeline %s: not checked: %w", ask.Pipeline, err)
		}
		out = append(out, one)
	}
	return out, nil
}
