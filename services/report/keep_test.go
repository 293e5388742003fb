package report_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// later is the clean example some seconds later.
func later(t *testing.T, seconds int) *reporttest.Example {
	e := reporttest.Clean(t)
	e.Report.Done = e.Report.Done.Add(time.Duration(seconds) * time.Second)
	return e
}

func save(t *testing.T, k *report.Kept, file []byte) report.Entry {
	t.Helper()
	e, err := k.Save(file)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func list(t *testing.T, k *report.Kept) []report.Entry {
	t.Helper()
	l, err := k.List()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", report.Folder)
	k := report.InFolder(dir)
	if l := list(t, k); len(l) != 0 {
		t.Fatalf("a folder that is not there has %v", l)
	}
	rich, second := reporttest.Rich(t).Seal(), later(t, 60).Seal()
	save(t, k, second)
	e := save(t, k, rich)
	want := report.Entry{Name: "20261125T190341Z_jsc_diverged", Pipeline: "jsc", Verdict: domain.Diverged, Done: time.Date(2026, 11, 25, 19, 3, 41, 0, time.UTC), File: filepath.Join(dir, "20261125T190341Z_jsc_diverged.json")}
	if e != want {
		t.Errorf("kept as %+v, want %+v", e, want)
	}
	if got, err := os.ReadFile(e.File); err != nil || !bytes.Equal(got, rich) {
		t.Errorf("other bytes were kept: %v", err)
	}
	if p, err := os.ReadFile(e.Page()); err != nil || !bytes.Contains(p, []byte(e.Name+".json")) {
		t.Errorf("its page: %v", err)
	}
	// Other files, and what a killed process left, are no reports.
	for _, name := range []string{"notes.txt", ".report123", "x.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := list(t, k)
	if len(l) != 2 || l[0].Name != want.Name || l[1].Verdict != domain.Verified {
		t.Errorf("listed %+v", l)
	}
	for _, name := range []string{e.Name, e.Name + ".json", e.File} {
		if got := k.Find(name); got != e.File {
			t.Errorf("%s is found at %s", name, got)
		}
	}
}

// TestKeepNeverReplaces saves different reports of the same second, and one of them again.
func TestKeepNeverReplaces(t *testing.T) {
	k := report.InFolder(t.TempDir())
	other := reporttest.Clean(t)
	other.Report.Software.Host = "hefu-2"
	files := [][]byte{reporttest.Clean(t).Seal(), other.Seal()}
	names := []string{save(t, k, files[0]).Name, save(t, k, files[1]).Name}
	if names[1] != names[0]+"_2" {
		t.Errorf("names %q", names)
	}
	for i, f := range files {
		if e := save(t, k, f); e.Name != names[i] {
			t.Errorf("saved again as %s, was %s", e.Name, names[i])
		}
	}
	if l := list(t, k); len(l) != 2 || l[0].Name != names[0] || l[1].Name != names[1] {
		t.Errorf("listed %+v", l)
	}
	for i, name := range names {
		if got, _ := os.ReadFile(k.Find(name)); !bytes.Equal(got, files[i]) {
			t.Errorf("%s is another report", name)
		}
	}
}

// TestKeepFaults is the pair of faults of the write: it failed and did not happen, and it
// failed and did happen. After both, saving again leaves the report there once.
func TestKeepFaults(t *testing.T) {
	fault := errors.New("the disk says no")
	for name, link := range map[string]func(from, to string) error{
		"did not happen": func(string, string) error { return fault },
		"did happen": func(from, to string) error {
			if err := os.Link(from, to); err != nil {
				return err
			}
			return fault
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			k, file := report.InFolder(dir), reporttest.Clean(t).Seal()
			if _, err := k.WithLink(link).Save(file); !errors.Is(err, fault) {
				t.Fatalf("want the fault, got %v", err)
			}
			e := save(t, k, file)
			if l := list(t, k); len(l) != 1 || l[0] != e {
				t.Errorf("listed %+v", l)
			}
			if _, err := os.Stat(e.Page()); err != nil {
				t.Error(err)
			}
			if files, _ := os.ReadDir(dir); len(files) != 2 {
				t.Errorf("left behind: %v", files)
			}
		})
	}
	t.Run("no folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := report.InFolder(path).Save(reporttest.Clean(t).Seal()); err == nil {
			t.Error("a report was kept in a file")
		}
	})
	t.Run("forged", func(t *testing.T) {
		k, file := report.InFolder(t.TempDir()), reporttest.Clean(t).Seal()
		file[len(file)/2] ^= 1
		if _, err := k.Save(file); err == nil || len(list(t, k)) > 0 {
			t.Errorf("a report that does not verify was kept: %v", err)
		}
	})
}

// TestLast gives the newest report that a next one can go on from.
func TestLast(t *testing.T) {
	k := report.InFolder(t.TempDir())
	first, second := later(t, 0), later(t, 1)
	if v, _, err := k.Last("jsc"); v != nil || err != nil {
		t.Fatalf("%v %v", v, err)
	}
	name := save(t, k, first.Seal()).Name
	damaged := save(t, k, second.Seal())
	if _, got, _ := k.Last("jsc", first.Key); got != damaged.Name {
		t.Errorf("the last one is %s, want %s", got, damaged.Name)
	}
	if err := os.WriteFile(damaged.File, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	v, got, err := k.Last("jsc", first.Key)
	if err != nil || got != name || v == nil || len(v.Heads()) != 7 {
		t.Errorf("the last one is %s (%v), want %s", got, err, name)
	}
	if v, _, _ := k.Last("another"); v != nil {
		t.Error("a report of another pipeline")
	}
	if v, _, _ := k.Last("jsc", reporttest.CleanOf(t, 9).Key); v != nil {
		t.Error("a report that another key signed")
	}
}

// Of reports of one second, whose names do not tell, the last one is the one that was done last.
func TestLastOfASecond(t *testing.T) {
	at := func(e *reporttest.Example, ms int) *reporttest.Example {
		e.Report.Done = e.Report.Began.Truncate(time.Second).Add(time.Hour + time.Duration(ms)*time.Millisecond)
		return e
	}
	k := report.InFolder(t.TempDir())
	save(t, k, at(reporttest.Clean(t), 100).Seal())
	save(t, k, at(reporttest.Clean(t), 300).Seal())
	newest := save(t, k, at(reporttest.Rich(t), 700).Seal())
	save(t, k, at(reporttest.Clean(t), 500).Seal())
	if _, got, err := k.Last("jsc"); got != newest.Name || err != nil {
		t.Errorf("%s, %v; want %s", got, err, newest.Name)
	}
}
