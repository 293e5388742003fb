package realkafka

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestPortsBelongToTheDirectory(t *testing.T) {
	c := Config{Dir: t.TempDir()}
	first, err := ports(c)
	if err != nil || first.Port == 0 || first.Controller == 0 || first.Port == first.Controller {
		t.Fatalf("chose %+v, %v", first, err)
	}
	if err := first.save(c.Dir); err != nil {
		t.Fatal(err)
	}
	if again, err := ports(c); err != nil || !reflect.DeepEqual(again, first) {
		t.Errorf("then %+v, %v; first %+v", again, err, first)
	}
	c.Port = first.Port + 1
	if _, err := ports(c); err == nil {
		t.Error("another port for the same data: no error")
	}
	if s, err := ports(Config{Dir: t.TempDir(), Port: 4711}); err != nil || s.Port != 4711 {
		t.Errorf("asked for 4711: %+v, %v", s, err)
	}
}

// TestPortsDiffer: nobody listens yet at the ports that a broker was given before.
func TestPortsDiffer(t *testing.T) {
	s := state{Port: 20000, Controller: 20001, Listeners: map[string]int{}}
	for port := 20002; port < 31999; port++ {
		s.Listeners[strconv.Itoa(port)] = port
	}
	if port, err := s.free(); err == nil && port != 31999 {
		t.Errorf("port %d is its own", port)
	}
}

// A process id in the file of a directory may have passed to another process.
func TestFindOnlyItsOwn(t *testing.T) {
	dir := t.TempDir()
	if _, err := Find(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("empty directory: %v", err)
	}
	if err := (state{Port: 1, Controller: 2, PID: os.Getpid()}).save(dir); err != nil {
		t.Fatal(err)
	}
	b, err := Find(dir)
	if !errors.Is(err, ErrNotRunning) {
		t.Errorf("found %+v, %v in a process that is no broker", b, err)
	}
	if err := os.WriteFile(filepath.Join(dir, stateFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(dir); err == nil || errors.Is(err, ErrNotRunning) {
		t.Errorf("unreadable state: %v", err)
	}
}

func TestPropertiesExtraWins(t *testing.T) {
	text := properties("/dir", 9092, 9093, map[string]string{"broker.session.timeout.ms": "9000", "num.partitions": "7"})
	for _, line := range []string{
		"broker.session.timeout.ms=9000\n", "num.partitions=7\n", "log.dirs=/dir/data\n",
		"listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n", "controller.quorum.voters=1@127.0.0.1:9093\n",
	} {
		if strings.Count(text, line) != 1 {
			t.Errorf("%q is not in\n%s", line, text)
		}
	}
	if strings.Count(text, "broker.session.timeout.ms") != 1 {
		t.Errorf("a setting is there twice:\n%s", text)
	}
}

func TestAwaitReady(t *testing.T) {
	file := filepath.Join(t.TempDir(), "server.log")
	earlier := "INFO " + readyLine + "\n"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(earlier+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	from := int64(len(earlier))
	over := make(chan struct{})
	close(over)

	write("INFO " + readyLine + "\n")
	if err := awaitReady(t.Context(), file, from, nil); err != nil {
		t.Errorf("ready: %v", err)
	}
	write("INFO starting\nERROR port in use\nINFO ending\n")
	if err := awaitReady(t.Context(), file, from, over); err == nil || !strings.HasSuffix(err.Error(), "\nERROR port in use") {
		t.Errorf("ended: %v; want its complaint", err)
	}
	write("INFO starting\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := awaitReady(ctx, file, from, nil); !errors.Is(err, context.Canceled) || !strings.HasSuffix(err.Error(), "INFO starting") {
		t.Errorf("cancelled: %v; want the last line", err)
	}
}
