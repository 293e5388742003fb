package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func newRun() *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the pipelines of a configuration until SIGTERM",
		Long: `Run ingests, projects and serves the status API until SIGTERM or Ctrl-C. SIGKILL at any
time is as good: what is open is settled at the next start.

With the embedded journal one process runs everything. With an external NATS the legs
may run apart (--only) and shards may be divided (--shards); a later process that
claims the same takes over, and the earlier one ends with exit code 3.

SIGHUP reads the configuration again, as hefu reload does: sources are added, removed,
paused and resumed without touching the others.`,
		Example: "  hefu run -c hefu.yaml\n  hefu run -c hefu.yaml --only ingest,hub --shards 0-3",
		Args:    cobra.NoArgs,
	}
	file := configFlag(c)
	only := c.Flags().StringSlice("only", []string{"ingest", "hub", "doris"}, "the legs that this process runs")
	shards := c.Flags().String("shards", "", "the shards that this process runs: 0-3 or 0,2 (default all)")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(*file)
		if err != nil {
			return err
		}
		role := pipeline.Role{Version: version()}
		if role.Legs, err = parseLegs(*only); err != nil {
			return err
		}
		if role.Shards, err = parseShards(*shards); err != nil {
			return err
		}
		if cfg.Journal.Mode == config.ModeEmbedded && (len(role.Legs) < 3 || role.Shards != nil) {
			return fmt.Errorf("--only and --shards need an external journal: the embedded one belongs to one process")
		}
		collectOften()
		reloads := make(chan os.Signal, 1)
		signal.Notify(reloads, syscall.SIGHUP)
		defer signal.Stop(reloads)
		role.Reloads = reloads
		return services.Run(cmd.Context(), cfg, role, newLog(cfg.Log))
	}
	return c
}

// garbagePercent is how much garbage may lie around, by what is in use. A busy process
// holds a few large buffers, most of them without pointers: to collect them more often
// than by the default of 100 costs some hundredths of its CPU, and it needs a quarter less
// memory. A limit (GOMEMLIMIT) would do harm where a configuration with large queues
// needs more than it: the process would do little but collect.
const garbagePercent = 50

// collectOften sets it, unless the environment says otherwise.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}

func parseLegs(names []string) ([]domain.Leg, error) {
	var out []domain.Leg
	for _, n := range names {
		switch l := domain.Leg(n); l {
		case domain.LegIngest, domain.LegHub, domain.LegDoris:
			out = append(out, l)
		default:
			return nil, fmt.Errorf("--only %s: allowed are ingest, hub, doris", n)
		}
	}
	return out, nil
}

// parseShards reads "0-3,7"; empty is nil, which means all.
func parseShards(s string) ([]int, error) {
	if s == "" {
		return nil, nil
	}
	var out []int
	for part := range strings.SplitSeq(s, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		if errA != nil || errB != nil || a < 0 || b < a || b > 1<<16 {
			return nil, fmt.Errorf("--shards %q: want numbers and ranges such as 0-3 or 0,2", s)
		}
		for n := a; n <= b; n++ {
			out = append(out, n)
		}
	}
	return out, nil
}
