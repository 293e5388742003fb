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
	FE     string `json:"fe"`     // Doris: front end, HTTP
	BE     string `json:"be"`     // back end, HTTP
	MySQL  string `json:"mysql"`  // SQL
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
	Sources   []Source  `json:"sources"`
}

// Exists reports whether a directory holds a stack.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, stateFile))
	return err == nil
}

// recall reads the state of a directory, or lays out a new one.
func recall(dir string, sources []Source) (state, error) {
	var s state
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
	s.Sources = sources
	for _, a := range []*string{&s.Addresses.Hub, &s.Addresses.Cities, &s.Addresses.FE, &s.Addresses.BE, &s.Addresses.MySQL} {
		if *a, err = free(); err != nil {
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

// free is an address that nobody listens at now. Its port is below those that systems
// give to outgoing connections (49152 and up by IANA, 32768 on Linux), so that none of
// these sits on it when the stack comes back.
func free() (string, error) {
	var err error
	for range 100 {
		var l net.Listener
		l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(10000+rand.IntN(22000))))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", err
}
