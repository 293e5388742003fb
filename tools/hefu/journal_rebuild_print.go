package main

import (
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/rebuild"
)

// printRebuild prints a plan, and last what to do with it.
func printRebuild(w io.Writer, plan *rebuild.Plan, file string, at []string) {
	for i := range plan.Pipelines {
		printRebuildOf(w, &plan.Pipelines[i])
	}
	fmt.Fprintf(w, "plan %s; nothing was changed\n", plan.Digest)
	if !plan.Good() {
		fmt.Fprintln(w, "it cannot be approved: do what is said above, and look again")
		return
	}
	said := ""
	for _, a := range at {
		said += " --position " + a
	}
	fmt.Fprintf(w, "approve it with: hefu journal rebuild -c %s%s --approve %s --who … --why …\n", file, said, plan.Digest.String()[:12])
}

func printRebuildOf(w io.Writer, p *rebuild.PipelinePlan) {
	fmt.Fprintf(w, "pipeline %s", p.Name)
	if p.Old != (domain.JournalID{}) {
		fmt.Fprintf(w, ", in the place of journal %s", p.Old)
	}
	fmt.Fprintln(w)
	for _, f := range p.Evidence {
		fmt.Fprintf(w, "  %-12s %s\n", f.Key, f.Value)
	}
	if len(p.Sources) > 0 {
		t := rebuildTable(w, table.Row{"source", "gen", "part", "goes on at", "how"})
		for _, s := range p.Sources {
			for _, at := range s.Partitions {
				t.AppendRow(table.Row{s.ID, s.Generation, at.Partition, at.Next, at.How})
			}
		}
		t.Render()
	}
	if len(p.Hub) > 0 {
		t := rebuildTable(w, table.Row{"hub partition", "offsets", "rows", "in table"})
		for _, h := range p.Hub {
			t.AppendRow(table.Row{h.Partition, domain.Span{First: h.LogStart, Next: h.Next}, humanize.Comma(h.Rows), humanize.Comma(h.InTable)})
		}
		t.Render()
	}
	for i := range p.Unproven {
		fmt.Fprintln(w, "  not proven:", &p.Unproven[i])
	}
	for _, why := range p.Refused {
		fmt.Fprintln(w, "  refused:", why)
	}
	if p.Load != "" {
		fmt.Fprintf(w, "    %s\n", p.Load)
	}
}

func rebuildTable(w io.Writer, head table.Row) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(head)
	return t
}

// printRebuilt prints what came of it.
func printRebuilt(w io.Writer, done *rebuild.Done) {
	for i := range done.Plan.Pipelines {
		p := &done.Plan.Pipelines[i]
		fmt.Fprintf(w, "pipeline %s: journal %s takes the place of %s: %d source partitions, %d things not proven, which its event Rebased names\n",
			p.Name, done.Journals[p.Name], p.Old, positionsOf(p), len(p.Unproven))
	}
	fmt.Fprintf(w, "the old journal and its checkpoints lie in %s: keep them\nstart hefu, and then hefu reconcile\n", done.Aside)
}

func positionsOf(p *rebuild.PipelinePlan) (n int) {
	for _, s := range p.Sources {
		n += len(s.Partitions)
	}
	return n
}
