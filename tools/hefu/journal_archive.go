package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/archive"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func newJournalArchive() *cobra.Command {
	c := &cobra.Command{
		Use:   "archive [PIPELINE]",
		Short: "Archive sealed segments now, and drop those that everybody is past",
		Long: `Archive does at once what journal.archive of the configuration does now and then: each
sealed segment is written as a compressed file with its proof and read back; with --drop,
or where journal.archive.drop is true, it is taken from the store when every leg and the
reconciler are past it. What keeps a segment in the store is said. Nothing that is dropped
is lost: every reader has it from the archive.

The store itself is opened only when no hefu holds its lock; else the running one does it.
Exit code 1 when a segment could not be archived or dropped.`,
		Example: "  hefu journal archive -c hefu.yaml\n  hefu journal archive bridge --drop -c hefu.yaml",
		Args:    cobra.MaximumNArgs(1),
	}
	file, output := configFlag(c), outputFlag(c)
	drop := c.Flags().Bool("drop", false, "drop what may be dropped, also where journal.archive.drop is false")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return archiveSegments(cmd, *file, *output, archive.Ask{Pipeline: first(args), Drop: *drop})
	}
	c.AddCommand(newJournalArchiveLs())
	return c
}

func newJournalArchiveLs() *cobra.Command {
	c := &cobra.Command{
		Use:     "ls [PIPELINE]",
		Short:   "List the segments in the store, and what keeps each there",
		Long:    "Ls says what hefu journal archive --drop would do, and does nothing.",
		Example: "  hefu journal archive ls -c hefu.yaml",
		Args:    cobra.MaximumNArgs(1),
	}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return archiveSegments(cmd, *file, *output, archive.Ask{Pipeline: first(args), Drop: true, Look: true})
	}
	return c
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func archiveSegments(cmd *cobra.Command, file, output string, ask archive.Ask) error {
	reports, err := askArchive(cmd.Context(), file, ask)
	if err != nil {
		return err
	}
	if output == "json" {
		if err := writeJSON(cmd.OutOrStdout(), reports); err != nil {
			return err
		}
	}
	bad := false
	for _, r := range reports {
		bad = bad || r.Failed() != nil
		if output != "json" {
			printArchive(cmd.OutOrStdout(), r)
		}
	}
	if bad {
		return errNotGood
	}
	return nil
}

// askArchive works on the store, or has the running hefu do it when that holds it.
func askArchive(ctx context.Context, file string, ask archive.Ask) ([]*archive.Report, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	if cfg.Journal.Archive == nil {
		return nil, fmt.Errorf("%s has no journal.archive: it says where segments go", file)
	}
	if ask.Pipeline != "" && !slices.ContainsFunc(cfg.Pipelines, func(p config.Pipeline) bool { return p.Name == ask.Pipeline }) {
		return nil, fmt.Errorf("%s has no pipeline %s", file, ask.Pipeline)
	}
	store, err := pipeline.OpenStore(ctx, cfg, newLog(cfg.Log))
	if errors.Is(err, embedded.ErrLocked) {
		cl, _, err := dial(file)
		if err != nil {
			return nil, err
		}
		cl.patience = 24 * time.Hour // a store full of segments may go to a slow place
		var out []*archive.Report
		err = cl.call(ctx, http.MethodPost, "/v1/archive", ask, &out)
		return out, err
	}
	if err != nil {
		return nil, err
	}
	defer store.Close()
	var out []*archive.Report
	for _, p := range cfg.Pipelines {
		if ask.Pipeline != "" && ask.Pipeline != p.Name {
			continue
		}
		r, err := archiveOf(ctx, store, cfg, &p, ask)
		if err != nil {
			return nil, fmt.Errorf("pipeline %s: %w", p.Name, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// archiveOf is a pass over a journal that no hefu has open.
func archiveOf(ctx context.Context, store *pipeline.Store, cfg *config.Config, p *config.Pipeline, ask archive.Ask) (*archive.Report, error) {
	if _, known := store.Manifest.Journal(p.Name); !known && cfg.Journal.Mode == config.ModeEmbedded {
		return nil, fmt.Errorf("has no journal in %s yet", cfg.DataDir) // opening would make it
	}
	log := newLog(cfg.Log)
	j, err := store.OpenJournal(ctx, cfg, p.Name, log)
	if err != nil {
		return nil, err
	}
	control, err := j.OpenControl(ctx)
	if err != nil {
		return nil, err
	}
	job := archive.Job{
		Journal: j, Control: control, Archive: store.Archive, Drop: ask.Drop || cfg.Journal.Archive.Drop, Look: ask.Look, Log: log,
	}
	o := pipeline.Open{Config: *p, Journal: j, Control: control}
	control.State(func(s *domain.ControlState) {
		if s.Config != nil { // else there are no streams yet but control
			o.Configured = s.Config.Config
		}
	})
	job.Has, job.Shards = o.Has, o.Configured.Shards
	return job.Pass(ctx)
}

func printArchive(w io.Writer, r *archive.Report) {
	size := func(n int64) string { return humanize.IBytes(uint64(n)) }
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"stream", "events", "bytes", "archive", "done", "what"})
	for _, s := range r.Segments {
		file := ""
		if s.File != "" {
			file = size(s.Archive)
		}
		if s.Done == "kept" && s.Why == "" { // only where nothing was to be done
			s.Why = "nothing keeps it"
		}
		t.AppendRow(table.Row{s.Stream, fmt.Sprintf("%d-%d", s.First, s.Last), size(s.Bytes), file, s.Done, s.Why})
	}
	if len(r.Segments) > 0 {
		t.Render()
	} else {
		fmt.Fprintf(w, "pipeline %s: no sealed segment is in the store\n", r.Pipeline)
	}
	fmt.Fprintf(w, "pipeline %s: %s in the store before, %s now; archive in %s\n", r.Pipeline, size(r.Before), size(r.After), r.Place)
}
