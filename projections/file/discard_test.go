package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/file"
)

// What is half written goes with its cursor, a file that is whole stays, and the folder with it;
// said twice, and where something cannot be removed, nothing else is lost.
func TestDiscard(t *testing.T) {
	dir, plan := t.TempDir(), domain.PlanID{7}
	write := func(shard int, ending string) string {
		t.Helper()
		path := filepath.Join(dir, file.Name(plan, shard)+ending)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte("{}\n"), 0o600))
		return path
	}
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }
	whole, part, cursor := write(0, ""), write(1, ".part"), write(1, ".cursor")
	for range 2 {
		must(t, file.Discard(dir, plan, 1))
		if there(part) || there(cursor) || !there(whole) {
			t.Errorf("part %t, cursor %t, whole %t", there(part), there(cursor), there(whole))
		}
	}
	must(t, file.Discard(dir, plan, 0))
	if !there(whole) {
		t.Error("a file that is whole was discarded")
	}
	must(t, os.Remove(whole))
	cursor = write(1, ".cursor")
	held := filepath.Join(dir, file.Name(plan, 1)+".part")
	must(t, os.MkdirAll(filepath.Join(held, "in the way"), 0o700))
	if err := file.Discard(dir, plan, 1); err == nil || !there(cursor) {
		t.Errorf("it cannot be removed: %v, cursor %t", err, there(cursor))
	}
	must(t, os.RemoveAll(held))
	must(t, file.Discard(dir, plan, 1))
	if there(filepath.Dir(held)) {
		t.Error("the folder stays, and nothing is in it")
	}
}
