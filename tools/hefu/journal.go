package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func newJournal() *cobra.Command {
	c := &cobra.Command{
		Use:   "journal",
		Short: "Read the journal",
		Long: `Journal reads the store itself. An embedded store is opened only when no hefu holds its
lock; nothing is written. Every event that is read is checked: sequence, hash chain,
journal id.`,
	}
	c.AddCommand(newJournalLs(), newJournalShow(), newJournalVerify(), newJournalExport(), newJournalArchive(), newJournalRebuild())
	return c
}

func newJournalLs() *cobra.Command {
	c := &cobra.Command{
		Use:   "ls [PIPELINE]",
		Short: "List the streams, count their events, and add up the books",
		Long: `Ls reads every event of every stream once. For hub and Doris it adds up
begun = committed + aborted + open, as for the lineage and each replay, and for each
source partition offsets = rows + gaps and rows = in the hub + excluded + not yet there.
Exit code 1 when something does not add up.`,
		Example: "  hefu journal ls -c hefu.yaml\n  hefu journal ls bridge -c hefu.yaml -o json",
		Args:    cobra.MaximumNArgs(1),
	}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return withJournals(cmd, *file, args, func(j *journal.Journal) error {
			l, err := pipeline.ReadBooks(cmd.Context(), j)
			if err != nil {
				return err
			}
			if *output == "json" {
				if err := writeJSON(cmd.OutOrStdout(), l); err != nil {
					return err
				}
			} else {
				printListing(cmd.OutOrStdout(), l)
			}
			if len(l.Findings) > 0 {
				return errNotGood
			}
			return nil
		})
	}
	return c
}

func newJournalShow() *cobra.Command {
	c := &cobra.Command{
		Use:   "show STREAM [FIRST [LAST]]",
		Short: "Print events, one JSON object a line",
		Long: `Show prints the events FIRST to LAST of a stream (all without them, one without LAST).
STREAM is a name as ls prints it: bridge.control, bridge.0.ingest, bridge.0.hub, bridge.0.doris,
of a replay bridge.0.replay-1f2e3d4c.
Record batches are given by their size; what they hold is city data.`,
		Example: "  hefu journal show bridge.0.hub -c hefu.yaml\n  hefu journal show bridge.0.ingest 17 -c hefu.yaml",
		Args:    cobra.RangeArgs(1, 3),
	}
	file := configFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return eachEvent(cmd, *file, args, func(e *journal.Entry) error { return writeEvent(cmd.OutOrStdout(), e, false) })
	}
	return c
}

// eachEvent calls do with the events that STREAM [FIRST [LAST]] names, each checked.
func eachEvent(cmd *cobra.Command, file string, args []string, do func(*journal.Entry) error) error {
	s, err := domain.ParseStream(args[0])
	if err != nil {
		return err
	}
	first, last := uint64(1), uint64(0)
	if len(args) > 1 {
		if first, err = strconv.ParseUint(args[1], 10, 63); err != nil {
			return fmt.Errorf("FIRST %q: want a sequence number", args[1])
		}
		last = first
	}
	if len(args) > 2 {
		if last, err = strconv.ParseUint(args[2], 10, 63); err != nil {
			return fmt.Errorf("LAST %q: want a sequence number", args[2])
		}
	}
	return withJournals(cmd, file, []string{s.Pipeline}, func(j *journal.Journal) error {
		return readEvents(cmd.Context(), j, s, domain.Seq(first), domain.Seq(last), do)
	})
}

func readEvents(ctx context.Context, j *journal.Journal, s domain.Stream, first, last domain.Seq, do func(*journal.Entry) error) error {
	tail, err := j.Tail(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return fmt.Errorf("stream %s does not exist in this journal", s)
	}
	if err != nil {
		return err
	}
	if last == 0 || last > tail.Seq {
		last = tail.Seq
	}
	r, err := j.ReadFrom(ctx, s, first)
	if err != nil {
		return err
	}
	defer r.Close()
	for seq := first; seq <= last; seq++ {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if err := do(e); err != nil {
			return err
		}
	}
	return nil
}

// withJournals opens the store of a configuration and calls do with the journal of
// each pipeline that is asked for (all without a name).
func withJournals(cmd *cobra.Command, file string, names []string, do func(*journal.Journal) error) error {
	cfg, err := config.Load(file)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(cmd.Context(), cfg, log)
	if err != nil {
		return err
	}
	defer store.Close()
	found := false
	for _, p := range cfg.Pipelines {
		if len(names) > 0 && names[0] != p.Name {
			continue
		}
		found = true
		if _, known := store.Manifest.Journal(p.Name); !known && cfg.Journal.Mode == config.ModeEmbedded {
			return fmt.Errorf("pipeline %s has no journal in %s yet", p.Name, cfg.DataDir)
		}
		j, err := store.OpenJournal(cmd.Context(), cfg, p.Name, log)
		if err != nil {
			return err
		}
		if err := do(j); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%s has no pipeline %s", file, names[0])
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeEvent writes an event as a line of JSON, its record batches (base64) only when asked.
func writeEvent(w io.Writer, e *journal.Entry, records bool) error {
	if in, ok := e.Event.(*domain.Ingested); ok && !records {
		for i := range in.Runs {
			in.Runs[i].Batches = nil
		}
	}
	return json.NewEncoder(w).Encode(struct {
		Stream domain.Stream
		Seq    domain.Seq
		Kind   domain.Kind
		At     time.Time
		Bytes  int
		Hash   domain.Hash
		Prev   domain.Hash
		Event  domain.Event
	}{e.Stream, e.Seq, e.Event.Kind(), time.UnixMicro(int64(e.At)).UTC(), e.Size, e.Hash, e.Prev, e.Event})
}

func printListing(w io.Writer, l *pipeline.Books) {
	fmt.Fprintf(w, "journal %s of pipeline %s, made %s\n", l.Journal, l.Pipeline, time.UnixMicro(int64(l.Created)).UTC().Format(time.RFC3339))
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"stream", "events", "bytes", "by kind"})
	for _, s := range l.Streams {
		t.AppendRow(table.Row{s.Stream, s.Events, humanize.IBytes(uint64(s.Bytes)), kindCounts(s.Kinds)})
	}
	t.Render()
	for _, s := range l.Shards {
		fmt.Fprintf(w, "shard %d  hub: begun %d = committed %d + aborted %d + open %d   doris: begun %d = committed %d + aborted %d + open %d\n",
			s.Shard, s.Hub.Begun, s.Hub.Committed, s.Hub.Aborted, s.Hub.Open, s.Doris.Begun, s.Doris.Committed, s.Doris.Aborted, s.Doris.Open)
	}
	for _, a := range l.Apart {
		fmt.Fprintf(w, "%s: begun %d = committed %d + aborted %d + open %d\n", a.Stream, a.Begun, a.Committed, a.Aborted, a.Open)
	}
	b := table.NewWriter()
	b.SetOutputMirror(w)
	b.SetStyle(table.StyleLight)
	b.AppendHeader(table.Row{"source", "gen", "part", "offsets", "rows", "gaps", "in hub", "in doris", "excluded", "not yet in hub"})
	for _, a := range l.Accounts {
		b.AppendRow(table.Row{
			a.Source, a.Generation, a.Partition,
			domain.Span{First: a.First, Next: a.Next},
			a.Rows, a.GapRows(),
			a.Hub, a.Doris, a.HubExcluded + a.DorisExcluded, a.Rows - a.Hub - a.HubExcluded,
		})
	}
	b.Render()
	for _, f := range l.Findings {
		fmt.Fprintln(w, "does not add up:", f)
	}
	if len(l.Findings) == 0 {
		fmt.Fprintln(w, "everything adds up; the chain of every stream was checked")
	}
}
