package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
)

func newReplayApprove() *cobra.Command {
	c := &cobra.Command{
		Use: "approve ID", Short: "Approve a plan that was read, by its digest; the running hefu then carries it out",
		Long: `Approve lets a plan run, and one that failed go on where it stopped. --digest is of the plan that
was read, the first twelve digits or all of them: a plan that is another by now is refused.`,
		Example: "  hefu replay approve 3f2a --digest 9c0d4e5f6a7b --why 'read, ticket 4711' -c hefu.yaml",
	}
	digest := c.Flags().String("digest", "", "the digest of the plan, as it was printed")
	return deciding(c, replay.Approve, func(r *replay.Shown, d *replay.Decision) error {
		whole := r.Digest.String()
		if len(*digest) < 12 {
			return errors.New("--digest is needed, twelve digits of it or more: it is what is approved")
		}
		if strings.HasPrefix(whole, *digest) {
			d.Digest = &r.Digest
			return nil
		}
		other, err := domain.ParseHash(*digest)
		if err != nil {
			return fmt.Errorf("--digest %s: the plan of replay %s has %s; read it again", *digest, r.ID, whole)
		}
		d.Digest = &other
		return nil
	})
}

func newReplayPause() *cobra.Command {
	return deciding(&cobra.Command{
		Use: "pause ID", Short: "Let a replay stand still; what it has under way is brought to its outcome",
		Example: "  hefu replay pause 3f2a --why 'Doris is slow' -c hefu.yaml",
	}, replay.Pause, nil)
}

func newReplayResume() *cobra.Command {
	return deciding(&cobra.Command{
		Use: "resume ID", Short: "Let a replay that was paused go on where it stopped",
		Example: "  hefu replay resume 3f2a --why 'Doris is well' -c hefu.yaml",
	}, replay.Resume, nil)
}

func newReplayCancel() *cobra.Command {
	return deciding(&cobra.Command{
		Use: "cancel ID", Short: "End a replay for good; what it carried stays where it is",
		Example: "  hefu replay cancel 3f2a --why 'not needed' -c hefu.yaml",
	}, replay.Cancel, nil)
}

func newReplayLimit() *cobra.Command {
	c := &cobra.Command{
		Use: "limit ID", Short: "Change what a replay may take from live traffic, at once",
		Example: "  hefu replay limit 3f2a --rows-per-second 5000 --why 'rush hour' -c hefu.yaml",
	}
	rows := c.Flags().Int64("rows-per-second", -1, "0 for no limit")
	bytes := c.Flags().String("bytes-per-second", "", "as 16MiB; 0B for no limit")
	concurrency := c.Flags().Int("concurrency", -1, "shards at once, 0 for all")
	return deciding(c, replay.Limit, func(r *replay.Shown, d *replay.Decision) error {
		if *rows < 0 && *bytes == "" && *concurrency < 0 {
			return errors.New("--rows-per-second, --bytes-per-second or --concurrency is needed")
		}
		l, err := limitsOf(r.Limits, *rows, *bytes, *concurrency)
		d.Limits = &l
		return err
	})
}

// deciding makes a command of an action. more adds what the action needs beside who and why.
func deciding(c *cobra.Command, action replay.Action, more func(*replay.Shown, *replay.Decision) error) *cobra.Command {
	c.Args = cobra.ExactArgs(1)
	file, output, by := configFlag(c), outputFlag(c), signatureFlags(c)
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
		d := &replay.Decision{Who: by.who, Why: by.why}
		if more != nil {
			if err := more(r, d); err != nil {
				return err
			}
		}
		var now replay.Shown
		err = cl.call(cmd.Context(), http.MethodPost, "/v1/replays/"+r.ID.String()+"/"+string(action), d, &now)
		var refused *answerError
		if errors.As(err, &refused) && refused.code == http.StatusUnprocessableEntity {
			fmt.Fprintln(cmd.ErrOrStderr(), "hefu: nothing changed:", err)
			return errNotGood
		}
		if err != nil {
			return err
		}
		if *output == "json" {
			return writeJSON(cmd.OutOrStdout(), &now)
		}
		p := printer{w: cmd.OutOrStdout(), config: *file}
		if action == replay.Limit {
			p.line("limits", "%s", limitsText(now.Limits))
		}
		p.status(&now)
		return nil
	}
	return c
}
