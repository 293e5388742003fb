package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The ready lines of the stand-ins, one line of JSON each.
type (
	// KafkaReady is what `hefu devstack kafka` says when it listens.
	KafkaReady struct {
		Kafka  string `json:"kafka"`
		Notice string `json:"notice"`
	}
	// DorisReady is what `hefu devstack doris` says when it listens.
	DorisReady struct {
		FE      string   `json:"fe"`    // URL of the first front end
		BE      string   `json:"be"`    // and of the first back end
		MySQL   string   `json:"mysql"` // host:port of the first front end's
		FEs     []string `json:"fes"`   // of all
		BEs     []string `json:"bes"`
		MySQLs  []string `json:"mysqls"`
		Control string   `json:"control,omitempty"` // URL of the control endpoint, when it is on
		Notice  string   `json:"notice"`
	}
)

// Options are what a new stack may have beside what every one has. FrontEnds and BackEnds stay with its directory.
type Options struct {
	FrontEnds int    // of Doris, default 1
	BackEnds  int    // default 1
	Control   string // host:port of Doris' control endpoint, on loopback; empty = none
}

// Stack is a running stack.
type Stack struct {
	dir      string
	state    state
	log      *os.File
	children []*child
	fell     chan error
	doris    DorisReady
}

// Start starts the stack of a directory, or a new one with these sources in it, and
// returns when topics, table and hefu.yaml are there. program is a hefu binary, which
// the stand-ins are parts of. What they write lies in stack.log.
func Start(ctx context.Context, program, dir string, sources []Source, o Options) (*Stack, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	known, err := recall(dir, sources, o)
	if err != nil {
		return nil, err
	}
	s := &Stack{dir: dir, state: known, fell: make(chan error, 3)}
	if s.log, err = os.OpenFile(filepath.Join(dir, "stack.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	err = s.startAll(ctx, program, o)
	if err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the stack in %s: %w", dir, err), s.Close())
	}
	return s, nil
}

func (s *Stack) startAll(ctx context.Context, program string, o Options) error {
	a := s.state.Addresses
	doris := []string{
		"doris", "--dir", filepath.Join(s.dir, "doris"),
		"--fe", fmt.Sprint(s.state.FrontEnds), "--listen", a.FE, "--listen-mysql", a.MySQL,
		"--be", fmt.Sprint(s.state.BackEnds), "--listen-be", a.BE,
	}
	if o.Control != "" {
		doris = append(doris, "--control", o.Control)
	}
	for _, p := range []struct {
		name  string
		args  []string
		ready any
	}{
		{"hub Kafka", []string{"kafka", "--dir", filepath.Join(s.dir, "hub"), "--listen", a.Hub}, &KafkaReady{}},
		{"city Kafka", []string{"kafka", "--dir", filepath.Join(s.dir, "cities"), "--listen", a.Cities}, &KafkaReady{}},
		{"Doris", doris, &s.doris},
	} {
		c, err := start(ctx, p.name, program, append(append([]string{"devstack"}, p.args...), "--until-eof"), s.log, p.ready, s.fell)
		if err != nil {
			return err
		}
		s.children = append(s.children, c)
	}
	return nil
}

// Dir is where everything lies.
func (s *Stack) Dir() string { return s.dir }

// Addresses is where the parts listen.
func (s *Stack) Addresses() Addresses { return s.state.Addresses }

// Doris is where all front ends and back ends of Doris are, and its control endpoint.
func (s *Stack) Doris() DorisReady { return s.doris }

// Sources are the cities' topics.
func (s *Stack) Sources() []Source { return s.state.Sources }

// Wait returns nil when the context ends, and an error when a stand-in falls before.
func (s *Stack) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.fell:
		return err
	}
}

// Close stops all stand-ins gracefully.
func (s *Stack) Close() error {
	var errs []error
	for i := len(s.children) - 1; i >= 0; i-- {
		errs = append(errs, s.children[i].stop())
	}
	return errors.Join(append(errs, s.log.Close())...)
}
