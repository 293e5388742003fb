// Command bench measures Hefu's way from the cities to the hub beside the naive
// pipeline, and beside the original job on Flink where there is one, on the same
// Kafka in the same run:
//
//	go run ./tools/bench                  # on the stand-in, in a process of its own
//	go run ./tools/bench --kafka          # on a real broker
//	HEFU_BENCH_FLINK='flink-sql' go run ./tools/bench --kafka
//	go run ./tools/bench doris            # the Doris leg alone, into the stand-in
//	go run ./tools/bench cities           # what one city's trouble does to the others
//	go run ./tools/bench proof            # what it takes to prove
//	go run ./tools/bench replay           # replays, and what live rows feel of one
//
// Every pipeline is a process of its own, so that its CPU seconds and its memory are
// its own; they are read from /proc, so it runs on Linux. Machines are noisy: what
// counts is the ratio of two pipelines in one run. Aims are printed beside what came
// out, and missing one is no failure.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // rows carry times of a zone; a bare machine may have no zone files
)

// options are what a person may choose.
type options struct {
	rows200, rows1k int64 // rows of each size; 0 leaves the size out
	runs            int
	rate            int           // rows per second while latency is measured
	during          time.Duration // of that; 0 leaves it out
	kills           int
	kafka           bool
	dir             string // kept; empty: a temporary one, removed
	profile         string
	flink           string   // launcher of Flink SQL files, empty for none
	hefu            string   // a hefu binary; empty: built from this module
	only            []string // pipelines; empty: all
	out             io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func execute(ctx context.Context, args []string) int {
	if part := child(args); part != nil {
		// The pipe on standard input ends with the parent, however that one ends.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
		if err := part(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "bench %s: %v\n", args[0], err)
			return 2
		}
		return 0
	}
	if len(args) > 0 {
		switch args[0] {
		case "doris":
			return benchDoris(ctx, args[1:])
		case "cities":
			return benchCities(ctx, args[1:])
		case "proof":
			return benchProof(ctx, args[1:])
		case "replay":
			return benchReplay(ctx, args[1:])
		}
	}
	o := options{out: os.Stdout, flink: os.Getenv("HEFU_BENCH_FLINK")}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.Int64Var(&o.rows200, "rows200", 5_000_000, "`rows` of 200 B, 0 for none")
	f.Int64Var(&o.rows1k, "rows1k", 1_000_000, "`rows` of 1 KiB, 0 for none")
	f.IntVar(&o.runs, "runs", 1, "`times` that each pipeline is measured; medians are printed")
	f.IntVar(&o.rate, "rate", 10_000, "`rows` per second while latency is measured")
	f.DurationVar(&o.during, "latency", 10*time.Second, "`time` that latency is measured for, 0 for not")
	f.IntVar(&o.kills, "kills", 3, "`times` that hefu run is killed and started again")
	f.BoolVar(&o.kafka, "kafka", false, "on a real broker (needs java and mvn) instead of the stand-in")
	f.StringVar(&o.profile, "profile", "", "`directory` for CPU and heap profiles of hefu run with rows of 200 B")
	f.StringVar(&o.hefu, "hefu", "", "`binary` of hefu (default: built from this module)")
	only := f.String("only", "", "`pipelines` to measure, as in naive,hefu (default all)")
	return work(f, args, &o.dir, func() error {
		if *only != "" {
			o.only = strings.Split(*only, ",")
		}
		return run(ctx, o)
	})
}

// child is the part that bench plays when it starts itself, nil for a person's call.
func child(args []string) func(context.Context) error {
	if len(args) == 0 {
		return nil
	}
	switch args[0] {
	case "naive":
		return func(ctx context.Context) error { return naive(ctx, args[1:]) }
	case "standin":
		return func(ctx context.Context) error { return standin(ctx, args[1:]) }
	case "doris-standin":
		return func(ctx context.Context) error { return dorisStandin(ctx, args[1:]) }
	case "doris-leg":
		return func(ctx context.Context) error { return dorisLeg(ctx, args[1:]) }
	}
	return nil
}
