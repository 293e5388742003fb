package realkafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// state is what a later process must know about a broker directory. The ports
// belong to the data: the quorum's voters are written into it.
type state struct {
	Port       int `json:"port"`
	Controller int `json:"controller_port"`
	// Listeners are the ports of further ones, by name.
	Listeners map[string]int `json:"listeners,omitempty"`
	// PID is 0 when the broker was stopped.
	PID int `json:"pid"`
}

const stateFile = "hefu-broker.json"

func load(dir string) (state, error) {
	var s state
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w", filepath.Join(dir, stateFile), err)
	}
	return s, nil
}

func (s state) save(dir string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, stateFile), append(text, '\n'), 0o644)
}

// ports settles both ports: those of the directory, or the one asked for and
// free ones.
func ports(c Config) (state, error) {
	s, err := load(c.Dir)
	if err != nil && !os.IsNotExist(err) {
		return s, err
	}
	if s.Port != 0 && c.Port != 0 && s.Port != c.Port {
		return s, fmt.Errorf("kafka in %s has port %d, not %d", c.Dir, s.Port, c.Port)
	}
	if s.Port == 0 {
		s.Port = c.Port
	}
	for name := range c.Security.listeners() {
		if _, has := s.Listeners[name]; has {
			continue
		}
		if s.Listeners == nil {
			s.Listeners = map[string]int{}
		}
		if s.Listeners[name], err = s.free(); err != nil {
			return s, err
		}
	}
	for _, port := range []*int{&s.Port, &s.Controller} {
		if *port != 0 {
			continue
		}
		if *port, err = s.free(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// free returns a port that nobody listens at now, and that s does not have. It is
// below the range from which systems take the ports of outgoing connections (49152
// by IANA, 32768 on Linux), or one of those could sit on it when the broker comes
// back.
func (s state) free() (int, error) {
	err := errors.New("no port is free")
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if port == s.Port || port == s.Controller || slices.Contains(slices.Collect(maps.Values(s.Listeners)), port) {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}
