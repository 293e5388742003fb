package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/services/config"
)

// Reloaded is what a reload did.
type Reloaded struct {
	At        time.Time
	Who, Why  string
	Pipelines []Change
}

// Change is what a reload changed in one pipeline.
type Change struct {
	Name    string
	Config  domain.Seq // of the PipelineConfigured in force after it
	Sources []SourceChange
}

// Reload reads hefu.yaml again and takes over what may change while the process runs: which
// sources there are, how they are reached and read, and whether they are paused. Each
// pipeline's change is journaled before anybody acts on it, and whoever is not named in the
// answer is not touched. One reload happens after the other.
//
// An error means that nothing changed if it is one of the file's: *config.Error with the
// place, or *ConfigError. Any other is the journal's; then some of it may be in force, and
// the next reload or start finds that and goes on. If the process died on any line, the next
// start would make the file the configuration, as it always does.
func (s *Set) Reload(ctx context.Context, who, why string) (*Reloaded, error) {
	opened, err := s.Wait(ctx)
	if err != nil {
		return nil, err
	}
	s.reloading.Lock()
	defer s.reloading.Unlock()
	if s.c.Path == "" {
		return nil, &ConfigError{Reason: "this process was not started from a file"}
	}
	file, err := config.Load(s.c.Path)
	if err != nil {
		return nil, unreadable(err)
	}
	plans, err := s.plan(opened, file)
	if err != nil {
		return nil, err
	}
	r := &Reloaded{At: time.Now(), Who: who, Why: why}
	for _, p := range plans {
		change, err := s.carryOut(ctx, p, who, why)
		if err != nil {
			return nil, fmt.Errorf("pipeline %s: %w", p.next.Name, err)
		}
		r.Pipelines = append(r.Pipelines, *change)
	}
	s.file = file
	s.lastMu.Lock()
	s.last = r
	s.lastMu.Unlock()
	s.log.InfoContext(ctx, "configuration was read again", "who", who, "changes", r.String())
	return r, nil
}

// Last is the last reload of the process that was carried out, nil before the first.
func (s *Set) Last() *Reloaded {
	s.lastMu.Lock()
	defer s.lastMu.Unlock()
	return s.last
}

// heed reloads when a signal asks for it. A file that is refused is told, and changes nothing.
func (s *Set) heed(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case sig := <-s.role.Reloads:
			if _, err := s.Reload(ctx, signalName(sig), "reload of hefu.yaml"); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "configuration was not taken over", "error", err)
			}
		}
	}
}

// unreadable makes an error of the file's content what it is, and any other, as that it is
// not there, one of the file too.
func unreadable(err error) error {
	var bad *config.Error
	if errors.As(err, &bad) {
		return bad
	}
	return &ConfigError{Reason: err.Error()}
}

// plan is a pipeline before and after.
type plan struct {
	o         *Open
	was, next config.Pipeline
}

// plan holds a file against the one in force, and refuses what may not change.
func (s *Set) plan(opened []*Open, file *config.Config) ([]plan, error) {
	next := map[string]config.Pipeline{}
	for _, p := range file.Pipelines {
		next[p.Name] = p
	}
	var plans []plan
	for _, o := range opened {
		p, there := next[o.Config.Name]
		if !there {
			return nil, &ConfigError{o.Config.Name, "is not in the file any more; a pipeline ends with the process, so stop it first"}
		}
		delete(next, p.Name)
		was, _ := o.reading.now()
		if err := s.allowed(o, &was, &p); err != nil {
			return nil, err
		}
		plans = append(plans, plan{o, was, p})
	}
	for _, p := range file.Pipelines {
		if _, added := next[p.Name]; added {
			return nil, &ConfigError{p.Name, "is new in the file; pipelines are opened at the start, so start again"}
		}
	}
	if keys := differ("", *s.file, *file, "pipelines"); len(keys) > 0 {
		return nil, &ConfigError{Reason: cannotChange(keys)}
	}
	return plans, nil
}

// allowed refuses what is fixed for the pipeline's life, then what is for the process's, and
// with an external journal what `hefu apply` did not put in force.
func (s *Set) allowed(o *Open, was, next *config.Pipeline) error {
	inForce, _ := o.InForce()
	if _, err := Desired(next, &inForce, 0); err != nil {
		return err
	}
	if keys := differ("", *was, *next, "sources", "read_hub"); len(keys) > 0 {
		return &ConfigError{next.Name, cannotChange(keys)}
	}
	if s.c.Journal.Mode == config.ModeExternal {
		return check(o.Control, next)
	}
	return nil
}

func cannotChange(keys []string) string {
	return strings.Join(keys, ", ") + ": cannot change while the process runs; start it again with the file"
}

// carryOut journals a pipeline's change, then tells the legs of it.
func (s *Set) carryOut(ctx context.Context, p plan, who, why string) (*Change, error) {
	before, _ := p.o.InForce()
	if s.c.Journal.Mode == config.ModeEmbedded {
		crash.Point("reload.configured.before")
		if _, err := Apply(ctx, p.o.Control, p.next, s.log); err != nil {
			return nil, err
		}
		crash.Point("reload.configured.after")
	}
	if err := p.o.operate(ctx, &p.next, who, why); err != nil {
		return nil, err
	}
	if err := p.o.rate(ctx, &p.was, &p.next, who, why); err != nil {
		return nil, err
	}
	p.o.reading.set(p.next)
	crash.Point("reload.sources.after")
	after, seq := p.o.InForce()
	return &Change{p.next.Name, seq, changes(&before, &after, &p.was, &p.next)}, nil
}
