package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/flinkimport"
)

func newImport() *cobra.Command {
	c := &cobra.Command{
		Use:   "import",
		Short: "Make a hefu.yaml of what another system is configured with",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newImportFlink())
	return c
}

// imported is where the parts of an import go.
type imported struct {
	yaml, report string
	overwrite    bool
	connect      bool
	checkpoint   string
}

func newImportFlink() *cobra.Command {
	var to imported
	c := &cobra.Command{
		Use:   "flink job.sql",
		Short: "Make a hefu.yaml of the SQL of a Flink job, and say what became of each piece of it",
		Long: `Import flink reads the SQL of a Flink job, as it is or in the document that it stands in, and
makes a hefu.yaml that does the same. Each option, column and clause is mapped, adapted,
warned about or refused, with its line and column; the report has all of them, what the SQL
gets wrong, and what a person has to fill in. docs/flink-import.md has the rules.

Without -o the hefu.yaml goes to the terminal; -o json prints all that was found as JSON
instead. Files that are there already are left alone unless --overwrite is given. Nothing
is asked of any cluster without --connect, which compares the offsets that the job's
consumer groups have committed with where Hefu would begin; a cluster that does not answer
is said in the report. Flink's checkpoints are not read: --checkpoint-offsets names a file
with lines of source/partition:offset to compare with.

Exit code 0 when hefu.yaml does what the job does, 1 when something is refused (then there
is no hefu.yaml), 2 when a file could not be read or written.`,
		Example: "  hefu import flink job.sql -o hefu.yaml --report report.md\n  hefu import flink job.sql --connect --report report.md -o hefu.yaml",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return importFlink(cmd, args[0], to) },
	}
	f := c.Flags()
	f.StringVarP(&to.yaml, "output", "o", "-", "the hefu.yaml to write; - for the terminal, json for all that was found")
	f.StringVar(&to.report, "report", "", "the report to write, in Markdown; - for the terminal")
	f.BoolVar(&to.overwrite, "overwrite", false, "write over files that are there")
	f.BoolVar(&to.connect, "connect", false, "ask the clusters where the job's consumer groups stand")
	f.StringVar(&to.checkpoint, "checkpoint-offsets", "", "with --connect: a file that says where Flink's checkpoint goes on")
	return c
}

func importFlink(cmd *cobra.Command, file string, to imported) error {
	if to.checkpoint != "" && !to.connect {
		return errors.New("--checkpoint-offsets is compared with what the clusters say: give --connect as well")
	}
	if to.yaml == "-" && to.report == "-" {
		return errors.New("hefu.yaml and the report both go to the terminal: give one of them a file")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the SQL: %w", err)
	}
	r := flinkimport.Import(filepath.Base(file), text)
	if to.connect && r.OK() {
		if err := compareGroups(cmd, r, to.checkpoint); err != nil {
			return err
		}
	}
	if err := to.write(cmd.OutOrStdout(), r); err != nil {
		return err
	}
	summary(cmd.ErrOrStderr(), r, to)
	if !r.OK() {
		return errNotGood
	}
	return nil
}

// compareGroups asks the clusters.
func compareGroups(cmd *cobra.Command, r *flinkimport.Result, file string) error {
	var checkpoint flinkimport.Checkpoint
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read the checkpoint's offsets: %w", err)
		}
		if checkpoint, err = flinkimport.ParseCheckpoint(string(text)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	r.Compare(cmd.Context(), checkpoint)
	return nil
}

// write writes what is asked for: the report always, hefu.yaml when there is one.
func (to imported) write(out io.Writer, r *flinkimport.Result) error {
	if to.report != "" {
		if err := to.file(out, to.report, r.Report()); err != nil {
			return err
		}
	}
	switch {
	case to.yaml == "json":
		return writeJSON(out, r)
	case r.OK():
		return to.file(out, to.yaml, r.YAML)
	}
	return nil
}

// file writes one of them.
func (to imported) file(out io.Writer, path, text string) error {
	if path == "-" {
		_, err := io.WriteString(out, text)
		return err
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	if to.overwrite {
		flags = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w; --overwrite writes over it", err)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Close())
}

// summary says in a few lines what the report has in full.
func summary(out io.Writer, r *flinkimport.Result, to imported) {
	for _, i := range r.Items {
		if i.Verdict == flinkimport.Refused {
			fmt.Fprintf(out, "hefu: %s: %s: refused: %s\n", i.At, i.What, i.Text)
		}
	}
	fmt.Fprintf(out, "%s: %d mapped, %d adapted, %d warned, %d refused", r.File,
		r.Count(flinkimport.Mapped), r.Count(flinkimport.Adapted), r.Count(flinkimport.Warned), r.Count(flinkimport.Refused))
	if n := len(r.ToDo); n > 0 && r.OK() {
		fmt.Fprintf(out, "; %d things to do by hand", n)
	}
	if to.report == "" {
		fmt.Fprint(out, "; --report report.md has all of it")
	}
	fmt.Fprintln(out)
	if !r.OK() {
		fmt.Fprintln(out, "no hefu.yaml was written")
	}
}
