// Package deploy is the files of this folder for programs that need one of them: the
// statements that make the table exist once, in doris.sql.
package deploy

import (
	_ "embed"
	"strings"
)

//go:embed doris.sql
var dorisSQL string

// DorisStatements is doris.sql without its comments, statement by statement: the
// database, and the table with a UNIQUE key, ods.ODS_QL_JC_SSJC.
func DorisStatements() []string {
	var text strings.Builder
	for line := range strings.Lines(dorisSQL) {
		if !strings.HasPrefix(line, "--") {
			text.WriteString(line)
		}
	}
	var out []string
	for statement := range strings.SplitSeq(text.String(), ";") {
		if statement = strings.TrimSpace(statement); statement != "" {
			out = append(out, statement)
		}
	}
	return out
}
