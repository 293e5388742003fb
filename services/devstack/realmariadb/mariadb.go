// Package realmariadb starts the machine's MariaDB, in a directory of its own and on a free port, for tests that ask
// whether what Hefu says to Doris's MySQL port is said well enough for a server that we did not write.
package realmariadb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// ErrNotInstalled means that the machine has no MariaDB server.
var ErrNotInstalled = errors.New("no MariaDB server on this machine")

const (
	readyLimit = time.Minute      // for a start, which takes a second
	stopLimit  = 30 * time.Second // for a stop
)

// Server is a running MariaDB whose user root has no password.
type Server struct {
	addr   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
	log    string        // path
}

// Start makes an empty data directory under dir and starts a server on it, on the loopback. It returns when the server
// answers. Errors: ErrNotInstalled, and what the server has to say.
func Start(ctx context.Context, dir string) (*Server, error) {
	daemon, err := find("mariadbd", "mysqld")
	if err != nil {
		return nil, err
	}
	install, err := find("mariadb-install-db", "mysql_install_db")
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("start MariaDB in %s: %w", dir, err)
	}
	data := filepath.Join(dir, "data")
	out, err := exec.CommandContext(ctx, install, "--no-defaults", "--datadir="+data, "--user="+me.Username,
		"--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("install MariaDB in %s: %w: %s", data, err, bytes.TrimSpace(out))
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, fmt.Errorf("start MariaDB in %s: %w", dir, err)
	}
	s := &Server{addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), exited: make(chan struct{}), log: filepath.Join(dir, "log")}
	s.cmd = exec.Command(daemon, "--no-defaults", "--user="+me.Username, "--datadir="+data, "--socket="+filepath.Join(dir, "sock"),
		"--pid-file="+filepath.Join(dir, "pid"), "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--skip-networking=OFF",
		"--innodb-buffer-pool-size=32M", "--log-error="+s.log)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start MariaDB in %s: %w", dir, err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in its log
		close(s.exited)
	}()
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// find looks where Debian puts servers, too: /usr/sbin is not on everybody's path.
func find(names ...string) (string, error) {
	for _, name := range names {
		for _, at := range []string{name, filepath.Join("/usr/sbin", name)} {
			if path, err := exec.LookPath(at); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%w: neither of %s is there", ErrNotInstalled, strings.Join(names, ", "))
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// Addr is host:port.
func (s *Server) Addr() string { return s.addr }

// ready waits until the server answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.Logger = "root", "tcp", s.addr, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.exited:
			said, _ := os.ReadFile(s.log)
			return fmt.Errorf("MariaDB ended at its start: %s", said)
		case <-ctx.Done():
			return fmt.Errorf("MariaDB at %s does not answer: %w", s.addr, err)
		}
	}
}

// Stop asks the server to end and waits until it has; one that does not end is killed, and that is an error.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it is gone already, or it hears
	late := time.NewTimer(stopLimit)
	defer late.Stop()
	select {
	case <-s.exited:
		return nil
	case <-late.C:
		_ = s.cmd.Process.Kill()
		<-s.exited
		return fmt.Errorf("MariaDB at %s did not stop in %s", s.addr, stopLimit)
	}
}

// ErrNotAsked means that HEFU_TEST_MARIADB is not set.
var ErrNotAsked = errors.New("HEFU_TEST_MARIADB is not set")

// ForTests is the server that HEFU_TEST_MARIADB asks for: one that runs, as host:port, whose root has no password; or one
// of the caller's own under dir, where it is "launch". Stop ends the latter. Errors: ErrNotAsked, ErrNotInstalled, for
// which a test is skipped, and Start's.
func ForTests(ctx context.Context, dir string) (addr string, stop func() error, err error) {
	switch asked := os.Getenv("HEFU_TEST_MARIADB"); asked {
	case "":
		return "", nil, ErrNotAsked
	case "launch":
		s, err := Start(ctx, dir)
		if err != nil {
			return "", nil, err
		}
		return s.Addr(), s.Stop, nil
	default:
		return asked, func() error { return nil }, nil
	}
}

// Skips says whether an error of ForTests is a reason to skip a test.
func Skips(err error) bool { return errors.Is(err, ErrNotAsked) || errors.Is(err, ErrNotInstalled) }
