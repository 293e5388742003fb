package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// work reads what a person chose of a bench, and runs it in a directory: the one that is given,
// which is kept, or a temporary one. It returns the exit code.
func work(f *flag.FlagSet, args []string, dir *string, run func() error) int {
	f.StringVar(dir, "dir", "", "`directory` to work in, kept; bench proof goes on with what it has there (default a temporary one)")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if err := within(dir, run); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", f.Name(), err)
		return 2
	}
	return 0
}

// within makes the directory an absolute one that is there, and runs something in it.
func within(dir *string, run func() error) (err error) {
	if *dir == "" {
		if *dir, err = os.MkdirTemp("", "hefu-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(*dir)) }()
	}
	if *dir, err = filepath.Abs(*dir); err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	return run()
}
