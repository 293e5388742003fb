package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/devstack/stack"
)

// dorisCluster is how much of a Doris cluster the stand-in plays, and whether it can be told to fail.
type dorisCluster struct {
	fe, be  int
	control string
}

// nodesMax is how many front ends or back ends one process may play.
const nodesMax = 16

func dorisFlags(c *cobra.Command) *dorisCluster {
	var d dorisCluster
	c.Flags().IntVar(&d.fe, "fe", 1, "front ends of Doris, at ports that follow each other; the first is the master")
	c.Flags().IntVar(&d.be, "be", 1, "back ends of Doris")
	c.Flags().StringVar(&d.control, "control", "", "host:port, on loopback, of an HTTP endpoint that arms faults, moves the clock, and\nstops and starts front ends and back ends (default none)")
	return &d
}

func (d *dorisCluster) check() error {
	for name, n := range map[string]int{"fe": d.fe, "be": d.be} {
		if n < 1 || n > nodesMax {
			return fmt.Errorf("--%s %d: 1 to %d", name, n, nodesMax)
		}
	}
	return nil
}

func newDevstackDoris() *cobra.Command {
	c := &cobra.Command{
		Use:   "doris",
		Short: "Run the Doris stand-in",
		Long: `Doris runs a stand-in for the front ends and back ends of a Doris cluster, all in one
process, until SIGTERM, and says on one line of JSON where they listen. With several the
ports after the given ones are taken, or free ones. With --control faults can be armed:

  curl http://127.0.0.1:8100/                                      # all that there is
  curl -X PUT http://127.0.0.1:8100/faults/drop-commit-reply -d '{"times":3}'
  curl -X POST http://127.0.0.1:8100/clock -d '{"advance":"12h"}'
  curl -X POST http://127.0.0.1:8100/be/1/stop`,
		Example: "  hefu devstack doris --dir /tmp/doris --listen 127.0.0.1:8030 --listen-mysql 127.0.0.1:9030\n" +
			"  hefu devstack doris --dir /tmp/doris --fe 3 --be 2 --control 127.0.0.1:8100",
		Args: cobra.NoArgs,
	}
	dir, listen := serverFlags(c)
	be := c.Flags().String("listen-be", "127.0.0.1:0", "host:port of the first back end")
	sql := c.Flags().String("listen-mysql", "127.0.0.1:0", "host:port of the first front end's MySQL port")
	cluster := dorisFlags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := cluster.check(); err != nil {
			return err
		}
		s, err := doris.Open(cmd.Context(), doris.Config{
			Dir: *dir, FEAddr: *listen, BEAddr: *be, MySQLAddr: *sql, FrontEnds: cluster.fe, BackEnds: cluster.be,
			ControlAddr: cluster.control, Log: newLog(config.Log{}),
		})
		if err != nil {
			return err
		}
		return serve(cmd.Context(), cmd.OutOrStdout(), s, stack.DorisReady{
			FE: s.FEURL(), BE: s.BEURL(), MySQL: s.MySQLAddr(), FEs: s.FEURLs(), BEs: s.BEURLs(), MySQLs: s.MySQLAddrs(),
			Control: s.ControlURL(), Notice: doris.Banner,
		})
	}
	return c
}

// printCluster says where more than one front end and back end are, and the control endpoint.
func printCluster(out io.Writer, d stack.DorisReady) {
	for i := 1; i < len(d.FEs); i++ {
		fmt.Fprintf(out, "              %s, MySQL port %s\n", d.FEs[i], d.MySQLs[i])
	}
	if len(d.BEs) > 1 {
		fmt.Fprintf(out, "              back ends %v\n", d.BEs)
	}
	if d.Control != "" {
		fmt.Fprintf(out, "              control endpoint %s\n", d.Control)
	}
}
