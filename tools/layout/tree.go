// Package layout holds the rules of this repository that a compiler does not know: who may import whom, how long a file
// may be, which words it may not use. `go test ./tools/layout` applies them; each finding says where, what, why, and what
// to do about it. A rule is a pure function over a parsed tree, so that the tests can show each of them a tree that breaks
// it. ARCHITECTURE.md explains the layers.
package layout

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the path that imports of our own begin with.
const Module = "github.com/hefu-io/hefu"

// Tree is a repository as far as the rules look at it.
type Tree struct {
	Folders []string // at the top, without those that begin with a dot
	Files   []File   // all Go files, by path
	fset    *token.FileSet
}

// File is one Go file.
type File struct {
	Path  string // from the root, with slashes
	Lines int
	AST   *ast.File
}

// Dir is the package's folder, "" for the root.
func (f File) Dir() string {
	if dir := path.Dir(f.Path); dir != "." {
		return dir
	}
	return ""
}

// Test says whether the file belongs to tests.
func (f File) Test() bool { return strings.HasSuffix(f.Path, "_test.go") }

// Import is one import of a file.
type Import struct {
	Path string
	Ours string // the folder, where it is a package of this module; "." for its root
	Pos  token.Pos
}

// Imports lists what f imports.
func (f File) Imports() []Import {
	var imports []Import
	for _, spec := range f.AST.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser lets no such file through
		}
		i := Import{Path: name, Pos: spec.Pos()}
		if ours, ok := strings.CutPrefix(name, Module+"/"); ok {
			i.Ours = ours
		} else if name == Module {
			i.Ours = "."
		}
		imports = append(imports, i)
	}
	return imports
}

// Read parses the repository at root. Folders named testdata or bin, and those with a leading dot, are passed over.
func Read(root fs.FS) (Tree, error) {
	tree := Tree{fset: token.NewFileSet()}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if base := d.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || name == "bin") {
				return fs.SkipDir
			}
			if name != "." && !strings.Contains(name, "/") {
				tree.Folders = append(tree.Folders, name)
			}
			return nil
		case path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(tree.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		tree.Files = append(tree.Files, File{Path: name, Lines: bytes.Count(text, []byte("\n")), AST: file})
		return nil
	})
	slices.SortFunc(tree.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return tree, err
}

// Finding is one breach of a rule.
type Finding struct {
	Where string // path or path:line
	What  string
	Why   string
	Do    string
}

// String is the finding as a test prints it.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s\n\twhy: %s\n\tdo:  %s", f.Where, f.What, f.Why, f.Do)
}

// line is the place of pos, as path:line.
func (t Tree) line(pos token.Pos) string {
	p := t.fset.Position(pos)
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// product yields the files that are not tests.
func (t Tree) product(yield func(File) bool) {
	for _, f := range t.Files {
		if !f.Test() && !yield(f) {
			return
		}
	}
}
