package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/reconcile"
)

func newAccept() *cobra.Command {
	c := &cobra.Command{
		Use:   "accept [ID...]",
		Short: "Take findings as they are; who and why stay in the journal and in every report",
		Long: `Accept says that a person takes findings as they are: those whose ids are given, by their first
digits, or those that fit the conditions and that nobody accepted yet. All conditions that are given
hold at once; hefu findings with the same ones lists what they choose. --all says that there is none.

It prints each finding that is accepted. Broken off, the same command goes on.`,
		Example: `  hefu findings accept 3f2a0c… --why 'deleted by hand, ticket 4711' -c hefu.yaml
  hefu findings accept --report 20261126T062911Z_bridge_diverged --why 'loaded again by replay 2f0e1d7c' -c hefu.yaml
  hefu findings accept --class doubled --in hub --why 'ticket 4712' -c hefu.yaml`,
	}
	file, by, q := configFlag(c), signatureFlags(c), &findingChoice{}
	q.flags(c)
	all := c.Flags().Bool("all", false, "every finding that nobody accepted")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		q.ids = args
		if err := by.check(); err != nil {
			return err
		}
		switch {
		case q.none() && !*all:
			return errors.New("which findings? Their ids, or conditions; --all takes every one that nobody accepted")
		case !q.none() && *all:
			return errors.New("--all takes every finding that nobody accepted, and there is an id or a condition beside it: leave one of them out")
		}
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		list, err := q.choose(cmd, cl, *file)
		if err != nil {
			return err
		}
		return acceptThem(cmd, cl, list, len(args) > 0, by)
	}
	return c
}

// acceptThem accepts findings, some at a time, and prints them. One that was accepted before is
// accepted anew only where it is named.
func acceptThem(cmd *cobra.Command, cl *client, list []reconcile.FindingReport, named bool, by *signature) error {
	ask := reconcile.Acceptance{Who: by.who, Why: by.why}
	var done int64
	for i := range list {
		if named || list[i].Finding.Accepted == nil {
			ask.Findings = append(ask.Findings, list[i].Finding.ID)
		}
		if len(ask.Findings) == 0 || len(ask.Findings) < reconcile.MostAccepted && i < len(list)-1 {
			continue
		}
		var taken []reconcile.FindingReport
		if err := cl.call(cmd.Context(), http.MethodPost, "/v1/findings/accept", &ask, &taken); err != nil {
			return err
		}
		for j := range taken {
			f := &taken[j].Finding
			fmt.Fprintf(cmd.OutOrStdout(), "finding %s: accepted by %s: %s in %s, pipeline %s%s\n", f.ID, f.Accepted.Who, f.Class, f.Where, taken[j].Pipeline, placeText(f))
		}
		done += int64(len(taken))
		ask.Findings = nil
	}
	if done == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "nothing was accepted: no finding that is open fits")
	}
	return nil
}
