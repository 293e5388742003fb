package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a pipeline that runs, with everything that it started itself.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    string        // file with its output
	exited chan struct{} // closed when it is gone
}

// start starts a program in a session of its own: its descendants are known by it, and
// a signal to our own terminal is not meant for it.
func start(dir, name, program string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), exited: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd = exec.Command(program, args...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if _, err := p.cmd.StdinPipe(); err != nil { // closed when the process is gone, or we are
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.exited)
	}()
	return p, nil
}

// running is an error with the end of the log when the process is gone.
func (p *process) running() error {
	select {
	case <-p.exited:
		text, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s ended by itself (%s): %s", p.name, p.cmd.ProcessState, bytes.TrimSpace(text[max(0, len(text)-2000):]))
	default:
		return nil
	}
}

// stopTimeout is how long a process may take to end well.
const stopTimeout = 30 * time.Second

// stop asks the process to end, and ends it when it does not.
func (p *process) stop() error {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("%s did not end in %s", p.name, stopTimeout), p.kill())
	}
}

// kill ends the process at once, with all that it started, and waits until it is gone.
func (p *process) kill() error {
	err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// eventually asks until the answer is yes, for at most a time.
func eventually(ctx context.Context, within time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if ok, err := ask(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// pollEvery is how often the hub is asked how far it is.
const pollEvery = 20 * time.Millisecond
