package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/rebuild"
)

// TestPositions: what --position takes, and what it does not.
func TestPositions(t *testing.T) {
	got, err := positions([]string{"north:0:42", "north:1:7", "cities/QL_JC.x:3:0"})
	if err != nil || got["north"][0] != 42 || got["north"][1] != 7 || len(got["cities/QL_JC.x"]) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "north", "north:0", "north:0:", "north:x:1", "north:0:-1", "north:-1:0", "North:0:1", "north:0:1:2", "north:4294967296:1"} {
		if got, err := positions([]string{bad}); err == nil {
			t.Errorf("%q is taken as %v", bad, got)
		}
	}
}

// TestRebuildCommand: the way of docs/rebuild.md on a stack that was carried and lost its journal.
func TestRebuildCommand(t *testing.T) {
	whole(t)
	k := keep(t)
	file := k.ConfigFile()
	if err := os.RemoveAll(filepath.Join(filepath.Dir(file), "data", "journal")); err != nil {
		t.Fatal(err)
	}
	before := entries(t, filepath.Join(filepath.Dir(file), "data"))
	look := hefu(t, "journal", "rebuild", "-c", file).want(t, exitGood)
	var plan rebuild.Plan
	if err := json.Unmarshal([]byte(hefu(t, "journal", "rebuild", "-c", file, "-o", "json").want(t, exitGood).stdout), &plan); err != nil {
		t.Fatal(err)
	}
	digest := plan.Digest.String()[:12]
	t.Log(look.stdout)
	for _, want := range []string{"in the place of journal ", "GOES ON AT", "nothing was changed", "--approve " + digest} {
		if !strings.Contains(look.stdout, want) {
			t.Errorf("the look does not say %q:\n%s", want, look.stdout)
		}
	}
	if after := entries(t, filepath.Join(filepath.Dir(file), "data")); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Errorf("the look left files: %v, before %v", after, before)
	}
	hefu(t, "journal", "rebuild", "-c", file, "--approve", digest).want(t, exitUnknown) // nobody, for no reason
	hefu(t, "journal", "rebuild", "-c", file, "--approve", "0123456789ab", "--who", "li", "--why", "a typo").want(t, exitUnknown)
	done := hefu(t, "journal", "rebuild", "-c", file, "--approve", digest, "--who", "li", "--why", "the disk is gone, INC-2041").want(t, exitGood)
	t.Log(done.stdout)
	if !strings.Contains(done.stdout, "takes the place of "+plan.Pipelines[0].Old.String()) {
		t.Errorf("it says\n%s", done.stdout)
	}
	show := hefu(t, "journal", "show", "-c", file, plan.Pipelines[0].Name+".control", "2").want(t, exitGood)
	if !strings.Contains(show.stdout, `"Kind":"`+string(domain.KindRebased)+`"`) {
		t.Errorf("the second event is %s", show.stdout)
	}
	again := hefu(t, "journal", "rebuild", "-c", file).want(t, exitNotGood)
	if !strings.Contains(again.stdout, "refused: ") {
		t.Errorf("a journal that was just made is rebuilt again:\n%s", again.stdout)
	}
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}
