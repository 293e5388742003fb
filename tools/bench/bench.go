package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// run is the whole bench: the stack, then each workload with each pipeline, run after
// run so that all of them meet the same noise, then latency, then the table.
func run(ctx context.Context, o options) (err error) {
	all, err := contenders(ctx, o)
	if err != nil {
		return err
	}
	b := &bench{options: o, report: report{contenders: all, runs: o.runs}}
	if b.report.disk, err = measureDisk(o.dir); err != nil {
		return err
	}
	if b.stack, err = startStack(ctx, o); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stack.close()) }()
	b.report.stack, b.report.profile = b.stack.what, o.profile
	if err := b.measure(ctx); err != nil {
		return err
	}
	return b.report.print(o.out)
}

// bench is one run of the program.
type bench struct {
	options
	stack  *stack
	report report
	jobs   int
}

// contender is one of the pipelines that are compared.
type contender struct {
	name  string
	start func(ctx context.Context, j job) (*process, error)
}

const (
	nameNaive = "naive"
	nameHefu  = "hefu"
	nameFlink = "flink"
)

// contenders are the pipelines that can run here. Flink needs a launcher, and a real
// broker: the stand-in does not know all that its sink asks.
func contenders(ctx context.Context, o options) ([]contender, error) {
	all := []contender{{nameNaive, startNaive}}
	if o.wants(nameHefu) {
		binary, err := buildHefu(ctx, o)
		if err != nil {
			return nil, err
		}
		all = append(all, contender{nameHefu, binary.start})
	}
	if o.flink != "" && o.kafka {
		all = append(all, contender{nameFlink, launcher(o.flink).start})
	}
	return slices.DeleteFunc(all, func(c contender) bool { return !o.wants(c.name) }), nil
}

func (o options) wants(name string) bool { return len(o.only) == 0 || slices.Contains(o.only, name) }

func (b *bench) measure(ctx context.Context) error {
	for _, w := range []workload{{b.rows200, 200}, {b.rows1k, 1024}} {
		if w.rows == 0 {
			continue
		}
		rows := catchUps{workload: w, results: map[string][]result{}}
		for n := range b.runs {
			for _, c := range b.report.contenders {
				r, err := b.catchUp(ctx, c, w, n == 0 && w.size == 200)
				if err != nil {
					return fmt.Errorf("%s over %d rows of %d B: %w", c.name, w.rows, w.size, err)
				}
				rows.results[c.name] = append(rows.results[c.name], r)
			}
		}
		b.report.catchUps = append(b.report.catchUps, rows)
	}
	if b.during == 0 {
		return nil
	}
	b.report.rate, b.report.during = b.rate, b.during
	for _, c := range b.report.contenders {
		l, err := b.latency(ctx, c)
		if err != nil {
			return fmt.Errorf("latency of %s: %w", c.name, err)
		}
		b.report.latencies = append(b.report.latencies, *l)
	}
	return nil
}
