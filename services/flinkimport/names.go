package flinkimport

import (
	"fmt"
	"slices"
	"strings"
)

// identifier makes a name of a-z, 0-9 and - of any text, at most 32 long.
func identifier(text, otherwise string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, text)
	for strings.Contains(out, "--") {
		out = strings.ReplaceAll(out, "--", "-")
	}
	out = strings.Trim(out, "-")
	if len(out) > 32 {
		out = strings.TrimRight(out[:32], "-")
	}
	if out == "" {
		return otherwise
	}
	return out
}

// sourceIDs makes ids of the names of tables: what tells them apart, as nj of NJ_QL_JC_SSJC_SOURCE beside
// WX_QL_JC_SSJC_SOURCE. They are different, whatever the names are.
func sourceIDs(names []string) []string {
	suffix := ""
	if len(names) > 1 {
		suffix = commonSuffix(names)
	}
	var out []string
	for _, n := range names {
		short := strings.TrimSuffix(n, suffix)
		if len(names) == 1 {
			if head, _, found := strings.Cut(n, "_"); found {
				short = head
			}
		}
		id := identifier(short, "source")
		for i, base := 2, id; slices.Contains(out, id); i++ {
			id = fmt.Sprintf("%.29s-%d", base, i)
		}
		out = append(out, id)
	}
	return out
}

// commonSuffix is the longest end that all names have, from a _ on, and that leaves something of each.
func commonSuffix(names []string) string {
	for i := range names[0] {
		suffix := names[0][i:]
		if i > 0 && strings.HasPrefix(suffix, "_") && !slices.ContainsFunc(names, func(n string) bool {
			return !strings.HasSuffix(n, suffix) || len(n) == len(suffix)
		}) {
			return suffix
		}
	}
	return ""
}
