package realflink

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

//go:embed SqlJob.java
var sqlSource []byte

// SQL is a set of running jobs, one for each INSERT of a text of Flink SQL.
type SQL struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // of its standard output, closed at its end
	done  chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// ErrFlink is a job that Flink refused, or that failed.
var ErrFlink = errors.New("flink")

// StartSQL submits the statements of a text, as the original job's: CREATE TABLE with the connectors kafka and doris,
// SET, INSERT. It returns when all of them are submitted. Flink restarts a failing job for ever: what it says is in Log.
// The caller ends it with End or Kill; a context that ends kills it. dir is for classes, checkpoints and savepoints.
func StartSQL(ctx context.Context, dir, text string) (*SQL, error) {
	lib, err := jars(ctx)
	if err != nil {
		return nil, err
	}
	classes := filepath.Join(dir, "classes")
	if err := compile(ctx, lib, classes, "SqlJob.java", sqlSource); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "job.sql")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s := &SQL{lines: make(chan string, 64), done: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, "java", "-Xmx768m",
		"--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", classes+string(filepath.ListSeparator)+filepath.Join(lib, "*"), "SqlJob", file, dir)
	s.cmd.Stderr = s
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		s.in, err = s.cmd.StdinPipe()
	}
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start flink: %w", err)
	}
	go s.read(out)
	if _, err := s.until(ctx, "READY"); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// read hands the lines on and reaps the process.
func (s *SQL) read(out io.Reader) {
	defer close(s.done)
	defer close(s.lines)
	for r := bufio.NewScanner(out); r.Scan(); {
		_, _ = s.Write(append(r.Bytes(), '\n'))
		s.lines <- r.Text()
	}
	_ = s.cmd.Wait() // how it ended is in its log
}

// Write takes what the process logs.
func (s *SQL) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

// Log is what Flink and its connectors said so far.
func (s *SQL) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// until waits for a line with a prefix, and returns what follows it.
func (s *SQL) until(ctx context.Context, prefix string) (string, error) {
	for {
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for %s of flink: %w", prefix, ctx.Err())
		case line, ok := <-s.lines:
			if rest, found := strings.CutPrefix(line, prefix); found {
				return strings.TrimSpace(rest), nil
			}
			if !ok || strings.HasPrefix(line, "FAILED") {
				return "", fmt.Errorf("%w ended before %s: %s\n%s", ErrFlink, prefix, line, s.Log())
			}
		}
	}
}

// Stop stops a job, counted from 0 in the order of the INSERTs, with a savepoint, as an operator does, and returns the
// savepoint's path. Then its transactions are committed and its group offsets told.
func (s *SQL) Stop(ctx context.Context, job int) (string, error) {
	if _, err := fmt.Fprintf(s.in, "stop %d\n", job); err != nil {
		return "", fmt.Errorf("stop flink job %d: %w", job, err)
	}
	return s.until(ctx, fmt.Sprintf("SAVEPOINT %d", job))
}

// End ends the process, and what still runs in it, and waits for it.
func (s *SQL) End() error {
	_, err := io.WriteString(s.in, "end\n")
	s.wait()
	return err
}

// Kill ends the process at once, as a power loss would, and waits for it.
func (s *SQL) Kill() {
	_ = s.cmd.Process.Kill()
	s.wait()
}

// wait reads what is left, so that the reader can end.
func (s *SQL) wait() {
	for range s.lines {
	}
	<-s.done
}
