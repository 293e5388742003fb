package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func newCheck() *cobra.Command {
	c := &cobra.Command{
		Use:     "check",
		Short:   "Read the configuration and say what it asks for; opens nothing",
		Example: "  hefu check -c hefu.yaml",
		Args:    cobra.NoArgs,
	}
	file := configFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(*file)
		if err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "hefu:", err)
			return errNotGood // decisions.md: check of a bad file is 1
		}
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s is good: journal %s, %d pipelines\n", *file, cfg.Journal.Mode, len(cfg.Pipelines))
		for _, p := range cfg.Pipelines {
			target := "no Doris table"
			if p.Doris != nil {
				target = fmt.Sprintf("Doris %s.%s (%s)", p.Doris.Database, p.Doris.Table, p.Doris.Model)
			}
			fmt.Fprintf(out, "  %s: %d sources -> hub topic %s -> %s; %s: %s\n",
				p.Name, len(p.Sources), p.Hub.Topic, target, domain.ExactlyOnce, domain.ExactlyOnce.Promise())
		}
		return nil
	}
	return c
}

func newApply() *cobra.Command {
	c := &cobra.Command{
		Use:   "apply",
		Short: "Make the configuration the one in force in an external journal",
		Long: `Apply writes PipelineConfigured when the file asks for another configuration than the one
in force. What is fixed for a pipeline's life is refused with the difference. With the
embedded journal there is nothing to apply: run does it.`,
		Example: "  hefu apply -c hefu.yaml",
		Args:    cobra.NoArgs,
	}
	file := configFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(*file)
		if err != nil {
			return err
		}
		if cfg.Journal.Mode != config.ModeExternal {
			return fmt.Errorf("apply is for an external journal; with the embedded one `hefu run` applies %s", *file)
		}
		log := newLog(cfg.Log)
		store, err := pipeline.OpenStore(cmd.Context(), cfg, log)
		if err != nil {
			return err
		}
		defer store.Close()
		for _, p := range cfg.Pipelines {
			j, err := store.OpenJournal(cmd.Context(), cfg, p.Name, log)
			if err != nil {
				return err
			}
			control, err := j.OpenControl(cmd.Context())
			if err != nil {
				return err
			}
			changed, err := pipeline.Apply(cmd.Context(), control, p, log)
			if err != nil {
				return err
			}
			word := "in force already"
			if changed {
				word = "applied"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "pipeline %s: %s (journal %s)\n", p.Name, word, j.ID())
		}
		return nil
	}
	return c
}
