package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is a runbook: prose, and blocks of commands with what they print.
type page struct {
	path  string
	parts []part
}

// part is a piece of a page: lines of prose as they are, or a block.
type part struct {
	prose []string
	fence string // the line that opens the block
	steps []step
	// happens names what befalls before the block is typed, and until is what a block that looks
	// waits for: both are after the language on the fence, where readers do not see them.
	happens, until string
}

// step is one command of a block and what it prints.
type step struct {
	line    int    // in the file
	command string // without its prompt; a line that ends in \ goes on with the next
	prints  []string
}

const (
	fenceOpens = "```console"
	fenceEnds  = "```"
	prompt     = "$ "
)

// readPage reads a runbook. Only blocks of the kind console are commands.
func readPage(t *testing.T, path string) *page {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{path: path, parts: []part{{}}}
	var block *part
	for i, l := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		last := &p.parts[len(p.parts)-1]
		switch {
		case block == nil && strings.HasPrefix(l, fenceOpens):
			before, until, _ := strings.Cut(l, "until: ")
			_, happens, _ := strings.Cut(before, "happens: ")
			p.parts = append(p.parts, part{fence: l, happens: strings.TrimSpace(happens), until: until})
			block = &p.parts[len(p.parts)-1]
		case block == nil:
			last.prose = append(last.prose, l)
		case l == fenceEnds:
			block = nil
			p.parts = append(p.parts, part{})
		default:
			if err := block.add(i+1, l); err != nil {
				t.Fatalf("%s:%d: %v", path, i+1, err)
			}
		}
	}
	if block != nil {
		t.Fatalf("%s: a block does not end", path)
	}
	return p
}

func (b *part) add(line int, l string) error {
	n := len(b.steps)
	switch {
	case strings.HasPrefix(l, prompt) && n > 0 && b.until != "":
		return fmt.Errorf("a block that waits has one command")
	case strings.HasPrefix(l, prompt):
		b.steps = append(b.steps, step{line: line, command: strings.TrimPrefix(l, prompt)})
	case n == 0:
		return fmt.Errorf("a block begins with a command")
	case strings.HasSuffix(b.steps[n-1].command, `\`) && len(b.steps[n-1].prints) == 0:
		b.steps[n-1].command += "\n" + l
	default:
		b.steps[n-1].prints = append(b.steps[n-1].prints, l)
	}
	return nil
}

// write puts the page into its file.
func (p *page) write(t *testing.T) {
	t.Helper()
	var lines []string
	for _, part := range p.parts {
		if part.fence == "" {
			lines = append(lines, part.prose...)
			continue
		}
		lines = append(lines, part.fence)
		for _, s := range part.steps {
			lines = append(append(lines, prompt+s.command), s.prints...)
		}
		lines = append(lines, fenceEnds)
	}
	if err := os.WriteFile(p.path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// variable is what differs from one run to the next and says nothing: names that are chosen or
// computed, times, durations, numbers of events, of hub offsets and of Doris's transactions, which
// depend on how rows fell into batches, and how far a replay is when it is looked at.
var variable = regexp.MustCompile(strings.Join([]string{
	`\d{8}T\d{6}(\.\d+)?Z?[\w.-]*`, // in names of reports and folders
	`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( ?([+-]\d\d:\d\d)|Z| UTC)?`,
	`\b[0-9a-f]{8,}\b|-r[0-9a-f]{8}\b`, // ids, digests; a replay in the names that it writes under
	`@\d+`,                             // events
	`\b(\d+h)?(\d+m)?\d+(\.\d+)?(ns|µs|ms|s|m|h)\b`,
	`\bhub \d+[:/]\d+`, `\bhub offsets \d+ to \d+`, `\bend(s|ed) at \d+`, `\b(committed end|high watermark) +\d+`, `\boffsets without a row: \d+`, `\b\d+ in all\b`,
	`\b[\d,.]+ ([KM]i?)?B\b`, `\b[\d,]+ bytes\b`,
	`\b(configuration|leader epoch|transaction) \d+`, `127\.0\.0\.1:\d+`,
	`\brunning(,| by ).*`,
}, "|"))

// blanks are between words, and between the cells of a table, which are as wide as the widest.
var (
	edges  = regexp.MustCompile(`[ ─]*[│┌┬┐├┼┤└┴┘][ ─]*`)
	blanks = regexp.MustCompile(` {2,}|-{3,}|\t`)
)

// alike is what two outputs of the same command have in common.
func alike(lines []string) string {
	var out []string
	for _, l := range lines {
		l = edges.ReplaceAllString(variable.ReplaceAllString(l, "<…>"), "│")
		out = append(out, strings.TrimRight(blanks.ReplaceAllString(l, "  "), " "))
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// named follows what the file calls by one name and this run by another: an id that the file
// shows in the output of a command stands in a later command for what this run printed there.
type named map[string]string

// learn pairs what the file shows with what was printed.
func (n named) learn(shown, printed []string) {
	was, is := variable.FindAllString(strings.Join(shown, "\n"), -1), variable.FindAllString(strings.Join(printed, "\n"), -1)
	for i := range min(len(was), len(is)) {
		n[was[i]] = is[i]
	}
}

// now is a command of the file as it is in this run. An id may be shortened.
func (n named) now(command string) string {
	return variable.ReplaceAllStringFunc(command, func(s string) string {
		if is, known := n[s]; known {
			return is
		}
		for _, was := range slices.Sorted(maps.Keys(n)) {
			if strings.HasPrefix(was, s) && len(n[was]) >= len(s) {
				return n[was][:len(s)]
			}
		}
		return s
	})
}
