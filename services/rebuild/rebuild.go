package rebuild

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// Job is the rebuild of all journals of a configuration.
type Job struct {
	Config *config.Config
	// Starts are positions that the operator knows better than the rows: by source and partition.
	Starts  map[domain.SourceID]map[int32]int64
	Version string // of this program, for Started
	Log     *slog.Logger

	// At is called before and after each write, by its name; an error ends the job there. nil:
	// nobody asks. Tests die in it.
	At func(step string) error
}

// at says that a write is about to be made, or was made.
func (j *Job) at(step string) error {
	if j.At == nil {
		return nil
	}
	return j.At(step)
}

// Look derives the plan. It asks the store that is there, the hubs, the tables and all cities,
// and changes nothing; an embedded store is opened, though, and a hefu that runs on it is refused
// (embedded.ErrLocked). While an approved rebuild is under way there is nothing to look at.
func (j *Job) Look(ctx context.Context) (plan *Plan, err error) {
	done, err := j.underWay()
	if err != nil {
		return nil, err
	}
	if done != nil {
		return nil, fmt.Errorf("the rebuild of plan %s, which %s approved, is under way (%s): go on with --approve %s", done.Plan.Digest, done.Who, j.path(UnderWay), done.Plan.Digest)
	}
	old, err := j.openOld(ctx)
	if err != nil {
		return nil, err
	}
	if old != nil {
		defer func() { err = errors.Join(err, old.Close()) }()
	}
	plan = &Plan{}
	for i := range j.Config.Pipelines {
		p := &j.Config.Pipelines[i]
		of, err := j.look(ctx, p, old)
		if err != nil {
			return nil, fmt.Errorf("pipeline %s: %w", p.Name, err)
		}
		plan.Pipelines = append(plan.Pipelines, *of)
	}
	for id := range j.Starts {
		if !plan.has(id) {
			return nil, fmt.Errorf("position of source %s: no pipeline has such a source", id)
		}
	}
	return plan, plan.seal()
}

// has reports whether a source is in the plan.
func (p *Plan) has(id domain.SourceID) bool {
	for i := range p.Pipelines {
		if s, known := p.Pipelines[i].Config.Source(id); known && !s.Ended {
			return true
		}
	}
	return false
}

func (j *Job) look(ctx context.Context, p *config.Pipeline, old *pipeline.Store) (*PipelinePlan, error) {
	if why := unfit(p); why != "" {
		return &PipelinePlan{Name: p.Name, Refused: []string{why}}, nil
	}
	w := &world{p: p, starts: j.Starts}
	var err error
	if w.m, err = j.remember(ctx, p, old); err != nil {
		return nil, err
	}
	// Nothing comes while hefu is stopped, and Approve looks again behind its fence: what is then
	// another plan is refused.
	if w.hub, err = readHub(ctx, p); err != nil {
		return nil, err
	}
	if p.Doris != nil {
		if w.table, err = readTable(ctx, p, w.hub); err != nil {
			return nil, err
		}
	}
	if err = w.desired(); err != nil {
		return nil, err
	}
	if w.cities, err = askCities(ctx, p, &w.plan.Config); err != nil {
		return nil, err
	}
	w.derive()
	return &w.plan, nil
}

// unfit is why a pipeline cannot be rebuilt from its rows, empty where it can.
func unfit(p *config.Pipeline) string {
	if p.ReadHub != nil {
		return "it reads the hub itself and writes nothing there, so that there is nothing to rebuild: give it a file with a data_dir of its own, " +
			"with start: specific-offsets behind the last rows of its table"
	}
	for i := range p.Sources {
		if p.Sources[i].Bounded != "" {
			return fmt.Sprintf("source %s is bounded, and where it ends was decided once: take bounded out, or begin anew with targets of its own", p.Sources[i].ID)
		}
		if p.Sources[i].TopicPattern != "" {
			return fmt.Sprintf("source %s finds its topics by a pattern: list them under topics for the rebuild, their ids stay the same; the pattern may come back after it", p.Sources[i].ID)
		}
	}
	return ""
}
