package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/replay"
)

func newReplayPlan() *cobra.Command {
	c := &cobra.Command{
		Use:   "plan",
		Short: "Plan a replay, which is a dry run: nothing is written but the plan",
		Long: `Plan resolves what is asked for to events of the journal, counts the rows, compares with the live
table where that is the target, and puts the plan on record. Nothing runs before it is approved.

Which rows: all conditions that are given hold at once; --all says that there is none. Spans name
their first and their last member, and both belong to it; either may be left out (100: is from 100
on). --from and --to are times of ingest (extract_time), as RFC 3339 or as 2026-11-26 02:00 in the
pipeline's time zone. --as-of is a moment of the journal: what the table (or the topic) had then; a
time, or the last event of each shard that counts, STREAM@SEQ,STREAM@SEQ. With --report they are
the rows that a report of the reconciler found lost or altered.

Where they go: --into table makes a shadow table beside the live one, to be looked at and
exchanged with it (hefu swap), --into topic a shadow topic, --into file JSON lines below the data
directory, --into null nothing, to see how long it takes. --fill-missing loads into the live table
what it lacks, --delete-duplicates rids it of rows that are there a second time. --into topic
--fill-missing puts back the ends that partitions of the hub topic lost, at the offsets that they had.

Exit code 0: it is planned. 1: it is refused, and why. 2: something could not be asked.`,
		Example: `  hefu replay plan --all --why 'before the audit' -c hefu.yaml
  hefu replay plan --report 20261126T021500Z-bridge-9f3c --fill-missing --why 'ticket 4711' -c hefu.yaml
  hefu replay plan --as-of '2026-11-26 02:10' --name ods.before --why 'what did they see' -c hefu.yaml
  hefu replay plan --source nanjing --partition 3 --offsets 1000:1999 --into file --why 'asked for' -c hefu.yaml`,
		Args: cobra.NoArgs,
	}
	file, output := configFlag(c), outputFlag(c)
	var q planQuestion
	q.flags(c.Flags())
	q.signature = signatureFlags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := q.signature.check(); err != nil {
			return err
		}
		cl, cfg, err := dial(*file)
		if err != nil {
			return err
		}
		ask, err := q.ask(*file, cfg)
		if err != nil {
			return err
		}
		r, err := askPlan(cmd, cl, ask)
		if err != nil {
			return err
		}
		if *output == "json" {
			return writeJSON(cmd.OutOrStdout(), r)
		}
		p := printer{w: cmd.OutOrStdout(), config: *file}
		p.plan(r)
		p.next(r)
		return nil
	}
	return c
}

// askPlan has the running hefu plan.
func askPlan(cmd *cobra.Command, cl *client, ask *replay.Ask) (r *replay.Shown, err error) {
	step, done := steps(cmd.ErrOrStderr())
	refused := ""
	err = stream(cmd.Context(), cl, http.MethodPost, "/v1/replays", ask, func(l *replay.Line) error {
		switch {
		case l.Refused:
			refused = l.Error
		case l.Error != "":
			return errors.New(l.Error)
		case l.Replay != nil:
			r = l.Replay
		default:
			step(l.Step)
		}
		return nil
	})
	done()
	return r, notDone(cmd, err, refused, r != nil, "planned")
}

// notDone is how a command ends whose answer came line by line.
func notDone(cmd *cobra.Command, err error, refused string, answered bool, what string) error {
	switch {
	case refused != "":
		fmt.Fprintf(cmd.ErrOrStderr(), "hefu: not %s: %s\n", what, refused)
		return errNotGood
	case err == nil && !answered:
		return fmt.Errorf("the running hefu ended before it was %s", what)
	default:
		return err
	}
}

// planQuestion is what the command line asks of a plan.
type planQuestion struct {
	signature *signature
	pipeline  string

	all                     bool
	sources, cities, hub    []string
	seqs, findings          []string
	partition               int32
	offsets, from, to, asOf string
	take, quarantined       bool
	report                  string
	into, mode, name        string
	fill, remove            bool
	rowsPerSecond           int64
	bytesPerSecond          string
	concurrency             int
}

func (q *planQuestion) flags(f *pflag.FlagSet) {
	f.StringVar(&q.pipeline, "pipeline", "", "the pipeline, needed where there are several")
	f.BoolVar(&q.all, "all", false, "every row that is committed")
	f.StringArrayVar(&q.sources, "source", nil, "only rows of this source; may be given several times")
	f.StringArrayVar(&q.cities, "city", nil, "only rows of the sources of this city code; may be given several times")
	f.Int32Var(&q.partition, "partition", -1, "only rows of this partition of the one source")
	f.StringVar(&q.offsets, "offsets", "", "only rows of these offsets of the partition, FIRST:LAST")
	f.StringArrayVar(&q.hub, "hub", nil, "only rows at these places of the hub topic, PARTITION:FIRST:LAST; may be given several times")
	f.StringArrayVar(&q.seqs, "seqs", nil, "only rows that these events of the hub stream committed, SHARD:FIRST:LAST; may be given for several shards")
	f.StringVar(&q.from, "from", "", "only rows that were ingested at this time or later")
	f.StringVar(&q.to, "to", "", "only rows that were ingested before this time")
	f.StringVar(&q.asOf, "as-of", "", "what the target had at a time, or at STREAM@SEQ of each shard")
	f.BoolVar(&q.take, "take-undecided", false, "with --as-of: batches that had begun by then and had no outcome belong to it")
	f.StringVar(&q.report, "report", "", "the rows that this report found, by its name or its file")
	f.StringArrayVar(&q.findings, "finding", nil, "with --report: only this finding; may be given several times")
	f.BoolVar(&q.quarantined, "quarantined", false, "only rows that loads left out because the table could not hold them")
	f.StringVar(&q.into, "into", "table", "table, topic, file or null")
	f.StringVar(&q.mode, "mode", "", "of a table: shadow, fill-missing or delete-duplicates; of a topic: shadow or fill-missing")
	f.BoolVar(&q.fill, "fill-missing", false, "short for --mode fill-missing, which is of what is live")
	f.BoolVar(&q.remove, "delete-duplicates", false, "short for --into table --mode delete-duplicates")
	f.StringVar(&q.name, "name", "", "the shadow's name (default: the live one's and _shadow)")
	f.Int64Var(&q.rowsPerSecond, "rows-per-second", -1, "0 for no limit; replay.rows_per_second of the file without it")
	f.StringVar(&q.bytesPerSecond, "bytes-per-second", "", "as 16MiB, 0B for no limit; replay.bytes_per_second of the file without it")
	f.IntVar(&q.concurrency, "concurrency", -1, "shards at once, 0 for all; replay.concurrency of the file without it")
}

// ask makes the request.
func (q *planQuestion) ask(file string, cfg *config.Config) (*replay.Ask, error) {
	p, err := onePipeline(cfg, q.pipeline)
	if err != nil {
		return nil, err
	}
	out := &replay.Ask{Pipeline: p.Name, Who: q.signature.who, Why: q.signature.why}
	if out.Target, err = q.target(); err != nil {
		return nil, err
	}
	if err := q.scope(p, &out.Scope); err != nil {
		return nil, err
	}
	if q.report != "" {
		if out.Report, err = reportFile(file, q.report); err != nil {
			return nil, err
		}
	}
	switch none := out.Scope.Everything() && q.report == ""; {
	case none && !q.all:
		return nil, errors.New("which rows? --all takes every one that is committed; hefu replay plan --help lists the conditions")
	case !none && q.all:
		return nil, errors.New("--all takes every row, and there is a condition beside it: leave one of them out")
	}
	limits := p.Replay.Limits()
	out.Limits, err = limitsOf(limits, q.rowsPerSecond, q.bytesPerSecond, q.concurrency)
	switch none := (domain.PlanLimits{}); {
	case out.Limits == limits:
		out.Limits = none // those of the file
	case out.Limits == none:
		out.Limits.Concurrency = p.Shards // the same, and no request for those of the file
	}
	return out, err
}

// onePipeline is the one that is named, or the only one.
func onePipeline(cfg *config.Config, name string) (*config.Pipeline, error) {
	if name == "" && len(cfg.Pipelines) == 1 {
		return &cfg.Pipelines[0], nil
	}
	for i := range cfg.Pipelines {
		if cfg.Pipelines[i].Name == name {
			return &cfg.Pipelines[i], nil
		}
	}
	if name == "" {
		return nil, fmt.Errorf("--pipeline is needed: the file has %d", len(cfg.Pipelines))
	}
	return nil, fmt.Errorf("--pipeline %s: the file has none of this name", name)
}

// target is where the rows go.
func (q *planQuestion) target() (domain.PlanTarget, error) {
	t := domain.PlanTarget{Kind: domain.TargetKind(q.into), Mode: domain.TargetMode(q.mode), Name: q.name}
	var short domain.TargetMode
	switch {
	case q.fill && q.remove:
		return t, errors.New("--fill-missing and --delete-duplicates: one plan does one of them")
	case q.fill:
		short = domain.ModeFillMissing
	case q.remove:
		short = domain.ModeDeleteDuplicates
	default:
		return t, nil
	}
	live := t.Kind == domain.TargetTable || t.Kind == domain.TargetTopic && q.fill
	if !live || t.Mode != "" && t.Mode != short {
		return t, fmt.Errorf("--%s is of what is live, and --into %s --mode %s is another target", short, q.into, q.mode)
	}
	t.Mode = short
	return t, nil
}
