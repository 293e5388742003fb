// Command hefu moves the rows of many city Kafka topics into one hub topic and one
// Doris table, journals every step, and proves that nothing was lost or doubled.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // pipelines name time zones; a bare machine may have no zone files

	"github.com/spf13/cobra"
)

// Exit codes of every command (decisions.md, "Command line").
const (
	exitGood    = 0
	exitNotGood = 1 // the thing asked about is not good
	exitUnknown = 2 // it could not be found out
	exitFenced  = 3 // another owner took over
)

// errNotGood ends a command with exit code 1; what is not good is printed already.
var errNotGood = errors.New("not good")

func main() { os.Exit(execute(os.Args[1:])) }

func execute(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitGood
	}
	if errors.Is(err, errNotGood) {
		return exitNotGood
	}
	var coded interface{ ExitCode() int }
	if !errors.As(err, &coded) {
		fmt.Fprintln(os.Stderr, "hefu:", err)
		return exitUnknown
	}
	if err.Error() != "" {
		fmt.Fprintln(os.Stderr, "hefu:", err)
	}
	return coded.ExitCode()
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "hefu",
		Short: "Move rows exactly once from city Kafka topics to a hub topic and a Doris table, and prove it",
		Long: `Hefu (合符) moves rows of many city Kafka topics through a journal into one hub topic and
one Doris table. Each ingest, commit and abort is an event of the journal; after any
crash the systems of record are asked what happened, and the answer becomes an event.

Exit codes: 0 good, 1 the thing asked about is not good, 2 it could not be found out
(unreachable, bad arguments), 3 fenced by another owner.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	endWithInput(root)
	root.AddCommand(newDemo(), newRun(), newCheck(), newDoctor(), newApply(), newStatus(), newReload(), newReconcile(), newVerify(), newReport(), newExplain(), newTimeline(), newIncidents(), newFindings(), newReplay(), newSwap(), newJournal(), newImport(), newDevstack())
	return root
}

// configFlag adds -c and returns where its value will be.
func configFlag(c *cobra.Command) *string {
	return c.Flags().StringP("config", "c", "hefu.yaml", "the configuration file")
}

// outputFlag adds -o and returns where its value will be.
func outputFlag(c *cobra.Command) *string {
	o := outputFormat("text")
	c.Flags().VarP(&o, "output", "o", "text or json")
	return (*string)(&o)
}

// outputFormat is text or json: pflag.Value.
type outputFormat string

// Set takes one of the two.
func (o *outputFormat) Set(s string) error {
	if s != "text" && s != "json" {
		return errors.New("allowed are text and json")
	}
	*o = outputFormat(s)
	return nil
}

// String is the format.
func (o *outputFormat) String() string { return string(*o) }

// Type is what help calls the value.
func (o *outputFormat) Type() string { return "format" }
