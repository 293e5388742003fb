package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTextsAreThere: each exhibit fits the code as it is, so that whoever changes the
// code sees at once that an exhibit has to follow.
func TestTextsAreThere(t *testing.T) {
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, x := range exhibits() {
		if names[x.name] || x.name == "" || x.why == "" || x.pkg == "" || x.tests == "" || len(x.edits) == 0 {
			t.Errorf("%q is there twice, or has a field without a value", x.name)
		}
		names[x.name] = true
		if _, err := x.overlay(root, t.TempDir()); err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

// TestShow: what is caught and what is not, on a module of two functions.
func TestShow(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.test/m\n\ngo 1.26\n",
		"m.go":   "package m\n\nfunc one() int { return 1 }\n\nfunc two() int { return 1 + 1 }\n",
		"m_test.go": "package m\n\nimport \"testing\"\n\nfunc TestOne(t *testing.T) {\n\tif one() != 1 {\n\t\tt.Error(\"not one\")\n\t}\n}\n\n" +
			"func TestHangs(t *testing.T) {\n\tif two() != 2 {\n\t\tpanic(\"not two\")\n\t}\n}\n\n" +
			"func TestLeftOut(t *testing.T) {\n\tt.Skip()\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		from, to, tests string
		caught          bool
		says            string
	}{
		"caught":       {"return 1 }", "return 3 }", "TestOne$", true, "by TestOne"},
		"panics":       {"1 + 1", "2 + 1", "Test", true, "by TestHangs"},
		"not caught":   {"return 1 }", "return 2 - 1 }", "TestOne$", false, "no test caught it"},
		"other tests":  {"return 1 }", "return 3 }", "TestHangs$", false, "no test caught it"},
		"no such test": {"return 1 }", "return 3 }", "TestNone$", false, "no test caught it"},
		"no Go":        {"return 1 }", "return one }", "Test", false, "it does not compile"},
		"not there":    {"return 7", "return 3", "Test", false, "has 0 times"},
		"ambiguous":    {"return 1", "return 3", "Test", false, "has 2 times"},
	} {
		t.Run(name, func(t *testing.T) {
			x := exhibit{name, "because", one("m.go", c.from, c.to), ".", c.tests}
			line, caught := x.show(t.Context(), root)
			if caught != c.caught || !strings.Contains(line, c.says) || !strings.Contains(line, "because") {
				t.Errorf("caught: %t: %s", caught, line)
			}
		})
	}
	good := exhibit{"x", "y", one("m.go", "1 + 1", "2 + 1"), ".", "TestHangs$"}
	if err := asTheyAre(t.Context(), root, []exhibit{good}); err != nil {
		t.Errorf("the unchanged module: %v", err)
	}
	for name, tests := range map[string]string{"without a test": "TestNone$", "with one that is skipped": "TestOne$|TestLeftOut$"} {
		none := good
		none.tests = tests
		if err := asTheyAre(t.Context(), root, []exhibit{none}); err == nil || !strings.Contains(err.Error(), "must pass") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if line, caught := good.show(ended, root); caught {
		t.Errorf("interrupted: %s", line)
	}
}
