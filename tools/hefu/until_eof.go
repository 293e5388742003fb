package main

import (
	"context"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
)

// endWithInput gives every command the hidden flag --until-eof: end when standard input
// does. It is for children of a process that may be killed: the pipe to them closes
// with it, whatever kills it. Ctrl-C reaches a whole terminal; such a child leaves it
// to its parent, which knows the order in which things end.
func endWithInput(root *cobra.Command) {
	const name = "until-eof"
	root.PersistentFlags().Bool(name, false, "end when standard input ends")
	_ = root.PersistentFlags().MarkHidden(name) // it exists, see the line above
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		until, err := cmd.Flags().GetBool(name)
		if err != nil || !until {
			return err
		}
		signal.Ignore(os.Interrupt)
		ctx, cancel := context.WithCancel(cmd.Context())
		// Ends with the process: a read of standard input cannot be called back.
		go func() {
			defer cancel()
			_, _ = io.Copy(io.Discard, os.Stdin)
		}()
		cmd.SetContext(ctx)
		return nil
	}
}
