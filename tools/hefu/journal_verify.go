package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func newJournalVerify() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify [PIPELINE]",
		Short: "Read the journal whole and say whether it is what it was",
		Long: `Verify reads every event in the store along the hash chain, compares the settings of the streams
with what they must be, and the journal with the signed checkpoints in <data_dir>/checkpoints.

With --deep it reads what is in the archive, too, compares the checksum of every record batch as
the city's broker made it and the rows that events say they have, makes the Merkle tree of each
stream, and demands every root that was ever signed, on control and in the file.

Nothing is changed. An embedded store is opened only when no hefu holds its lock; else the running
one reads it. The hub, which has checkpoints of its own, is not asked: a start does that.

Exit code 0 when the journal is sound, 1 when it is not, 2 when it could not be looked at.`,
		Example: "  hefu journal verify -c hefu.yaml\n  hefu journal verify bridge --deep -c hefu.yaml -o json",
		Args:    cobra.MaximumNArgs(1),
	}
	file, output := configFlag(c), outputFlag(c)
	deep := c.Flags().Bool("deep", false, "also the archive, record batches, and every root that was signed")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		list, err := verifyJournals(cmd, *file, first(args), *deep)
		if err != nil {
			return err
		}
		if *output == "json" {
			if err := writeJSON(cmd.OutOrStdout(), list); err != nil {
				return err
			}
		}
		sound := true
		for _, v := range list {
			sound = sound && v.Sound
			if *output != "json" {
				printVerified(cmd.OutOrStdout(), v)
			}
		}
		if !sound {
			return errNotGood
		}
		return nil
	}
	return c
}

// verifyJournals looks itself, or has the running hefu look when that holds the store.
func verifyJournals(cmd *cobra.Command, file, name string, deep bool) ([]*pipeline.Verification, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	if name != "" && !slices.ContainsFunc(cfg.Pipelines, func(p config.Pipeline) bool { return p.Name == name }) {
		return nil, fmt.Errorf("%s has no pipeline %s", file, name)
	}
	ctx := cmd.Context()
	store, err := pipeline.OpenStore(ctx, cfg, slog.New(slog.DiscardHandler))
	var out []*pipeline.Verification
	if errors.Is(err, embedded.ErrLocked) {
		cl, _, err := dial(file)
		if err != nil {
			return nil, err
		}
		cl.patience = 7 * 24 * time.Hour
		err = cl.call(ctx, http.MethodPost, "/v1/journal/verify", pipeline.AskVerify{Pipeline: name, Deep: deep}, &out)
		return out, err
	}
	if err != nil {
		return nil, err
	}
	defer store.Close()
	step, done := steps(cmd.ErrOrStderr())
	defer done()
	for _, p := range cfg.Pipelines {
		if name != "" && name != p.Name {
			continue
		}
		v, err := verifyHere(ctx, cfg, store, p.Name, deep, rate(step))
		if err != nil {
			return nil, fmt.Errorf("pipeline %s: %w", p.Name, err)
		}
		out = append(out, v)
	}
	return out, nil
}

func verifyHere(ctx context.Context, cfg *config.Config, store *pipeline.Store, name string, deep bool, progress func(int64)) (*pipeline.Verification, error) {
	if _, known := store.Manifest.Journal(name); !known && cfg.Journal.Mode == config.ModeEmbedded {
		return nil, fmt.Errorf("has no journal in %s yet", cfg.DataDir) // opening would make it
	}
	j, err := store.OpenJournal(ctx, cfg, name, slog.New(slog.DiscardHandler))
	if err != nil {
		return pipeline.Unverified(name, err)
	}
	return pipeline.Verify(ctx, cfg, j, deep, progress)
}

// rate shows how much was read, and how fast, a few times in a second.
func rate(step func(string)) func(int64) {
	began := time.Now()
	shown := began
	return func(n int64) {
		now := time.Now()
		if now.Sub(shown) < 200*time.Millisecond {
			return
		}
		shown = now
		step(fmt.Sprintf("%s read, %s/s", humanize.IBytes(uint64(n)), perSecond(n, now.Sub(began).Seconds())))
	}
}

func perSecond(n int64, seconds float64) string { return humanize.IBytes(uint64(float64(n) / seconds)) }

func printVerified(w io.Writer, v *pipeline.Verification) {
	if v.Journal == (journal.Entry{}).Journal {
		fmt.Fprintf(w, "pipeline %s: its journal cannot be opened\n", v.Pipeline)
	} else {
		fmt.Fprintf(w, "journal %s of pipeline %s\n", v.Journal, v.Pipeline)
	}
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	head := table.Row{"stream", "events", "read", "bytes"}
	if v.Deep {
		head = append(head, "batches", "rows", "signed roots")
	}
	t.AppendHeader(append(head, "sound up to"))
	for _, s := range v.Streams {
		row := table.Row{s.Stream, fmt.Sprintf("%d-%d", s.First, s.Last), s.Events, humanize.IBytes(uint64(s.Bytes))}
		if v.Deep {
			row = append(row, s.Batches, s.Rows, s.Heads)
		}
		sound := "its end"
		if s.Wrong != "" {
			sound = fmt.Sprintf("%d", s.Last)
		}
		t.AppendRow(append(row, sound))
	}
	if len(v.Streams) > 0 {
		t.Render()
		fmt.Fprintf(w, "%s read in %.1f s, %s/s\n", humanize.IBytes(uint64(v.Bytes)), v.Seconds, perSecond(v.Bytes, v.Seconds))
	}
	for key, n := range v.Keys {
		whose := "the key of this data directory"
		if key != v.Key {
			whose = "NOT the key of this data directory"
		}
		fmt.Fprintf(w, "%d checkpoints are signed with %s, %s\n", n, key, whose)
	}
	for _, wrong := range v.Wrong {
		fmt.Fprintln(w, "not sound:", wrong)
	}
	switch {
	case v.Sound && v.Deep:
		fmt.Fprintln(w, "sound: the chain of every stream, every record batch, and every root that was signed")
	case v.Sound:
		fmt.Fprintln(w, "sound: the chain of every stream in the store, and the newest checkpoint of each; --deep looks further")
	}
}
