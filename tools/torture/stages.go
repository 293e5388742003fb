package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// stage is what a scenario does in one world. After each point everything in it is compared: what one
// stage carried is none of the next one's.
type stage struct {
	name   string   // of its folder
	points []string // nil: it has none
	do     func(context.Context, *world, options, *rand.Rand) (*results, error)
}

func stages() map[string][]stage {
	return map[string][]stage{
		"points": {
			{"pipeline", names(crashPoints()), points},
			{"swaps", names(swapPoints()), swaps},
			{"refills", names(refillPoints()), refills},
			{"replays", append(names(replayPoints()), names(replayStops())...), replays},
		},
		"kills":   {{name: "kills", do: kills}},
		"broker":  {{name: "broker", do: brokerKills}},
		"zombies": {{name: "zombies", do: zombies}},
		"soak":    {{name: "soak", do: soak}},
		"rebuild": {{name: "rebuild", do: rebuild}},
	}
}

func run(ctx context.Context, o options, scenario string) error {
	all := stages()[scenario]
	if all == nil {
		flag.Usage()
		return fmt.Errorf("no scenario %q", scenario)
	}
	all = slices.DeleteFunc(all, func(s stage) bool { return s.points != nil && !slices.ContainsFunc(s.points, o.wants) })
	if len(all) == 0 {
		return fmt.Errorf("no crash point begins with %q", o.only)
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	if scenario == "broker" {
		o.real = true
	}
	fmt.Printf("%s, seed %d\n", scenario, o.seed)
	var out results
	for _, s := range all {
		r, err := s.run(ctx, o, scenario, rand.New(rand.NewPCG(o.seed, 0)))
		if r != nil {
			out.rows = append(out.rows, r.rows...)
		}
		if err != nil {
			out.print(os.Stdout)
			return err
		}
	}
	out.print(os.Stdout)
	if !out.good() {
		return errNotGood
	}
	return nil
}

func (s stage) run(ctx context.Context, o options, scenario string, rng *rand.Rand) (r *results, err error) {
	if o.dir != "" {
		o.dir = filepath.Join(o.dir, s.name)
		if err := os.MkdirAll(o.dir, 0o700); err != nil {
			return nil, err
		}
	}
	w, err := newWorld(ctx, o, scenario)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	began := time.Now()
	r, err = s.do(ctx, w, o, rng)
	fmt.Printf("%s: %d rows fed, %s", s.name, w.feeder.committed.Load(), time.Since(began).Round(time.Second))
	if n := w.feeder.failed.Load(); n > 0 {
		fmt.Printf("; %d transactions of the feeder failed, the last with: %v", n, w.feeder.last.Load())
	}
	fmt.Println()
	return r, err
}

// wants reports whether -only chooses a crash point.
func (o options) wants(point string) bool { return strings.HasPrefix(point, o.only) }

// names are those under which crash points are printed, and chosen with -only.
func names[P fmt.Stringer](points []P) []string {
	out := make([]string, len(points))
	for i, p := range points {
		out[i] = p.String()
	}
	return out
}
