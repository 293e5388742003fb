package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/status"
)

func newStatus() *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Ask the running hefu how far it is",
		Long: `Status prints positions, lag, open intents and incidents of every pipeline, and a line each
for what is signed of the journal, how far its archive is, and whether the proof holds.

Exit code 1 when a leg does not run, a source does not do what the configuration says (one
that is paused, finished or ended does), or the proof does not hold: the reconciler has
found something that nobody accepted.`,
		Example: "  hefu status -c hefu.yaml\n  hefu status -c hefu.yaml -o json",
		Args:    cobra.NoArgs,
	}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		var r status.Report
		if err := cl.call(cmd.Context(), http.MethodGet, "/v1/status", nil, &r); err != nil {
			return err
		}
		var proofs []reconcile.State
		if err := cl.call(cmd.Context(), http.MethodGet, "/v1/proof", nil, &proofs); err != nil {
			return err
		}
		if *output == "json" {
			err := writeJSON(cmd.OutOrStdout(), struct {
				status.Report
				Proof []reconcile.State `json:"proof"`
			}{r, proofs})
			if err != nil {
				return err
			}
		} else {
			printStatus(cmd.OutOrStdout(), &r, proofs)
		}
		if !allRun(&r) || slices.ContainsFunc(proofs, refuted) {
			return errNotGood
		}
		return nil
	}
	return c
}

func allRun(r *status.Report) bool {
	for _, p := range r.Pipelines {
		for _, l := range p.Legs {
			if l.State != "running" {
				return false
			}
		}
		for _, s := range p.Sources {
			if !projections.State(s.State).AsConfigured() {
				return false
			}
		}
	}
	return len(r.Pipelines) > 0
}

func printStatus(w io.Writer, r *status.Report, proofs []reconcile.State) {
	fmt.Fprintf(w, "instance %s, version %s, up %s\n", r.Instance, r.Version, time.Since(r.Since).Round(time.Second))
	if l := r.Reloaded; l != nil {
		fmt.Fprintf(w, "configuration read again %s ago by %s: %s\n", time.Since(l.At).Round(time.Second), l.Who, l.Why)
	}
	for i := range r.Pipelines {
		p := &r.Pipelines[i]
		fmt.Fprintf(w, "pipeline %s, journal %s, incarnation %d, configuration %d\n", p.Name, p.Journal, p.Incarnation, p.Config)
		legs := table.NewWriter()
		legs.SetOutputMirror(w)
		legs.SetStyle(table.StyleLight)
		legs.AppendHeader(table.Row{"shard", "leg", "state", "for", "cursor", "open", "rows", "bytes", "excluded", "what"})
		for _, l := range p.Legs {
			legs.AppendRow(table.Row{
				l.Shard, l.Leg, l.State, time.Since(l.Since).Round(time.Second), l.Cursor, l.Open,
				humanize.Comma(l.Rows), humanize.IBytes(uint64(l.Bytes)), l.Excluded, cmp.Or(l.Error, l.Waiting),
			})
		}
		legs.Render()
		for _, l := range p.Legs {
			printOrphans(w, &l)
		}
		sources := table.NewWriter()
		sources.SetOutputMirror(w)
		sources.SetStyle(table.StyleLight)
		sources.AppendHeader(table.Row{"source", "city", "state", "partition", "next", "lag", "what"})
		for _, s := range p.Sources {
			for _, part := range s.Partitions {
				sources.AppendRow(table.Row{s.Source, s.City, s.State, part.Partition, part.Next, part.Lag, s.Error})
			}
			if len(s.Partitions) == 0 {
				sources.AppendRow(table.Row{s.Source, s.City, s.State, "", "", "", s.Error})
			}
		}
		sources.Render()
		printUnexplained(w, p.Sources)
		printProven(w, p, proofs)
		for _, in := range p.Incidents {
			printIncident(w, in)
		}
	}
}

// printUnexplained names the sources of which offsets hold nothing, and nobody knows why.
func printUnexplained(w io.Writer, sources []status.SourceReport) {
	for _, s := range sources {
		if n := s.Gaps[domain.ReasonUnexplained.String()]; n > 0 {
			fmt.Fprintf(w, "source %s: %d offsets without a row, and nothing explains them (the log has their places)\n", s.Source, n)
		}
	}
}

// printOrphans says what a Doris leg found out about loads that nobody ends. Where it
// could not look, it says so: nothing is known then.
func printOrphans(w io.Writer, l *status.LegReport) {
	o := l.Orphans
	if o == nil {
		return
	}
	if o.Unchecked != "" {
		fmt.Fprintf(w, "shard %d: loads without an end could not be looked for: %s\n", l.Shard, o.Unchecked)
	}
	if n := len(o.Found) + o.More; n > 0 && o.Checked != nil {
		fmt.Fprintf(w, "shard %d: %d loads without an end, found %s ago:\n", l.Shard, n, time.Since(*o.Checked).Round(time.Second))
	}
	for _, f := range o.Found {
		fmt.Fprintf(w, "  %s (txn %d) %s: %s\n", f.Label, f.Txn, f.State, f.Done)
	}
	if o.More > 0 {
		fmt.Fprintf(w, "  and %d more\n", o.More)
	}
	if o.Aborted > 0 {
		fmt.Fprintf(w, "shard %d: %d loads without an end were aborted since the process began\n", l.Shard, o.Aborted)
	}
}
