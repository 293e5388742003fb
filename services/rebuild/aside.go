package rebuild

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/journal/durable"
	"github.com/hefu-io/hefu/services/config"
)

// What lies below data_dir (services/pipeline, store.go): the embedded store with its manifest, or
// the manifest of an external one.
const (
	journalName  = "journal"
	manifestName = "manifest.json"
)

// moveAside puts the old journal, and the files that remember it, into a folder of their own:
// they are evidence. The trees stay, which lie by journal. Nothing is made in their places before
// all of it is moved and that is written down; so a name that is there again afterwards is the new
// journal's.
func (j *Job) moveAside(done *Done) error {
	if done.Moved {
		return nil
	}
	if err := os.MkdirAll(done.Aside, 0o750); err != nil {
		return fmt.Errorf("make the folder for the old journal: %w", err)
	}
	names := []string{journalName, filepath.Base(checkpoint.FilePath(j.Config.DataDir))}
	if j.Config.Journal.Mode == config.ModeExternal {
		names[0] = manifestName
	}
	for _, name := range names {
		if err := j.write("aside "+name, func() error { return moveInto(done.Aside, j.path(name)) }); err != nil {
			return err
		}
	}
	if err := errors.Join(durable.SyncDir(done.Aside), durable.SyncDir(j.Config.DataDir)); err != nil {
		return fmt.Errorf("move the old journal aside: %w", err)
	}
	moved := *done
	moved.Moved = true
	if err := j.write("moved", func() error { return j.keep(&moved) }); err != nil {
		return err
	}
	done.Moved = true
	return nil
}

// moveInto moves what is at path, if anything is, into a folder, under a name that is free there:
// a start in between, which is refused, may have made an empty journal where the old one lay.
func moveInto(dir, path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	to := filepath.Join(dir, filepath.Base(path))
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return fmt.Errorf("move %s aside: %w", path, err)
		}
		to = filepath.Join(dir, fmt.Sprintf("%s-%d", filepath.Base(path), n))
	}
	if err := os.Rename(path, to); err != nil {
		return fmt.Errorf("move %s aside: %w", path, err)
	}
	return nil
}
