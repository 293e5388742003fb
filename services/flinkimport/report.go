package flinkimport

import (
	"fmt"
	"strconv"
	"strings"
)

// Report is what became of the SQL, in Markdown, for people: first what they have to know, then all of it.
func (r *Result) Report() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("# Import of %s\n\n", cell(r.File))
	if r.OK() {
		p("`hefu.yaml` does what this job does: %s.\n", r.pipelines())
	} else {
		p("**There is no `hefu.yaml`: %d pieces of the SQL are refused.**\n", r.Count(Refused))
	}
	p("\n| mapped | adapted | warned | refused |\n| ---: | ---: | ---: | ---: |\n| %d | %d | %d | %d |\n", r.Count(Mapped), r.Count(Adapted), r.Count(Warned), r.Count(Refused))
	p("\nMapped: `hefu.yaml` says the same. Adapted: another mechanism keeps what was promised. Warned: no effect, or not what was meant.\n" +
		"Refused: Hefu cannot do it, or it is no SQL of Flink.\n")
	p("\nSHA-256 of the SQL: `%s`\n", r.SHA256)
	r.list(&b, "Refused", "", func(i Item) bool { return i.Verdict == Refused })
	r.toDo(&b)
	r.list(&b, "What the SQL gets wrong", "Flink fails, or does something else than what is meant. Hefu does what is meant.\n", func(i Item) bool { return i.Slip })
	r.offsets(&b)
	r.all(&b)
	if len(r.Prose) > 0 {
		p("\n## Taken for prose\n\nThese lines stand between the statements and are no SQL.\n\n| line | text |\n| --- | --- |\n")
		for _, i := range r.Prose {
			p("| %s | %s |\n", cell(i.At), cell(i.What))
		}
	}
	return b.String()
}

// pipelines says in a sentence what hefu.yaml does.
func (r *Result) pipelines() string {
	var all []string
	for _, p := range r.Config.Pipelines {
		from, to := fmt.Sprintf("%d sources to hub topic %s", len(p.Sources), p.Hub.Topic), ""
		switch {
		case p.ReadHub != nil:
			from = "hub topic " + p.Hub.Topic
		case len(p.Sources) == 1:
			from = "1 source to hub topic " + p.Hub.Topic
		}
		if p.Doris != nil {
			to = " to Doris table " + p.Doris.Database + "." + p.Doris.Table
		}
		all = append(all, fmt.Sprintf("pipeline %s, %s%s", p.Name, from, to))
	}
	return strings.Join(all, "; ")
}

// list writes the items that are wanted, if there are any.
func (r *Result) list(b *strings.Builder, heading, text string, wanted func(Item) bool) {
	head := false
	for _, i := range r.Items {
		if !wanted(i) {
			continue
		}
		if !head {
			head = true
			fmt.Fprintf(b, "\n## %s\n\n%s", heading, text)
			if text != "" {
				b.WriteByte('\n')
			}
		}
		fmt.Fprintf(b, "- %s %s: %s\n", cell(i.At), code(i.What), cell(i.Text))
	}
}

// toDo writes what a person has to do.
func (r *Result) toDo(b *strings.Builder) {
	if len(r.ToDo) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## To do by hand\n\n`hefu check -c hefu.yaml` reads the file, `hefu doctor` asks all that it names.\n\n")
	for i, t := range r.ToDo {
		fmt.Fprintf(b, "%d. %s (%s): %s\n", i+1, code(t.Key), cell(t.At), cell(t.Text))
	}
}

// all writes every item, statement by statement.
func (r *Result) all(b *strings.Builder) {
	var order []string
	by := map[string][]Item{}
	for _, i := range r.Items {
		if by[i.Statement] == nil {
			order = append(order, i.Statement)
		}
		by[i.Statement] = append(by[i.Statement], i)
	}
	b.WriteString("\n## Statement by statement\n")
	for _, s := range order {
		name := s
		if name == "" {
			name = "The file"
		}
		fmt.Fprintf(b, "\n### %s\n\n| place | what | value | verdict | hefu.yaml | why |\n| --- | --- | --- | --- | --- | --- |\n", cell(name))
		for _, i := range by[s] {
			fmt.Fprintf(b, "| %d:%d | %s | %s | %s | %s | %s |\n", i.Pos.Line, i.Pos.Column, code(i.What), code(i.Value), i.Verdict, code(i.Key), cell(i.Text))
		}
	}
}

// offsets writes where the sources would begin.
func (r *Result) offsets(b *strings.Builder) {
	if len(r.Groups) == 0 {
		return
	}
	b.WriteString("\n## Where the offsets stand\n\n")
	asked, said := false, false
	for _, g := range r.Groups {
		asked = asked || g.Asked || g.Error != ""
		for _, p := range g.Partitions {
			said = said || p.Checkpoint >= 0
		}
	}
	if !asked {
		b.WriteString("The clusters were not asked: `hefu import flink --connect` does.\n\n| of | table | topic | group | start |\n| --- | --- | --- | --- | --- |\n")
		for _, g := range r.Groups {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", code(g.Of), code(g.Table), code(strings.Join(g.Topics, ", ")+g.pattern), code(g.Group), g.Start)
		}
		return
	}
	b.WriteString("Lag is what the group has not read. For the hub it is what Flink wrote there and did not load into Doris: see docs/cutover.md.\n")
	if !said {
		b.WriteString("Flink goes on at its checkpoint, not at the group's offsets, which it commits when a checkpoint is complete. Checkpoints are not read:\n" +
			"stop the job with a savepoint, and the two are equal; or write down where the checkpoint goes on and give it with `--checkpoint-offsets`.\n")
	}
	for _, g := range r.Groups {
		g.report(b, said)
	}
}

// report writes one group's partitions.
func (g *Group) report(b *strings.Builder, checkpoint bool) {
	fmt.Fprintf(b, "\n%s, table %s, group %s, start %s:", code(g.Of), code(g.Table), code(g.Group), g.Start)
	if g.Error != "" {
		fmt.Fprintf(b, " not compared: %s\n", cell(g.Error))
		return
	}
	b.WriteString("\n\n| partition | log start | committed | log end | lag | Hefu would begin at |")
	if checkpoint {
		b.WriteString(" checkpoint | difference |")
	}
	b.WriteString("\n| --- | ---: | ---: | ---: | ---: | --- |")
	if checkpoint {
		b.WriteString(" ---: | --- |")
	}
	b.WriteByte('\n')
	for _, p := range g.Partitions {
		fmt.Fprintf(b, "| %s/%d | %d | %s | %d | %d | %s |", cell(p.Topic), p.Partition, p.LogStart, or(p.Committed), p.LogEnd, p.Lag(), p.begin())
		if checkpoint {
			fmt.Fprintf(b, " %s | %s |", or(p.Checkpoint), p.difference())
		}
		b.WriteByte('\n')
	}
}

func (p Partition) begin() string {
	if p.First < 0 {
		return "nowhere: " + cell(p.How) + ", the source would stop with an incident"
	}
	return fmt.Sprintf("%d (%s)", p.First, cell(p.How))
}

// difference is what lies between Hefu's start and Flink's checkpoint.
func (p Partition) difference() string {
	switch {
	case p.Checkpoint < 0 || p.First < 0:
		return "not known"
	case p.First == p.Checkpoint:
		return "none"
	case p.First < p.Checkpoint:
		return fmt.Sprintf("%d offsets would come twice", p.Checkpoint-p.First)
	}
	return fmt.Sprintf("**%d offsets would be left out**", p.First-p.Checkpoint)
}

func or(n int64) string {
	if n < 0 {
		return "none"
	}
	return strconv.FormatInt(n, 10)
}

// cell keeps a text inside its place in a table.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "`", "'").Replace(oneLine(text))
}

// code is a text as code, or nothing.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.NewReplacer("|", "\\|", "`", "'").Replace(oneLine(text)) + "`"
}
