package layout

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

const (
	maxFile     = 400
	maxFunction = 70
	maxMedian   = 150
)

func topFolders(t Tree) []Finding {
	must := []string{"deploy", "domain", "journal", "projections", "services", "tools"}
	var found []Finding
	for _, folder := range t.Folders {
		if folder != "docs" && !slices.Contains(must, folder) {
			found = append(found, Finding{
				folder, "a folder that has no place", "a reader knows the whole tree from six names",
				"move it into one of " + strings.Join(must, ", "),
			})
		}
	}
	for _, folder := range must {
		if !slices.Contains(t.Folders, folder) {
			found = append(found, Finding{folder, "is missing", "a reader knows the whole tree from six names", "put it back"})
		}
	}
	return found
}

func fileSize(t Tree) []Finding {
	var found []Finding
	for _, f := range t.Files {
		if f.Lines > maxFile {
			found = append(found, Finding{
				f.Path, fmt.Sprintf("%d lines; at most %d", f.Lines, maxFile), "a file is one idea",
				"find the second idea and give it a file and a name",
			})
		}
	}
	return found
}

func functionSize(t Tree) []Finding {
	var found []Finding
	for f := range t.product {
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := t.fset.Position(fn.End()).Line - t.fset.Position(fn.Pos()).Line + 1
			if lines > maxFunction {
				found = append(found, Finding{
					t.line(fn.Pos()), fmt.Sprintf("%s has %d lines; at most %d", fn.Name.Name, lines, maxFunction),
					"a function fits on a screen", "name its steps and make them functions; decide in one, act in another",
				})
			}
		}
	}
	return found
}

func medianFile(t Tree) []Finding {
	var lines []int
	for f := range t.product {
		lines = append(lines, f.Lines)
	}
	slices.Sort(lines)
	if len(lines) == 0 || lines[len(lines)/2] <= maxMedian {
		return nil
	}
	return []Finding{{
		".", fmt.Sprintf("the median file has %d lines; at most %d", lines[len(lines)/2], maxMedian),
		"large files are to be the exception", "split the largest ones by idea",
	}}
}

func packageComments(t Tree) []Finding {
	documented := map[string]bool{}
	for f := range t.product {
		documented[f.Dir()] = documented[f.Dir()] || f.AST.Doc.Text() != ""
	}
	var found []Finding
	for _, f := range t.Files {
		if has, product := documented[f.Dir()]; product && !has {
			found = append(found, Finding{
				f.Dir(), "has no package comment", "the first word that a reader sees is what the package is for",
				"write one above the package clause of its main file: // Package " + f.AST.Name.Name + " …",
			})
			documented[f.Dir()] = true
		}
	}
	return found
}
