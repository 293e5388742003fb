// Package realkafka starts Apache Kafka itself, one node on this host, from the
// jars that Maven has: for the tests whose answer only a real broker can give
// (a hard kill, error codes, compaction, the price of a commit). It needs java
// (17 or newer) and, the first time, mvn. Nothing but tests and tools uses it.
package realkafka

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/hefu-io/hefu/services/devstack/faketime"
)

// Config says which broker to start, and where.
type Config struct {
	// Version is a release of Apache Kafka; "4.4.0" if empty. 3.9.2 is the last
	// line without transaction.version.
	Version string
	// Dir holds the broker's data, configuration and log. Started again with the
	// same Dir a broker goes on with what it had, on the port it had.
	Dir string
	// Port is where it listens on 127.0.0.1; 0 means the port it had before, or
	// any free one.
	Port int
	// Heap is the JVM's heap size in its own notation; "512m" if empty.
	Heap string
	// Extra are broker settings that win over ours.
	Extra map[string]string
	// Features are levels to format the storage with, such as
	// "transaction.version=1". They matter only for a Dir without data.
	Features []string
	// Security adds listeners for clients that log in or speak TLS.
	Security Security
	// ClockOffset is by how much the broker's clock is ahead of ours. It needs libfaketime.
	ClockOffset time.Duration
}

// Broker is a started broker. It is a process of its own session: it outlives
// the one that started it unless Stop or Kill is called.
type Broker struct {
	dir   string
	state state
	// exited is closed when a broker that this process started is gone; nil for
	// one that was found.
	exited chan struct{}
}

// readyLine is what 3.9 and 4.4 log when clients are served.
const readyLine = "Kafka Server started"

// startLimit is for the slowest start seen, 23 s after a hard kill on a loaded
// machine, with room.
const startLimit = 90 * time.Second

// Start starts a broker and returns when it serves clients. It is an error if
// one already runs in the same Dir. If ctx ends first, or the broker does, no
// process is left.
func Start(ctx context.Context, c Config) (*Broker, error) {
	if c.Version == "" {
		c.Version = "4.4.0"
	}
	if c.Heap == "" {
		c.Heap = "512m"
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, err
	}
	c.Dir = dir
	if b, err := Find(dir); err == nil {
		return nil, fmt.Errorf("start kafka in %s: process %d already runs there", dir, b.PID())
	}
	lib, err := jars(ctx, c.Version)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	s, err := ports(c)
	if err != nil {
		return nil, err
	}
	if c.Security.needsCertificates() {
		if err := certificates(dir); err != nil {
			return nil, fmt.Errorf("certificates for kafka in %s: %w", dir, err)
		}
	}
	file := filepath.Join(dir, "server.properties")
	extra := c.Security.properties(dir, s.Port, s.Controller, s.Listeners)
	maps.Copy(extra, c.Extra)
	if err := os.WriteFile(file, []byte(properties(dir, s.Port, s.Controller, extra)), 0o644); err != nil {
		return nil, err
	}
	if err := format(ctx, c, lib, file); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return launch(ctx, c, s, lib, file)
}

// format writes the storage's identity; a directory that has one keeps it.
func format(ctx context.Context, c Config, lib, file string) error {
	if _, err := os.Stat(filepath.Join(c.Dir, "data", "meta.properties")); err == nil {
		return nil
	}
	id, err := clusterID(rand.Reader)
	if err != nil {
		return err
	}
	args := []string{"kafka.tools.StorageTool", "format", "--cluster-id", id, "--config", file}
	for _, f := range c.Features {
		args = append(args, "--feature", f)
	}
	args = append(args, c.Security.format()...)
	if out, err := exec.CommandContext(ctx, "java", java(lib, "128m", args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("format kafka storage in %s: %w\n%s", c.Dir, err, out)
	}
	return nil
}

// launch starts the broker's process and waits for its ready line.
func launch(ctx context.Context, c Config, s state, lib, file string) (*Broker, error) {
	logFile := filepath.Join(c.Dir, "server.log")
	// Appended: what a broker said before it was killed is often wanted.
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	info, err := out.Stat()
	if err != nil {
		return nil, err
	}
	clock, err := faketime.Environment(c.ClockOffset)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("java", append(c.Security.java(), java(lib, c.Heap, "kafka.Kafka", file)...)...)
	cmd.Env = append(os.Environ(), clock...)
	cmd.Stdout, cmd.Stderr = out, out
	// A session of its own: a signal to our process group is not meant for it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start kafka in %s: %w", c.Dir, err)
	}
	s.PID = cmd.Process.Pid
	b := &Broker{dir: c.Dir, state: s, exited: make(chan struct{})}
	go func() {
		// Reaps the process; how it ended is in its log.
		_ = cmd.Wait()
		close(b.exited)
	}()
	if err := s.save(c.Dir); err != nil {
		return nil, errors.Join(err, b.Kill())
	}
	if err := awaitReady(ctx, logFile, info.Size(), b.exited); err != nil {
		return nil, errors.Join(fmt.Errorf("start kafka %s in %s at port %d: %w", c.Version, c.Dir, s.Port, err), b.Kill())
	}
	return b, nil
}

// java is a command line of the JVM. slf4j-simple is configured by properties,
// so that no file is needed.
func java(lib, heap string, args ...string) []string {
	return append([]string{
		"-Xmx" + heap, "-Djava.net.preferIPv4Stack=true",
		"-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-cp", filepath.Join(lib, "*"),
	}, args...)
}

// Addr is the broker's address, host:port.
func (b *Broker) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.state.Port)) }

// PID is the id of the broker's process.
func (b *Broker) PID() int { return b.state.PID }
