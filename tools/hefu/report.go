package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/report"
)

func newReport() *cobra.Command {
	c := &cobra.Command{
		Use:   "report",
		Short: "List, show and compare the reports that were kept",
		Long: `Reports are made by a running hefu and by hefu reconcile, and kept in <data_dir>/reports, each
as a signed file and a page to read. The name of one, as ls prints it, stands for its file;
a path does too, and needs no configuration.`,
	}
	c.AddCommand(newReportLs(), newReportShow(), newReportHTML(), newReportDiff())
	return c
}

func newReportLs() *cobra.Command {
	c := &cobra.Command{Use: "ls", Short: "List the kept reports, the oldest first", Args: cobra.NoArgs}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		kept, err := keptReports(*file)
		if err != nil {
			return err
		}
		list, err := kept.List()
		if err != nil {
			return err
		}
		if *output == "json" {
			return writeJSON(cmd.OutOrStdout(), list)
		}
		for _, e := range list {
			fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\t%s\t%s\n", e.Done.Format(timeText), e.Pipeline, e.Verdict, e.Name)
		}
		return nil
	}
	return c
}

func newReportShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show REPORT", Short: "Print a report as a table", Args: cobra.ExactArgs(1),
		Long: "Show verifies a report and prints it. Exit code 1 when it does not verify; the verdict has no part in it.",
	}
	file, output, keys := configFlag(c), outputFlag(c), keyFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		v, err := readReport(*file, args[0], *keys)
		if err != nil {
			return err
		}
		if *output == "json" {
			return writeJSON(cmd.OutOrStdout(), v.Report)
		}
		report.Print(cmd.OutOrStdout(), v.Report)
		return nil
	}
	return c
}

func newReportHTML() *cobra.Command {
	c := &cobra.Command{
		Use: "html REPORT", Short: "Write the page of a report to the standard output", Args: cobra.ExactArgs(1),
		Example: "  hefu report html report.json > report.html",
	}
	file, keys := configFlag(c), keyFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		v, err := readReport(*file, args[0], *keys)
		if err != nil {
			return err
		}
		return report.HTML(cmd.OutOrStdout(), v, strings.TrimSuffix(filepath.Base(args[0]), ".json")+".json")
	}
	return c
}

func newReportDiff() *cobra.Command {
	c := &cobra.Command{
		Use: "diff BEFORE AFTER", Short: "Say what changed from one report to a later one", Args: cobra.ExactArgs(2),
		Long: `Diff says which findings are new, gone or accepted, how windows, coverage and books changed, and
how far the journal grew, and whether the later report proves that.`,
	}
	file, output, keys := configFlag(c), outputFlag(c), keyFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		var both [2]*report.Verified
		for i, name := range args {
			v, err := readReport(*file, name, *keys)
			if err != nil {
				return err
			}
			both[i] = v
		}
		d := report.Diff(both[0], both[1])
		if *output == "json" {
			return writeJSON(cmd.OutOrStdout(), d)
		}
		d.Print(cmd.OutOrStdout())
		return nil
	}
	return c
}

// keptReports are the reports below the data folder of a configuration.
func keptReports(file string) (*report.Kept, error) {
	c, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	return report.InFolder(filepath.Join(c.DataDir, report.Folder)), nil
}

// readReport reads a report by its path, or else by the name under which it is kept, and
// verifies it. One that does not verify is not shown: exit code 1.
func readReport(config, name string, keys []string) (*report.Verified, error) {
	list, err := readKeys(keys)
	if err != nil {
		return nil, err
	}
	path := name
	if _, err := os.Stat(path); err != nil {
		kept, err := keptReports(config)
		if err != nil {
			return nil, fmt.Errorf("%s is no file, and no kept report without a configuration: %w", name, err)
		}
		path = kept.Find(name)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	v, err := report.Verify(b, list...)
	if err != nil {
		return nil, &notVerified{name, err}
	}
	return v, nil
}

// notVerified ends a command that is to show a report.
type notVerified struct {
	name string
	why  error
}

// Error says what is wrong with it.
func (e *notVerified) Error() string { return fmt.Sprintf("%s does not verify: %v", e.name, e.why) }

// Unwrap is why.
func (e *notVerified) Unwrap() error { return e.why }

// ExitCode implements what execute asks for.
func (e *notVerified) ExitCode() int { return exitNotGood }
