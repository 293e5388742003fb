package main

import (
	"fmt"
	"io"
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
journal for ever; accept says that a person takes it as it is. With --report, --class or --in it
lists only some of them.
Exit code 1 when there is one among them that nobody accepted.`,
		Example: "  hefu findings -c hefu.yaml\n  hefu findings --class lost --in doris -c hefu.yaml\n  hefu findings accept 3f2a… --why 'deleted by hand, ticket 4711' -c hefu.yaml",
		Args:    cobra.NoArgs,
	}
	file, output, q := configFlag(c), outputFlag(c), &findingChoice{}
	q.flags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		list, err := q.choose(cmd, cl, *file)
		if err != nil {
			return err
		}
		if *output == "json" {
			if err := writeJSON(cmd.OutOrStdout(), list); err != nil {
				return err
			}
		} else {
			printFindings(cmd.OutOrStdout(), list, q)
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

func printFindings(w io.Writer, list []reconcile.FindingReport, q *findingChoice) {
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
	switch {
	case len(list) > 0:
	case q.none():
		fmt.Fprintln(w, "nothing was found that is not as it should be")
	default:
		fmt.Fprintln(w, "no finding fits")
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
