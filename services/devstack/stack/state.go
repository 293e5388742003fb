package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// stateFile remembers a stack in its directory.
const stateFile = "stack.json"

// Addresses is where the parts of a stack listen, as host:port.
type Addresses struct {
	Hub    string `json:"hub"`    // the hub's Kafka
	Cities string `json:"cities"` // the Kafka of all cities
	FE     string `json:"fe"`     // Doris: first front end, HTTP; the others have the ports after it
	BE     string `json:"be"`     // first back end, HTTP
	MySQL  string `json:"mysql"`  // first front end, SQL
}

// Source is one city's topic.
type Source struct {
	ID    string `json:"id"`
	City  string `json:"city"`
	Topic string `json:"topic"`
}

// state is what a stack must know to come back as it was.
type state struct {
	Addresses Addresses `json:"addresses"`
	FrontEnds int       `json:"front_ends,omitempty"` // of Doris; 0 = 1
	BackEnds  int       `json:"back_ends,omitempty"`
	Sources   []Source  `json:"sources"`
}

// Exists reports whether a directory holds a stack.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, stateFile))
	return err == nil
}

// recall reads the state of a directory, or lays out a new one.
func recall(dir string, sources []Source, o Options) (state, error) {
	s := state{FrontEnds: 1, BackEnds: 1}
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err == nil {
		if err := json.Unmarshal(text, &s); err != nil {
			return s, fmt.Errorf("%s: %w", filepath.Join(dir, stateFile), err)
		}
		return s, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	s.Sources, s.FrontEnds, s.BackEnds = sources, max(o.FrontEnds, 1), max(o.BackEnds, 1)
	for _, a := range []struct {
		at    *string
		ports int
	}{
		{&s.Addresses.Hub, 1},
		{&s.Addresses.Cities, 1},
		{&s.Addresses.FE, s.FrontEnds},
		{&s.Addresses.BE, s.BackEnds},
		{&s.Addresses.MySQL, s.FrontEnds},
	} {
		if *a.at, err = free(a.ports); err != nil {
			return s, fmt.Errorf("find a free port: %w", err)
		}
	}
	return s, nil
}

func (s state) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, stateFile), append(text, '\n'), 0o600)
}

// free is an address that nobody listens at now, nor at the ports that follow it, as many as asked for. They are below
// those that systems give to outgoing connections (49152 and up by IANA, 32768 on Linux), so that none of these sits on
// one when the stack comes back.
func free(ports int) (string, error) {
	var err error
	for range 100 {
		first := 10000 + rand.IntN(22000)
		if err = tryPorts(first, ports); err == nil {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(first)), nil
		}
	}
	return "", err
}

// tryPorts listens at ports that follow each other, all at once, and lets go of them.
func tryPorts(first, ports int) (err error) {
	for i := range ports {
		l, e := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(first+i)))
		if e != nil {
			return e
		}
		defer func() { err = errors.Join(err, l.Close()) }()
	}
	return nil
}
