package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/timeline"
)

func newTimeline() *cobra.Command {
	c := &cobra.Command{
		Use:   "timeline --from TIME [--to TIME]",
		Short: "Tell what happened between two times, and which rows it touched",
		Long: `Timeline tells an incident out of the events of the journal: what failed, began anew, was taken
over, aborted, left out or decided, and by whom; what flowed in the meantime, summed up; and at the
end the blast radius: the rows of each city and partition that trouble touched, how late they
were, and which are still not there.

Times are RFC 3339, or as 2026-11-26 02:10 or 02:10 in the pipeline's time zone; a time without a
day is the last one that there was. Without --to the window goes on to now. What takes longer than
--slow is told: a load from prepared to committed, a row from its fetch to being visible, and a
partition without an event while others have some.

With -o md it is Markdown, for the post-mortem. It works beside a running hefu, which then answers,
and without one.

Exit code 0: every row that trouble touched is where it belongs. 1: some are not, or offsets hold
no row, or an incident of the window is open, or the reconciler found something in it. 2: it could
not be found out.`,
		Example: `  hefu timeline --from 02:10 --to 02:25 -c hefu.yaml
  hefu timeline --from '2026-11-26 02:10' --to '2026-11-26 02:25' -o md -c hefu.yaml > incident.md`,
		Args: cobra.NoArgs,
	}
	file, output := configFlag(c), storyFormat("text")
	var w windowFlags
	c.Flags().VarP(&output, "output", "o", "text, md or json")
	c.Flags().StringVar(&w.from, "from", "", "when it begins")
	c.Flags().StringVar(&w.to, "to", "", "when it ends; now without it")
	c.Flags().StringVar(&w.pipeline, "pipeline", "", "the pipeline; all without it")
	c.Flags().DurationVar(&w.slow, "slow", timeline.Slow, "what takes longer is told")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		step, done := steps(cmd.ErrOrStderr())
		stories, err := tellAll(cmd.Context(), *file, &w, step)
		done()
		if err != nil {
			return err
		}
		if err := output.print(cmd.OutOrStdout(), stories); err != nil {
			return err
		}
		for _, s := range stories {
			if !s.Good {
				return errNotGood
			}
		}
		return nil
	}
	return c
}

// storyFormat is text, md or json: pflag.Value.
type storyFormat string

// Set takes one of the three.
func (o *storyFormat) Set(s string) error {
	if s != "text" && s != "md" && s != "json" {
		return errors.New("allowed are text, md and json")
	}
	*o = storyFormat(s)
	return nil
}

// String is the format.
func (o *storyFormat) String() string { return string(*o) }

// Type is what help calls the value.
func (o *storyFormat) Type() string { return "format" }

func (o *storyFormat) print(w io.Writer, stories []*timeline.Story) error {
	if *o == "json" {
		return writeJSON(w, stories)
	}
	for i, s := range stories {
		if i > 0 {
			fmt.Fprintln(w)
		}
		tell := s.Text
		if *o == "md" {
			tell = s.Markdown
		}
		if err := tell(w); err != nil {
			return err
		}
	}
	return nil
}

// windowFlags are what the command line says of the window.
type windowFlags struct {
	from, to, pipeline string
	slow               time.Duration
}

// of is the window in a pipeline's time zone.
func (w *windowFlags) of(p *config.Pipeline, now time.Time) (*timeline.Ask, error) {
	if w.from == "" {
		return nil, errors.New("--from says when the window begins, as in --from 02:10")
	}
	from, err := lastTime(w.from, p.Timezone, now)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	to := now
	if w.to != "" {
		// A time of day that lies before the beginning is of the day after.
		if to, err = lastTime(w.to, p.Timezone, from.Add(24*time.Hour)); err != nil {
			return nil, fmt.Errorf("--to: %w", err)
		}
	}
	a := &timeline.Ask{From: domain.Micros(from.UnixMicro()), To: domain.Micros(to.UnixMicro()), Slow: w.slow}
	return a, a.Check()
}

// lastTime reads a time as people write it; a time of day is the last one that was not after now.
func lastTime(text, zone string, now time.Time) (time.Time, error) {
	in, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("timezone %s: %w", zone, err)
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		clock, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		day := now.In(in)
		for back := range 2 {
			at := time.Date(day.Year(), day.Month(), day.Day()-back, clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), in)
			if !at.After(now) {
				return at, nil
			}
		}
	}
	return parseTime(text, zone)
}

// tellAll tells the stories of the pipelines, or has the running hefu do it when that holds their
// store.
func tellAll(ctx context.Context, file string, w *windowFlags, step func(string)) ([]*timeline.Story, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	asks := map[string]*timeline.Ask{}
	var names []string
	for i := range cfg.Pipelines {
		p := &cfg.Pipelines[i]
		if w.pipeline != "" && p.Name != w.pipeline {
			continue
		}
		if asks[p.Name], err = w.of(p, time.Now()); err != nil {
			return nil, err
		}
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no pipeline %s", file, w.pipeline)
	}
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(ctx, cfg, log)
	running := errors.Is(err, embedded.ErrLocked)
	if err != nil && !running {
		return nil, err
	}
	if !running {
		defer store.Close()
	}
	var out []*timeline.Story
	for _, name := range names {
		var s *timeline.Story
		if running {
			s, err = fetchStory(ctx, file, name, asks[name], step)
		} else {
			s, err = tellHere(ctx, cfg, store, name, asks[name], step)
		}
		if err != nil {
			return nil, fmt.Errorf("pipeline %s: %w", name, err)
		}
		out = append(out, s)
	}
	return out, nil
}

// tellHere tells the story of a pipeline whose store nobody else holds.
func tellHere(ctx context.Context, cfg *config.Config, store *pipeline.Store, name string, ask *timeline.Ask, step func(string)) (*timeline.Story, error) {
	if _, known := store.Manifest.Journal(name); !known && cfg.Journal.Mode == config.ModeEmbedded {
		return nil, errors.New("it has no journal; it never ran") // opening would make it
	}
	j, err := store.OpenJournal(ctx, cfg, name, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return timeline.Tell(ctx, j, ask, step)
}

// fetchStory asks the running hefu.
func fetchStory(ctx context.Context, file, name string, ask *timeline.Ask, step func(string)) (*timeline.Story, error) {
	cl, _, err := dial(file)
	if err != nil {
		return nil, err
	}
	at := func(m domain.Micros) string { return time.UnixMicro(int64(m)).UTC().Format(time.RFC3339Nano) }
	v := url.Values{"pipeline": {name}, "from": {at(ask.From)}, "to": {at(ask.To)}, "slow": {ask.Slow.String()}}
	var out *timeline.Story
	err = stream(ctx, cl, http.MethodGet, "/v1/timeline?"+v.Encode(), nil, func(l *timeline.Told) error {
		switch {
		case l.Error != "":
			return errors.New(l.Error)
		case l.Story != nil:
			out = l.Story
		default:
			step(l.Step)
		}
		return nil
	})
	if err == nil && out == nil {
		err = errors.New("the running hefu ended before it was done")
	}
	return out, err
}
