package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/replay"
)

func newReplay() *cobra.Command {
	c := &cobra.Command{
		Use:   "replay",
		Short: "Carry rows of the journal again: into a shadow, into the gaps of what is live, into a file",
		Long: `A replay carries rows that the journal has, once more and byte for byte as they were: into a shadow
table or topic beside the live one, into the live one where rows are missing, into a file. It
is planned first, which writes nothing; what the plan would do is read and approved by its
digest; the running hefu carries it out, whoever has the shard by then, and verifies it.

Who and why are part of every step and stay in the journal. An id may be cut short as long as
just one replay begins so.`,
	}
	c.AddCommand(newReplayPlan(), newReplayLs(), newReplayShow(), newReplayApprove(), newReplayPause(), newReplayResume(), newReplayCancel(), newReplayLimit(), newReplayStatus())
	return c
}

// signature is who decides and why.
type signature struct{ who, why string }

// signatureFlags adds --who and --why.
func signatureFlags(c *cobra.Command) *signature {
	s := &signature{}
	c.Flags().StringVar(&s.why, "why", "", "the reason")
	c.Flags().StringVar(&s.who, "who", "", "the person who decides (default: the login name)")
	return s
}

// check demands the reason.
func (s *signature) check() error {
	if s.why == "" {
		return errors.New("--why is needed: it stays in the journal")
	}
	s.who = cmp.Or(s.who, login())
	return nil
}

func newReplayLs() *cobra.Command {
	c := &cobra.Command{
		Use: "ls", Short: "List replays, in the order in which they were planned", Args: cobra.NoArgs,
		Example: "  hefu replay ls -c hefu.yaml",
	}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		list, err := replays(cmd, cl)
		if err != nil {
			return err
		}
		if *output == "json" {
			return writeJSON(cmd.OutOrStdout(), list)
		}
		if len(list) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "no replay was planned")
			return nil
		}
		t := table.NewWriter()
		t.SetOutputMirror(cmd.OutOrStdout())
		t.SetStyle(table.StyleLight)
		t.AppendHeader(table.Row{"replay", "pipeline", "state", "into", "rows", "who", "why"})
		for i := range list {
			r := &list[i]
			t.AppendRow(table.Row{r.ID, r.Pipeline, r.State, targetText(&r.Plan), comma(r.Plan.Expect.Rows), r.Who, r.Why})
		}
		t.Render()
		return nil
	}
	return c
}

func newReplayShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: "Print a plan, what was decided about it, and how far it is", Args: cobra.ExactArgs(1),
		Example: "  hefu replay show 3f2a -c hefu.yaml\n  hefu replay show 3f2a -o json -c hefu.yaml",
	}
	file, output := configFlag(c), outputFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		r, err := completeReplay(cmd, cl, args[0])
		if err != nil {
			return err
		}
		if *output == "json" {
			var whole replay.Shown // the list leaves out its lists
			if err := cl.call(cmd.Context(), http.MethodGet, "/v1/replays/"+r.ID.String(), nil, &whole); err != nil {
				return err
			}
			return writeJSON(cmd.OutOrStdout(), &whole)
		}
		p := printer{w: cmd.OutOrStdout(), config: *file}
		p.plan(r)
		p.moves(r)
		p.next(r)
		return nil
	}
	return c
}

func replays(cmd *cobra.Command, cl *client) (list []replay.Shown, err error) {
	return list, cl.call(cmd.Context(), http.MethodGet, "/v1/replays", nil, &list)
}

// completeReplay lets a person type the first digits of an id.
func completeReplay(cmd *cobra.Command, cl *client, prefix string) (*replay.Shown, error) {
	list, err := replays(cmd, cl)
	if err != nil {
		return nil, err
	}
	var found []*replay.Shown
	for i := range list {
		if strings.HasPrefix(list[i].ID.String(), prefix) {
			found = append(found, &list[i])
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("replay %s: %d replays begin so; hefu replay ls lists them", prefix, len(found))
	}
	return found[0], nil
}
