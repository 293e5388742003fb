package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hefu-io/hefu/services/status"
)

// child is one life of hefu.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it is gone
	err   error
	data  string
	log   string
}

// start runs hefu; crash, which may be empty, is its crash point.
func (w *world) start(ctx context.Context, file, data, crash string) (*child, error) {
	log := filepath.Join(w.dir, "run-"+filepath.Base(data)+".log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	fmt.Fprintf(out, "--- hefu run, crash point %q\n", crash)
	c := &child{cmd: exec.CommandContext(ctx, w.hefu, "run", "-c", file), ended: make(chan struct{}), data: data, log: log}
	c.cmd.Stdout, c.cmd.Stderr = out, out
	c.cmd.Env = append(os.Environ(), "HEFU_CRASH="+crash)
	// A child that is killed leaves its address behind; the next one writes its own.
	_ = os.Remove(filepath.Join(data, status.AddressFile))
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { c.err = c.cmd.Wait(); close(c.ended) }()
	return c, nil
}

func (c *child) signal(s syscall.Signal) { _ = c.cmd.Process.Signal(s) }

// kill ends it at once.
func (c *child) kill() {
	c.signal(syscall.SIGKILL)
	<-c.ended
}

// wait reports whether it ended within a time.
func (c *child) wait(ctx context.Context, within time.Duration) bool {
	select {
	case <-c.ended:
		return true
	case <-ctx.Done():
	case <-time.After(within):
	}
	return false
}

// exitCode is the code it ended with, -1 for a signal.
func (c *child) exitCode() int {
	var e *exec.ExitError
	if errors.As(c.err, &e) {
		return e.ExitCode()
	}
	return 0
}

// killed reports whether it ended by SIGKILL, which at a crash point is its own.
func (c *child) killed() bool {
	select {
	case <-c.ended:
	default:
		return false
	}
	s, is := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return is && s.Signaled() && s.Signal() == syscall.SIGKILL
}

// report asks its API; false when it does not answer.
func (c *child) report(ctx context.Context) (r status.Report, ok bool) {
	ok = c.get(ctx, "/v1/status", &r)
	return r, ok
}

// get asks its API for something; false when it does not answer. One that is dead refuses at once,
// and one on a slow machine may need a while.
func (c *child) get(ctx context.Context, path string, to any) bool {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	resp := c.ask(ctx, http.MethodGet, path, nil)
	if resp == nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(to) == nil
}

// post tells its API something, and waits for the end of the answer, or of hefu, which may come
// to a crash point over it.
func (c *child) post(ctx context.Context, path string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 50*time.Second)
	defer cancel()
	if resp := c.ask(ctx, http.MethodPost, path, bytes.NewReader(text)); resp != nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

// ask gives the answer of its API; nil when it does not answer.
func (c *child) ask(ctx context.Context, method, path string, body io.Reader) *http.Response {
	address, err := os.ReadFile(filepath.Join(c.data, status.AddressFile))
	if err != nil {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+strings.TrimSpace(string(address))+path, body)
	if err != nil {
		return nil
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	return resp
}

// until polls a condition of the status until it holds.
func (c *child) until(ctx context.Context, within time.Duration, holds func(status.Report) bool) error {
	deadline := time.Now().Add(within)
	var last status.Report
	for {
		r, ok := c.report(ctx)
		if ok {
			last = r
			if holds(r) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ended:
			return fmt.Errorf("hefu ended with code %d:\n%s", c.exitCode(), tail(c.log))
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			text, _ := json.Marshal(last)
			return fmt.Errorf("stuck after %s: %s\n%s", within, text, tail(c.log))
		}
	}
}
