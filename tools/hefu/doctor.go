package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/doctor"
	"github.com/hefu-io/hefu/services/status"
)

func newDoctor() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Connect everywhere, change nothing, and say what is not as it should be",
		Long: `Doctor asks the journal and its archive, each city, the hub, Doris, ClickHouse and this host
whether Hefu can live with them: versions and limits, topic settings, ACLs, retention
against what is not read yet, open transactions, labels, tables, clocks, disks, keys,
certificates. It joins no group, makes no topic, begins no transaction and loads nothing.
One line a check:

  ✓ good   ! worth knowing   ✗ not good   ? no answer came   – nobody tells a client

docs/doctor.md has each check with its reason. Best run beside a hefu that is up, as its
user: then it knows how far reading is.

Exit codes: 0 nothing is not good, 1 something is not good, 2 something that was asked
did not answer.`,
		Example: "  hefu doctor -c hefu.yaml\n  hefu doctor -c hefu.yaml --why\n  hefu doctor -c hefu.yaml -o json",
		Args:    cobra.NoArgs,
	}
	file, output := configFlag(c), outputFlag(c)
	plain := c.Flags().Bool("plain", false, "words in place of signs, and no colours")
	why := c.Flags().Bool("why", false, "say of every check what is needed, what decides it, and the pain that it prevents")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(*file)
		if err != nil {
			return err
		}
		r := examine(cmd.Context(), cfg, cmd.ErrOrStderr())
		if err := cmd.Context().Err(); err != nil {
			return err // half of the systems were not asked
		}
		if *output == "json" {
			err = writeJSON(cmd.OutOrStdout(), r)
		} else {
			err = printDoctor(cmd.OutOrStdout(), r, look{plain: *plain, why: *why, color: !*plain && colors(cmd.OutOrStdout())})
		}
		if err != nil {
			return err
		}
		return doctorOutcome(r)
	}
	return c
}

// examine runs the examination with its progress on a terminal.
func examine(ctx context.Context, cfg *config.Config, stderr io.Writer) *doctor.Report {
	step, done := steps(stderr)
	defer done()
	step("asking all systems")
	var mu sync.Mutex
	return doctor.Examine(ctx, cfg, doctor.Options{
		API: "http://" + apiAddress(cfg),
		Progress: func(n, of int, system string) {
			mu.Lock()
			defer mu.Unlock()
			step(fmt.Sprintf("%d of %d systems have answered, last %s", n, of, system))
		},
	})
}

// apiAddress is where a running hefu of a configuration says that it listens, or else
// where the configuration tells it to.
func apiAddress(cfg *config.Config) string {
	if b, err := os.ReadFile(filepath.Join(cfg.DataDir, status.AddressFile)); err == nil {
		return strings.TrimSpace(string(b))
	}
	return cfg.API.Listen
}

// unanswered ends doctor with exit code 2; what did not answer is printed already.
type unanswered struct{}

func (unanswered) Error() string { return "" }
func (unanswered) ExitCode() int { return exitUnknown }

// doctorOutcome is the exit code as an error: what is not good comes before what is not
// known.
func doctorOutcome(r *doctor.Report) error {
	switch {
	case r.Count(doctor.Bad) > 0:
		return errNotGood
	case r.Count(doctor.Unknown) > 0:
		return unanswered{}
	default:
		return nil
	}
}

// look is how a report is shown.
type look struct{ plain, why, color bool }

// colors reports whether a writer takes colours (https://no-color.org).
func colors(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }

// sign is what stands before a check.
func (l look) sign(v doctor.Verdict) string {
	signs := map[doctor.Verdict]struct {
		sign, word string
		color      text.Colors
	}{
		doctor.Good:      {"✓", "good     ", text.Colors{text.FgGreen}},
		doctor.Note:      {"!", "note     ", text.Colors{text.FgYellow}},
		doctor.Bad:       {"✗", "NOT GOOD ", text.Colors{text.FgRed, text.Bold}},
		doctor.Unknown:   {"?", "NO ANSWER", text.Colors{text.FgMagenta}},
		doctor.Unchecked: {"–", "unchecked", text.Colors{text.Faint}},
	}
	s := signs[v]
	switch {
	case l.plain:
		return s.word
	case l.color:
		return s.color.EscapeSeq() + s.sign + text.Reset.EscapeSeq()
	default:
		return s.sign
	}
}

// printDoctor prints the systems with their checks, and what came of it.
func printDoctor(w io.Writer, r *doctor.Report, l look) error {
	var b strings.Builder
	system := ""
	for i := range r.Checks {
		c := &r.Checks[i]
		if c.System != system {
			if system != "" {
				b.WriteByte('\n')
			}
			system = c.System
			b.WriteString(system + "\n")
		}
		b.WriteString("  " + l.sign(c.Verdict) + " " + checkLine(c, l) + "\n")
		if c.Do != "" && l.tells(c) {
			b.WriteString("      do: " + c.Do + "\n")
		}
	}
	fmt.Fprintf(&b, "\n%d good, %d worth knowing, %d not good, %d without an answer, %d that nobody tells\n",
		r.Count(doctor.Good), r.Count(doctor.Note), r.Count(doctor.Bad), r.Count(doctor.Unknown), r.Count(doctor.Unchecked))
	_, err := io.WriteString(w, b.String())
	return err
}

// tells reports whether a check is shown with all that it says: at night what is well, or
// what nobody can tell, is to be short.
func (l look) tells(c *doctor.Check) bool {
	return l.why || c.Verdict != doctor.Good && c.Verdict != doctor.Unchecked
}

// checkLine is what was found and needed, and, where it matters, what decides it and why.
func checkLine(c *doctor.Check, l look) string {
	line := c.Name + ": " + c.Found
	if !l.tells(c) {
		return line
	}
	if c.Needed != "" {
		line += "; needed: " + c.Needed
	}
	if c.Setting != "" {
		line += " [" + c.Setting + "]"
	}
	if c.Why != "" {
		line += ": " + c.Why
	}
	return line
}
