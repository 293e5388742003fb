package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hefu-io/hefu/services/status"
)

// termTimeout is how long `hefu run` may take to end after SIGTERM; its own deadline is
// shorter.
const termTimeout = 30 * time.Second

// runChild is `hefu run` in a process of its own.
type runChild struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{} // closed when it is gone
	err   error         // how it ended
}

// startRun starts `hefu run` on the configuration of dir; what it logs is appended to log.
func startRun(program, dir string, log *os.File) (*runChild, error) {
	// A process that was killed has left its address behind.
	if err := os.Remove(filepath.Join(dir, "data", status.AddressFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	c := &runChild{cmd: exec.Command(program, "run", "-c", filepath.Join(dir, "hefu.yaml"), "--until-eof"), ended: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = log, log
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start hefu run: %w", err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start hefu run: %w", err)
	}
	go func() {
		defer close(c.ended)
		c.err = c.cmd.Wait()
	}()
	return c, nil
}

// kill ends it as a crash would, and it counts only when that is how it ended.
func (c *runChild) kill() error {
	err := c.cmd.Process.Kill()
	<-c.ended
	if err == nil && c.cmd.ProcessState.Success() {
		err = errors.New("it ended well before")
	}
	return err
}

// ownEnd is the error of an end that nobody asked for.
func (c *runChild) ownEnd() error { return fmt.Errorf("hefu run ended by itself: %w", c.err) }

// stop asks it to end, and waits.
func (c *runChild) stop(ctx context.Context) error {
	select {
	case <-c.ended:
		return c.ownEnd()
	default:
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop hefu run: %w", err)
	}
	select {
	case <-c.ended:
		if c.err != nil {
			return fmt.Errorf("hefu run did not stop cleanly: %w", c.err)
		}
		return nil
	case <-time.After(termTimeout):
		return errors.Join(fmt.Errorf("hefu run did not stop within %s of SIGTERM, killed", termTimeout), c.kill())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), c.kill())
	}
}
