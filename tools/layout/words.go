package layout

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// pureDomain allows package domain those parts of the standard library that touch nothing outside, and no clock; and the
// tables of charsets.
func pureDomain(t Tree) []Finding {
	allowed := strings.Fields(`bytes cmp crypto/sha256 encoding/base64 encoding/binary encoding/hex encoding/json errors fmt hash hash/crc32
		iter maps math math/bits regexp slices sort strconv strings time unicode unicode/utf16 unicode/utf8 unique
		golang.org/x/text/encoding golang.org/x/text/encoding/simplifiedchinese golang.org/x/text/transform`)
	const why = "domain decides and does nothing: its rules must be provable without a clock, a socket or a file"
	var found []Finding
	for f := range t.product {
		if !under(f.Dir(), "domain") {
			continue
		}
		for _, i := range f.Imports() {
			if i.Ours == "" && !slices.Contains(allowed, i.Path) {
				found = append(found, Finding{t.line(i.Pos), "domain imports " + i.Path, why, "do it in the caller and pass the result in"})
			}
		}
		for call, name := range calls(f) {
			if slices.Contains([]string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.NewTimer", "time.NewTicker", "time.AfterFunc"}, name) {
				found = append(found, Finding{t.line(call.Pos()), "domain calls " + name, why, "take the time as a parameter"})
			}
		}
	}
	return found
}

// calls yields the calls of package functions in f, with their names as package.Function; those within a call of one of
// the functions in except are passed over.
func calls(f File, except ...string) func(yield func(*ast.CallExpr, string) bool) {
	return func(yield func(*ast.CallExpr, string) bool) {
		going := true
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !going {
				return going
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok {
				name := pkg.Name + "." + sel.Sel.Name
				going = yield(call, name)
				return going && !slices.Contains(except, name)
			}
			return true
		})
	}
}

func noInit(t Tree) []Finding {
	var found []Finding
	for _, f := range t.Files {
		for _, decl := range f.AST.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, Finding{
					t.line(fn.Pos()), "func init", "what happens before main can neither be seen, ordered nor given an error",
					"make it a constructor and call it",
				})
			}
		}
	}
	return found
}

// names refuses those that say nothing.
func names(t Tree) []Finding {
	var found []Finding
	empty := regexp.MustCompile(`manager|helper|util|common`)
	seen := map[string]bool{}
	for _, f := range t.Files {
		for _, name := range []string{f.Path, f.AST.Name.Name} {
			place, word := f.Path, empty.FindString(strings.ToLower(name))
			if name != f.Path {
				place = path.Join(f.Dir(), "package "+name)
			}
			if word != "" && !seen[place] {
				seen[place] = true
				found = append(found, Finding{
					place, fmt.Sprintf("is called %q", word), "such a name says that things were put together, not why",
					"name it after what it is in the domain",
				})
			}
		}
	}
	return found
}

// errorTexts refuses errors that begin with the fact that they are errors.
func errorTexts(t Tree) []Finding {
	var found []Finding
	idle := regexp.MustCompile(`(?i)^(.*: )?(failed to|failure to|could not|unable to|cannot|can't|error) `)
	for f := range t.product {
		for call, name := range calls(f) {
			if name != "errors.New" && name != "fmt.Errorf" || len(call.Args) == 0 {
				continue
			}
			text, ok := literal(call.Args[0])
			if phrase := idle.FindStringSubmatch(text); ok && phrase != nil {
				found = append(found, Finding{
					t.line(call.Pos()), fmt.Sprintf("error text with %q", phrase[2]), "every error says that something failed; a reader wants to know what",
					"say what was being done, with its coordinates: fetch %s/%d at %d: %w",
				})
			}
		}
	}
	return found
}

// literal is the text of a string constant, or of the first one in a sum of them.
func literal(e ast.Expr) (string, bool) {
	for {
		sum, ok := e.(*ast.BinaryExpr)
		if !ok {
			break
		}
		e = sum.X
	}
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// noSleep lets a test sleep in virtual time only.
func noSleep(t Tree) []Finding {
	var found []Finding
	for _, f := range t.Files {
		for call, name := range calls(f, "synctest.Test") {
			if f.Test() && name == "time.Sleep" {
				found = append(found, Finding{
					t.line(call.Pos()), "a test sleeps", "it is too short on a slow machine and too long on every other",
					"wait for the condition with a deadline, or use testing/synctest",
				})
			}
		}
	}
	return found
}

func noLeftovers(t Tree) []Finding {
	var found []Finding
	left := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	for _, f := range t.Files {
		for _, group := range f.AST.Comments {
			for _, c := range group.List {
				if word := left.FindString(c.Text); word != "" {
					found = append(found, Finding{
						t.line(c.Pos()), "a comment with " + word, "a note in the code is read by nobody", "do it now, or file it as an issue",
					})
				}
			}
		}
	}
	return found
}
