package doris

import (
	"fmt"
	"strings"
)

// createSQL is SHOW CREATE TABLE: the columns as they are now, in a front end's layout. Where rows lie stays in the words
// of the statement that made the table, for it means nothing here.
func (t *Table) createSQL() string {
	columns, key := make([]string, len(t.Columns)), []string{}
	for i, c := range t.Columns {
		name := "`" + strings.ReplaceAll(c.Name, "`", "``") + "`"
		if c.Key {
			key = append(key, name)
		}
		columns[i] = "  " + name + " " + c.Type.String() + map[bool]string{true: " NOT NULL", false: " NULL"}[c.NotNull]
		if c.Default != nil {
			columns[i] += fmt.Sprintf(" DEFAULT %q", *c.Default)
		}
		if c.Comment != "" {
			columns[i] += " COMMENT '" + strings.ReplaceAll(c.Comment, "'", `\'`) + "'"
		}
	}
	return "CREATE TABLE `" + strings.ReplaceAll(t.Name, "`", "``") + "` (\n" + strings.Join(columns, ",\n") + "\n) ENGINE=OLAP\n" +
		string(t.Model) + "(" + strings.Join(key, ", ") + ")\nCOMMENT '" + strings.ReplaceAll(t.comment(), "'", `\'`) + "'\n" + t.Placement + ";"
}

// comment is a table's comment as Doris shows it: of a table without one the kind of its engine (fe: Table.getComment).
func (t *Table) comment() string {
	if t.Comment == "" {
		return "OLAP"
	}
	return t.Comment
}
