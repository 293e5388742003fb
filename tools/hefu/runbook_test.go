package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

var update = flag.Bool("update", false, "write into the runbooks what their commands print")

// runbooks are the incidents of docs/runbooks, each by the name of its file.
func runbooks() map[string]func(*rehearsal) {
	return map[string]func(*rehearsal){
		"topic-recreated":              topicRecreated,
		"retention-overtook-us":        retentionOvertookUs,
		"hub-topic-lost":               hubTopicLost,
		"lost-rows-in-doris":           lostRowsInDoris,
		"doubled-rows":                 doubledRows,
		"doris-restored-from-a-backup": dorisRestored,
		"wrong-city-code":              wrongCityCode,
		"journal-lost":                 journalLost,
	}
}

// onRealKafka are those that are rehearsed on a real broker, too.
func onRealKafka() []string {
	return []string{"topic-recreated", "retention-overtook-us", "lost-rows-in-doris"}
}

const runbookFolder = "../../docs/runbooks"

// TestRunbooks brings each incident about, types what its runbook says, and holds what is printed
// against the page.
func TestRunbooks(t *testing.T) {
	whole(t)
	files, err := filepath.Glob(filepath.Join(runbookFolder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	books := runbooks()
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".md")
		if name != "README" && books[name] == nil {
			t.Errorf("%s is not rehearsed: its incident is missing in runbooks", f)
		}
	}
	for name, happens := range books {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rehearse(t, name, "", happens)
		})
	}
}

// TestRunbooksOnKafka does the same with cities and hub on the broker that HEFU_TEST_KAFKA names.
func TestRunbooksOnKafka(t *testing.T) {
	broker := os.Getenv("HEFU_TEST_KAFKA")
	if broker == "" {
		t.Skip("HEFU_TEST_KAFKA is not set: not rehearsed on a real broker")
	}
	for _, name := range onRealKafka() {
		t.Run(name, func(t *testing.T) { rehearse(t, name, broker, runbooks()[name]) })
	}
}

// rehearse lets an incident happen and does what its page says, a command after the other.
func rehearse(t *testing.T, name, broker string, happens func(*rehearsal)) {
	t.Helper()
	p := readPage(t, filepath.Join(runbookFolder, name+".md"))
	r := newRehearsal(t, broker)
	happens(r)
	known := named{}
	if *update && broker == "" {
		defer p.write(t)
	}
	for i := range p.parts {
		if what := p.parts[i].happens; what != "" {
			play := r.plays[what]
			if play == nil {
				t.Fatalf("%s: nothing is known of what happens before %q: %s", p.path, p.parts[i].fence, what)
			}
			play()
		}
		for j := range p.parts[i].steps {
			r.does(p, p.parts[i].until, &p.parts[i].steps[j], known)
		}
	}
}

// does types one command, and demands that it prints what the page says. One that waits is
// repeated until it does.
func (r *rehearsal) does(p *page, until string, s *step, known named) {
	r.Helper()
	typed := known.now(s.command)
	var lines []string
	wanted := func() bool {
		lines = r.types(typed)
		return strings.Contains(strings.Join(lines, "\n"), until) && (*update || alike(lines) == alike(s.prints))
	}
	as := wanted()
	for deadline := time.Now().Add(patience); !as && until != "" && time.Now().Before(deadline); as = wanted() {
		r.pause()
	}
	known.learn(s.prints, lines)
	was := s.prints
	s.command, s.prints = typed, lines
	if !as {
		r.Fatalf("%s:%d: $ %s (-page +printed; until %q)\n%s\nprinted:\n%s\nhefu run says:\n%s",
			p.path, s.line, typed, until, cmp.Diff(strings.Split(alike(was), "\n"), strings.Split(alike(lines), "\n")), strings.Join(lines, "\n"), r.log())
	}
}

// patience is how long a command may be repeated.
const patience = 60 * time.Second

// statement is how a page asks Doris.
var statement = regexp.MustCompile(`(?s)^mysql .*-e "(.*)"$`)

// types runs a command as a person does who stands where hefu.yaml is. Commands of machines that
// the rehearsal plays itself are done by whoever plays them.
func (r *rehearsal) types(command string) []string {
	r.Helper()
	if of := statement.FindStringSubmatch(command); of != nil {
		return r.ask(strings.Join(strings.Fields(strings.ReplaceAll(of[1], "\\\n", " ")), " "))
	}
	if plays := r.plays[command]; plays != nil {
		plays()
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = r.dir, &out, &out, 5*time.Second
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		r.Fatalf("%s: %v\n%s", command, err, out.String())
	}
	return r.lines(out.String())
}

// lines is an output as the page shows it: with names in place of the rehearsal's addresses.
func (r *rehearsal) lines(out string) (lines []string) {
	for l := range strings.Lines(r.shown().Replace(out)) {
		lines = append(lines, strings.TrimRight(l, " \n"))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// ask sends a statement to Doris and prints the answer as the mysql client does.
func (r *rehearsal) ask(q string) []string {
	r.Helper()
	if !slices.Contains([]string{"SELECT", "SHOW"}, strings.ToUpper(strings.Fields(q)[0])) {
		r.exec(q)
		return nil
	}
	rows, err := r.db.QueryContext(r.Context(), q)
	if err != nil {
		r.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		r.Fatal(err)
	}
	box := table.NewWriter()
	box.Style().Format.Header = text.FormatDefault
	line := make(table.Row, len(columns))
	for i, c := range columns {
		line[i] = c
	}
	box.AppendHeader(line)
	for rows.Next() {
		cells, into := make([]string, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			r.Fatal(err)
		}
		line = make(table.Row, len(columns))
		for i := range cells {
			line[i] = cells[i]
		}
		box.AppendRow(line)
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	return r.lines(box.Render())
}
