package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// exhibit is one wrong version.
type exhibit struct {
	name  string
	why   string // it is wrong, and what happens with it in production
	edits []edit
	pkg   string // whose tests must catch it
	tests string // a regular expression of them, kept narrow: the museum is open daily
}

// edit replaces a text, which must be in the file exactly once, so that an exhibit cannot
// quietly become the right version.
type edit struct {
	file, old, new string
}

// show runs an exhibit; line says by which tests it is caught, or why that counts for
// nothing.
func (x *exhibit) show(ctx context.Context, root string) (line string, caught bool) {
	dir, err := os.MkdirTemp("", "museum-")
	if err != nil {
		return x.notGood(err.Error()), false
	}
	defer os.RemoveAll(dir)
	overlay, err := x.overlay(root, dir)
	if err != nil {
		return x.notGood(err.Error()), false
	}
	began := time.Now()
	r, err := goTest(ctx, root, overlay, x.pkg, x.tests)
	switch {
	case err != nil:
		return x.notGood(err.Error()), false
	case !r.built:
		return x.notGood("it does not compile: " + r.String()), false
	case len(r.failed) == 0:
		return x.notGood("no test caught it: " + r.String()), false
	}
	return fmt.Sprintf("caught      %s\n            %s\n            by %s, %s", x.name, x.why, strings.Join(r.failed, ", "),
		time.Since(began).Round(time.Second)), true
}

func (x *exhibit) notGood(why string) string {
	return fmt.Sprintf("NOT CAUGHT  %s\n            %s\n            %s", x.name, x.why, why)
}

// overlay writes the changed files and says, in the form of go's -overlay, whose place
// they take.
func (x *exhibit) overlay(root, dir string) (path string, err error) {
	replace, texts := map[string]string{}, map[string]string{}
	for i, e := range x.edits {
		file := filepath.Join(root, filepath.FromSlash(e.file))
		if _, read := texts[file]; !read {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			texts[file], replace[file] = string(text), filepath.Join(dir, fmt.Sprintf("%d.go", i))
		}
		if n := strings.Count(texts[file], e.old); n != 1 {
			return "", fmt.Errorf("%s has %d times %q, the exhibit wants it once", e.file, n, e.old)
		}
		texts[file] = strings.Replace(texts[file], e.old, e.new, 1)
	}
	for file, text := range texts {
		if err := os.WriteFile(replace[file], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, b, 0o600)
}
