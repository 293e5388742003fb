package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A directory that is given is made, and kept; without one there is a temporary one, which is gone
// whatever happened in it.
func TestWork(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	for _, fails := range []error{nil, errors.New("no broker")} {
		for _, args := range [][]string{nil, {"--dir", "kept/here"}} {
			var dir, was string
			f := flag.NewFlagSet("bench test", flag.ContinueOnError)
			f.SetOutput(io.Discard)
			code := work(f, args, &dir, func() error {
				was = dir
				if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil || !filepath.IsAbs(dir) {
					t.Errorf("in %s: %v", dir, err)
				}
				return fails
			})
			if want := map[bool]int{true: 2}[fails != nil]; code != want {
				t.Errorf("code %d, want %d", code, want)
			}
			if _, err := os.Stat(filepath.Join(was, "x")); (err == nil) != (len(args) > 0) {
				t.Errorf("%q: %s: %v", args, was, err)
			}
			f = flag.NewFlagSet("bench test", flag.ContinueOnError)
			f.SetOutput(io.Discard)
			if code := work(f, []string{"--nothing"}, &dir, nil); code != 2 {
				t.Errorf("an unknown flag: %d", code)
			}
		}
	}
}
