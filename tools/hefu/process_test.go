package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/stack"
	"github.com/hefu-io/hefu/services/status"
)

// process is a hefu that runs until it is told to end.
type process struct {
	cmd   *exec.Cmd
	out   *bufio.Reader
	ended chan struct{}

	mu     sync.Mutex
	stderr bytes.Buffer
}

// Write takes what it logs.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

func launch(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], args...), ended: make(chan struct{})}
	p.cmd.Stderr = p
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// end signals it and demands the exit code.
func (p *process) end(t *testing.T, signal os.Signal, code int) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process ends", func() bool { return isClosed(p.ended) })
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("exit code %d after %s, want %d\n%s", got, signal, code, p.log())
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestTwoProcessesOneStore runs hefu beside a hefu.
func TestTwoProcessesOneStore(t *testing.T) {
	k := keep(t)
	first := launch(t, "run", "-c", k.ConfigFile())
	address := filepath.Join(k.Dir(), "data", status.AddressFile)
	defer http.DefaultClient.CloseIdleConnections()
	eventually(t, "the first is ready", func() bool {
		at, err := os.ReadFile(address)
		if err != nil {
			return false
		}
		resp, err := http.Get("http://" + string(at) + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	second := hefu(t, "run", "-c", k.ConfigFile()).want(t, exitUnknown)
	if !strings.Contains(second.stderr, "store is in use") || !strings.Contains(second.stderr, "several need an external NATS") {
		t.Errorf("the second does not say why: %s", second.stderr)
	}
	// The first answers as before: the second has not taken its address away.
	// It is ready before its sources are connected, and status says that not all runs yet.
	eventually(t, "status says that all runs", func() bool { return hefu(t, "status", "-c", k.ConfigFile()).code == exitGood })
	hefu(t, "incidents", "-c", k.ConfigFile()).want(t, exitGood)
	if found := k.reconcile(t, exitGood); len(found) > 0 {
		t.Errorf("compared beside a running hefu: %+v", found)
	}
	ls := hefu(t, "journal", "ls", "-c", k.ConfigFile()).want(t, exitUnknown)
	if strings.Count(ls.stderr, "\n") != 1 || !strings.Contains(ls.stderr, "store is in use") {
		t.Errorf("want one line that says that the store is in use: %s", ls.stderr)
	}
	first.end(t, syscall.SIGTERM, exitGood)
	hefu(t, "journal", "ls", "-c", k.ConfigFile()).want(t, exitGood)
}

// TestUnreachable asks for a compare when nothing is there to be compared.
func TestUnreachable(t *testing.T) {
	k := keep(t)
	file := k.ConfigFile()
	k.stop(t)
	e := hefu(t, "reconcile", "-c", file).want(t, exitUnknown)
	if !strings.Contains(e.stderr, "not checked") || !strings.Contains(e.stderr, "refused") {
		t.Errorf("want to hear that it was not checked, and why: %s", e.stderr)
	}
}

// TestDevstackLeavesNothingBehind kills a devstack as hard as can be, and ends another
// one well.
func TestDevstackLeavesNothingBehind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stack")
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		p := launch(t, "devstack", "--dir", dir)
		if line, err := p.out.ReadString('\n'); err != nil || !strings.Contains(line, "stand-ins, not the real things") {
			t.Fatalf("says %q (%v)\n%s", line, err, p.log())
		}
		text, err := os.ReadFile(filepath.Join(dir, "stack.json"))
		if err != nil {
			t.Fatal(err)
		}
		var s struct{ Addresses stack.Addresses }
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		all := []string{s.Addresses.Hub, s.Addresses.Cities, s.Addresses.FE, s.Addresses.BE, s.Addresses.MySQL}
		for _, a := range all {
			if !listens(a) {
				t.Fatalf("nobody listens at %s", a)
			}
		}
		hefu(t, "check", "-c", filepath.Join(dir, "hefu.yaml")).want(t, exitGood)
		p.end(t, signal, map[syscall.Signal]int{syscall.SIGKILL: -1, syscall.SIGTERM: exitGood}[signal])
		for _, a := range all {
			eventually(t, "nobody listens at "+a+" after "+signal.String(), func() bool { return !listens(a) })
		}
	}
}

func listens(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Minute)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// TestDevstackServers starts each server by itself, as a script does.
func TestDevstackServers(t *testing.T) {
	for name, key := range map[string]string{"kafka": "kafka", "doris": "mysql", "nats": "nats"} {
		t.Run(name, func(t *testing.T) {
			p := launch(t, "devstack", name, "--dir", filepath.Join(t.TempDir(), name))
			line, err := p.out.ReadString('\n')
			if err != nil {
				t.Fatalf("%v\n%s", err, p.log())
			}
			var all map[string]any
			if err := json.Unmarshal([]byte(line), &all); err != nil {
				t.Fatalf("%v: %q", err, line)
			}
			ready := map[string]string{}
			for k, v := range all {
				ready[k], _ = v.(string) // the others are lists
			}
			if strings.Contains(ready["notice"], "stand-in") != (name != "nats") {
				t.Errorf("calls itself %q", ready["notice"])
			}
			if at := strings.TrimPrefix(ready[key], "nats://"); !listens(at) {
				t.Errorf("nobody listens at %q", ready[key])
			}
			p.end(t, syscall.SIGTERM, exitGood)
			if rest, _ := io.ReadAll(p.out); len(rest) > 0 {
				t.Errorf("says more than its one line: %q", rest)
			}
		})
	}
}
