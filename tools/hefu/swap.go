package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/replay"
)

func newSwap() *cobra.Command {
	c := &cobra.Command{
		Use:   "swap ID",
		Short: "Exchange the shadow table of a replay with the live one",
		Long: `Swap gives the table that a replay of everything made and verified the live table's name, and the
live one the shadow's, in one step of Doris. Before that it compares the shadow with the journal
once more, gives it the rows that were loaded into the live table since, holds the loads of the
live table until the last of them is there, and lets them go on after the exchange.

--back is the way back: the table that was live before is given the rows that were loaded since
and takes its name again. It works for as long as nobody drops that table.

Exit code 0: they are exchanged. 1: it is refused, and why; nothing is exchanged. 2: something could
not be asked or done, which is said; hefu swap again goes on.`,
		Example: "  hefu swap 3f2a --why 'rows were altered by hand, ticket 4711' -c hefu.yaml\n  hefu swap 3f2a --back --why 'a report still reads the old one' -c hefu.yaml",
		Args:    cobra.ExactArgs(1),
	}
	file, output, by := configFlag(c), outputFlag(c), signatureFlags(c)
	back := c.Flags().Bool("back", false, "the way back")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := by.check(); err != nil {
			return err
		}
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		r, err := completeReplay(cmd, cl, args[0])
		if err != nil {
			return err
		}
		done, err := askSwap(cmd, cl, r, &replay.SwapAsk{Who: by.who, Why: by.why, Back: *back})
		if err != nil {
			return err
		}
		if *output == "json" {
			return writeJSON(cmd.OutOrStdout(), done)
		}
		p := printer{w: cmd.OutOrStdout(), config: *file}
		p.swapped(done)
		return nil
	}
	return c
}

// askSwap has the running hefu exchange the tables. Each step is printed: it takes a while, and
// what is held is live.
func askSwap(cmd *cobra.Command, cl *client, r *replay.Shown, ask *replay.SwapAsk) (done *replay.Exchange, err error) {
	refused, out := "", cmd.ErrOrStderr()
	err = stream(cmd.Context(), cl, http.MethodPost, "/v1/replays/"+r.ID.String()+"/swap", ask, func(l *replay.SwapLine) error {
		switch {
		case l.Refused:
			refused = l.Error
		case l.Error != "":
			return errors.New(l.Error)
		case l.Swap != nil:
			done = l.Swap
		default:
			fmt.Fprintln(out, l.Step)
		}
		return nil
	})
	return done, notDone(cmd, err, refused, done != nil, "exchanged")
}

// swapped prints what came of an exchange, and the way back.
func (p *printer) swapped(s *replay.Exchange) {
	is, was := "the table of replay "+s.Plan.String(), "the table that was live before"
	if s.Back {
		is, was = was, is
	}
	fmt.Fprintf(p.w, "exchanged: %s is %s now\n", s.Live, is)
	p.line(s.Shadow, "is %s", was)
	p.line("caught up", "%s that were loaded since", counted(s.Caught, "row"))
	p.line("held", "%s, for which no load began", time.Duration(s.Held*float64(time.Second)).Round(time.Millisecond))
	p.line("known by", "%s", s.How)
	back, tail := " --back", ""
	if s.Back {
		back = ""
	}
	if p.config != "hefu.yaml" {
		tail = " -c " + p.config
	}
	p.line("way back", "hefu swap %s%s --why …%s", s.Plan, back, tail)
}
