package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

func newFindings() *cobra.Command {
	c := &cobra.Command{
		Use:   "findings",
		Short: "List what the reconciler found",
		Long: `Findings lists every row that the looks of the running hefu found lost, doubled, altered, swapped,
strayed or out of order, with its place in the city and in the hub. A finding stays in the
journal for ever; accept says that a person takes it as it is.
Exit code 1 when there is one that nobody accepted.`,
		Example: "  hefu findings -c hefu.yaml\n  hefu findings accept 3f2a… --why 'deleted by hand, ticket 4711' -c hefu.yaml",
		Args:    cobra.NoArgs,
	}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		var list []reconcile.FindingReport
		if err := cl.call(cmd.Context(), http.MethodGet, "/v1/findings", nil, &list); err != nil {
			return err
		}
		if *output == "json" {
			if err := writeJSON(cmd.OutOrStdout(), list); err != nil {
				return err
			}
		} else {
			printFindings(cmd.OutOrStdout(), list)
		}
		for i := range list {
			if list[i].Finding.Accepted == nil {
				return errNotGood
			}
		}
		return nil
	}
	c.AddCommand(newAccept())
	return c
}

func newAccept() *cobra.Command {
	c := &cobra.Command{
		Use:     "accept ID",
		Short:   "Take a finding as it is; who and why stay in the journal and in every report",
		Example: "  hefu findings accept 3f2a0c… --why 'deleted by hand, ticket 4711' -c hefu.yaml",
		Args:    cobra.ExactArgs(1),
	}
	file := configFlag(c)
	why := c.Flags().String("why", "", "the reason")
	who := c.Flags().String("who", "", "the person who decides (default: the login name)")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if *why == "" {
			return errors.New("--why is needed: it stays in the journal and in every report")
		}
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		if *who == "" {
			*who = login()
		}
		id, err := completeFinding(cmd, cl, args[0])
		if err != nil {
			return err
		}
		var f reconcile.FindingReport
		if err := cl.call(cmd.Context(), http.MethodPost, "/v1/findings/"+id+"/accept", reconcile.Acceptance{Who: *who, Why: *why}, &f); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "finding %s: accepted by %s\n", f.Finding.ID, f.Finding.Accepted.Who)
		return nil
	}
	return c
}

// completeFinding lets a person type the first digits of an id.
func completeFinding(cmd *cobra.Command, cl *client, prefix string) (string, error) {
	var list []reconcile.FindingReport
	if err := cl.call(cmd.Context(), http.MethodGet, "/v1/findings", nil, &list); err != nil {
		return "", err
	}
	found := map[string]bool{}
	for i := range list {
		if id := list[i].Finding.ID.String(); strings.HasPrefix(id, prefix) {
			found[id] = true
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("finding %s: %d findings begin so", prefix, len(found))
	}
	for id := range found {
		prefix = id
	}
	return prefix, nil
}

func printFindings(w io.Writer, list []reconcile.FindingReport) {
	for i := range list {
		f := &list[i].Finding
		fmt.Fprintf(w, "finding %s  %s in %s, pipeline %s%s\n", f.ID, f.Class, f.Where, list[i].Pipeline, placeText(f))
		if f.Detail != "" {
			fmt.Fprintf(w, "  %s\n", f.Detail)
		}
		if f.Accepted != nil {
			fmt.Fprintf(w, "  accepted by %s: %s\n", f.Accepted.Who, f.Accepted.Why)
			continue
		}
		fmt.Fprintf(w, "  accept:  hefu findings accept %s --why …\n", f.ID.String()[:12])
	}
	if len(list) == 0 {
		fmt.Fprintln(w, "nothing was found that is not as it should be")
	}
}

// placeText is what is known of where a row is.
func placeText(f *report.Finding) string {
	var b strings.Builder
	if f.City != "" {
		fmt.Fprintf(&b, ", city %s", f.City)
	}
	if f.Source != "" {
		fmt.Fprintf(&b, " source %s/%d", f.Source, f.Generation)
	}
	if f.CityOffset >= 0 {
		fmt.Fprintf(&b, " partition %d offset %d", f.CityPartition, f.CityOffset)
	}
	if f.HubOffset >= 0 {
		fmt.Fprintf(&b, ", hub %d:%d", f.HubPartition, f.HubOffset)
	}
	if f.Column != "" {
		fmt.Fprintf(&b, ", %s", f.Column)
	}
	return b.String()
}
