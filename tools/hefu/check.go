package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

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
			fmt.Fprintf(out, "pipeline %s, %d sources\n", p.Name, len(p.Sources))
			promiseHub(out, p)
			if p.Doris == nil {
				fmt.Fprintln(out, "  no Doris table")
				continue
			}
			s := domain.Semantic(p.Doris.Semantic)
			promise(out, fmt.Sprintf("Doris table %s.%s (%s)", p.Doris.Database, p.Doris.Table, p.Doris.Model), s, s.Promise())
			for _, note := range dorisNotes(p.Doris) {
				fmt.Fprintf(out, "    %s\n", note)
			}
		}
		return nil
	}
	return c
}

// promise says what may happen to a target's rows.
func promise(out io.Writer, target string, s domain.Semantic, text string) {
	fmt.Fprintf(out, "  %s, %s: %s\n", target, s, text)
}

// promiseHub says it of a hub topic, and what a reader of the sentence may not expect.
func promiseHub(out io.Writer, p config.Pipeline) {
	if p.ReadHub != nil {
		return // it is the source, and nothing is written to it
	}
	s := domain.Semantic(p.Hub.Semantic)
	promise(out, "hub topic "+p.Hub.Topic, s, s.HubPromise())
	switch s {
	case domain.None:
	case domain.ExactlyOnce:
		fmt.Fprintln(out, "    on brokers before Kafka 4.0 (transaction.version below 2) too, where no request is sent twice and a lost answer costs a new open")
	case domain.AtLeastOnce:
		fmt.Fprintln(out, "    a row that is doubled in the hub topic is not doubled in the Doris table")
	}
}

// dorisNotes are what a reader of the configuration may not expect of it.
func dorisNotes(d *config.Doris) []string {
	var notes, passed []string
	if domain.Semantic(d.Semantic) == domain.AtLeastOnce && d.Model == config.ModelUnique {
		notes = append(notes, "a doubled row replaces itself, since the key is the row's place in the hub topic")
	}
	for _, name := range slices.Sorted(maps.Keys(d.Properties)) {
		switch value := d.Properties[name]; strings.ToLower(name) {
		case "strip_outer_array":
			if strings.EqualFold(value, "true") {
				notes = append(notes, "strip_outer_array with read_json_by_line: each line is an array of one row")
			}
		case "compress_type":
			notes = append(notes, "compress_type: loads are compressed; a Doris that takes no compressed JSON refuses them")
		case "format", "read_json_by_line", "two_phase_commit", "max_filter_ratio", "strict_mode", "timezone", "time_zone",
			"merge_type", "group_commit", "line_delimiter", "skip_lines", "partial_columns":
			// Says what Hefu does anyway, or it would have been refused.
		default:
			passed = append(passed, name)
		}
	}
	if len(passed) > 0 {
		notes = append(notes, "passed on to Doris as they are: "+strings.Join(passed, ", "))
	}
	return notes
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
