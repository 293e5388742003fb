package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// In a data directory: the file of the newest signed heads, and a folder of trees for each
// journal.
const (
	fileName  = "checkpoints"
	treesName = "trees"
	treeExt   = ".tree"
)

// FilePath is where the newest signed heads are.
func FilePath(dataDir string) string { return filepath.Join(dataDir, fileName) }

// TreePath is where a stream's tree is.
func TreePath(dataDir string, id domain.JournalID, s domain.Stream) string {
	return filepath.Join(dataDir, treesName, id.String(), s.String()+treeExt)
}

// Trees lists the streams of a journal that have a tree in a data directory.
func Trees(dataDir string, id domain.JournalID) ([]domain.Stream, error) {
	list, err := os.ReadDir(filepath.Join(dataDir, treesName, id.String()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list trees: %w", err)
	}
	var out []domain.Stream
	for _, f := range list {
		name, ok := strings.CutSuffix(f.Name(), treeExt)
		if !ok {
			continue
		}
		s, err := domain.ParseStream(name)
		if err != nil {
			return nil, fmt.Errorf("list trees: %s: %w", f.Name(), err)
		}
		out = append(out, s)
	}
	return out, nil
}

// TreeError says that a tree is not the one that was signed, though the stream leads to the
// signed event.
type TreeError struct {
	Path string
	Why  string
}

// Error says what to do.
func (e *TreeError) Error() string {
	return fmt.Sprintf("the Merkle tree in %s is damaged: %s. Nothing is signed with it. Run `hefu journal verify --deep`, and if that finds nothing move the file away: "+
		"it is made again from the stream, and compared with what was signed", e.Path, e.Why)
}

// ExitCode is 2: only an operator can mend it.
func (e *TreeError) ExitCode() int { return 2 }

// Vouch compares a tree with heads of its stream that were signed before. Those beyond the
// tree are for when it has grown. Errors: *TreeError.
func (t *Tree) Vouch(path string, heads ...domain.TreeHead) error {
	for _, h := range heads {
		size := int64(h.Ref.Seq)
		if size > t.Size() {
			if t.Torn() > 0 {
				return &TreeError{path, fmt.Sprintf("it does not hold together after %d events, of which %d were signed", t.Size(), size)}
			}
			continue
		}
		root, err := t.Root(size)
		if err != nil {
			return err
		}
		holds, err := t.Holds(h.Ref.Seq, h.Ref.Hash)
		if err != nil {
			return err
		}
		if root != h.Root || !holds {
			return &TreeError{path, fmt.Sprintf("its root of %d events is %s, and %s was signed", size, root, h.Root)}
		}
	}
	return nil
}
