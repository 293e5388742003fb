package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/explain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// explainPatience is how long a running hefu may read its journal for an answer.
const explainPatience = 10 * time.Minute

func newExplain() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain",
		Short: "Tell the whole life of a row, from its city to Doris",
		Long: `Explain tells from the journal when a row was fetched from its city, which hub transactions and
Doris loads carried it or tried to, which process did, what stood in the way, and what the
reconciler found of it: a line an event, each with its place in the journal and its hash.

A row is named by its place in its city (--city or --source with --partition and --offset; of
several generations the newest that has it, or --generation) or by its place in the hub (--hub).
With --label, --txn or --event it is told of a load or a hub transaction and what it carried, also
of one of a replay.

Where the pipeline keeps its lineage in ClickHouse the row is found there; the text is the
journal's all the same. It works beside a running hefu, which then answers, and without one.

Exit code 0: it was found. 1: the journal says that there is no such row, or that a target could
not carry it, and why. 2: it could not be found out.`,
		Example: `  hefu explain --city 320100 --partition 0 --offset 12345 -c hefu.yaml
  hefu explain --hub 5:882 -c hefu.yaml
  hefu explain --label hefu-bridge-0-57-2f6c1d0a9b3e -c hefu.yaml
  hefu explain --event bridge.0.hub@57 -o json -c hefu.yaml`,
		Args: cobra.NoArgs,
	}
	file, output := configFlag(c), outputFlag(c)
	q := &explain.Question{}
	f := c.Flags()
	f.StringVar(&q.Pipeline, "pipeline", "", "the pipeline, needed where several have it")
	f.StringVar(&q.City, "city", "", "the city's code")
	f.StringVar(&q.Source, "source", "", "the source's id, in place of --city")
	f.Int32Var(&q.Partition, "partition", -1, "the partition of the city's topic")
	f.Int64Var(&q.Offset, "offset", -1, "the offset in the city's topic")
	f.IntVar(&q.Generation, "generation", 0, "the generation of the source's partition")
	f.StringVar(&q.Hub, "hub", "", "a place in the hub topic, PARTITION:OFFSET")
	f.StringVar(&q.Label, "label", "", "the label of a Doris load, a replay's too")
	f.Int64Var(&q.Txn, "txn", 0, "a transaction id of Doris")
	f.StringVar(&q.Event, "event", "", "an event of a hub transaction or a load, a replay's too, STREAM@SEQ")
	f.BoolVar(&q.Record, "record", false, "print the record's text too: it is city data")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		r, err := explainIt(cmd.Context(), *file, q)
		if err != nil {
			return err
		}
		for _, note := range r.Notes {
			fmt.Fprintln(cmd.ErrOrStderr(), "hefu:", note)
		}
		if *output == "json" {
			err = writeJSON(cmd.OutOrStdout(), r.Answer)
		} else {
			err = r.Answer.Text(cmd.OutOrStdout())
		}
		if err == nil && !r.Answer.Found {
			err = errNotGood
		}
		return err
	}
	return c
}

// explainIt reads the journals, or has the running hefu do it when that holds their store.
func explainIt(ctx context.Context, file string, q *explain.Question) (*explain.Report, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(ctx, cfg, log)
	if errors.Is(err, embedded.ErrLocked) {
		return fetchExplanation(ctx, file, q)
	}
	if err != nil {
		return nil, err
	}
	defer store.Close()
	var asked []explain.Pipeline
	for _, p := range cfg.Pipelines {
		if _, known := store.Manifest.Journal(p.Name); !known && cfg.Journal.Mode == config.ModeEmbedded {
			continue // opening would make it
		}
		j, err := store.OpenJournal(ctx, cfg, p.Name, log)
		if err != nil {
			return nil, err
		}
		asked = append(asked, explain.Pipeline{Journal: j, Index: explain.IndexOf(&p)})
	}
	if len(asked) == 0 {
		return nil, fmt.Errorf("no pipeline of %s has a journal in %s yet", file, cfg.DataDir)
	}
	answer, notes, err := explain.Explain(ctx, asked, q)
	return &explain.Report{Answer: answer, Notes: notes}, err
}

// fetchExplanation asks the running hefu.
func fetchExplanation(ctx context.Context, file string, q *explain.Question) (*explain.Report, error) {
	cl, _, err := dial(file)
	if err != nil {
		return nil, err
	}
	v := url.Values{}
	for key, value := range map[string]string{
		"pipeline": q.Pipeline, "city": q.City, "source": q.Source, "hub": q.Hub, "label": q.Label, "event": q.Event,
		"partition": strconv.Itoa(int(q.Partition)), "offset": strconv.FormatInt(q.Offset, 10), "generation": strconv.Itoa(q.Generation),
		"txn": strconv.FormatInt(q.Txn, 10), "record": strconv.FormatBool(q.Record),
	} {
		v.Set(key, value)
	}
	cl.patience = explainPatience
	var r explain.Report
	return &r, cl.call(ctx, http.MethodGet, "/v1/explain?"+v.Encode(), nil, &r)
}
