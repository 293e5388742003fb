package stack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// stopTimeout is how long a stand-in may take to write down what its next start needs.
const stopTimeout = 20 * time.Second

// child is a stand-in in a process of its own.
type child struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{} // closed when the process is gone
}

// start runs a program that says on the first line of its output, in JSON, where it
// listens, and ends when its input does. It returns when the line is read into ready.
// fell, which must have room, hears of the process's end.
func start(ctx context.Context, name, program string, args []string, log *os.File, ready any, fell chan error) (*child, error) {
	c := &child{name: name, cmd: exec.Command(program, args...), ended: make(chan struct{})}
	c.cmd.Stderr = log
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c.stdin = in
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	line := make(chan []byte, 1)
	go func() {
		defer close(c.ended)
		r := bufio.NewReader(out)
		if first, err := r.ReadBytes('\n'); err == nil {
			line <- first
		}
		close(line)
		_, _ = io.Copy(io.Discard, r)
		_ = c.cmd.Wait() // the state says how it ended
		fell <- fmt.Errorf("%s ended (%s), see %s", name, c.cmd.ProcessState, log.Name())
	}()
	select {
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, ctx.Err()), c.stop())
	case first, said := <-line:
		if !said {
			<-c.ended
			return nil, <-fell
		}
		if err := json.Unmarshal(first, ready); err != nil {
			return nil, errors.Join(fmt.Errorf("%s says %q: %w", name, first, err), c.stop())
		}
		return c, nil
	}
}

// stop ends the process: gracefully by the end of its input, by force when that takes
// too long.
func (c *child) stop() error {
	_ = c.stdin.Close() // a process that is gone already has closed the pipe
	select {
	case <-c.ended:
		return nil
	case <-time.After(stopTimeout):
		err := fmt.Errorf("stop %s: not gone after %s, killed", c.name, stopTimeout)
		err = errors.Join(err, c.cmd.Process.Kill())
		<-c.ended
		return err
	}
}
