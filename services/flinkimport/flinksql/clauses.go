package flinksql

import "slices"

// Clause is a part of a query that makes it real stream processing, or leaves rows out: Hefu moves rows as they are.
type Clause struct {
	Pos  Pos
	Name string
	Why  string
}

// The reasons.
const (
	whyJoin   = "rows of two tables become one; Hefu carries each row as it is"
	whyState  = "it keeps state over many rows; Hefu carries each row as it is"
	whyFewer  = "rows would be left out, and whether a row is missing could not be told any more"
	whyNested = "a query in a query"
	whyOrder  = "a stream has no order to give it"
	whyCase   = "values would be computed; Hefu carries each row as it is"
)

// clauses finds them by their words, so that all of a statement are named at once.
func clauses(tokens []token) []Clause {
	first := word(tokens, 0)
	if first != "INSERT" && (first != "CREATE" || kindWord(tokens) != "TABLE") && first != "SELECT" && first != "WITH" && first != "VALUES" {
		return nil
	}
	var out []Clause
	add := func(t token, name, why string) { out = append(out, Clause{t.Pos, name, why}) }
	if first == "WITH" {
		add(tokens[0], "WITH … AS (…)", whyNested)
	}
	query := first != "CREATE" // a column or a comment of a table is none of these
	for i, t := range tokens {
		w := word(tokens, i)
		if first == "CREATE" && w == "SELECT" && !query {
			query = true
			add(t, "CREATE TABLE … AS SELECT", "the table's columns and its rows come from a query: write CREATE TABLE and INSERT")
		}
		if !query {
			continue
		}
		if name, why := clause(tokens, i); name != "" {
			add(t, name, why)
		}
	}
	return out
}

// onlyWhere says whether the statement can still be read by the grammar.
func onlyWhere(all []Clause) bool {
	return !slices.ContainsFunc(all, func(c Clause) bool { return c.Name != "WHERE" })
}

// clause says whether token i begins one.
func clause(tokens []token, i int) (name, why string) {
	before, after := word(tokens, i-1), word(tokens, i+1)
	called := i+1 < len(tokens) && tokens[i+1].is("(")
	switch w := word(tokens, i); w {
	case "JOIN":
		switch before {
		case "LEFT", "RIGHT", "FULL", "CROSS", "INNER", "NATURAL", "OUTER":
			w = before + " " + w
		}
		return w, whyJoin
	case "LATERAL", "UNNEST":
		return w, whyJoin
	case "GROUP", "ORDER":
		if after == "BY" && w == "GROUP" {
			return "GROUP BY", whyState
		}
		if after == "BY" {
			return "ORDER BY", whyOrder
		}
	case "HAVING", "MATCH_RECOGNIZE", "OVER", "WINDOW":
		return w, whyState
	case "DISTINCT":
		return w, whyState
	case "TUMBLE", "HOP", "CUMULATE", "SESSION":
		if called {
			return "window " + w, whyState
		}
	case "COUNT", "SUM", "MIN", "MAX", "AVG", "LISTAGG", "COLLECT", "FIRST_VALUE", "LAST_VALUE", "ROW_NUMBER", "RANK", "DENSE_RANK":
		if called {
			return "aggregate " + w, whyState
		}
	case "WHERE", "LIMIT", "FETCH", "TABLESAMPLE", "INTERSECT", "EXCEPT", "MINUS":
		if w == "MINUS" && after != "SELECT" {
			return "", ""
		}
		return w, whyFewer
	case "UNION":
		if after != "ALL" {
			return "UNION without ALL", "equal rows would become one"
		}
	case "CASE":
		return w, whyCase
	case "EXISTS":
		return w, whyNested
	case "VALUES":
		return w, "the rows are in the SQL itself"
	case "SELECT":
		return nested(tokens, i)
	default:
		return commaJoin(tokens, i)
	}
	return "", ""
}

// nested says whether the SELECT at i is a query in a query; a branch of a UNION may have brackets, too.
func nested(tokens []token, i int) (name, why string) {
	j := i - 1
	for j >= 0 && tokens[j].is("(") {
		j--
	}
	if j == i-1 || j < 0 {
		return "", ""
	}
	if before := tokens[j]; before.upper() == "FROM" || before.upper() == "IN" || before.upper() == "EXISTS" || before.kind == "Operator" || before.upper() == "AS" || i-1-j > 1 {
		return "subquery", whyNested
	}
	return "", ""
}

// commaJoin finds FROM a, b.
func commaJoin(tokens []token, i int) (name, why string) {
	if !tokens[i].is(",") {
		return "", ""
	}
	depth := 0
	for j := i - 1; j >= 0; j-- {
		switch {
		case tokens[j].is(")") || tokens[j].kind == "HintEnd":
			depth++
		case (tokens[j].is("(") || tokens[j].kind == "HintStart") && depth == 0:
			return "", ""
		case tokens[j].is("(") || tokens[j].kind == "HintStart":
			depth--
		case depth == 0 && word(tokens, j) == "FROM":
			return "FROM with several tables", whyJoin
		case depth == 0 && (word(tokens, j) == "SELECT" || word(tokens, j) == "WHERE"):
			return "", ""
		}
	}
	return "", ""
}
