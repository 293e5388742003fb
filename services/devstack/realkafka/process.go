package realkafka

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNotRunning means that no broker runs in the directory.
var ErrNotRunning = errors.New("no kafka runs here")

// stopLimit is how long a broker that was asked to stop may take; three seconds
// are usual.
const stopLimit = 30 * time.Second

// Find returns the broker that runs in dir, whoever started it, or
// [ErrNotRunning].
func Find(dir string) (*Broker, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s, err := load(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil || s.PID == 0 || !runs(s.PID, dir) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNotRunning)
	}
	return &Broker{dir: dir, state: s}, nil
}

// Stop asks the broker to end and waits until it has. One that does not end in
// 30 s is killed, and that is an error. Stopping what has ended is none.
func (b *Broker) Stop() error {
	if b.signal(syscall.SIGTERM) && !b.gone(stopLimit) {
		return errors.Join(fmt.Errorf("kafka process %d in %s did not stop in %s", b.PID(), b.dir, stopLimit), b.Kill())
	}
	return b.ended()
}

// Kill ends the broker at once, as a power loss of its process would (the page
// cache survives), and waits until it is gone.
func (b *Broker) Kill() error {
	if b.signal(syscall.SIGKILL) && !b.gone(stopLimit) {
		return fmt.Errorf("kafka process %d in %s is still there after SIGKILL", b.PID(), b.dir)
	}
	return b.ended()
}

// ended keeps the ports and forgets the process.
func (b *Broker) ended() error {
	s := b.state
	s.PID = 0
	return s.save(b.dir)
}

// signal reports whether there was a process to signal. Between the look and the
// signal a process id could pass to another process; only a child that is not
// yet waited for is safe from that.
func (b *Broker) signal(sig syscall.Signal) bool {
	if !b.alive() {
		return false
	}
	return syscall.Kill(b.PID(), sig) == nil
}

func (b *Broker) alive() bool {
	if b.exited == nil {
		return runs(b.PID(), b.dir)
	}
	select {
	case <-b.exited:
		return false
	default:
		return true
	}
}

// gone waits until the process has ended, at most for limit.
func (b *Broker) gone(limit time.Duration) bool {
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for b.alive() {
		select {
		case <-b.exited: // nil, so never, for a broker that was found
		case <-tick.C:
		case <-end.C:
			return false
		}
	}
	return true
}

// runs reports whether process pid is the broker of dir: ids are used again, and
// a stale one may by now belong to anything.
func runs(pid int, dir string) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	args, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if errors.Is(err, fs.ErrNotExist) { // no /proc on this system
		args, err = exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	}
	// A zombie that nobody waits for has no command line, and counts as gone.
	line := strings.TrimSpace(strings.ReplaceAll(string(args), "\x00", " "))
	return err == nil && strings.HasSuffix(line, " "+filepath.Join(dir, "server.properties"))
}
