package layout

// Rule is one thing that the repository promises.
type Rule struct {
	Name  string
	Check func(Tree) []Finding
}

// Rules lists all of them.
func Rules() []Rule {
	return []Rule{
		{"folders at the top", topFolders},
		{"direction of imports", direction},
		{"foreign modules in their layer", foreign},
		{"contract suites in tests only", contracts},
		{"depth of imports", depth},
		{"domain is pure", pureDomain},
		{"package comments", packageComments},
		{"size of files", fileSize},
		{"size of functions", functionSize},
		{"median file", medianFile},
		{"no init", noInit},
		{"names", names},
		{"error texts", errorTexts},
		{"no sleeping tests", noSleep},
		{"nothing left to do", noLeftovers},
	}
}
