package report

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/journal/durable"
)

// Folder is where reports are kept, below the data folder.
const Folder = "reports"

// Kept are the reports of a folder: for each the signed file <name>.json and its page
// <name>.html. Several processes may keep reports in the same folder.
type Kept struct {
	dir  string
	link func(from, to string) error // os.Link, or a test's fault
}

// InFolder are the reports that are kept in a folder, which need not exist yet.
func InFolder(dir string) *Kept { return &Kept{dir: dir, link: os.Link} }

// Entry is a kept report, as its name tells.
type Entry struct {
	Name     string         `json:"name"` // <time>_<pipeline>_<verdict>, and _2 and so on for more in one second
	Pipeline string         `json:"pipeline"`
	Verdict  domain.Verdict `json:"verdict"`
	Done     time.Time      `json:"done"` // UTC, to the second
	File     string         `json:"file"`

	nth int
}

const nameTime = "20060102T150405Z"

// Save keeps a sealed report: after nil both its file and its page are durable. A file that is
// there is never replaced; a report that is there already is not kept twice, so that Save may
// be tried again after an error, which does not say that nothing was kept.
func (k *Kept) Save(file []byte) (Entry, error) {
	v, err := Verify(file)
	if err != nil {
		return Entry{}, fmt.Errorf("keep a report: %w", err)
	}
	e, err := k.place(v, file)
	if err != nil {
		return Entry{}, fmt.Errorf("keep the report of pipeline %s in %s: %w", v.Report.Scope.Pipeline, k.dir, err)
	}
	crash.Point("report.save.after")
	var page bytes.Buffer
	if err := HTML(&page, v, e.Name+".json"); err != nil {
		return Entry{}, err
	}
	// The page follows from the file: one that a killed process left is replaced.
	if err := durable.ReplaceFile(e.Page(), page.Bytes()); err != nil {
		return Entry{}, fmt.Errorf("keep the page of report %s: %w", e.Name, err)
	}
	return e, nil
}

// Page is where the page of the report is.
func (e *Entry) Page() string { return strings.TrimSuffix(e.File, ".json") + ".html" }

// place puts the file under the first name that is free, whole or not at all.
func (k *Kept) place(v *Verified, file []byte) (Entry, error) {
	if err := os.MkdirAll(k.dir, 0o750); err != nil {
		return Entry{}, err
	}
	whole, err := os.MkdirTemp(k.dir, ".report")
	if err != nil {
		return Entry{}, err
	}
	defer os.RemoveAll(whole)
	from := filepath.Join(whole, "report.json")
	if err := durable.ReplaceFile(from, file); err != nil {
		return Entry{}, err
	}
	r := v.Report
	base := fmt.Sprintf("%s_%s_%s", r.Done.UTC().Format(nameTime), r.Scope.Pipeline, strings.ReplaceAll(string(r.Verdict), " ", "-"))
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name += "_" + strconv.Itoa(n)
		}
		e, _ := k.entry(name + ".json")
		crash.Point("report.save.before")
		err := k.link(from, e.File)
		if err == nil {
			return e, durable.SyncDir(k.dir)
		}
		if !errors.Is(err, fs.ErrExist) {
			return Entry{}, err
		}
		if have, err := os.ReadFile(e.File); err != nil || bytes.Equal(have, file) {
			return e, errors.Join(err, durable.SyncDir(k.dir))
		}
	}
}

// entry reads a file's name; false: it is none of a report.
func (k *Kept) entry(file string) (Entry, bool) {
	form := regexp.MustCompile(`^(\d{8}T\d{6}Z)_([a-z0-9-]+)_(verified|diverged|not-checked)(?:_(\d+))?\.json$`)
	m := form.FindStringSubmatch(file)
	if m == nil {
		return Entry{}, false
	}
	done, err := time.Parse(nameTime, m[1])
	nth, _ := strconv.Atoi(m[4]) // 0 for none
	return Entry{
		Name: strings.TrimSuffix(file, ".json"), Pipeline: m[2], Verdict: domain.Verdict(strings.ReplaceAll(m[3], "-", " ")),
		Done: done, File: filepath.Join(k.dir, file), nth: nth,
	}, err == nil
}

// List gives all that are kept, the oldest first. Other files are passed over.
func (k *Kept) List() ([]Entry, error) {
	files, err := os.ReadDir(k.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the kept reports: %w", err)
	}
	out := []Entry{}
	for _, f := range files {
		if e, ok := k.entry(f.Name()); ok {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int {
		return cmp.Or(a.Done.Compare(b.Done), cmp.Compare(a.Pipeline, b.Pipeline), cmp.Compare(a.nth, b.nth), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// Last is the newest report of a pipeline that verifies with one of the keys (without keys:
// with its own), and its name; nil for none. One that does not is passed over, since whoever
// makes the next report only wants to go on from it. Names tell no order within a second.
func (k *Kept) Last(pipeline string, keys ...string) (last *Verified, name string, err error) {
	list, err := k.List()
	if err != nil {
		return nil, "", err
	}
	var second time.Time
	for _, e := range slices.Backward(list) {
		if e.Pipeline != pipeline {
			continue
		}
		if last != nil && !e.Done.Equal(second) {
			break
		}
		file, err := os.ReadFile(e.File)
		if err != nil {
			return nil, "", fmt.Errorf("read report %s: %w", e.Name, err)
		}
		if v, err := Verify(file, keys...); err == nil && (last == nil || v.Report.Done.After(last.Report.Done)) {
			last, name, second = v, e.Name, e.Done
		}
	}
	return last, name, nil
}

// Find gives the file of a kept report by its name, with or without .json, or by a path.
func (k *Kept) Find(name string) string {
	if e, ok := k.entry(strings.TrimSuffix(filepath.Base(name), ".json") + ".json"); ok && !strings.ContainsRune(name, filepath.Separator) {
		if _, err := os.Stat(e.File); err == nil {
			return e.File
		}
	}
	return name
}
