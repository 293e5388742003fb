// Package realkdc starts the machine's MIT Kerberos KDC for a realm of its own, in a directory of its own and on a free
// port of the loopback, for tests that log in to a real Kafka. It touches nothing of the system's own Kerberos.
package realkdc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hefu-io/hefu/services/devstack/faketime"
)

// ErrNotInstalled means that the machine lacks one of the programs (Debian: apt-get install krb5-kdc krb5-admin-server
// krb5-user).
var ErrNotInstalled = errors.New("no MIT KDC on this machine")

const (
	readyLimit = time.Minute      // for a start, which takes a tenth of a second
	stopLimit  = 10 * time.Second // for a stop
)

// Config says which realm, and where.
type Config struct {
	// Dir holds everything.
	Dir string
	// Realm is "HADOOP.COM" if empty.
	Realm string
	// Life is how long a ticket is good for; a day if zero.
	Life time.Duration
	// ClockOffset is by how much the KDC's clock is ahead of ours. It needs libfaketime.
	ClockOffset time.Duration
}

// KDC is one that runs.
type KDC struct {
	dir, realm string
	life       time.Duration
	port       int
	programs   programs
	clock      []string // environment for the KDC itself

	mu     sync.Mutex // over a process that is stopped and started
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
}

// Start makes the realm's database, unless Dir has it, and starts a KDC. It returns when the KDC answers. Errors:
// ErrNotInstalled, faketime.ErrNotInstalled, and what the programs have to say.
func Start(ctx context.Context, c Config) (*KDC, error) {
	found, err := find()
	if err != nil {
		return nil, err
	}
	clock, err := faketime.Environment(c.ClockOffset)
	if err != nil {
		return nil, err
	}
	k := &KDC{dir: c.Dir, realm: c.Realm, life: c.Life, programs: found, clock: clock}
	if k.realm == "" {
		k.realm = "HADOOP.COM"
	}
	if k.life == 0 {
		k.life = 24 * time.Hour
	}
	if k.port, err = freePort(ctx); err != nil {
		return nil, fmt.Errorf("start a KDC in %s: %w", k.dir, err)
	}
	if err := k.database(ctx); err != nil {
		return nil, err
	}
	return k, k.Resume(ctx)
}

// database writes the files that say who and where the realm is, and makes the realm.
func (k *KDC) database(ctx context.Context) error {
	for file, text := range map[string]string{k.Conf(): k.krb5Conf(), k.file("kdc.conf"): k.kdcConf(), k.file("kadm5.acl"): ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if _, err := os.Stat(k.file("principal")); err == nil {
		return nil
	}
	if err := k.run(ctx, k.programs.kdb5util, "create", "-s", "-r", k.realm, "-P", "master"); err != nil {
		return err
	}
	return k.admin(ctx, "modprinc", "-maxlife", k.seconds(), "-maxrenewlife", k.seconds(), "krbtgt/"+k.realm)
}

// Resume starts the KDC again after Stop, where it was.
func (k *KDC) Resume(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cmd = exec.Command(k.programs.krb5kdc, "-n")
	k.cmd.Env = append(k.environment(), k.clock...)
	var said bytes.Buffer
	k.cmd.Stdout, k.cmd.Stderr = &said, &said
	// A session of its own: a signal to our process group is not meant for it.
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := k.cmd.Start(); err != nil {
		return fmt.Errorf("start a KDC in %s: %w", k.dir, err)
	}
	cmd, exited := k.cmd, make(chan struct{})
	k.exited = exited
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(exited)
	}()
	if err := k.ready(ctx, exited, &said); err != nil {
		return errors.Join(err, k.stop())
	}
	return nil
}

// ready waits until the KDC takes connections.
func (k *KDC) ready(ctx context.Context, exited <-chan struct{}, said *bytes.Buffer) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", k.Addr())
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-exited:
			return fmt.Errorf("the KDC in %s ended at its start: %s", k.dir, bytes.TrimSpace(said.Bytes()))
		case <-ctx.Done():
			return fmt.Errorf("the KDC at %s does not answer: %w", k.Addr(), err)
		}
	}
}

// Stop ends the KDC and waits until it is gone; stopping what is stopped is no error. Its database stays.
func (k *KDC) Stop() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stop()
}

func (k *KDC) stop() error {
	_ = k.cmd.Process.Signal(syscall.SIGTERM) // it is gone already, or it hears
	late := time.NewTimer(stopLimit)
	defer late.Stop()
	select {
	case <-k.exited:
		return nil
	case <-late.C:
		_ = k.cmd.Process.Kill()
		<-k.exited
		return fmt.Errorf("the KDC at %s did not stop in %s", k.Addr(), stopLimit)
	}
}

// Addr is host:port.
func (k *KDC) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(k.port)) }

// Realm is the realm's name.
func (k *KDC) Realm() string { return k.realm }

// Conf is the path of the krb5.conf that leads to this KDC.
func (k *KDC) Conf() string { return k.file("krb5.conf") }

// Log is what the KDC logged: a line for each request, with AS_REQ or TGS_REQ and ISSUE in it where it gave a ticket.
func (k *KDC) Log() ([]byte, error) { return os.ReadFile(k.file("kdc.log")) }

func (k *KDC) file(name string) string { return filepath.Join(k.dir, name) }

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
