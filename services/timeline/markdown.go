package timeline

import (
	"io"
	"strings"
	"time"
)

// Markdown writes the story as what a post-mortem begins with.
func (s *Story) Markdown(w io.Writer) error {
	p := &page{}
	p.print("# Timeline of pipeline %s, %s to %s\n\n", s.Pipeline, s.From.Format(time.DateTime), s.To.Format(time.DateTime))
	p.print("%s\n\n", plain(s.Verdict))
	p.print("| | |\n| --- | --- |\n")
	row := func(key, value string) { p.print("| %s | %s |\n", key, plain(value)) }
	row("window", s.window())
	row("journal", s.Journal)
	row("slow is what takes longer than", s.Slow)
	for _, a := range s.Alive {
		row("alive at the beginning", a)
	}
	for _, b := range s.Before {
		row("so already at the beginning", b)
	}
	p.print("\n## What happened\n\n")
	if len(s.Lines) == 0 {
		p.print("Nothing.\n")
	}
	for _, l := range s.Lines {
		p.print("- **%s** %s%s\n", s.when(l), plain(l.headline()), eventOf(l, " (`%s`)"))
		for _, r := range l.shown() {
			p.print("  - %s\n", plain(r))
		}
		if l.Later != "" {
			p.print("  - then: %s\n", plain(l.Later))
		}
	}
	if s.LeftOut > 0 {
		p.print("\n%s\n", s.leftOut())
	}
	p.print("\n## Blast radius\n\n")
	if len(s.Blast) == 0 {
		p.print("No row was touched.\n")
	} else {
		p.print("%s\n", s.table().RenderMarkdown())
	}
	_, err := p.WriteTo(w)
	return err
}

// plain keeps what others wrote from being read as Markdown.
func plain(text string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", "|", `\|`, "[", `\[`, "]", `\]`, "#", `\#`).Replace(text)
}
