package doris

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// columnType is a column's type under one name, whatever the version of Doris calls it.
type columnType struct {
	name string // in lower case
	size int    // of a text its bytes, of a DATETIME its digits of a second
}

// maxVarchar is the length of a VARCHAR that says none.
const maxVarchar = 65_533

// parseType reads COLUMN_TYPE of information_schema.columns. It says bigint(20), int(11),
// datetime(6), datetimev2(6), string or text for what CREATE TABLE calls BIGINT, INT,
// DATETIME(6) and STRING (be: schema_columns_scanner.cpp).
func parseType(text string) columnType {
	name, size, sized := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "(")
	t := columnType{name: strings.TrimSpace(name)}
	n, err := strconv.Atoi(strings.TrimRight(size, ") "))
	switch t.name {
	case "text":
		t.name = "string"
	case "integer":
		t.name = "int"
	case "jsonb":
		t.name = "json"
	case "varchar", "char":
		t.size = n
		if err != nil {
			t.size = maxVarchar
		}
	case "datetime", "datetimev2":
		t.name, t.size = "datetime", n
	case "tinyint", "smallint", "int", "bigint", "largeint", "float", "double":
		// The number in brackets is a width to print in.
	default:
		if sized {
			t.name += "(" + size
		}
	}
	return t
}

// String is the type as CREATE TABLE writes it, in lower case.
func (t columnType) String() string {
	if t.size == 0 {
		return t.name
	}
	return fmt.Sprintf("%s(%d)", t.name, t.size)
}

// unquoted takes the texts out of a statement, so that what a comment says is not read.
func unquoted(ddl string) string {
	return regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`).ReplaceAllString(ddl, "''")
}

// parseKey reads a table's key out of SHOW CREATE TABLE, which says it the same way in
// every version; COLUMN_KEY of information_schema.columns depends on a session's
// switches. A table without one is a DUPLICATE table that keeps no order.
func parseKey(ddl string) (model string, key []string) {
	m := regexp.MustCompile(`(?i)\b(UNIQUE|DUPLICATE|AGGREGATE|PRIMARY)\s+KEY\s*\(([^)]*)\)`).FindStringSubmatch(unquoted(ddl))
	if m == nil {
		return "DUPLICATE", nil
	}
	for name := range strings.SplitSeq(m[2], ",") {
		key = append(key, strings.Trim(name, "` \t\r\n"))
	}
	return strings.ToUpper(m[1]), key
}

// fillsItself reports whether SHOW CREATE TABLE gives a column a default, a counter or an
// expression; information_schema.columns tells of the first only.
func fillsItself(ddl, column string) bool {
	at := `(?i)[\s,(` + "`" + `]` + regexp.QuoteMeta(column) + "`?" + `\s+\w+(?:\s*\([^)]*\))?[^,]*?\b(?:DEFAULT\b|AUTO_INCREMENT\b|AS\s*\()`
	return regexp.MustCompile(at).MatchString(unquoted(ddl))
}

// createTable is deploy/doris.sql for one table, on one line.
func createTable(quoted, model string, needs rowNeeds) string {
	var columns []string
	for _, w := range wanted(needs) {
		null := "NOT NULL"
		if w.null {
			null = "NULL"
		}
		columns = append(columns, w.name+" "+w.ddl+" "+null)
	}
	kind, properties := "UNIQUE", `"enable_unique_key_merge_on_write" = "true", `
	if strings.EqualFold(model, "duplicate") {
		kind, properties = "DUPLICATE", ""
	}
	key := "(" + keyPartition + ", " + keyOffset + ")"
	return "CREATE TABLE " + quoted + " (" + strings.Join(columns, ", ") + ") " + kind + " KEY " + key +
		" DISTRIBUTED BY HASH " + key + ` BUCKETS 32 PROPERTIES (` + properties + `"replication_num" = "3");`
}
