package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
)

// silence is how long a hefu that is watched may not answer: it is started again meanwhile, or
// another host takes over.
const silence = time.Minute

func newReplayStatus() *cobra.Command {
	c := &cobra.Command{
		Use:   "status ID",
		Short: "Say how far a replay is; with -w watch it to its end",
		Long: `Status prints how far a replay is: its share of the journal's events, rows a second, and the time
that is left. With -w it goes on until the replay is done, failed or cancelled, also while hefu is
started again.

Exit code 0: it is done, and verified. 1: it failed or was cancelled. 2: it is not at its end, or
the running hefu could not be asked.`,
		Example: "  hefu replay status 3f2a -c hefu.yaml\n  hefu replay status -w 3f2a -c hefu.yaml",
		Args:    cobra.ExactArgs(1),
	}
	file, output := configFlag(c), outputFlag(c)
	watch := c.Flags().BoolP("watch", "w", false, "go on until its end")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		w := &watching{cmd: cmd, file: *file}
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		r, err := completeReplay(cmd, cl, args[0])
		if err != nil {
			return err
		}
		if *watch {
			if r, err = w.toEnd(r); err != nil {
				return err
			}
		}
		if *output == "json" {
			err = writeJSON(cmd.OutOrStdout(), r)
		} else {
			p := printer{w: cmd.OutOrStdout(), config: *file}
			p.status(r)
		}
		if err != nil {
			return err
		}
		return endOf(r)
	}
	return c
}

// endOf is the exit code as an error.
func endOf(r *replay.Shown) error {
	switch r.State {
	case domain.PlanDone:
		return nil
	case domain.PlanFailed, domain.PlanCancelled:
		return errNotGood
	default:
		return unanswered{}
	}
}

// status prints how far a replay is.
func (p *printer) status(r *replay.Shown) {
	fmt.Fprintf(p.w, "replay %s: %s\n", r.ID, stateText(r))
	p.trouble(r)
	p.next(r)
}

// stateText is a replay in a line.
func stateText(r *replay.Shown) string {
	text := string(r.State)
	if r.Progress != nil && goesOn(r.State) {
		if now := progressText(r); now != text {
			text += ", " + now
		}
		return text
	}
	if last := lastMove(r); last != nil {
		if last.Who != "" {
			text += " by " + last.Who
		}
		text += ": " + last.Why
	}
	return text
}

// goesOn reports whether a replay is worked at; what an operator stopped is brought to its
// outcome, of which nobody needs to see how far it is.
func goesOn(s domain.PlanState) bool { return s == domain.PlanRunning || s == domain.PlanVerifying }

// progressText is how far this process is with it.
func progressText(r *replay.Shown) string {
	g := r.Progress
	if r.State == domain.PlanVerifying && g.Step != "" {
		return g.Step
	}
	text := fmt.Sprintf("%.1f %% of the events, %s rows", 100*g.Share, comma(g.Rows))
	if g.Seconds > 0 && g.Rows > 0 {
		text += fmt.Sprintf(", %s rows/s", comma(int64(float64(g.Rows)/g.Seconds)))
	}
	if g.Remaining >= 0 && g.Share < 1 {
		text += fmt.Sprintf(", %s left", (time.Duration(g.Remaining) * time.Second).Round(time.Second))
	}
	return text
}

// watching follows a replay.
type watching struct {
	cmd  *cobra.Command
	file string
	said string
}

// toEnd shows how far a replay is until nothing is done any more. A hefu that does not answer is
// asked again for a while, at the address where it listens by then.
func (w *watching) toEnd(r *replay.Shown) (*replay.Shown, error) {
	out := w.cmd.ErrOrStderr()
	live := isTerminal(out)
	step, done := steps(out)
	defer done()
	every := 2 * time.Second
	if live {
		every = 500 * time.Millisecond
	}
	id, answered := r.ID.String(), time.Now()
	for !r.State.Ended() && r.State != domain.PlanFailed {
		if text := "replay " + id + ": " + stateText(r); live {
			step(text)
		} else {
			w.say(out, text)
		}
		select {
		case <-w.cmd.Context().Done():
			return nil, w.cmd.Context().Err()
		case <-time.After(every):
		}
		cl, _, err := dial(w.file)
		if err != nil {
			return nil, err
		}
		now, err := completeReplay(w.cmd, cl, id)
		switch {
		case err == nil:
			r, answered = now, time.Now()
		case time.Since(answered) > silence:
			return nil, err
		}
	}
	return r, nil
}

// say prints a line unless it is the last one again.
func (w *watching) say(out io.Writer, text string) {
	if text != w.said {
		w.said = text
		fmt.Fprintln(out, text)
	}
}
