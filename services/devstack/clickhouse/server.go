// Package clickhouse is for tests and hand use: it starts the machine's clickhouse-server, as
// Debian packages it (18.16), in a directory of its own; and it has a Front that speaks
// ClickHouse's protocol for an engine that is none.
package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/ClickHouse/ch-go"
)

// Limits of a start and a stop.
const (
	readyLimit = time.Minute
	stopLimit  = 30 * time.Second
)

// ErrNotInstalled means that the machine has no clickhouse-server.
var ErrNotInstalled = errors.New("clickhouse-server is not installed")

// Server is a running server. Its files stay in the directory: another Start finds its tables.
type Server struct {
	port   int
	cmd    *exec.Cmd
	exited chan struct{}
	log    string
}

// Start starts the server under dir, on the loopback: user default, without a password. port
// 0 takes a free one. Errors: ErrNotInstalled, and those of the start with what the server
// said.
func Start(ctx context.Context, dir string, port int) (*Server, error) {
	daemon, err := find("clickhouse-server")
	if err != nil {
		return nil, err
	}
	if port == 0 {
		if port, err = freePort(ctx); err != nil {
			return nil, fmt.Errorf("start ClickHouse in %s: %w", dir, err)
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	s := &Server{port: port, exited: make(chan struct{}), log: filepath.Join(dir, "log")}
	config, err := s.configure(dir)
	if err != nil {
		return nil, fmt.Errorf("start ClickHouse in %s: %w", dir, err)
	}
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	s.cmd = exec.Command(daemon, "--config-file="+config)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, out, out
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ClickHouse in %s: %w", dir, err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in its log
		close(s.exited)
	}()
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

// configure writes what the server reads, and returns the path.
func (s *Server) configure(dir string) (string, error) {
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", err
	}
	config, users := filepath.Join(dir, "config.xml"), filepath.Join(dir, "users.xml")
	err := os.WriteFile(config, fmt.Appendf(nil, `<yandex>
	<logger><level>warning</level><console>1</console></logger>
	<listen_host>127.0.0.1</listen_host><tcp_port>%d</tcp_port>
	<path>%s/</path><tmp_path>%s/tmp/</tmp_path><users_config>%s</users_config>
	<default_profile>default</default_profile><default_database>default</default_database>
	<mark_cache_size>67108864</mark_cache_size><timezone>UTC</timezone>
</yandex>
`, s.port, data, data, users), 0o600)
	if err != nil {
		return "", err
	}
	return config, os.WriteFile(users, []byte(`<yandex>
	<profiles><default></default></profiles><quotas><default></default></quotas>
	<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
</yandex>
`), 0o600)
}

// find looks where Debian puts servers, too: /usr/sbin is not on everybody's path.
func find(name string) (string, error) {
	for _, at := range []string{name, filepath.Join("/usr/sbin", name)} {
		if path, err := exec.LookPath(at); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: %s is not there", ErrNotInstalled, name)
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// Addr is host:port of the native protocol.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Port is that of Addr, for another Start.
func (s *Server) Port() int { return s.port }

// ready waits until the server answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := ch.Dial(ctx, ch.Options{Address: s.Addr()})
		if err == nil {
			return c.Close()
		}
		select {
		case <-tick.C:
		case <-s.exited:
			said, _ := os.ReadFile(s.log)
			return fmt.Errorf("ClickHouse ended at its start: %s", said)
		case <-ctx.Done():
			return fmt.Errorf("ClickHouse at %s does not answer: %w", s.Addr(), err)
		}
	}
}

// Kill ends the server as a power failure would, and waits until it is gone.
func (s *Server) Kill() error {
	err := s.cmd.Process.Kill()
	<-s.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop asks the server to end and waits until it has; one that does not end is killed, and
// that is an error.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it is gone already, or it hears
	late := time.NewTimer(stopLimit)
	defer late.Stop()
	select {
	case <-s.exited:
		return nil
	case <-late.C:
		return errors.Join(fmt.Errorf("ClickHouse at %s did not stop in %s", s.Addr(), stopLimit), s.Kill())
	}
}
