package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/rebuild"
)

func newJournalRebuild() *cobra.Command {
	c := &cobra.Command{
		Use:   "rebuild",
		Short: "Make a new journal where the old one is lost or older than the hub",
		Long: `Rebuild reads the hub topic and the table of every pipeline of the configuration, and whatever
remembers the old journal, and derives where each city goes on: behind its furthest row. Without
--approve it prints that plan, what the rows cannot prove, and the plan's digest, and changes
nothing. What is not safe is refused with the way out: rows of the hub that the table does not
have yet are loaded first.

With --approve DIGEST (its first 12 digits or more), --who and --why it derives the plan once more,
moves the old journal into a folder of its own below data_dir, makes a new one, and takes what the
hub remembers of the old one out of the progress topic. The old journal is kept: it is the
evidence. A command that died is given again, and goes on where it was.

hefu has to be stopped, on every host. Exit code 1 when the plan has reasons not to be approved.`,
		Example: "  hefu journal rebuild -c hefu.yaml\n  hefu journal rebuild -c hefu.yaml --approve 3f2a0c91d7b4 --who li --why 'the disk is gone, INC-2041'",
		Args:    cobra.NoArgs,
	}
	file, output := configFlag(c), outputFlag(c)
	approve := c.Flags().String("approve", "", "the digest of the plan to carry out")
	who := c.Flags().String("who", "", "the person who approves")
	why := c.Flags().String("why", "", "the reason; it stays in the journal")
	at := c.Flags().StringArray("position", nil, "source:partition:offset where a partition goes on, where its rows do not tell; may be given several times")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(*file)
		if err != nil {
			return err
		}
		starts, err := positions(*at)
		if err != nil {
			return err
		}
		job := &rebuild.Job{Config: cfg, Starts: starts, Version: version(), Log: newLog(cfg.Log)}
		if *approve == "" {
			return lookRebuild(cmd, job, *file, *at, *output)
		}
		if *who == "" || *why == "" {
			return errors.New("--who and --why are needed: both stay in the journal")
		}
		done, err := job.Approve(cmd.Context(), *approve, *who, *why)
		var refused *rebuild.RefusedError
		switch {
		case errors.As(err, &refused):
			fmt.Fprintln(cmd.ErrOrStderr(), "hefu:", err)
			return errNotGood
		case err != nil:
			return err
		case *output == "json":
			return writeJSON(cmd.OutOrStdout(), done)
		}
		printRebuilt(cmd.OutOrStdout(), done)
		return nil
	}
	return c
}

func lookRebuild(cmd *cobra.Command, job *rebuild.Job, file string, at []string, output string) error {
	plan, err := job.Look(cmd.Context())
	if err != nil {
		return err
	}
	if output == "json" {
		err = writeJSON(cmd.OutOrStdout(), plan)
	} else {
		printRebuild(cmd.OutOrStdout(), plan, file, at)
	}
	if err == nil && !plan.Good() {
		return errNotGood
	}
	return err
}

// positions reads what --position says.
func positions(texts []string) (map[domain.SourceID]map[int32]int64, error) {
	out := map[domain.SourceID]map[int32]int64{}
	for _, text := range texts {
		parts := strings.Split(text, ":")
		if len(parts) != 3 {
			return nil, fmt.Errorf("--position %q: want source:partition:offset", text)
		}
		id, err := domain.ParseSourceID(parts[0])
		partition, err2 := strconv.ParseInt(parts[1], 10, 32)
		offset, err3 := strconv.ParseInt(parts[2], 10, 64)
		if err := errors.Join(err, err2, err3); err != nil || partition < 0 || offset < 0 {
			return nil, errors.Join(fmt.Errorf("--position %q: want source:partition:offset", text), err)
		}
		if out[id] == nil {
			out[id] = map[int32]int64{}
		}
		out[id][int32(partition)] = offset
	}
	return out, nil
}
