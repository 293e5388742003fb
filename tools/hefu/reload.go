package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/status"
)

func newReload() *cobra.Command {
	c := &cobra.Command{
		Use:   "reload",
		Short: "Make the running hefu read its configuration again",
		Long: `Reload takes over what may change while hefu runs: which sources there are, how they are
reached and read, and whether they are paused. No other source is touched. A file that is
refused changes nothing, and exit code 1 says so. SIGHUP does the same. What was done, by
whom and why is in the journal.`,
		Example: "  hefu reload --why 'city 320200 is ready' -c hefu.yaml",
		Args:    cobra.NoArgs,
	}
	file, output := configFlag(c), outputFlag(c)
	why := c.Flags().String("why", "", "the reason")
	who := c.Flags().String("who", "", "the person who asks (default: the login name)")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if *why == "" {
			return errors.New("--why is needed: it stays in the journal")
		}
		if *who == "" {
			*who = login()
		}
		var r status.ReloadReport
		cl, _, err := dial(*file)
		if err == nil {
			err = cl.call(cmd.Context(), http.MethodPost, "/v1/reload", status.ReloadRequest{Who: *who, Why: *why}, &r)
		}
		var bad *config.Error
		var refused *answerError
		if errors.As(err, &bad) || errors.As(err, &refused) && refused.code == http.StatusUnprocessableEntity {
			fmt.Fprintln(cmd.ErrOrStderr(), "hefu: nothing changed:", err)
			return errNotGood
		}
		if err != nil {
			return err
		}
		if *output == "json" {
			return writeJSON(cmd.OutOrStdout(), r)
		}
		printReload(cmd.OutOrStdout(), &r)
		return nil
	}
	return c
}

func printReload(w io.Writer, r *status.ReloadReport) {
	for _, p := range r.Pipelines {
		fmt.Fprintf(w, "pipeline %s, configuration %d\n", p.Name, p.Config)
		for _, s := range p.Sources {
			fmt.Fprintf(w, "  source %s: %s", s.Source, s.Change)
			if len(s.Keys) > 0 {
				fmt.Fprintf(w, " (%s)", strings.Join(s.Keys, ", "))
			}
			fmt.Fprintln(w)
		}
		if len(p.Sources) == 0 {
			fmt.Fprintln(w, "  nothing changed")
		}
	}
}
