package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/config"
)

// signingFacts is what vouches for the journal: the key, what it signed last, and the trees.
type signingFacts struct {
	key     string // its path
	keyErr  error  // why it cannot be used
	noKey   bool
	mode    uint32
	inside  bool   // the key lies in the data directory
	file    string // of the checkpoints
	fileErr error
	noFile  bool
	heads   int
	trees   int      // that reach what was signed
	short   []string // streams whose tree does not
	treeErr error
}

// askSigning looks at the files and opens none for writing: a tree that hefu opens is cut
// where its last writer stopped.
func askSigning(cfg *config.Config) signingFacts {
	f := signingFacts{key: cfg.KeyFile(), file: checkpoint.FilePath(cfg.DataDir)}
	f.inside = within(f.key, cfg.DataDir)
	f.askKey()
	if _, err := os.Stat(f.file); errors.Is(err, fs.ErrNotExist) {
		f.noFile = true
		return f
	}
	kept, err := checkpoint.OpenFile(f.file)
	if err != nil {
		f.fileErr = err
		return f
	}
	for _, h := range kept.Heads() {
		f.heads++
		info, err := os.Stat(checkpoint.TreePath(cfg.DataDir, h.Journal, h.Ref.Stream))
		switch {
		case err == nil && info.Size() >= tlog.StoredHashCount(int64(h.Ref.Seq))*tlog.HashSize:
			f.trees++
		case err == nil, errors.Is(err, fs.ErrNotExist):
			f.short = append(f.short, h.Ref.Stream.String())
		default:
			f.treeErr = err
		}
	}
	return f
}

func (f *signingFacts) askKey() {
	text, err := os.ReadFile(f.key)
	if errors.Is(err, fs.ErrNotExist) {
		f.noKey = true
		if err := mayUse(filepath.Dir(f.key)); err != nil {
			f.keyErr = fmt.Errorf("it is not there and cannot be made: %w", err)
		}
		return
	}
	if err == nil {
		// The error has nothing of the key in it.
		_, err = note.NewSigner(strings.TrimSpace(string(text)))
	}
	f.keyErr = err
	if info, err := os.Stat(f.key); err == nil {
		f.mode = uint32(info.Mode().Perm())
	}
}

// within reports whether a file lies below a folder.
func within(file, folder string) bool {
	rel, err := filepath.Rel(folder, file)
	return err == nil && filepath.IsLocal(rel)
}
