// Command torture kills `hefu run` where it hurts, while cities are fed, and compares
// city, hub and table after each round:
//
//	go run ./tools/torture points            each crash point, hit -hits times: of the pipeline, of
//	                                         exchanges of tables, of what the hub lost, of replays
//	go run ./tools/torture kills             -n SIGKILLs at random moments
//	go run ./tools/torture broker            -n hard kills of the real Kafka
//	go run ./tools/torture zombies           -n owners stopped, overtaken, and let go on
//	go run ./tools/torture -for 10m soak     SIGKILLs and faults of Doris under a reconciler that
//	                                         looks each second: what it finds is a false alarm
//	go run ./tools/torture -rows 5000000 -kills 20 rebuild
//	                                         the table built again, in one life and in twenty-one:
//	                                         the same vectors, the same cells
//
// Kafka and Doris are stand-ins in this process; -real starts a real Kafka (Java and
// Maven are needed). hefu is built with -tags crash into a temporary directory. Exit
// code 1 when a row was lost or doubled, or a round did not end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are what a scenario may be told.
type options struct {
	real   bool
	hits   int
	n      int
	rate   int
	seed   uint64
	only   string
	dir    string
	rounds time.Duration
	soak   time.Duration
	rows   int
	kills  int
}

func main() {
	var o options
	flag.BoolVar(&o.real, "real", false, "a real Kafka instead of the stand-in")
	flag.IntVar(&o.hits, "hits", 5, "how often each crash point is hit")
	flag.IntVar(&o.n, "n", 100, "how many kills, or zombies")
	flag.IntVar(&o.rate, "rate", 2000, "rows a second that are fed")
	flag.Uint64Var(&o.seed, "seed", 0, "of the random moments; 0 takes one from the clock")
	flag.StringVar(&o.only, "only", "", "only the crash points that begin so")
	flag.StringVar(&o.dir, "dir", "", "keep everything here, a folder for each stage of the scenario")
	flag.DurationVar(&o.rounds, "deadline", 3*time.Minute, "how long a round may take to catch up")
	flag.DurationVar(&o.soak, "for", 10*time.Minute, "how long the soak goes on")
	flag.IntVar(&o.rows, "rows", 5_000_000, "rows that are rebuilt")
	flag.IntVar(&o.kills, "kills", 20, "how often hefu is killed while it rebuilds")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: torture [flags] points|kills|broker|zombies|soak|rebuild")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, o, flag.Arg(0))
	switch {
	case err == nil:
	case errors.Is(err, errNotGood):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(2)
	}
}

// errNotGood: the table says what is not.
var errNotGood = errors.New("not good")
