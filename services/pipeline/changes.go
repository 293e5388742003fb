package pipeline

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
)

// What a reload does with a source.
const (
	Added   = "added"
	Back    = "back" // it ended before, and goes on where it was
	Removed = "removed"
	Paused  = "paused"
	Resumed = "resumed"
	Changed = "changed" // it is connected anew, with other settings
)

// SourceChange is what a reload did with one source, or with an entry of several topics.
type SourceChange struct {
	Source string
	What   string
	Keys   []string // that have another value, with Changed
}

// String is the change in a few words.
func (c SourceChange) String() string {
	if len(c.Keys) == 0 {
		return c.Source + " " + c.What
	}
	return c.Source + " " + c.What + " (" + strings.Join(c.Keys, ", ") + ")"
}

// String is the changes in a line.
func (r *Reloaded) String() string {
	var all []string
	for _, p := range r.Pipelines {
		for _, c := range p.Sources {
			all = append(all, p.Name+": "+c.String())
		}
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, "; ")
}

// changes are those between two configurations, and between two files of one pipeline.
func changes(before, after *domain.PipelineConfig, was, next *config.Pipeline) []SourceChange {
	var out []SourceChange
	for _, s := range after.Sources {
		had, known := before.Source(s.ID)
		switch {
		case !known && !s.Ended:
			out = append(out, SourceChange{Source: string(s.ID), What: Added})
		case known && had.Ended && !s.Ended:
			out = append(out, SourceChange{Source: string(s.ID), What: Back})
		case known && !had.Ended && s.Ended:
			out = append(out, SourceChange{Source: string(s.ID), What: Removed})
		}
	}
	for _, e := range entries(was, next) {
		if e.was == nil {
			if e.pattern != "" && !slices.ContainsFunc(after.Sources, func(s domain.SourceConfig) bool { return string(s.Group) == e.id }) {
				out = append(out, SourceChange{Source: e.id, What: Added}) // its topics are yet to be found
			}
			continue
		}
		if e.next.Paused != e.was.Paused {
			out = append(out, SourceChange{Source: e.id, What: map[bool]string{true: Paused, false: Resumed}[e.next.Paused]})
		}
		if len(e.keys) > 0 {
			out = append(out, SourceChange{Source: e.id, What: Changed, Keys: e.keys})
		}
	}
	return out
}

// entry is one of the file's, or read_hub, in two files.
type entry struct {
	id      string
	was     *config.Reading // nil where it is new
	next    *config.Reading
	pattern string   // in the next file
	keys    []string // with another value, without paused
}

func entries(was, next *config.Pipeline) []entry {
	if was.ReadHub != nil && next.ReadHub != nil {
		return []entry{{
			id: string(hubSource), was: &was.ReadHub.Reading, next: &next.ReadHub.Reading, keys: differ("", *was.ReadHub, *next.ReadHub, "paused"),
		}}
	}
	var out []entry
	for i := range next.Sources {
		n := &next.Sources[i]
		e := entry{id: n.ID, next: &n.Reading, pattern: n.TopicPattern}
		if j := slices.IndexFunc(was.Sources, func(w config.Source) bool { return w.ID == n.ID }); j >= 0 {
			e.was, e.keys = &was.Sources[j].Reading, differ("", was.Sources[j], *n, "paused")
		}
		out = append(out, e)
	}
	return out
}

// operate journals who paused and resumed what, as far as the journal does not say it yet:
// by a reload, or while nothing ran. Two processes that have the same to say say it once.
func (o *Open) operate(ctx context.Context, next *config.Pipeline, who, why string) error {
	for _, e := range entries(next, next) {
		_, err := o.Control.Append(ctx, func(s *domain.ControlState) (domain.Event, error) {
			switch paused := s.Paused[e.id] != nil; {
			case e.next.Paused && !paused:
				return &domain.Operator{Action: domain.OperatorPause, Target: e.id, Who: who, Why: why}, nil
			case !e.next.Paused && paused:
				return &domain.Operator{Action: domain.OperatorResume, Target: e.id, Who: who, Why: why}, nil
			default:
				return nil, nil
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rate journals the rates that a reload changes.
func (o *Open) rate(ctx context.Context, was, next *config.Pipeline, who, why string) error {
	for _, e := range entries(was, next) {
		if e.was == nil || e.was.CatchUp == e.next.CatchUp {
			continue
		}
		said := fmt.Sprintf("catch_up %s to %s: %s", e.was.CatchUp, e.next.CatchUp, why)
		ev := &domain.Operator{Action: domain.OperatorRate, Target: e.id, Who: who, Why: said}
		if _, err := o.Control.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return ev, nil }); err != nil {
			return err
		}
	}
	return nil
}

// differ lists the keys of hefu.yaml that two values of one struct do not have in common, but
// for some at the top.
func differ(at string, a, b any, but ...string) (keys []string) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		name, option, _ := strings.Cut(x.Type().Field(i).Tag.Get("yaml"), ",")
		p, q := x.Field(i), y.Field(i)
		switch key := strings.TrimPrefix(at+"."+name, "."); {
		case option == "inline":
			keys = append(keys, differ(at, p.Interface(), q.Interface(), but...)...)
		case name == "" || name == "-" || slices.Contains(but, name):
		case p.Kind() == reflect.Struct:
			keys = append(keys, differ(key, p.Interface(), q.Interface())...)
		case !reflect.DeepEqual(p.Interface(), q.Interface()):
			keys = append(keys, key)
		}
	}
	return keys
}

// signalName is how people call a signal.
func signalName(s os.Signal) string {
	if s == syscall.SIGHUP {
		return "SIGHUP"
	}
	return s.String()
}
