package rebuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/journal/durable"
	"github.com/hefu-io/hefu/projections/hub"
)

// UnderWay is the file below data_dir that says how far an approved rebuild has come. It is there
// from the approval to the end.
const UnderWay = "rebuild.json"

// Done is what a rebuild came to.
type Done struct {
	Plan     *Plan                       `json:"plan"`
	Who      string                      `json:"who"`
	Why      string                      `json:"why"`
	Approved time.Time                   `json:"approved"`
	Aside    string                      `json:"aside"` // where the old journal and what remembered it lie now
	Moved    bool                        `json:"moved"` // all of it lies there
	Journals map[string]domain.JournalID `json:"journals,omitempty"`
}

// ChangedError says that the plan that was approved is not the plan of now.
type ChangedError struct {
	Approved string
	Now      domain.Hash
}

// Error says what to do.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("plan %s is not what a look gives now, which is %s: nothing was changed; look again, and approve that", e.Approved, e.Now)
}

// RefusedError says that a plan has reasons not to be approved.
type RefusedError struct{ Plan *Plan }

// Error names the first reason.
func (e *RefusedError) Error() string {
	for i := range e.Plan.Pipelines {
		if p := &e.Plan.Pipelines[i]; len(p.Refused) > 0 {
			return fmt.Sprintf("pipeline %s: %s; nothing was changed", p.Name, p.Refused[0])
		}
	}
	return "refused"
}

// digits is how many of a digest's hex digits name it, at least.
const digits = 12

// names reports whether what an operator typed is the beginning of a digest.
func names(typed string, digest domain.Hash) bool {
	return len(typed) >= digits && strings.HasPrefix(digest.String(), strings.ToLower(typed))
}

// Approve carries out the plan of a digest, which is given by its first 12 hex digits or more: whoever could still commit is fenced, the plan is
// derived once more and must be the same; the old journal is moved aside, and never deleted; the
// new one is made; and the hub forgets the old one. Before the last step no start goes on with the
// new journal, since the hub still names the old one. After an error or a death it is called
// again, and goes on. Errors: *ChangedError, *RefusedError, checkpoint.ErrHeld and
// embedded.ErrLocked while a hefu runs.
func (j *Job) Approve(ctx context.Context, digest, who, why string) (done *Done, err error) {
	if who == "" || why == "" {
		return nil, errors.New("who and why are needed: both stay in the journal")
	}
	release, err := checkpoint.Hold(j.Config.DataDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	done, err = j.underWay()
	switch {
	case err != nil:
		return nil, err
	case done == nil:
		if done, err = j.begin(ctx, digest, who, why); err != nil {
			return nil, err
		}
	case !names(digest, done.Plan.Digest):
		return nil, fmt.Errorf("the rebuild of plan %s, which %s approved, is under way (%s): go on with that one", done.Plan.Digest, done.Who, j.path(UnderWay))
	}
	if err := j.moveAside(done); err != nil {
		return nil, err
	}
	if err := j.makeJournals(ctx, done); err != nil {
		return nil, err
	}
	if err := j.forget(ctx, done); err != nil {
		return nil, err
	}
	return done, j.end(done)
}

// begin is the approval: from here on the plan is what is done, whatever becomes of this process.
func (j *Job) begin(ctx context.Context, digest, who, why string) (*Done, error) {
	for i := range j.Config.Pipelines {
		p := &j.Config.Pipelines[i]
		if unfit(p) != "" {
			continue // and refused
		}
		for shard := range p.Shards {
			if err := j.write(fmt.Sprintf("fence %s/%d", p.Name, shard), func() error {
				return hub.Fence(ctx, hubConfig(p, shard), p.Name)
			}); err != nil {
				return nil, fmt.Errorf("pipeline %s: %w", p.Name, err)
			}
		}
	}
	plan, err := j.Look(ctx)
	switch {
	case err != nil:
		return nil, err
	case !names(digest, plan.Digest):
		return nil, &ChangedError{Approved: digest, Now: plan.Digest}
	case !plan.Good():
		return nil, &RefusedError{Plan: plan}
	}
	now := time.Now().UTC()
	done := &Done{Plan: plan, Who: who, Why: why, Approved: now, Aside: j.path("lost-" + now.Format("20060102T150405"))}
	return done, j.write("approval", func() error { return j.keep(done) })
}

// write makes a write between the two moments at which a process may die.
func (j *Job) write(name string, do func() error) error {
	if err := j.at(name + " before"); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return j.at(name + " after")
}

func (j *Job) path(name string) string { return filepath.Join(j.Config.DataDir, name) }

// underWay reads how far a rebuild has come, nil when none was approved.
func (j *Job) underWay() (*Done, error) {
	b, err := os.ReadFile(j.path(UnderWay))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	done := new(Done)
	if err == nil {
		err = json.Unmarshal(b, done)
	}
	if err != nil || done.Plan == nil {
		return nil, fmt.Errorf("read %s, which says how far a rebuild has come: %w", j.path(UnderWay), err)
	}
	return done, nil
}

// keep writes how far it has come, durably.
func (j *Job) keep(done *Done) error {
	b, err := json.MarshalIndent(done, "", "  ")
	if err == nil {
		err = durable.ReplaceFile(j.path(UnderWay), append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", j.path(UnderWay), err)
	}
	return nil
}

// forget makes the hubs speak for the new journals: what they remember of the old ones goes.
func (j *Job) forget(ctx context.Context, done *Done) error {
	for i := range j.Config.Pipelines {
		p := &j.Config.Pipelines[i]
		for shard := range p.Shards {
			if err := j.write(fmt.Sprintf("forget %s/%d", p.Name, shard), func() error {
				return hub.Forget(ctx, hubConfig(p, shard), done.Journals[p.Name])
			}); err != nil {
				return fmt.Errorf("pipeline %s: %w", p.Name, err)
			}
		}
	}
	return nil
}

// end puts the file beside what it was about.
func (j *Job) end(done *Done) error {
	return j.write("end", func() error {
		if err := os.Rename(j.path(UnderWay), filepath.Join(done.Aside, UnderWay)); err != nil {
			return fmt.Errorf("end the rebuild: %w", err)
		}
		return errors.Join(durable.SyncDir(done.Aside), durable.SyncDir(j.Config.DataDir))
	})
}
