package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile"
)

func newReconcile() *cobra.Command {
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Compare cities, hub and Doris row by row, and say what differs",
		Long: `Reconcile reads all rows of the cities, the hub topic and the table, with other code than
what moved them, and compares them by all lineage columns; from the journal it takes
where each partition begins, how far it is carried, and what was excluded. It works
beside a running hefu, which gives it the books, and without one.

Sources are compared as the journal has them: each topic of an entry with several, to the end
of a bounded one, paused or not. What cannot be compared is listed with the reason: a city that
is not in the file any more (its rows in hub and table still are), a column in a form that the
reconciler does not know.

Exit code 0 when all rows are verified, 1 when something is lost, doubled, altered,
strayed or out of order, 2 when something could not be read or not be compared.`,
		Example: "  hefu reconcile -c hefu.yaml\n  hefu reconcile -c hefu.yaml -o json",
		Args:    cobra.NoArgs,
	}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		step, done := steps(cmd.ErrOrStderr())
		reports, err := compareAll(cmd.Context(), *file, step)
		done()
		if err != nil {
			return err
		}
		if *output == "json" {
			if err := writeJSON(cmd.OutOrStdout(), reports); err != nil {
				return err
			}
		} else {
			for _, r := range reports {
				printReport(cmd.OutOrStdout(), r)
			}
		}
		return compareOutcome(reports)
	}
	return c
}

// compareOutcome is the exit code as an error: what differs comes before what is not checked.
func compareOutcome(reports []*reconcile.Report) error {
	var outcome error
	for _, r := range reports {
		switch r.Verdict {
		case domain.Verified:
		case domain.NotChecked:
			outcome = unanswered{}
		default:
			return errNotGood
		}
	}
	return outcome
}

// compareAll compares every pipeline of a configuration.
func compareAll(ctx context.Context, file string, progress func(string)) ([]*reconcile.Report, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	progress("reading the journal")
	books, err := readBooks(ctx, file, cfg)
	if err != nil {
		return nil, err
	}
	var out []*reconcile.Report
	for _, p := range cfg.Pipelines {
		for _, b := range books {
			if b.Pipeline != p.Name {
				continue
			}
			r, err := reconcile.Full(ctx, p, b, progress)
			if err != nil {
				return nil, fmt.Errorf("pipeline %s: not checked: %w", p.Name, err)
			}
			out = append(out, r)
		}
	}
	if len(out) < len(cfg.Pipelines) {
		return nil, fmt.Errorf("%d of %d pipelines have a journal; the others never ran", len(out), len(cfg.Pipelines))
	}
	return out, nil
}

// readBooks reads the journals, or has the running hefu do it when that holds their
// store.
func readBooks(ctx context.Context, file string, cfg *config.Config) ([]*pipeline.Books, error) {
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(ctx, cfg, log)
	if errors.Is(err, embedded.ErrLocked) {
		return fetchBooks(ctx, file)
	}
	if err != nil {
		return nil, err
	}
	defer store.Close()
	var out []*pipeline.Books
	for _, p := range cfg.Pipelines {
		if _, known := store.Manifest.Journal(p.Name); !known && cfg.Journal.Mode == config.ModeEmbedded {
			continue // opening would make it
		}
		j, err := store.OpenJournal(ctx, cfg, p.Name, log)
		if err != nil {
			return nil, err
		}
		b, err := pipeline.ReadBooks(ctx, j)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// fetchBooks has the running hefu read its journals.
func fetchBooks(ctx context.Context, file string) ([]*pipeline.Books, error) {
	cl, _, err := dial(file)
	if err != nil {
		return nil, err
	}
	var out []*pipeline.Books
	return out, cl.call(ctx, http.MethodGet, "/v1/books", nil, &out)
}
